# SPDX-License-Identifier: Apache-2.0
"""How much of a recording is missing when the bench is killed at a random moment, twenty times.

    python tests/benchmarks/bench_kill.py [KILLS]

Prints the age of the newest sample in the file at each kill. While it records, inference runs.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from monitor_app.bench.client import BenchClient
from monitor_app.core.errors import SessionError
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.host_time import host_time_ns
from monitor_app.session.reader import SessionReader


def main(kills: int) -> None:
    """Kill, look, report."""
    chance = random.Random(1)
    ages_ms = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(kills):
            session = Path(folder) / f"{k}.plm"
            client = BenchClient(profile_path("simulated-tx1"), session)
            wait_for_samples(session)
            time.sleep(chance.uniform(0.5, 9.0))
            killed_ns = host_time_ns()
            os.kill(client.pid, signal.SIGKILL)
            client.close()
            with SessionReader(session) as reader:
                extent = reader.extent()
                assert extent is not None
                coverage = reader.statistics(3, extent.start_ns, extent.end_ns).coverage
            db = sqlite3.connect(session)
            check = db.execute("PRAGMA integrity_check").fetchone()[0]
            db.close()
            ages_ms.append((killed_ns - extent.end_ns) * 1e-6)
            print(f"{k + 1:3d}: {extent.duration_s:5.1f} s recorded, {ages_ms[-1]:6.1f} ms missing, "
                  f"coverage {coverage:.4f}, integrity {check}")  # fmt: skip
    ages_ms.sort()
    print(f"missing: median {ages_ms[len(ages_ms) // 2]:.0f} ms, most {ages_ms[-1]:.0f} ms of {kills} kills")


def wait_for_samples(session: Path) -> None:
    """Until the file has something in it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if session.exists() and session.stat().st_size > 0:
            try:
                with SessionReader(session) as reader:
                    if reader.extent() is not None:
                        return
            except SessionError:
                pass  # being created just now
        time.sleep(0.05)
    raise SystemExit("the bench recorded nothing")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
