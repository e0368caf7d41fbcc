# SPDX-License-Identifier: Apache-2.0
"""What the monitor itself costs: share of a core of window and bench at 50 kSa/s, with and without inference.

Then of a window that shows a recorded session and is left alone.

python tests/benchmarks/bench_cpu.py [SECONDS] [idle]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from monitor_process import NETWORK_PROFILE, monitor


def idle(seconds: float) -> None:
    """A session of twenty seconds with its runs."""
    with tempfile.TemporaryDirectory() as name:
        session = Path(name) / "s.plm"
        command = [sys.executable, "-m", "monitor_app", "record", "simulated-tx1-canziani2016", "-o", str(session)]
        subprocess.run([*command, "--duration", "20"], check=True, capture_output=True)
        with monitor(session, Path(name)) as running:
            time.sleep(10)
            window = running.processes["window"]
            before = sum(window.cpu_times()[:2])
            time.sleep(seconds)
            share, memory = (sum(window.cpu_times()[:2]) - before) / seconds, window.memory_info().rss / 1e6
        print(f"a recorded session, left alone: window {share:.1%} of a core, {memory:.0f} MB")


def main(seconds: float) -> None:
    """Sample the processor time of each process over the same span."""
    for name, text in (("monitoring only", NETWORK_PROFILE.split("[inference]")[0]), ("with inference", None)):
        with tempfile.TemporaryDirectory() as folder_name:
            folder = Path(folder_name)
            profile = folder / "profile.toml"
            profile.write_text(text or NETWORK_PROFILE.format(network="resnet18", timed_s=seconds + 20))
            with monitor(profile, folder) as running:
                time.sleep(10)
                processes = running.processes
                before = {key: sum(p.cpu_times()[:2]) for key, p in processes.items()}
                time.sleep(seconds)
                shares = {key: (sum(p.cpu_times()[:2]) - before[key]) / seconds for key, p in processes.items()}
                memory = {key: p.memory_info().rss / 1e6 for key, p in processes.items()}
        print(f"{name}: " + ", ".join(f"{key} {shares[key]:.1%} of a core, {memory[key]:.0f} MB" for key in shares))


if __name__ == "__main__":
    length_s = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    if "idle" not in sys.argv[2:]:
        main(length_s)
    idle(length_s)
