# SPDX-License-Identifier: Apache-2.0
"""Whether every serial meter is read at its full rate without a loss, with the window open and inference running.

python tests/benchmarks/bench_full_rate.py [SECONDS [NAME...]]

A minute each by default; docs/performance.md has ten. Names choose among the meters. The figures are from the session
file.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from monitor_process import monitor

from monitor_app.session.reader import SessionReader

SOURCES = {
    "powersensor3": 'kind = "powersensor3"',
    "ppk2": 'kind = "ppk2"\nsupply_v = 5.0',
    "shunt-250k": 'kind = "shunt"\nrate_hz = 250000',
    "shunt-1M": 'kind = "shunt"\nrate_hz = 1000000',
}
PLAN = """
[inference]
threads = 1
[plan]
networks = ["squeezenet1_1", "resnet18"]
cycles = 0
"""


def main(seconds: float, names: list[str]) -> None:
    """One line a meter; ends with 1 where a sample was lost."""
    lost = sum(measure(name, seconds) for name in names)
    raise SystemExit(1 if lost else 0)


def measure(name: str, seconds: float) -> int:
    """Record for so long; the samples lost."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        profile = folder / "profile.toml"
        profile.write_text(f'title = "{name}"\n[[source]]\n{SOURCES[name]}\nemulate = "tx1"\n{PLAN}')
        with monitor(profile, folder) as running:
            time.sleep(10)
            processes = running.processes
            before = {key: sum(p.cpu_times()[:2]) for key, p in processes.items()}
            began = time.monotonic()
            time.sleep(seconds)
            elapsed_s = time.monotonic() - began
            used = {
                key: (sum(p.cpu_times()[:2]) - before[key]) / elapsed_s
                for key, p in processes.items()
                if p.is_running()
            }
            session = running.session
        assert session is not None
        return report(name, session, used)


def report(name: str, session: Path, used: dict[str, float]) -> int:
    with SessionReader(session) as reader:
        gaps = reader.gaps()
        signal = next(s for s in reader.signals() if not s.is_product)
        extent = reader.extent()
        assert extent is not None
        statistics = reader.statistics(signal.id, extent.start_ns, extent.end_ns)
        runs = sum(run.state == "done" for run in reader.runs())
        clock = reader.clock(1)
        lost = sum(gap.n for gap in gaps)
        shares = ", ".join(f"{key.split('.')[-1]} {share:.0%}" for key, share in used.items())
        bound_us = clock.bound_ns / 1000 if clock else float("nan")
        print(
            f"{name}: {extent.duration_s:.0f} s, {statistics.count} samples, {lost} lost, "
            f"{runs} runs done, clock ± {bound_us:.0f} us ({clock.method if clock else ''}), "
            f"{session.stat().st_size / 1e6:.0f} MB; of a core: {shares}",
            flush=True,
        )
        for gap in gaps[:5]:
            print(f"  gap of {gap.n} at {(gap.start_ns - extent.start_ns) * 1e-9:.3f} s: {gap.reason}")
    return lost


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, sys.argv[2:] or list(SOURCES))
