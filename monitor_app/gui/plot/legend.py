# SPDX-License-Identifier: Apache-2.0
"""Names of the signals above their pane, and marks that distinguish their lines without colour."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from monitor_app.gui.plot.words import ascent_px, draw_text, text_px
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QPointF as Point

    from monitor_app.gui.plot.plot_state import LegendEntry, PaneState
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.theme import Theme

MARK_PX = 3.5
"""Half the width of a mark."""
MARK_ROOM_PX = 7
"""From the middle of a mark to the edges of its picture."""
MARK_EVERY_PX = 190
"""Between the marks of a line."""
LETTERS = "●■▲◆▼⬟"
"""The marks as letters, by slot."""
SWATCH_PX = 20
APART_PX = 20
LEAST_NAME_PX = 40
VALUE_APART_PX = 7
LEGEND_PX = 22
"""Height of the legend above its pane."""
MEAN_TEXT, VALUE_TEXT = "mean 000.00 mW", "000 mW"
"""Beside the legend there is always room for this much of the statistics; values take turns at being so wide."""


def paint_mark(painter: QPainter, at: Point, slot: int, size: float = MARK_PX) -> None:
    """The mark of a slot with the pen and brush of the painter: disc, square, triangle, diamond, and so on."""
    x, y = at.x(), at.y()
    if slot == 0:
        painter.drawEllipse(at, size, size)
    elif slot == 1:
        painter.drawRect(QRectF(x - size, y - size, 2 * size, 2 * size))
    else:
        corners, turned = ((3, -90.0), (4, 0.0), (3, 90.0), (5, -90.0))[min(slot, 5) - 2]
        angles = [math.radians(turned + 360.0 * k / corners) for k in range(corners)]
        reach = 1.35 * size
        painter.drawPolygon(QPolygonF([QPointF(x + reach * math.cos(a), y + reach * math.sin(a)) for a in angles]))


def legend_px(strip_px: float, entries: Sequence[LegendEntry]) -> float:
    """The width of a legend in a strip that it shares with the statistics, with room behind it; 0 without entries."""
    return sum(SWATCH_PX + text_px(name) + width + APART_PX for _, name, _, width in _laid_out(strip_px, entries))


def paint_legend(
    painter: QPainter, theme: Theme, rect: QRectF, entries: Sequence[LegendEntry], *, marked: bool
) -> None:
    """Names and values in one line within ``rect``, which it shares with the statistics.

    Where room is short, values are left out, then names are elided.

    ``marked``: with the marks that the lines carry.
    """
    painter.setFont(ui_font(SMALL_PX))
    x, baseline = rect.left(), rect.center().y() + ascent_px() / 2 - 1
    for entry, name, value, width in _laid_out(rect.width(), entries):
        _paint_swatch(painter, theme, QPointF(x, rect.center().y()), entry, marked=marked)
        painter.setPen(QColor(theme.text))
        x += SWATCH_PX
        draw_text(painter, x, baseline, name)
        x += text_px(name)
        if value:
            painter.setPen(QColor(theme.dim))
            draw_text(painter, x + VALUE_APART_PX, baseline, value)
        x += width + APART_PX


def _paint_swatch(painter: QPainter, theme: Theme, at: Point, entry: LegendEntry, *, marked: bool) -> None:
    y = round(at.y()) + 0.5
    painter.setPen(QPen(QColor(entry.colour), 1.5))
    painter.drawLine(QPointF(at.x(), y), QPointF(at.x() + SWATCH_PX - 6, y))
    if marked:
        mark = mark_picture(entry.slot, entry.colour, theme.ground, painter.deviceTransform().m11())
        painter.drawPixmap(QPointF(at.x() + (SWATCH_PX - 6) / 2 - MARK_ROOM_PX, y - MARK_ROOM_PX - 0.5), mark)


def paint_marks(painter: QPainter, theme: Theme, pane: PaneState, view: TimeWindow) -> None:
    """Marks along each line, at fixed times, those of one signal between those of the others."""
    rect, curves = pane.rect, pane.curves
    every_s = view.width_s * MARK_EVERY_PX / max(rect.width(), 1.0)
    # On a grid that doubles, so that marks stay where they are while the view moves.
    every_s = 2.0 ** math.ceil(math.log2(every_s))
    first, count = math.floor(view.start_s / every_s) - 1, math.ceil(view.width_s / every_s) + 3
    scale = rect.width() / view.width_s
    for k, curve in enumerate(curves):
        drawn = curve.lines
        if drawn is None or len(drawn.mean_x) == 0:
            continue
        since, until = max(view.start_s, float(drawn.mean_x[0])), min(view.end_s, float(drawn.mean_x[-1]))
        wanted = [(first + j + k / len(curves)) * every_s for j in range(count)]
        at_s = [each for each in wanted if since <= each <= until]
        near = np.searchsorted(drawn.mean_x, at_s)
        mark = mark_picture(curve.slot, curve.colour, theme.ground, painter.deviceTransform().m11())
        points = zip(at_s, drawn.mean_x[near].tolist(), drawn.mean_y[near].tolist(), strict=True)
        for wanted_s, seconds, value in points:
            x, y = rect.left() + (seconds - view.start_s) * scale, pane.y_pixel(value)
            shown = rect.top() <= y <= rect.bottom() and rect.left() <= x <= rect.right()
            if shown and abs(seconds - wanted_s) < every_s / 8:  # none in a gap
                painter.drawPixmap(QPointF(round(x) - MARK_ROOM_PX, round(y) - MARK_ROOM_PX), mark)


@lru_cache(maxsize=64)
def mark_picture(slot: int, colour: str, ground: str, ratio: float) -> QPixmap:
    """A mark in the middle of a picture; painting its smooth edges again and again takes a good part of a frame."""
    side = 2 * MARK_ROOM_PX + 1
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    _begin_marks(painter, ground, colour)
    paint_mark(painter, QPointF(MARK_ROOM_PX + 0.5, MARK_ROOM_PX + 0.5), slot)
    painter.end()
    return picture


def _begin_marks(painter: QPainter, ground: str, colour: str) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(QColor(ground), 1.5))
    painter.setBrush(QColor(colour))


def entry_at(left: float, room: float, entries: Sequence[LegendEntry], x: float) -> LegendEntry | None:
    """The entry that `paint_legend` has written at ``x`` in a strip that is ``room`` wide."""
    for entry, name, _, width in _laid_out(room, entries):
        end = left + SWATCH_PX + text_px(name) + width
        if left <= x <= end:
            return entry
        left = end + APART_PX
    return None


def _laid_out(room: float, entries: Sequence[LegendEntry]) -> list[tuple[LegendEntry, str, str, float]]:
    """Each entry with its name and its value as there is room for them, and the width of the value.

    It is the same for other values, so that nothing moves while they change.
    """
    if not entries:
        return []
    room -= text_px(MEAN_TEXT) + APART_PX
    fixed_px = len(entries) * SWATCH_PX + (len(entries) - 1) * APART_PX
    names = [text_px(entry.name) for entry in entries]
    values = [VALUE_APART_PX + max(text_px(e.value), text_px(VALUE_TEXT)) if e.value else 0.0 for e in entries]
    with_values = fixed_px + sum(names) + sum(values) <= room
    share = max((room - fixed_px) / len(entries), LEAST_NAME_PX)
    short = not with_values and fixed_px + sum(names) > room
    return [
        (
            entry,
            QFontMetricsF(ui_font(SMALL_PX)).elidedText(entry.name, Qt.TextElideMode.ElideMiddle, share)
            if short
            else entry.name,
            entry.value if with_values else "",
            value if with_values else 0.0,
        )
        for entry, value in zip(entries, values, strict=True)
    ]
