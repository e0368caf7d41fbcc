# SPDX-License-Identifier: Apache-2.0
"""What the monitor itself costs: share of a core of window and bench at 50 kSa/s, with and without inference.

python tests/benchmarks/bench_cpu.py [SECONDS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from monitor_process import NETWORK_PROFILE, monitor


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
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
