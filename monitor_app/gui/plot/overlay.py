# SPDX-License-Identifier: Apache-2.0

"""Layers around the curves, painted from a PlotState: grounds and grid behind them, labels and cursor in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from monitor_app.gui.plot.annotations import Gap, Interval, Note, RunFigures, clear_of, spread_apart
from monitor_app.gui.plot.axis_picture import TEXT_GAP_PX, Axes
from monitor_app.gui.plot.grounds import paint_grounds
from monitor_app.gui.plot.layer import Layer
from monitor_app.gui.plot.legend import LEGEND_PX, paint_legend, paint_marks
from monitor_app.gui.plot.scales.axes import time_step
from monitor_app.gui.plot.words import (
    LINE_PX,
    NAMES_TOP_PX,
    ascent_px,
    draw_text,
    elided,
    line_px,
    names_px,
    text_px,
)
from monitor_app.gui.theme import BODY_PX, SMALL_PX, mixed, ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from monitor_app.gui.plot.plot_state import Cursor, PaneState

MARK_ROOM_PX = 260
LEAST_NAMED_PX = 46
"""Intervals narrower than this are shown without their name."""


_S = TypeVar("_S", Interval, Gap, RunFigures)


class _TimedLayer(Layer):
    """Knows which intervals are in view."""

    def _visible(self, intervals: Iterable[_S]) -> Iterator[tuple[float, float, _S]]:
        """Left and right pixel of the intervals in view, at least one pixel apart."""
        view, rect = self.state.view, self.state.first.rect
        start_s, end_s, first, last = view.start_s, view.end_s, rect.left(), rect.right()
        scale = (last - first) / view.width_s
        for interval in intervals:
            if interval.end_s >= start_s and interval.start_s <= end_s:
                left = max(first + (interval.start_s - start_s) * scale, first)
                yield left, max(min(first + (interval.end_s - start_s) * scale, last), left + 1), interval


class Backdrop(_TimedLayer):
    """Grounds of the runs, grid, axes, and gaps."""

    def __init__(self) -> None:
        super().__init__()
        self.axes = Axes()

    def paint_state(self, painter: QPainter) -> None:
        paint_grounds(painter, self.state)
        self._paint_axes(painter)
        self._paint_times(painter, QColor(self.state.theme.dim), ascent_px())
        lost = mixed(self.state.theme.alarm, self.state.theme.ground, 0.35)
        for left, right, gap in self._visible(self.state.annotations.gaps):
            for pane in self.state.traces:
                # Where the pane shows other sources too, only the bar at its foot marks the gap.
                if pane.source_ids == {gap.source}:
                    painter.fillRect(QRectF(left, pane.rect.top(), right - left, pane.rect.height()), lost)

    def _paint_axes(self, painter: QPainter) -> None:
        theme, ratio = self.state.theme, painter.deviceTransform().m11()
        faint, solid = QPen(mixed(theme.line, theme.ground, 0.5), 1), QPen(QColor(theme.line), 1)
        axes = self.axes.picture(self.state.panes, theme, ratio)
        painter.drawPixmap(axes.at, axes.pixmap)
        painter.setPen(faint)
        painter.drawLines(axes.grid)
        painter.setPen(solid)
        painter.drawLines([QLineF(pane.rect.bottomLeft(), pane.rect.bottomRight()) for pane in self.state.panes])

    def _paint_times(self, painter: QPainter, text_colour: QColor, ascent: float) -> None:
        view, rect = self.state.view, self.state.panes[-1].rect
        step = time_step(view.width_s, rect.width())
        painter.setPen(text_colour)
        times, baseline = self.state.times, rect.bottom() + TEXT_GAP_PX + ascent
        free_from = self.state.area.left()
        if times.zone:
            draw_text(painter, free_from, baseline, times.zone)
            free_from += text_px(times.zone) + TEXT_GAP_PX
        has_date = False
        for seconds, label in times.ticks(view.start_s, view.end_s, step):
            x = self.state.x_pixel(seconds)
            dated = label if has_date else times.dated(seconds, label)
            # The date is part of the first label that has room for it.
            text = next((t for t in (dated, label) if x - text_px(t) / 2 >= free_from), "")
            has_date |= text == dated
            draw_text(painter, x - text_px(text) / 2, baseline, text)


class Foreground(_TimedLayer):
    """Names of the runs, levels with the swing, and marks."""

    def paint_state(self, painter: QPainter) -> None:
        self._paint_signals(painter)
        self._paint_names(painter)
        self._paint_gaps(painter)
        self._paint_marks(painter)
        self._paint_run_figures(painter)
        self._paint_unseen(painter)
        notes, levels_pane = self.state.annotations, self.state.levels_pane
        if levels_pane is not None:
            self._paint_notes(painter, levels_pane, notes.levels)
            self._paint_swing(painter, levels_pane)
        if self.state.latency is not None:
            self._paint_notes(painter, self.state.latency, notes.latency)
            self._paint_load(painter, self.state.latency)
        if self.state.accuracy is not None:
            self._paint_notes(painter, self.state.accuracy, notes.accuracy)
            self._paint_reason(painter, self.state.accuracy)

    # -- signals ---------------------------------------------------------------------------------

    def _paint_signals(self, painter: QPainter) -> None:
        state = self.state
        shared = any(pane.over for pane in state.traces)
        for pane in state.traces:
            if pane.legend:
                rect = pane.rect
                top = rect.top() - (1 + pane.strip) * LEGEND_PX
                strip = QRectF(rect.left(), top, rect.width() + state.gutter_px - 10, LEGEND_PX - 4)
                paint_legend(painter, state.theme, strip, pane.legend, marked=len(pane.legend) > 1 or shared)
            if len(pane.curves) > 1 or shared:
                paint_marks(painter, state.theme, pane, state.view)
        painter.setFont(ui_font(SMALL_PX))

    # -- names -----------------------------------------------------------------------------------

    def _paint_names(self, painter: QPainter) -> None:
        top, notes, theme = self.state.first.rect.top() + NAMES_TOP_PX, self.state.annotations, self.state.theme
        self._paint_texts(painter, notes.runs, top, theme.text, BODY_PX)
        self._paint_texts(painter, notes.phases, top + line_px(), theme.on_span, SMALL_PX)

    def _paint_texts(
        self, painter: QPainter, intervals: Iterable[Interval], top: float, colour: str, size_px: int
    ) -> None:
        painter.setFont(ui_font(size_px))
        painter.setPen(QColor(colour))
        baseline, elides = top + ascent_px(size_px), size_px == BODY_PX
        for left, right, interval in self._visible(intervals):
            room = right - left - 12
            if room >= (LEAST_NAMED_PX if elides else text_px(interval.name, size_px)):
                # Where room is short, the batch size is left out before the name of the network is elided.
                whole = text_px(interval.name, size_px) <= room
                name = interval.name if whole else interval.name.split("  ·  ")[0]
                draw_text(painter, left + 7, baseline, elided(name, room, size_px), size_px)

    def _paint_gaps(self, painter: QPainter) -> None:
        """A bar at the foot, visible however short the gap, with the number of lost samples where there is room."""
        alarm = QColor(self.state.theme.alarm)
        lossy = {gap.source for gap in self.state.annotations.gaps}
        for pane in self.state.traces if lossy else ():
            bottom = pane.rect.bottom()
            lines = {source: k for k, source in enumerate(sorted(pane.source_ids & lossy))}
            for left, right, gap in self._visible(self.state.annotations.gaps):
                if gap.source not in lines:
                    continue
                painter.fillRect(QRectF(left, bottom - 6, max(right - left, 2), 6), alarm)
                if right - left > text_px(gap.name) + 8:
                    painter.setPen(alarm)
                    draw_text(painter, left + 4, bottom - 12 - LINE_PX * lines[gap.source], gap.name)

    def _paint_marks(self, painter: QPainter) -> None:
        theme, view = self.state.theme, self.state.view
        bottom = self.state.panes[-1].rect.bottom()
        rect = self.state.first.rect
        free_from = rect.left()
        lossy = {gap.source for gap in self.state.annotations.gaps} & self.state.first.source_ids
        levels = self.state.annotations.levels if self.state.levels_pane is self.state.first else ()
        heights = [self.state.first.y_pixel(note.value) for note in levels]
        foot = clear_of(rect.bottom() - 8 - LINE_PX * len(lossy), heights, LINE_PX)
        for seconds, text in self.state.annotations.marks:
            if not view.start_s <= seconds <= view.end_s:
                continue
            x = round(self.state.x_pixel(seconds)) + 0.5
            painter.setPen(QPen(QColor(theme.dim), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, bottom))
            room = min(rect.right() - x - 8, MARK_ROOM_PX)
            shown = elided(text, room)
            if text and x >= free_from and room >= LEAST_NAMED_PX:
                painter.setPen(QColor(theme.dim))
                draw_text(painter, x + 4, foot, shown)
                free_from = x + text_px(shown) + 10

    def _paint_unseen(self, painter: QPainter) -> None:
        """Why something is not seen in a pane."""
        painter.setPen(QColor(self.state.theme.dim))
        for pane in self.state.panes:
            if pane.note:
                at = pane.rect.adjusted(8, 0, 0, -8)
                painter.drawText(at, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, pane.note)

    # -- values at their heights -----------------------------------------------------------------

    def _paint_run_figures(self, painter: QPainter) -> None:
        """The full power and the median latency of each run as lines within its ground; all of a pane at once."""
        visible = list(self._visible(self.state.annotations.figures))
        painter.setPen(QPen(QColor(self.state.theme.text), 1))
        for pane, values in (
            (self.state.levels_pane, [figures.full_w for _, _, figures in visible]),
            (self.state.latency, [figures.p50_ms for _, _, figures in visible]),
        ):
            if pane is not None:
                painter.drawLines(
                    [
                        QLineF(left, y, right, y)
                        for (left, right, _), value in zip(visible, values, strict=True)
                        if value is not None
                        and pane.rect.top() < (y := round(pane.y_pixel(value)) + 0.5) < pane.rect.bottom()
                    ]
                )

    def _paint_notes(self, painter: QPainter, pane: PaneState, notes: tuple[Note, ...]) -> None:
        rect = pane.rect
        inside = [n for n in notes if pane.y_range[0] <= n.value <= pane.y_range[1]]
        heights = [pane.y_pixel(note.value) for note in inside]
        theme = self.state.theme
        dashed = QPen(QColor(theme.dim), 1, Qt.PenStyle.CustomDashLine)
        dashed.setDashPattern([3, 4])
        for note, y in zip(inside, heights, strict=True):
            painter.setPen(dashed if note.line else QPen(QColor(theme.dim), 1))
            begin = rect.left() if note.line else rect.right() + 1
            painter.drawLine(QPointF(begin, round(y) + 0.5), QPointF(rect.right() + 5, round(y) + 0.5))
        for note, y in zip(inside, spread_apart(heights, LINE_PX, rect.top() + 8, rect.bottom() - 6), strict=True):
            self._paint_note(painter, rect.right() + 10, y, note.name, note.text)

    def _paint_note(self, painter: QPainter, x: float, y: float, name: str, text: str) -> None:
        baseline = y + ascent_px() / 2 - 1
        painter.setPen(QColor(self.state.theme.dim))
        draw_text(painter, x, baseline, name)
        painter.setPen(QColor(self.state.theme.text))
        draw_text(painter, x + text_px(name) + 6, baseline, text)

    def _paint_swing(self, painter: QPainter, pane: PaneState) -> None:
        """An arrow from idle to full, at their heights."""
        notes = self.state.annotations
        if not notes.swing or len(notes.levels) < 2:
            return
        rect = pane.rect
        low, high = (pane.y_pixel(note.value) for note in notes.levels)
        in_view = rect.top() <= high and low <= rect.bottom()
        if not in_view or low - high < 3.5 * LINE_PX:
            return
        x = round(rect.right() + 14) + 0.5
        painter.setPen(QPen(QColor(self.state.theme.dim), 1))
        top, bottom = high + 12, low - 12
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        for tip, inwards in ((top, 4), (bottom, -4)):
            for sideways in (-3, 3):
                painter.drawLine(QPointF(x, tip), QPointF(x + sideways, tip + inwards))
        middle = (top + bottom) / 2
        painter.setPen(QColor(self.state.theme.dim))
        draw_text(painter, x + 9, middle - 3, "swing")
        painter.setFont(ui_font(SMALL_PX + 3))
        painter.setPen(QColor(self.state.theme.power))
        draw_text(painter, x + 9, middle + 14, notes.swing, SMALL_PX + 3)
        painter.setFont(ui_font(SMALL_PX))

    def _paint_reason(self, painter: QPainter, pane: PaneState) -> None:
        notes = self.state.annotations
        if notes.accuracy_note and not notes.accuracy:
            self._paint_dim(
                painter, pane.rect.adjusted(0, 0, -8, -6), Qt.AlignmentFlag.AlignBottom, notes.accuracy_note
            )

    def _paint_load(self, painter: QPainter, pane: PaneState) -> None:
        note = self.state.annotations.latency_note
        if note:
            self._paint_dim(painter, pane.rect.adjusted(0, 4, -8, 0), Qt.AlignmentFlag.AlignTop, note)

    def _paint_dim(self, painter: QPainter, rect: QRectF, edge: Qt.AlignmentFlag, text: str) -> None:
        painter.setPen(QColor(self.state.theme.dim))
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | edge, text)


class CursorLayer(Layer):
    """The values under the mouse, in front of all else; beside the boxes of markers wherever there is room."""

    def __init__(self, boxes: Callable[[], Iterable[QRectF]]) -> None:
        super().__init__()
        self._boxes = boxes
        self.tags: list[QRectF] = []
        """Where the tags were painted last."""

    def paint_state(self, painter: QPainter) -> None:
        cursor = self.state.cursor
        self.tags = []
        if cursor is None:
            return
        theme, rect = self.state.theme, self.state.first.rect
        x = round(self.state.x_pixel(cursor.seconds)) + 0.5
        painter.setPen(QPen(mixed(theme.dim, theme.ground, 0.6), 1))
        painter.drawLine(QPointF(x, rect.top()), QPointF(x, self.state.panes[-1].rect.bottom()))
        on_card = self.state.reads_batch
        for pane, lines in self._tags(cursor):
            if not on_card or pane is not self.state.first:
                self._paint_tag(painter, pane, x, lines)
        if self.state.latency is not None and not on_card:
            self._paint_tag(painter, self.state.latency, x, cursor.latency)

    def _tags(self, cursor: Cursor) -> list[tuple[PaneState, tuple[str, ...]]]:
        """The lines of each pane; those of panes in the same place in one tag."""
        tags: list[tuple[PaneState, tuple[str, ...]]] = []
        for pane, lines in zip(self.state.traces, cursor.traces, strict=False):
            if pane.over and tags:
                tags[0] = (tags[0][0], tags[0][1] + lines)
            else:
                tags.append((pane, lines))
        return tags

    def _paint_tag(self, painter: QPainter, pane: PaneState, x: float, lines: tuple[str, ...]) -> None:
        if not lines:
            return
        theme = self.state.theme
        width = max(text_px(line) for line in lines) + 14
        height = len(lines) * LINE_PX + 6
        below = names_px() + 7 if pane is self.state.first else 4
        room = tag_rect(pane.rect, x, width, height, below, list(self._boxes()))
        self.tags.append(room)
        painter.fillRect(room, QColor(theme.raised))
        painter.setPen(QColor(theme.text))
        for k, line in enumerate(lines):
            draw_text(painter, room.left() + 7, room.top() + 3 + k * LINE_PX + ascent_px() + 1, line)


def tag_rect(pane: QRectF, x: float, width: float, height: float, below: float, boxes: Sequence[QRectF]) -> QRectF:
    """Where a tag for ``x`` covers no box: right or left of it, below the boxes of the pane, or beside them.

    ``below``: its distance from the top of the pane where it can choose. Where all places are covered, the first one.
    """
    right, left = x + 8, x - 8 - width
    sides = (right, left) if right + width < pane.right() else (left, right)
    feet = sorted({box.bottom() + 4 for box in boxes if box.intersects(pane)})
    tops = [pane.top() + below, *(foot for foot in feet if foot + height <= pane.bottom())]
    beside = [at for box in boxes if box.intersects(pane) for at in (box.left() - 4 - width, box.right() + 4)]
    beside.sort(key=lambda at: abs(at + width / 2 - x))
    places = [QRectF(side, top, width, height) for top in tops for side in sides]
    places += [QRectF(at, tops[0], width, height) for at in beside]
    free = (p for p in places if pane.left() <= p.left() and p.right() <= pane.right() and not _covers(p, boxes))
    return next(free, places[0])


def _covers(place: QRectF, boxes: Iterable[QRectF]) -> bool:
    return any(place.intersects(box) for box in boxes)
