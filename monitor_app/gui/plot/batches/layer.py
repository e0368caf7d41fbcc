# SPDX-License-Identifier: Apache-2.0
"""Batches as spans behind the curves of the traces, and in front of them the card of the one that is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from monitor_app.core.formatting import span_of_time
from monitor_app.gui.plot.cursor_values import NAME_APART
from monitor_app.gui.plot.layer import Layer
from monitor_app.gui.plot.words import draw_text, names_px, text_px
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.gui.plot.plot_state import BatchCard, BatchSpan, Cursor, PaneState, PlotState

FILL, PALE, PICKED = 24, 12, 74
"""Opacities of 255: of a timed batch, of one of warm-up or accuracy, and of the one that is looked at."""
EDGE = 0.45
"""Opacity of an edge."""
LABEL_ROOM_PX = 12
LINE_PX, PAD_PX, GAP_PX = 16, 8, 10


class BatchGround(Layer):
    """A span for each batch, with the time and the energy it took at its foot where there is room."""

    def paint_state(self, painter: QPainter) -> None:
        spans, card = self.state.batches.spans, self.state.batches.card
        if not spans:
            return
        colour = QColor(self.state.theme.latency)
        for span in spans:
            picked = card is not None and span.index == card.span.index
            self._paint_span(painter, span, colour, PICKED if picked else FILL if span.timed else PALE)
            if card is not None and picked:
                self._paint_stages(painter, card)
        painter.setPen(QColor(self.state.theme.on_span))
        foot = self.state.traces[-1].rect.bottom() - 8
        for span in spans:
            left, right = self._ends(span)
            took = span_of_time(span.end_s - span.start_s)
            energy = self.state.batches.energies.get(span.index, "")
            for text in (f"{took}  ·  {energy}" if energy else took, took):
                width = text_px(text)
                if right - left >= width + LABEL_ROOM_PX:
                    draw_text(painter, (left + right - width) / 2, foot, text)
                    break

    def _ends(self, span: BatchSpan) -> tuple[float, float]:
        rect = self.state.first.rect
        left, right = self.state.x_pixel(span.start_s), self.state.x_pixel(span.end_s)
        return max(left, rect.left()), min(right, rect.right())

    def _paint_span(self, painter: QPainter, span: BatchSpan, colour: QColor, opacity: int) -> None:
        ends = self._ends(span)
        left, right = round(ends[0]), round(ends[1])
        ground = QColor(colour)
        ground.setAlpha(opacity)
        edge = mixed(self.state.theme.latency, self.state.theme.ground, EDGE)
        view = self.state.view
        for pane in self.state.traces:
            # Whole pixels, and edges that hide what is below them, are painted much faster.
            rect = pane.rect.toRect()
            painter.fillRect(QRect(left, rect.top(), right - left, rect.height()), ground)
            if span.start_s >= view.start_s:
                painter.fillRect(QRect(left, rect.top(), 1, rect.height()), edge)
            if span.end_s <= view.end_s:
                painter.fillRect(QRect(right - 1, rect.top(), 1, rect.height()), edge)

    def _paint_stages(self, painter: QPainter, card: BatchCard) -> None:
        """A dotted line where one stage of the pass gives way to the next."""
        painter.setPen(QPen(QColor(self.state.theme.on_span), 1, Qt.PenStyle.DotLine))
        first = self.state.first.rect
        for x in map(self.state.x_pixel, card.stages_s):
            if first.left() <= x <= first.right():
                for pane in self.state.traces:
                    painter.drawLine(QPointF(round(x), pane.rect.top()), QPointF(round(x), pane.rect.bottom()))


class CardLayer(Layer):
    """Beside its batch, so that it does not cover it."""

    def paint_state(self, painter: QPainter) -> None:
        card = shown_card(self.state)
        if card is None:
            return
        theme = self.state.theme
        ends = self.state.x_pixel(card.span.start_s), self.state.x_pixel(card.span.end_s)
        size = card_size(card, QFontMetricsF(painter.font()))
        rect = card_rect(size, self._rooms(), ends, leftwards=self.state.cursor is not None)
        painter.fillRect(rect, QColor(theme.raised))
        painter.fillRect(QRectF(rect.left(), rect.top(), 3, rect.height()), QColor(theme.latency))
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
        _write(painter, card, rect, (theme.text, theme.dim, theme.alarm))

    def _rooms(self) -> tuple[QRectF, QRectF]:
        """The first pane below its names, and those of the runs: above other panes are lines with their statistics."""
        first, last = self.state.first.rect, self.state.panes[-1].rect
        foot = self.state.latency.rect if self.state.latency is not None else first
        return first.adjusted(0, names_px() + 3, 0, 0), QRectF(foot.topLeft(), last.bottomRight())


def shown_card(state: PlotState) -> BatchCard | None:
    """The card in view, with what is read under the mouse where that is on its batch: there is one box, not two."""
    card, cursor = state.batches.seen_card, state.cursor
    if card is None or cursor is None or not state.reads_batch:
        return card
    return replace(card, rows=(*card.rows, *_under_cursor(cursor, state.traces)))


def _under_cursor(cursor: Cursor, panes: Sequence[PaneState]) -> Iterator[tuple[str, str]]:
    """The time with the first value; each other one with the name of its signal, where several share the pane."""
    (when, *first), *others = cursor.traces
    over = (lines for pane, lines in zip(panes[1:], others, strict=False) if pane.over)
    for line in (*first, *(line for lines in over for line in lines)):
        value, _, name = line.partition(NAME_APART)
        yield name or when, value
        when = ""


def card_size(card: BatchCard, metrics: QFontMetricsF) -> QSizeF:
    """In pixels."""
    names = max((metrics.horizontalAdvance(name) for name, _ in card.rows), default=0.0)
    texts = max((metrics.horizontalAdvance(text) for _, text in card.rows), default=0.0)
    words = max(metrics.horizontalAdvance(line) for line in (card.title, *card.warnings))
    height = (1 + len(card.rows) + len(card.warnings)) * LINE_PX + PAD_PX
    return QSizeF(round(max(names + texts + 14, words) + 2 * PAD_PX + 3), round(height))


def card_rect(size: QSizeF, rooms: tuple[QRectF, ...], ends: tuple[float, float], *, leftwards: bool) -> QRectF:
    """Beside its batch, in the first room that is high enough, or else in the last one.

    ``leftwards`` prefers the left side, since the values under the cursor stand on its right.
    """
    room = next((each for each in rooms if each.height() >= size.height() + 4), rooms[-1])
    right, left = ends[1] + GAP_PX, ends[0] - GAP_PX - size.width()
    places = [x for x in ((left, right) if leftwards else (right, left)) if _fits(x, size.width(), room)]
    x = places[0] if places else room.right() - size.width() - 4
    y = max(min(room.top() + 4, room.bottom() - size.height()), 0.0)
    return QRectF(round(x), round(y), size.width(), size.height())


def _fits(x: float, width: float, room: QRectF) -> bool:
    return room.left() <= x and x + width <= room.right()


def _write(painter: QPainter, card: BatchCard, rect: QRectF, colours: tuple[str, str, str]) -> None:
    text, dim, alarm = colours
    line = QRectF(rect.left() + PAD_PX + 3, rect.top() + PAD_PX / 2, rect.width() - 2 * PAD_PX - 3, LINE_PX)
    left, right = (
        side | Qt.AlignmentFlag.AlignVCenter for side in (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
    )
    painter.setPen(QColor(text))
    painter.drawText(line, left, card.title)
    for name, value in card.rows:
        line.translate(0, LINE_PX)
        painter.setPen(QColor(dim))
        painter.drawText(line, left, name)
        painter.setPen(QColor(text))
        painter.drawText(line, right, value)
    painter.setPen(QColor(alarm))
    for warning in card.warnings:
        line.translate(0, LINE_PX)
        painter.drawText(line, left, warning)
