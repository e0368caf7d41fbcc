# SPDX-License-Identifier: Apache-2.0
"""From typing `monitor-app` to the first live sample painted in the window, warm.

    python tests/benchmarks/bench_start.py [STARTS]

Each start is a process of its own, which notes when its first trace with samples has been painted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from monitor_app.core.host_time import host_time_ns

PROBE = """
import sys, time
from monitor_app.cli.window import _start_bench
client = _start_bench(None)
from monitor_app.gui.theme import application
from monitor_app.gui.main_window import MainWindow
app = application()
window = MainWindow(client, start_bench=lambda _: _start_bench(None), unsaved=True)
window.show()
deadline = time.perf_counter() + 30
while time.perf_counter() < deadline:
    app.processEvents()
    drawn = window.parts.stack.trace.lines
    if drawn is not None and len(drawn.mean_x):
        window.repaint()
        break
print((host_time_ns() - int(sys.argv[1])) / 1e9)
window.close_at_once()
"""


def main(starts: int) -> None:
    """Start again and again; the first one is cold and not counted."""
    seconds = []
    for k in range(starts + 1):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "XDG_STATE_HOME": folder}
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
            command = [sys.executable, "-c", PROBE, str(host_time_ns())]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        if k:
            seconds.append(float(done.stdout.split()[-1]))
    seconds.sort()
    print(f"first live sample painted after {seconds[len(seconds) // 2]:.2f} s (median), "
          f"{seconds[-1]:.2f} s (slowest) of {starts} warm starts")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
