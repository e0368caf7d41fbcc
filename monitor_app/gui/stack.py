# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The three panes on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsView

from monitor_app.core.samples import Quantity
from monitor_app.gui.accuracy_pane import AccuracyPane
from monitor_app.gui.annotations import Annotations, annotate
from monitor_app.gui.latency_pane import LatencyPane
from monitor_app.gui.overlay import GUTTER_PX, Backdrop, Foreground
from monitor_app.gui.trace_pane import TracePane
from monitor_app.gui.view_window import ViewWindow
from monitor_app.gui.wording import clock_time, engineering

if TYPE_CHECKING:
    from monitor_app.gui.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow

STRETCH = (60, 22, 18)
"""Heights of the panes relative to each other."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the mouse is, and what is there, for each pane."""

    seconds: float
    texts: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


class PaneStack(pg.GraphicsLayoutWidget):
    """Shows a stretch of a recording; says what the mouse asks for and changes nothing by itself."""

    zoom_asked = Signal(float, float)
    """(factor, time in s that stays in place)"""
    pan_asked = Signal(float)
    """(seconds towards later)"""
    fit_asked = Signal()
    selected = Signal(float, float)
    """(start, end in s)"""
    selection_cleared = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setMinimumHeight(220)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.theme = theme
        self.view = ViewWindow()
        self.annotations = Annotations()
        self.pointer: Pointer | None = None
        self.selection: tuple[float, float] | None = None
        self.trace, self.latency, self.accuracy = TracePane(), LatencyPane(), AccuracyPane()
        self.panes = (self.trace, self.latency, self.accuracy)
        self._recording: Recording | None = None
        self._signal: SignalRow | None = None
        self._pointer_at: QPointF | None = None
        self._arrange()
        self._layers = (Backdrop(self, -1000), Foreground(self, 1000))
        for layer in self._layers:
            self.scene().addItem(layer)
        self.scene().sigMouseMoved.connect(self._move_pointer)
        self.set_theme(theme)

    def _arrange(self) -> None:
        layout = self.ci.layout
        layout.setContentsMargins(0, 6, GUTTER_PX, 0)
        layout.setVerticalSpacing(10)
        for row, (pane, stretch) in enumerate(zip(self.panes, STRETCH, strict=True)):
            self.ci.addItem(pane.plot, row, 0)
            layout.setRowStretchFactor(row, stretch)
            if row < len(self.panes) - 1:
                pane.plot.hideAxis("bottom")
            pane.box.zoom_asked.connect(self.zoom_asked)
            pane.box.pan_asked.connect(self.pan_asked)
            pane.box.fit_asked.connect(self._fit_all)
            pane.box.selected.connect(self.selected)
            pane.box.clicked.connect(self.selection_cleared)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setBackground(QColor(theme.ground))
        for pane in self.panes:
            pane.set_theme(theme)
        self.viewport().update()

    def clear_recording(self) -> None:
        """Another session is going to be shown."""
        for pane in self.panes:
            pane.clear()
        self.annotations, self.pointer, self.selection = Annotations(), None, None

    # -- frames ----------------------------------------------------------------------------------

    def show_frame(self, recording: Recording, signal: SignalRow | None, view: ViewWindow) -> None:
        """Show a stretch of the recording, and the signal in the first pane; cheap when nothing has changed."""
        self._recording, self._signal = recording, signal
        moved = view != self.view
        self.view = view
        self.trace.refresh(recording, signal, view)
        self.latency.refresh(recording.batches, view, moved=moved)
        self.accuracy.refresh(recording.batches, view)
        if moved:
            for pane in self.panes:
                pane.show_time(view)
            # pyqtgraph would move the items while it paints, which asks for a second painting of the same.
            self.scene().prepareForPaint()
            self._locate_pointer()

    def show_annotations(self) -> None:
        """Bring names, levels and notes up to date with the rows of the recording."""
        if self._recording is None:
            return
        fresh = annotate(self._recording, self._signal.quantity if self._signal else Quantity.POWER)
        if fresh != self.annotations:
            self.annotations = fresh
            self.viewport().update()

    def select(self, selection: tuple[float, float] | None) -> None:
        self.selection = selection
        self.viewport().update()

    def _fit_all(self) -> None:
        for pane in self.panes:
            pane.fit_y()
        self.fit_asked.emit()

    @property
    def pixels(self) -> int:
        """Width of the data in pixels."""
        return max(round(self.trace.rect.width()), 1)

    # -- pointer ---------------------------------------------------------------------------------

    def _move_pointer(self, at: QPointF) -> None:
        self._pointer_at = at
        self._locate_pointer()
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer_at = self.pointer = None
        self.viewport().update()

    def _locate_pointer(self) -> None:
        at, rect = self._pointer_at, self.trace.rect
        if at is None or self._recording is None or not rect.left() <= at.x() <= rect.right():
            self.pointer = None
            return
        seconds = self.view.start_s + (at.x() - rect.left()) / rect.width() * self.view.width_s
        self.pointer = Pointer(seconds, (self._trace_text(seconds), self._latency_text(seconds), ()))

    def _trace_text(self, seconds: float) -> tuple[str, ...]:
        when = clock_time(seconds, max(self.view.width_s / self.pixels, 1e-6))
        group = self.trace.group_at(seconds)
        if group is None or self._signal is None:
            return (when,)
        unit = self._signal.quantity.value
        shown = [engineering(value, unit, exact=True) for value in group]
        return (when, shown[0]) if group[1] == group[2] else (when, shown[0], f"{shown[1]} … {shown[2]}")

    def _latency_text(self, seconds: float) -> tuple[str, ...]:
        batches = self._recording.batches if self._recording else None
        batch = batches.last_before(seconds + 4 * self.view.width_s / self.pixels) if batches else None
        if batch is None or seconds - float(batch["end_s"]) > max(0.01 * self.view.width_s, 2e-3 * batch["latency_ms"]):
            return ()
        return (f"{float(batch['latency_ms']):.2f} ms",)
