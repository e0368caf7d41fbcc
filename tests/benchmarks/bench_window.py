# SPDX-License-Identifier: Apache-2.0
"""Time of a frame of the live window: hear the bench, read the file, set the plots, paint the panes.

    python tests/benchmarks/bench_window.py [SECONDS]

The window follows a real recording at 50 kSa/s at its own pace, its three panes 1300 px wide, painted by software
without a screen: once with the networks of the default profile running on the same machine, once without.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np

from monitor_app.bench.client import BenchClient
from monitor_app.core.package_data import profile_path
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.theme import application

PANE_PX = 1300
WARM_UP_S = 30.0
"""Until the view is full of samples, batches and spans."""


class Frames:
    """Milliseconds of each frame: its refresh and the painting that follows; refreshes that paint nothing apart."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self._refresh_s = 0.0

    def watch(self) -> None:
        """Put stop-watches around what a frame consists of."""
        refresh, paint = MainWindow.refresh, PaneStack.paintEvent

        def timed_refresh(window: MainWindow) -> None:
            began = time.perf_counter()
            refresh(window)
            self._refresh_s = time.perf_counter() - began

        def timed_paint(stack: PaneStack, event: object) -> None:
            began = time.perf_counter()
            paint(stack, event)
            self.ms.append((self._refresh_s + time.perf_counter() - began) * 1e3)
            self._refresh_s = 0.0

        MainWindow.refresh, PaneStack.paintEvent = timed_refresh, timed_paint  # type: ignore[method-assign]


def main(seconds: float) -> None:
    """Follow for a while, with inference and without; print the distributions."""
    app = application()
    frames = Frames()
    frames.watch()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("with inference", None), ("monitoring only", Path(folder) / "idle.toml")):
            if text is not None:
                text.write_text('title = "idle"\n[[source]]\nkind = "shunt"\nemulate = "tx1"\n')
            window = MainWindow(BenchClient(text or profile_path("simulated-tx1"), Path(folder) / f"{name}.plm"))
            window.resize(1600, 1000)
            window.show()
            app.processEvents()
            window.resize(window.width() + PANE_PX - window.parts.stack.pixels, 1000)
            follow(app, WARM_UP_S)
            frames.ms.clear()
            follow(app, seconds)
            pixels = window.parts.stack.pixels
            window.close_at_once()
            p50, p95, p99 = np.percentile(frames.ms, (50, 95, 99))
            print(f"{name}: {len(frames.ms) / seconds:.0f} frames/s, three panes of {pixels} px: "
                  f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")  # fmt: skip


def follow(app: object, seconds: float) -> None:
    """Let the window run."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.002)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
