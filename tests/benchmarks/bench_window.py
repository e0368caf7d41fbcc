# SPDX-License-Identifier: Apache-2.0
"""Time of a frame of the live window: hear the bench, read the file, set the plots, paint.

    python tests/benchmarks/bench_window.py [SECONDS]

The window follows a real recording at 50 kSa/s with inference going on, its three panes 1300 px wide, painted by
software without a screen. Only frames that painted the panes are counted; those with nothing new cost next to nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PySide6.QtCore import QEvent, QObject

from monitor_app.bench.client import BenchClient
from monitor_app.core.share import profile_path
from monitor_app.gui.app import application
from monitor_app.gui.main_window import MainWindow

PANE_PX = 1300
WARM_UP_S = 25.0
"""Until the view is full of samples, batches and spans."""


def main(seconds: float) -> None:
    """Follow for a while, time frames, print their distribution."""
    app = application()
    with tempfile.TemporaryDirectory() as folder:
        client = BenchClient(profile_path("simulated-tx1"), Path(folder) / "s.plm")
        window = MainWindow(client)
        window.resize(1600, 1000)
        window.show()
        app.processEvents()
        window.resize(window.width() + PANE_PX - window.parts.stack.pixels, 1000)
        until(app, time.perf_counter() + WARM_UP_S)
        window._timer.stop()
        paints = Paints()
        window.parts.stack.viewport().installEventFilter(paints)
        frames = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            window.refresh()
            app.processEvents()  # paints what refresh has changed
            if paints.take():
                frames.append((time.perf_counter() - began) * 1e3)
            time.sleep(max(0.0, 1 / 30 - (time.perf_counter() - began)))
        pixels = window.parts.stack.pixels
        window.close_at_once()
    p50, p95, p99 = np.percentile(frames, (50, 95, 99))
    print(f"{len(frames)} frames, three panes of {pixels} px: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


class Paints(QObject):
    """Notes whether a widget has been painted."""

    def __init__(self) -> None:
        super().__init__()
        self._seen = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self._seen |= event.type() == QEvent.Type.Paint
        return False

    def take(self) -> bool:
        seen, self._seen = self._seen, False
        return seen


def until(app: object, end: float) -> None:
    while time.perf_counter() < end:
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.005)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
