# SPDX-License-Identifier: Apache-2.0
"""Time of a frame of the live window: hear the bench, read the file, set the plots, paint the panes.

    python tests/benchmarks/bench_window.py [SECONDS] [PART...]

The window records at 50 kSa/s at its own pace, painted by software without a screen, its panes 1300 px wide: five
signals of two meters, latency and accuracy, twenty markers, and the statistics of the view. It follows, is zoomed by
the wheel and is panned by a drag, for this long each. Parts, all of them by default: `monitoring` without networks,
`replay` with runs of a simulated board that computes nothing, `inference` with the networks of the default profile on
the same machine, and `busy`: as `replay`, following for a minute while figures are computed and an export runs, both
again as soon as they end.

A frame takes as long as the clock says, which other work on the machine makes longer; the processor time of the
window's own thread is beside it. The longest stay is the longest time that the event loop was in one slot or painting.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from monitor_app.bench.client import BenchClient
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.process_job import ProcessJob
from monitor_app.gui.session import exporting
from monitor_app.gui.theme import application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PANE_PX = 1300
WARM_UP_S = 30.0
"""Until the view is full of samples, batches and spans."""
BUSY_S = 60.0
MARKERS = 20
STEP_S = 1 / 60
"""Between two steps of the wheel or the mouse."""
METERS = """
title = "Frames"
[[source]]
kind = "shunt"
name = "first"
emulate = "tx1"
[[source]]
kind = "shunt"
name = "second"
emulate = "tx1"
seed = 2
[source.roles]
power = "other"
"""
REPLAY = """
[inference]
device = "emulated:tx1"
[protocol]
settle_s = 0.4
idle_s = 0.5
warm_up_s = 0.5
warm_up_batches = 1
timed_s = 1.0
timed_batches = 3
[plan]
networks = ["alexnet_2016", "enet", "googlenet_2016", "resnet18", "resnet50"]
batch_sizes = [1, 4]
cycles = 0
images = "published"
"""
INFERENCE = """
[plan]
networks = ["squeezenet1_1", "resnet18"]
cycles = 0
"""
PARTS = {"monitoring": "", "replay": REPLAY, "inference": INFERENCE, "busy": REPLAY}


class Frames:
    """Milliseconds of each frame: its refresh and the painting that follows; refreshes that paint nothing apart."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.processor_ms: list[float] = []
        self.longest_ms = 0.0
        """In one slot or painting."""
        self._refresh = (0.0, 0.0)

    def clear(self) -> None:
        self.ms, self.processor_ms, self.longest_ms = [], [], 0.0

    def watch(self) -> None:
        """Put stop-watches around what a frame consists of."""
        refresh, do_task, paint = MainWindow.refresh, MainWindow.do_task, PaneStack.paintEvent

        def timed_refresh(window: MainWindow) -> None:
            self._refresh = self._timed(lambda: refresh(window))

        def timed_task(window: MainWindow) -> None:
            self._timed(lambda: do_task(window))

        def timed_paint(stack: PaneStack, event: Any) -> None:
            clock_ms, processor_ms = self._timed(lambda: paint(stack, event))
            self.ms.append(self._refresh[0] + clock_ms)
            self.processor_ms.append(self._refresh[1] + processor_ms)
            self._refresh = (0.0, 0.0)

        MainWindow.refresh, MainWindow.do_task = timed_refresh, timed_task  # type: ignore[method-assign]
        PaneStack.paintEvent = timed_paint  # type: ignore[method-assign]

    def _timed(self, do: Callable[[], None]) -> tuple[float, float]:
        began = time.perf_counter(), time.thread_time()
        do()
        clock_ms, processor_ms = 1e3 * (time.perf_counter() - began[0]), 1e3 * (time.thread_time() - began[1])
        self.longest_ms = max(self.longest_ms, clock_ms)
        return clock_ms, processor_ms

    def report(self, what: str, seconds: float) -> None:
        """One line."""
        clock, processor = (np.percentile(each, (50, 95, 99)) for each in (self.ms, self.processor_ms))
        print(f"{what}: {len(self.ms) / seconds:.0f} frames/s, p50 {clock[0]:.1f} ms, p95 {clock[1]:.1f} ms, "
              f"p99 {clock[2]:.1f} ms, worst {max(self.ms):.1f} ms; of processor p50 {processor[0]:.1f} ms, "
              f"p95 {processor[1]:.1f} ms, worst {max(self.processor_ms):.1f} ms; longest stay "
              f"{self.longest_ms:.1f} ms", flush=True)  # fmt: skip


