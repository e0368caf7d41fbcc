# SPDX-License-Identifier: Apache-2.0
"""A lane of coloured and named strips below the names of the runs, and a ground of each colour behind the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from monitor_app.gui.plot.layer import Layer
from monitor_app.gui.plot.words import ascent_px, draw_text, names_px, text_px
from monitor_app.gui.theme import SMALL_PX, mixed, with_text

if TYPE_CHECKING:
    from monitor_app.gui.plot.plot_state import Strip
    from monitor_app.gui.theme import Theme

LANE_PX = 16
GROUND = 26
"""Opacity of 255 of the ground behind the curves."""
FILL = 0.38
"""Opacity of a strip over the ground of the pane: its name has to be read on it."""


def lane_px() -> int:
    """Height of a lane, with the text as large as it is now."""
    return with_text(LANE_PX)


def lanes_px(lanes: int) -> int:
    """Room that they need below the names of the runs."""
    return lanes * lane_px() + (4 if lanes else 0)


def colour_of(theme: Theme, number: int) -> str:
    """Of a name by its number: the colours in turn."""
    return theme.others[number % len(theme.others)]


class WorkGround(Layer):
    """Behind the curves: the outermost spans, so that they can be followed down to the power."""

    def paint_state(self, painter: QPainter) -> None:
        state = self.state
        left = round(state.first.rect.left())
        for strip in state.work.strips:
            if strip.lane:
                continue
            colour = QColor(colour_of(state.theme, strip.colour))
            colour.setAlpha(GROUND)
            for pane in state.traces:
                rect = pane.rect.toRect()
                painter.fillRect(
                    QRect(left + strip.left, rect.top(), max(strip.right - strip.left, 1), rect.height()), colour
                )


class WorkLayer(Layer):
    """In front of them: a strip for each span with its name where there is room, and moments as dashed lines."""

    def paint_state(self, painter: QPainter) -> None:
        state = self.state
        if not state.work.lanes:
            return
        rect = state.first.rect.toRect()
        top = rect.top() + names_px() + 2
        for strip in state.work.strips:
            self._paint_strip(painter, strip, rect.left(), top + strip.lane * lane_px())
        painter.setPen(QColor(state.theme.text))
        for caption in state.work.captions(lambda name, room: text_px(name) + 10 <= room):
            baseline = top + caption.lane * lane_px() + (lane_px() - 2 + ascent_px(SMALL_PX)) // 2 - 1
            draw_text(painter, rect.left() + caption.left + 6, baseline, caption.name)
        bottom = round(state.traces[-1].rect.bottom())
        for moment in state.work.moments:
            colour = QColor(colour_of(state.theme, moment.colour))
            painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
            x = rect.left() + moment.x
            painter.drawLine(x, top, x, bottom)
            if text_px(moment.name) < rect.right() - x - 6:
                painter.setPen(QColor(state.theme.text))
                draw_text(painter, x + 4, top + state.work.lanes * lane_px() + ascent_px(SMALL_PX), moment.name)

    def _paint_strip(self, painter: QPainter, strip: Strip, left: int, top: int) -> None:
        theme = self.state.theme
        colour = QColor(colour_of(theme, strip.colour))
        width, height = max(strip.right - strip.left, 1), lane_px() - 2
        fill = mixed(colour.name(), theme.ground, FILL)
        painter.fillRect(QRect(left + strip.left, top, width, height), fill)
        if strip.single and strip.edges[0]:
            painter.fillRect(QRect(left + strip.left, top, 2, height), colour)
