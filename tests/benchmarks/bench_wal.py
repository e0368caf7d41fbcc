# SPDX-License-Identifier: Apache-2.0
"""A recording while another program holds a snapshot of its file.

    python tests/benchmarks/bench_wal.py [SECONDS [HELD_SECONDS [SAMPLES_PER_SECOND]]]

An hour at 1 MSa/s with ten minutes of snapshot by default. Prints how large the -wal became, when the user was told,
how soon it was small again, the longest time without a commit, the forecast of the disk, and the samples lost. Ends
with 1 where one was lost, or where the -wal exceeded 64 MB without a word.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor_app.bench.bench import Bench
from monitor_app.core.garbage import keep_what_is_there
from monitor_app.session.reader import SessionReader
from monitor_app.session.wal import BACKLOG_BYTES, HELD_BYTES
from monitor_app.sources.profile_reader import parse_profile

PROFILE = 'title = "A snapshot"\n[[source]]\nkind = "shunt"\nrate_hz = {rate_hz:.0f}\nemulate = "tx1"\n'
STRANGER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM samples").fetchone()[0], flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""
EVERY_S = 0.05
PROGRESS_S = 10.0


def main(seconds: float, held_s: float, rate_hz: float) -> int:
    """Record, hold, look, report; the exit code."""
    text = PROFILE.format(rate_hz=rate_hz)
    with tempfile.TemporaryDirectory() as folder:
        session = Path(folder) / "s.plm"
        bench = Bench(parse_profile(text, "benchmark"), text, session)
        keep_what_is_there()
        try:
            good = watch(bench, session, seconds, held_s)
        finally:
            bench.close()
        with SessionReader(session) as reader:
            extent = reader.extent()
            assert extent is not None
            lost = reader.lost_samples()
            counted = reader.statistics(1, extent.start_ns, extent.end_ns)
            print(f"{extent.duration_s:.0f} s, {counted.count} samples, {lost} lost, coverage {counted.coverage:.6f}")
            for row in reader.log():
                print(f"  {(row.host_ns - extent.start_ns) * 1e-9:7.1f} s  {row.text}")
        print(f"left: {sorted(entry.name for entry in Path(folder).iterdir())}; {bench.failure or 'no failure'}")
    return 0 if good and not lost and bench.failure is None else 1


def watch(bench: Bench, session: Path, seconds: float, held_s: float) -> bool:
    """Whether the user was told as soon as the -wal was large."""
    wal = session.with_name("s.plm-wal")
    began, hold_at = time.monotonic(), min(30.0, seconds / 5)
    stranger: subprocess.Popen[bytes] | None = None
    most = told_bytes = 0
    small_s: float | None = None
    released_s = longest_s = 0.0
    changed, last_size = began, -1
    shown = itertools.count(PROGRESS_S, PROGRESS_S)
    next_shown = next(shown)
    while (elapsed_s := time.monotonic() - began) < seconds:
        time.sleep(EVERY_S)
        status, size = bench.status(), wal.stat().st_size
        most = max(most, size)
        grown = session.stat().st_mtime_ns + wal.stat().st_mtime_ns
        if grown != last_size:
            if last_size != -1:
                longest_s = max(longest_s, time.monotonic() - changed)
            changed, last_size = time.monotonic(), grown
        if stranger is None and elapsed_s >= hold_at:
            stranger = subprocess.Popen([sys.executable, "-c", STRANGER, str(session), str(held_s)])
        if status.message and not told_bytes and "-wal" in status.message:
            told_bytes = size
            print(f"told at {elapsed_s:.1f} s with {size / 1e6:.0f} MB: {status.message}", flush=True)
        if stranger is not None and not released_s and stranger.poll() is not None:
            released_s = elapsed_s
        if released_s and small_s is None and size <= BACKLOG_BYTES:
            small_s = elapsed_s - released_s
        if elapsed_s >= next_shown:
            next_shown = next(shown)
            left = "-" if status.disk_left_s is None else f"{status.disk_left_s / 3600:.1f} h"
            print(f"{elapsed_s:6.0f} s  file {session.stat().st_size / 1e6:7.0f} MB  -wal {size / 1e6:6.0f} MB  "
                  f"disk lasts {left}", flush=True)  # fmt: skip
    if stranger is not None:
        stranger.kill()
        stranger.wait()
    again = "not" if small_s is None else f"{small_s:.1f} s after it was released"
    print(f"-wal at most {most / 1e6:.0f} MB, small again {again}; longest time without a commit {longest_s:.2f} s")
    return 0 < told_bytes < 2 * HELD_BYTES or most < HELD_BYTES


if __name__ == "__main__":
    numbers = [float(text) for text in sys.argv[1:4]]
    sys.exit(main(*numbers, *(3600.0, 600.0, 1e6)[len(numbers) :]))
