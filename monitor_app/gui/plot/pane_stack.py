# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The panes on one time axis: up to four of signals, and of latency and accuracy where there are runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QGraphicsView

from monitor_app.core.formatting import engineering, unit_of
from monitor_app.gui.plot.accuracy_pane import AccuracyPane
from monitor_app.gui.plot.annotations import Annotations, annotate
from monitor_app.gui.plot.cursor import Pointer, point_at
from monitor_app.gui.plot.latency_pane import LatencyPane
from monitor_app.gui.plot.legend import Entry
from monitor_app.gui.plot.overlay import BARE_GUTTER_PX, GUTTER_PX, Backdrop, Foreground
from monitor_app.gui.plot.time_window import ViewWindow
from monitor_app.gui.plot.trace_pane import TracePane
from monitor_app.gui.session.shown_signals import MOST_PANES, Traces

if TYPE_CHECKING:
    from monitor_app.gui.plot.pane import Pane
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme

FIRST_TRACE, OTHER_TRACE, LATENCY, ACCURACY = 60, 34, 22, 18
"""Heights of the panes relative to each other."""
APART_PX = 10
READING_S = 0.002
"""Once curves that follow new samples have taken so long in a frame, the others have the next one."""


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
        self._pool = tuple(TracePane() for _ in range(MOST_PANES))
        self.traces: tuple[TracePane, ...] = ()
        self.latency, self.accuracy = LatencyPane(), AccuracyPane()
        self.panes: tuple[Pane, ...] = ()
        self.legends: tuple[tuple[Entry, ...], ...] = ()
        """For each trace pane, where it has any."""
        self._recording: Recording | None = None
        self._pointer_at: QPointF | None = None
        self.gutter_px = GUTTER_PX
        self._every: tuple[TracePane | LatencyPane | AccuracyPane, ...] = (*self._pool, self.latency, self.accuracy)
        for pane in self._every:
            self._connect(pane)
        self._arrange(1, with_runs=True)
        self._layers = (Backdrop(self, -1000), Foreground(self, 1000))
        for layer in self._layers:
            self.scene().addItem(layer)
        self.scene().sigMouseMoved.connect(self._move_pointer)
        self.set_theme(theme)

    @property
    def trace(self) -> TracePane:
        """The first pane."""
        return self.traces[0]

    def _connect(self, pane: Pane) -> None:
        pane.box.zoom_asked.connect(self.zoom_asked)
        pane.box.pan_asked.connect(self.pan_asked)
        pane.box.fit_asked.connect(self._fit_all)
        pane.box.selected.connect(self.selected)
        pane.box.clicked.connect(self.selection_cleared)

    def _arrange(self, traces: int, *, with_runs: bool) -> None:
        """So many trace panes from the top, and below them those of the runs where there are any."""
        wanted: tuple[Pane, ...] = (*self._pool[:traces], *((self.latency, self.accuracy) if with_runs else ()))
        if wanted == self.panes:
            return
        for pane in self.panes:
            self.ci.removeItem(pane.plot)
        self.traces, self.panes = self._pool[:traces], wanted
        self.gutter_px = GUTTER_PX if with_runs else BARE_GUTTER_PX
        self.ci.layout.setContentsMargins(0, 6, self.gutter_px, 0)
        heights = [FIRST_TRACE, *(OTHER_TRACE for _ in self.traces[1:]), *((LATENCY, ACCURACY) if with_runs else ())]
        layout = self.ci.layout
        for row in range(MOST_PANES + 2):
            layout.setRowStretchFactor(row, heights[row] if row < len(heights) else 0)
            layout.setRowSpacing(row, APART_PX if row < len(heights) - 1 else 0)
        for row, pane in enumerate(wanted):
            self.ci.addItem(pane.plot, row, 0)
            pane.plot.showAxis("bottom", pane is wanted[-1])
            pane.show_time(self.view)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setBackground(QColor(theme.ground))
        for pane in self._every:
            pane.set_theme(theme)
        self.viewport().update()

    def clear_recording(self) -> None:
        """Another session is going to be shown."""
        for pane in self._every:
            pane.clear()
        self.annotations, self.pointer, self.selection = Annotations(), None, None
        self._recording, self.legends = None, ()

    # -- frames ----------------------------------------------------------------------------------

    def show_frame(self, recording: Recording, traces: Traces, view: ViewWindow) -> None:
        """Show a stretch of the recording with these signals; cheap when nothing has changed."""
        self._recording = recording
        moved = view != self.view
        self.view = view
        self._fill(recording, traces)
        self._draw_traces(recording, view)
        self.latency.refresh(recording.batches, view, moved=moved)
        self.accuracy.refresh(recording.batches, view)
        if moved:
            for pane in self.panes:
                pane.show_time(view)
            # pyqtgraph would move the items while it paints, which asks for a second painting of the same.
            self.scene().prepareForPaint()
            self._locate_pointer()

    def _fill(self, recording: Recording, traces: Traces) -> None:
        self._arrange(max(len(traces.panes), 1), with_runs=recording.has_runs)
        several = len({signal.source for signal in recording.signals}) > 1
        for k, pane in enumerate(self._pool):
            shown = traces.panes[k] if k < len(traces.panes) else ()
            pane.show_traces(shown, legend=bool(shown) and (several or len(shown) > 1))

    def _draw_traces(self, recording: Recording, view: ViewWindow) -> None:
        """What is out of place at once; of what is merely out of date, that which has waited longest."""
        if recording.origin_ns is None:
            return
        pixels = self.pixels
        curves = [(pane, curve) for pane in self.traces for curve in pane.curves]
        due = [each for each in curves if each[1].out_of_place(view, pixels)]
        waiting = [(each[1].out_of_date(recording, view), each) for each in curves if each not in due]
        late = sorted((each for each in waiting if each[0] > 0), key=lambda each: -each[0])
        for _, curve in due:
            curve.draw(recording, view, pixels)
        began_s = time.thread_time()
        for _, each in late:
            each[1].draw(recording, view, pixels)
            due.append(each)
            if time.thread_time() - began_s > READING_S:
                break
        for pane in {id(pane): pane for pane, _ in due}.values():
            pane.settle()

    def show_annotations(self) -> None:
        """Bring names, levels, notes and legends up to date with the rows of the recording."""
        recording = self._recording
        if recording is None:
            return
        fresh = annotate(recording, with_levels=self.levels_pane is not None)
        legends = tuple(self._legend(recording, pane) for pane in self.traces)
        if (fresh, legends) != (self.annotations, self.legends):
            self.annotations, self.legends = fresh, legends
            self.viewport().update()

    @property
    def levels_pane(self) -> TracePane | None:
        """The pane with the power of the board, where it is shown."""
        power = self._recording.power if self._recording else None
        return next((pane for pane in self.traces if power is not None and pane.holds(power.id)), None)

    def _legend(self, recording: Recording, pane: TracePane) -> tuple[Entry, ...]:
        """Names, and while the newest is in view the values now."""
        if not pane.has_legend:
            return ()
        unit = unit_of(pane.quantity)
        entries = []
        for trace in (curve.trace for curve in pane.curves):
            now = recording.mean_now(trace.signal) if self.view.following else None
            name = recording.labels.get(trace.signal.id, trace.signal.name)
            colour = self.theme.of_trace(trace.signal.quantity, trace.slot)
            entries.append(Entry(name, engineering(now, unit) if self.view.following else "", colour, trace.slot))
        return tuple(entries)

    def select(self, selection: tuple[float, float] | None) -> None:
        self.selection = selection
        self.viewport().update()

    def _fit_all(self) -> None:
        for pane in self.panes:
            pane.fit_y()
        for trace in self.traces:
            trace.settle()
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
        pixel_s = self.view.width_s / self.pixels
        self.pointer = point_at(seconds, pixel_s, self._recording, self.traces)
