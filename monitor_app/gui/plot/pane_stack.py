# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The panes on one time axis: up to four of signals, and of latency and accuracy where there are runs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QGraphicsView

from monitor_app.core.formatting import engineering, unit_of
from monitor_app.gui.plot.accuracy_pane import AccuracyPane
from monitor_app.gui.plot.annotations import Annotations, annotate
from monitor_app.gui.plot.batches.layer import BatchGround, CardLayer
from monitor_app.gui.plot.batches.spans import span_at, spans_in
from monitor_app.gui.plot.cursor_values import cursor_at
from monitor_app.gui.plot.latency_pane import LatencyPane
from monitor_app.gui.plot.markers.layer import MarkerLayer
from monitor_app.gui.plot.markers.layout import BANNER_ROW_PX, BANNERS_AT_PX
from monitor_app.gui.plot.overlay import Backdrop, CursorLayer, Foreground
from monitor_app.gui.plot.plot_state import NO_WORK, LegendEntry, PlotState, ShownBatches
from monitor_app.gui.plot.scales.axes import BARE_GUTTER_PX, GUTTER_PX, axis_px
from monitor_app.gui.plot.scales.plot_options import ACCURACY as ACCURACY_KEY
from monitor_app.gui.plot.scales.plot_options import LATENCY as LATENCY_KEY
from monitor_app.gui.plot.scales.plot_options import PlotOptions
from monitor_app.gui.plot.scales.time_labels import RELATIVE, TimeLabels
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.plot.trace_pane import TracePane
from monitor_app.gui.plot.words import names_px
from monitor_app.gui.plot.work.layer import WorkGround, WorkLayer, lanes_px
from monitor_app.gui.plot.work.strips import shown_work
from monitor_app.gui.session.shown_signals import MOST_PANES, ShownSignals
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor_app.gui.plot.layer import Layer
    from monitor_app.gui.plot.pane import Pane
    from monitor_app.gui.plot.plot_state import BatchCard, BatchSpan, Cursor, ShownMarker, ShownWork
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.subject import Subject
    from monitor_app.gui.theme import Theme

FIRST_TRACE, OTHER_TRACE, LATENCY, ACCURACY = 60, 34, 22, 18
"""Heights of the panes relative to each other."""
APART_PX, ABOVE_PX = 10, 6
READING_S = 0.0012
"""Once curves with new samples have taken this long in a frame, the others wait for the next one."""