def main(seconds: float, parts: list[str]) -> None:
    """Each part with a window of its own; prints the distributions."""
    app = application()
    frames = Frames()
    frames.watch()
    for part in parts or PARTS:
        with tempfile.TemporaryDirectory() as name, recording(app, Path(name), PARTS[part]) as window:
            stack = window.parts.stack
            print(f"{part}: {len(stack.panes)} panes of {stack.pixels} px, {len(window.signals.shown.all)} signals, "
                  f"{len(stack.markers)} markers", flush=True)  # fmt: skip
            frames.clear()
            if part == "busy":
                busy(app, window, Path(name))
                frames.report("  following while figures are computed and an export runs", BUSY_S)
                continue
            follow(app, seconds)
            frames.report("  following", seconds)
            for what, gesture in (("zooming", zoom), ("panning", pan)):
                follow(app, 1.0)
                frames.clear()
                gesture(app, window, seconds)
                frames.report(f"  {what}", seconds)
                QTest.keyClick(window, Qt.Key.Key_End)


@contextmanager
def recording(app: QApplication, folder: Path, plan: str) -> Iterator[MainWindow]:
    """A window on a full view."""
    profile = folder / "profile.toml"
    profile.write_text(METERS + plan)
    window = MainWindow(BenchClient(profile, folder / "frames.plm"))
    window.resize(1600, 1000)
    window.show()
    app.processEvents()
    window.resize(window.width() + PANE_PX - window.parts.stack.pixels, 1000)
    try:
        follow(app, WARM_UP_S)
        show_five(window)
        lay_markers(window)
        follow(app, 2.0)
        yield window
    finally:
        window.close_at_once()
        window.deleteLater()


def show_five(window: MainWindow) -> None:
    """Two powers, which are shown already, two currents and a voltage."""
    assert window.recording is not None
    shown = {signal.id for signal in window.signals.shown.signals}
    for name, count in (("power", 2), ("current", 2), ("voltage", 1)):
        for signal in [each for each in window.recording.signals if each.name == name][:count]:
            if signal.id not in shown:
                window.signals.toggle(signal.id)


def lay_markers(window: MainWindow) -> None:
    """Three pairs for each single one, over the whole view."""
    view = window.view
    for k in range(MARKERS):
        start_s = view.start_s + view.width_s * (k + 0.3) / (MARKERS + 1)
        if k % 4:
            window.markers.lay(start_s, start_s + view.width_s / MARKERS * (0.5 + k % 3))
        else:
            window.parts.stack._cursor_at = QPointF(window.parts.stack.trace.rect.left() + 10.0 + 50 * k, 50.0)
            window.markers.lay_single()
    window.parts.stack._cursor_at = None


def zoom(app: QApplication, window: MainWindow, seconds: float) -> None:
    """Two seconds in, two seconds out, in the middle of the view."""
    viewport = window.parts.stack.viewport()
    at = viewport.rect().center()
    for k in range(round(seconds / STEP_S)):
        delta = QPoint(0, 30 if k * STEP_S % 4 < 2 else -30)
        event = QWheelEvent(
            QPointF(at), QPointF(viewport.mapToGlobal(at)), QPoint(), delta, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(viewport, event)
        follow(app, STEP_S)


def pan(app: QApplication, window: MainWindow, seconds: float) -> None:
    """To and fro by a drag."""
    viewport = window.parts.stack.viewport()
    at = viewport.rect().center() - QPoint(0, 150)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at)
    for k in range(round(seconds / STEP_S)):
        at += QPoint(7 if k * STEP_S % 2 < 1 else -7, 0)
        QTest.mouseMove(viewport, at)
        follow(app, STEP_S)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at)


def busy(app: QApplication, window: MainWindow, folder: Path) -> None:
    """Figures and tables, again and again."""
    exporting.ask_target = lambda *_: folder / "samples.csv"  # type: ignore[assignment]
    window.figures.show()
    figures, tables = 0, 0
    end = time.perf_counter() + BUSY_S
    while time.perf_counter() < end:
        shown = window.figures.window
        if not window.findChildren(ProcessJob):
            window.output.export_samples()
            tables += 1
        if shown is not None and window.recording is not None and not shown.job.running:
            shown.job.start([window.recording.reader.path])
            figures += 1
        follow(app, 0.1)
    print(f"  figures computed {figures} times, {tables} tables begun")


def follow(app: QApplication, seconds: float) -> None:
    """Let the window run."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        app.processEvents()
        time.sleep(0.001)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0, sys.argv[2:])
