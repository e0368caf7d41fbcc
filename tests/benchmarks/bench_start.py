# SPDX-License-Identifier: Apache-2.0
"""From typing `monitor-app` to the window and to the first live sample on the screen, warm.

    python tests/benchmarks/bench_start.py [STARTS]

Each start is a process of its own, which notes when its panes have been painted for the first time, and when for the
first time with samples; and how much processor time its window's thread has had by then.
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
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.core.host_time import host_time_ns
painted = []
paint = PaneStack.paintEvent
def noted(stack, event):
    paint(stack, event)
    painted.append((host_time_ns(), time.thread_time()))
PaneStack.paintEvent = noted
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
    time.sleep(0.001)
for at_ns, processor_s in (painted[0], painted[-1]):
    print((at_ns - int(sys.argv[1])) / 1e9, processor_s)
window.close_at_once()
"""
WHAT = ("the window painted", "the first live sample painted")


def main(starts: int) -> None:
    """Start again and again; the first one is cold and not counted."""
    found: list[list[tuple[float, float]]] = []
    for k in range(starts + 1):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "XDG_STATE_HOME": folder}
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
            command = [sys.executable, "-c", PROBE, str(host_time_ns())]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        if k:
            lines = [line.split() for line in done.stdout.splitlines()[-2:]]
            found.append([(float(seconds), float(processor_s)) for seconds, processor_s in lines])
    for k, what in enumerate(WHAT):
        seconds, processor_s = (sorted(each[k][j] for each in found) for j in (0, 1))
        middle = len(found) // 2
        print(f"{what} after {seconds[middle]:.2f} s (median), {seconds[-1]:.2f} s (slowest) of {starts} warm starts; "
              f"processor time of the window's thread {processor_s[middle]:.2f} s (median)")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