class PaneStack(pg.GraphicsLayoutWidget):
    """Shows a part of a recording; announces what the mouse asks for and changes nothing by itself."""

    zoom_asked = Signal(float, float)
    """(factor, time in s that stays in place)"""
    pan_asked = Signal(float)
    """(seconds towards later)"""
    fit_asked = Signal()
    enter_pressed = Signal()
    menu_asked = Signal(QPointF, bool)
    """(place in the stack, whether by a key): by the right button"""
    selected = Signal(float, float, bool)
    """(start, end in s, whether the drag has ended)"""
    selection_cleared = Signal()
    interval_asked = Signal(float, float, str)
    """(start, end in s, name): of the run or the batch that was double-clicked"""
    pointer_moved = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setMinimumHeight(220)
        self.setAccessibleName("traces over time")
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.theme = theme
        self.view = TimeWindow()
        self.annotations = Annotations()
        self.cursor_values: Cursor | None = None
        self.markers: tuple[ShownMarker, ...] = ()
        self._batch_card: BatchCard | None = None
        self._batch_energies: Mapping[int, str] = {}
        self.times: TimeLabels = RELATIVE
        """As ``show_times`` has set it."""
        self.options = PlotOptions()
        self.arrangement = ""
        """Which panes are shown, as the key of their heights."""
        self._pool = tuple(TracePane() for _ in range(MOST_PANES))
        self.traces: tuple[TracePane, ...] = ()
        self.latency, self.accuracy = LatencyPane(), AccuracyPane()
        self.panes: tuple[Pane, ...] = ()
        self._over: tuple[TracePane, ...] = ()
        self.legends: tuple[tuple[LegendEntry, ...], ...] = ()
        """For each trace pane, where it has any."""
        self._recording: Recording | None = None
        self._cursor_at: QPointF | None = None
        self._work_key: tuple[object, ...] = ()
        self._work = NO_WORK
        self.ratio: float | None = None
        """Pixels of a picture for each pixel of the stack; None on a screen, which has a ratio of its own."""
        self._every: tuple[TracePane | LatencyPane | AccuracyPane, ...] = (*self._pool, self.latency, self.accuracy)
        for pane in self._every:
            QObject.setParent(pane.plot, self)  # one that is not shown is in no scene, and would outlive the stack
            self._connect(pane)
        self._pool[0].plot.geometryChanged.connect(self._lay_over)
        self._arrange(1, with_runs=True)
        self.marker_layer = MarkerLayer()
        self.cursor_layer = CursorLayer(self._marker_boxes)
        self._behind: tuple[Layer, ...] = (Backdrop(), WorkGround(), BatchGround())
        self._in_front: tuple[Layer, ...] = (
            WorkLayer(),
            Foreground(),
            self.marker_layer,
            self.cursor_layer,
            CardLayer(),
        )
        self.scene().addItem(self.marker_layer)
        self.scene().sigMouseMoved.connect(self._move_cursor)
        self.set_theme(theme)

    def _marker_boxes(self) -> Iterator[QRectF]:
        """Of the markers as they were painted last."""
        return (box.rect for placed in self.marker_layer.placed for box in placed.boxes)

    @property
    def trace(self) -> TracePane:
        """The first pane."""
        return self.traces[0]

    @property
    def every(self) -> tuple[Pane, ...]:
        """All panes, also those that are not shown now."""
        return self._every

    @property
    def pane_at_pointer(self) -> Pane | None:
        """The one under the mouse."""
        at = self._cursor_at
        return next((pane for pane in self.rows if at is not None and pane.plot.geometry().contains(at)), None)

    @property
    def samples_per_column(self) -> int | None:
        """Of the first signal; None where nothing is drawn."""
        drawn = self.trace.lines
        return drawn.samples_per_column if drawn is not None else None

    def _connect(self, pane: Pane) -> None:
        pane.box.zoom_asked.connect(self.zoom_asked)
        pane.box.pan_asked.connect(self.pan_asked)
        pane.box.double_clicked.connect(self._double_click)
        pane.box.selected.connect(self.selected)
        pane.box.clicked.connect(self.selection_cleared)
        for changed in (pane.box.y_changed, pane.box.geometryChanged):
            changed.connect(self._repaint)

    def _repaint(self) -> None:
        """What is shown is no longer what should be; a change that is not announced like this is not painted."""
        self.viewport().update()

    def _arrange(self, traces: int, *, with_runs: bool) -> None:
        """Show this number of trace panes, and below them those of the runs where there are any."""
        wanted: tuple[Pane, ...] = (*self._pool[:traces], *((self.latency, self.accuracy) if with_runs else ()))
        over = self._pool[1:traces] if self.options.overlaid else ()
        if wanted == self.panes and over == self._over:
            return
        for pane in self.panes:
            if pane in self.rows:
                self.ci.removeItem(pane.plot)
            else:
                self.scene().removeItem(pane.plot)
        self.traces, self.panes, self._over = self._pool[:traces], wanted, over
        self.set_margins()
        rows = self.rows
        self.arrangement = f"{len(rows)}{'r' if with_runs else ''}"
        for row, pane in enumerate(rows):
            self.ci.addItem(pane.plot, row, 0)
            pane.plot.setZValue(0)
        for pane in wanted:
            # A pane that lies over the first ends where that does.
            pane.time_axis.show_if(lowest=(self._pool[0] if pane in over else pane) is rows[-1])
            pane.show_time(self.view)
        for k, trace in enumerate(self._pool):
            trace.share(*((k, len(over) + 1) if over and k <= len(over) else (0, 1)))
        for pane in (self.latency, self.accuracy):
            pane.set_column(0, len(over) + 1)
        self._set_heights()
        self._lay_over()

    @property
    def rows(self) -> tuple[Pane, ...]:
        """The panes below each other; the others lie over the first."""
        return tuple(pane for pane in self.panes if pane not in self._over)

    @property
    def gutter_px(self) -> int:
        """Width of what is on the right of the data."""
        return with_text(GUTTER_PX) if self.latency in self.panes else BARE_GUTTER_PX

    @property
    def axes_px(self) -> int:
        """Width of the axes on the left of the data."""
        return axis_px() * (len(self._over) + 1)

    def _lay_over(self) -> None:
        """Put the panes that share the place of the first into it, and under it, so that the mouse reaches that."""
        for pane in self._over:
            pane.plot.setParentItem(self.ci)
            pane.plot.setGeometry(self._pool[0].plot.geometry())
            pane.plot.setZValue(-1)

    def _set_heights(self) -> None:
        rows = self.rows
        usual = [FIRST_TRACE, *(OTHER_TRACE for _ in rows[1:])]
        if self.latency in rows:
            usual[-2:] = [LATENCY, ACCURACY]
        wanted = self.options.heights.get(self.arrangement, ())
        chosen = len(wanted) == len(rows)
        heights = wanted if chosen else usual
        layout = self.ci.layout
        for pane, height in zip(rows, heights, strict=True):
            # Where they are in proportion to each other, so is what they get.
            pane.plot.setPreferredHeight(height if chosen else -1)
        for row in range(MOST_PANES + 2):
            layout.setRowStretchFactor(row, heights[row] if row < len(heights) else 0)
            layout.setRowSpacing(row, APART_PX if row < len(heights) - 1 else 0)

    def set_options(self, options: PlotOptions) -> None:
        """Draw the panes like this from now on."""
        if options == self.options:
            return
        self.options = options
        if self.panes:
            self._arrange(len(self.traces), with_runs=self.latency in self.panes)
            self._set_heights()
        self._set_looks()
        self._repaint()

    def _set_looks(self) -> None:
        options = self.options
        for pane in self._every:
            key = self.key_of(pane)
            pane.set_look(options.scale_of(key), options.ranges.get(key))
        for trace in self._pool:
            trace.set_style(options.style)
        self.latency.set_deadline(options.deadline_ms)

    def key_of(self, pane: Pane) -> str:
        """By which the options name it."""
        if isinstance(pane, TracePane):
            return pane.quantity.value
        return LATENCY_KEY if pane is self.latency else ACCURACY_KEY

    def set_margins(self) -> None:
        """Room for the banners of the markers above the panes, and for texts of the size of now beside them."""
        rows = max((marker.row + 1 for marker in self.markers), default=0)
        above = BANNERS_AT_PX + rows * BANNER_ROW_PX if rows else ABOVE_PX
        self.ci.layout.setContentsMargins(0, above, self.gutter_px, 0)

    def fit_text(self) -> None:
        """Leave axes and margins the room that text of the size of now needs."""
        for pane in self._every:
            pane.fit_text()
        self.set_margins()

    def keep_strips(self) -> None:
        """Leave room above each pane of signals, whether or not it has a legend."""
        for pane in self._pool:
            pane.keep_strip()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setBackground(QColor(theme.ground))
        for pane in self._every:
            pane.set_theme(theme)
        self._repaint()

    # -- painting --------------------------------------------------------------------------------

    def state(self) -> PlotState:
        """What is painted around the curves now."""
        levels = self.levels_pane
        legends = (*self.legends, *((),) * len(self.traces))
        traces = {pane: pane.state(legends[k]) for k, pane in enumerate(self.traces)}
        with_runs = self.latency in self.panes
        return PlotState(
            QRectF(self.sceneRect()), self.theme, self.view, self.gutter_px, tuple(traces.values()),
            self.latency.state() if with_runs else None, self.accuracy.state() if with_runs else None,
            traces[levels] if levels is not None else None, self.annotations, self.markers, self.cursor_values,
            ShownBatches(self.batch_spans, self._batch_card, self._batch_energies),
            self.times, self.shown_work,
        )  # fmt: skip

    def paintEvent(self, event: QPaintEvent) -> None:
        """Each thing once, from the back to the front; the scene lays out and takes the mouse, and paints nothing."""
        painter = QPainter(self.viewport())
        try:
            state, beside = self.state(), QRegion(event.rect())
            if state.annotations.runs:  # whose grounds fill the panes
                for pane in state.panes:
                    beside -= QRegion(pane.rect.toRect().adjusted(1, 1, -1, -1))
            for rect in beside:  # type: ignore[attr-defined]  # QRegion is iterable, which its stub does not say
                painter.fillRect(rect, QColor(self.theme.ground))
            self._paint(painter, state)
        finally:
            painter.end()

    def paint_panes(self, painter: QPainter, target: QRectF) -> None:
        """Paint what is shown, without the cursor, into a rectangle of the size of the stack."""
        shown = self.state()
        painter.save()
        painter.setClipRect(target, Qt.ClipOperation.IntersectClip)
        painter.fillRect(target, QColor(self.theme.ground))
        painter.translate(target.topLeft())
        self._paint(painter, replace(shown, cursor=None, batches=replace(shown.batches, card=None)))
        painter.restore()

    def _paint(self, painter: QPainter, state: PlotState) -> None:
        ratio = self._pixel_ratio
        for layer in self._behind:
            layer.set_state(state)
            layer.paint_layer(painter)
        for pane in (*self._over, *self.rows):
            pane.paint(painter, ratio)
        for layer in self._in_front:
            layer.set_state(state)
            layer.paint_layer(painter)

    def clear_recording(self) -> None:
        """Forget the session; another one is going to be shown."""
        for pane in self._every:
            pane.clear()
        self._repaint()
        self.annotations, self.cursor_values = Annotations(), None
        self._recording, self.legends = None, ()

    # -- frames ----------------------------------------------------------------------------------

    def show_frame(self, recording: Recording, shown: ShownSignals, view: TimeWindow) -> None:
        """Show these signals of the recording in this interval; cheap when nothing has changed."""
        self._recording = recording
        moved = view != self.view
        self.view = view
        self.arrange(recording, shown)
        changed = self._draw_traces(recording, view)
        changed |= self.latency.refresh(recording.batches, view, moved=moved)
        changed |= self.accuracy.refresh(recording.batches, view)
        changed |= self._lengthen(recording.edge_s)
        if moved:
            for pane in self.panes:
                pane.show_time(view)
            self._locate_cursor()
        if moved or changed:
            self._repaint()

    def _lengthen(self, edge_s: float) -> bool:
        """Let the ground of a run that has not ended follow the trace; whether that is seen."""
        before, self.annotations = self.annotations, self.annotations.reaching(edge_s)
        ended_s = (each.end_s for each in before.phases if each.growing)
        return self.annotations is not before and min(ended_s, default=edge_s) < self.view.end_s

    def arrange(self, recording: Recording, shown: ShownSignals) -> None:
        """The panes that these signals and the runs of the recording need."""
        self._arrange(max(len(shown.panes), 1), with_runs=recording.has_runs)
        several = len({signal.source for signal in recording.signals}) > 1
        for k, pane in enumerate(self._pool):
            named = recording.has_runs and (k == 0 or pane in self._over)
            pane.names_px = names_px() + lanes_px(recording.work.lanes) if named else 0
            signals = shown.panes[k] if k < len(shown.panes) else ()
            pane.show_signals(signals, legend=bool(signals) and (several or len(signals) > 1 or bool(self._over)))
        self._set_looks()

    def _draw_traces(self, recording: Recording, view: TimeWindow) -> bool:
        """Draw at once what the view has left; of what has only grown since, that which has waited longest.

        Whether anything was drawn anew.
        """
        if recording.origin_ns is None:
            return False
        pixels, ratio = self.pixels, self._pixel_ratio
        curves = [(pane, curve) for pane in self.traces for curve in pane.curves]
        due = [each for each in curves if each[1].out_of_place(view, pixels)]
        waiting = [(each[1].waits(recording, view, pixels), each) for each in curves if each not in due]
        late = sorted((each for each in waiting if each[0] > 0), key=lambda each: -each[0])
        for _, curve in due:
            curve.draw(recording, view, pixels, ratio)
        began_s = time.thread_time()
        for _, each in late:
            each[1].draw(recording, view, pixels, ratio)
            due.append(each)
            if time.thread_time() - began_s > READING_S:
                break
        for pane in {id(pane): pane for pane, _ in due}.values():
            pane.finish_drawing()
        return bool(due)

    def show_annotations(self, subject: Subject) -> None:
        """Bring names, levels, notes and legends up to date with the rows of the recording and with the subject."""
        recording = self._recording
        if recording is None:
            return
        fresh = annotate(recording, subject, with_levels=self.levels_pane is not None)
        fresh = fresh.with_deadline(self.latency.deadline_ms, self.latency.misses(self.view))
        legends = tuple(self._legend(recording, pane) for pane in self.traces)
        if (fresh, legends) != (self.annotations, self.legends):
            self.annotations, self.legends = fresh, legends
            self._repaint()

    @property
    def levels_pane(self) -> TracePane | None:
        """The pane with the power of the board, where it is shown."""
        power = self._recording.power if self._recording else None
        return next((pane for pane in self.traces if power is not None and pane.holds(power.id)), None)

    def _legend(self, recording: Recording, pane: TracePane) -> tuple[LegendEntry, ...]:
        """Names, and while the newest is in view the values now."""
        if not pane.has_legend:
            return ()
        unit = unit_of(pane.quantity)
        entries = []
        for each in (curve.shown for curve in pane.curves):
            now = recording.mean_now(each.signal) if self.view.following else None
            name = recording.labels.get(each.signal.id, each.signal.name)
            colour = self.theme.of_trace(each.signal.quantity, each.slot)
            entries.append(LegendEntry(name, engineering(now, unit) if self.view.following else "", colour, each.slot))
        return tuple(entries)

    def show_markers(self, markers: tuple[ShownMarker, ...]) -> None:
        """These from now on; the active one is the last."""
        if markers != self.markers:
            self.markers = markers
            self.set_margins()
            self._repaint()

    def show_times(self, times: TimeLabels) -> None:
        """Write times like this from now on."""
        if times != self.times:
            self.times = times
            self._locate_cursor()
            self._repaint()

    def keep_clear(self, words: tuple[QRectF, ...]) -> None:
        """No edge of a marker crosses these, which stand over the panes, from top to bottom."""
        if words != self.marker_layer.kept_clear:
            self.marker_layer.kept_clear = words
            self._repaint()

    @property
    def batch_spans(self) -> tuple[BatchSpan, ...]:
        """The batches in view that are wide enough to be shown as spans."""
        if self._recording is None or self.latency not in self.panes:
            return ()
        return spans_in(self._recording.batches, self.view, self.trace.rect.width())

    @property
    def shown_work(self) -> ShownWork:
        """The spans of a program in view, on the pixels that there are."""
        if self._recording is None or not self._recording.work.lanes:
            return NO_WORK
        log, width = self._recording.work, self.trace.rect.width()
        if self._work_key != (log.version, self.view, width):
            self._work_key, self._work = (log.version, self.view, width), shown_work(log, self.view, width)
        return self._work

    def show_card(self, card: BatchCard | None) -> None:
        """Of the batch that is looked at, from now on."""
        if card != self._batch_card:
            self._batch_card = card
            self._repaint()

    def show_energies(self, texts: Mapping[int, str]) -> None:
        """Of batches, by their index in the log, from now on."""
        if texts != self._batch_energies:
            self._batch_energies = dict(texts)
            self._repaint()

    def _double_click(self, at: QPointF) -> None:
        """Ask for a pair around what was clicked, or for the whole session on empty ground."""
        seconds = self._seconds_at(at.x())
        batch = self.latency.batch_at(at) if self.latency in self.panes and self._recording is not None else None
        run = next((r for r in self.annotations.runs if r.start_s <= seconds <= r.end_s), None)
        span = span_at(self.batch_spans, seconds) if batch is None else None
        if batch is not None:
            self.interval_asked.emit(*batch, "")
        elif span is not None:
            self.interval_asked.emit(span.start_s, span.end_s, "")
        elif run is not None:
            self.interval_asked.emit(run.start_s, run.end_s, run.name)
        else:
            self._fit_all()

    def _fit_all(self) -> None:
        for pane in self.panes:
            pane.fit_y()
        for trace in self.traces:
            trace.finish_drawing()
        self.fit_asked.emit()

    @property
    def pixels(self) -> int:
        """Width of the data in pixels of the screen or picture."""
        return max(round(self.trace.rect.width() * self._pixel_ratio), 1)

    @property
    def _pixel_ratio(self) -> float:
        return self.ratio or self.devicePixelRatioF()

    # -- cursor ----------------------------------------------------------------------------------

    def _move_cursor(self, at: QPointF) -> None:
        self._cursor_at = at
        self._locate_cursor()
        self.pointer_moved.emit()
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cursor_at = self.cursor_values = None
        self.pointer_moved.emit()
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is for the active marker; all other keys are those of the window."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.enter_pressed.emit()
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What lies there is not the concern of the stack."""
        self.menu_asked.emit(self.mapToScene(event.pos()), event.reason() == QContextMenuEvent.Reason.Keyboard)
        event.accept()

    @property
    def pointer_s(self) -> float | None:
        """The time under the mouse; None where it is not on the panes."""
        at, rect = self._cursor_at, self.trace.rect
        return self._seconds_at(at.x()) if at is not None and rect.left() <= at.x() <= rect.right() else None

    def _seconds_at(self, x: float) -> float:
        rect = self.trace.rect
        return self.view.start_s + (x - rect.left()) / rect.width() * self.view.width_s

    def _locate_cursor(self) -> None:
        at, rect = self._cursor_at, self.trace.rect
        if at is None or self._recording is None or not rect.left() <= at.x() <= rect.right():
            self.cursor_values = None
            return
        seconds = self._seconds_at(at.x())
        pixel_s = self.view.width_s / self.pixels
        self.cursor_values = cursor_at(seconds, pixel_s, self._recording, self.traces, self.times)
