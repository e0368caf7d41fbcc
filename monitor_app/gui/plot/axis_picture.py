# SPDX-License-Identifier: Apache-2.0
"""The axes of values of all panes as a picture, with their labels and numbers, and the lines of their grid.

Both stay as they are until the range or the room of a pane changes, which is once in hundreds of frames.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPixmap

from monitor_app.gui.plot.scales.axes import LABEL_AT_PX, axis_px
from monitor_app.gui.plot.scales.value_scale import ticks
from monitor_app.gui.theme import SMALL_PX, ui_font, with_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.gui.plot.plot_state import PaneState
    from monitor_app.gui.theme import Theme

TEXT_GAP_PX = 8
"""Between an axis and its numbers."""
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class AxisPicture:
    """Where the picture stands, and the lines of the grid."""

    at: QPointF
    pixmap: QPixmap
    grid: list[QLineF]


class Axes:
    """Paints the picture, and again only where something in it has changed."""

    def __init__(self) -> None:
        self._picture: AxisPicture | None = None
        self._key: tuple[object, ...] = ()

    def picture(self, panes: Sequence[PaneState], theme: Theme, ratio: float) -> AxisPicture:
        """Of these panes; ``ratio`` pixels of the screen or picture are one of the stack."""
        shown = tuple(
            (
                pane.rect.getRect(), pane.scale, pane.y_range, pane.text_scale, pane.column, pane.axis_colour,
                pane.label,
            )
            for pane in panes
        )  # fmt: skip
        key = (shown, theme.name, ui_font(SMALL_PX).pixelSize(), ratio)
        if self._picture is None or key != self._key:
            self._picture, self._key = _painted(panes, theme, ratio), key
        return self._picture


def _painted(panes: Sequence[PaneState], theme: Theme, ratio: float) -> AxisPicture:
    ascent = QFontMetricsF(ui_font(SMALL_PX)).ascent()
    right, columns = math.ceil(panes[0].rect.left()), 1 + max(pane.column for pane in panes)
    left, top = right - axis_px() * columns, math.floor(panes[0].rect.top() - ascent)
    height = math.ceil(max(pane.rect.bottom() for pane in panes) + ascent) - top
    pixmap = QPixmap(round((right - left) * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.ground))
    painter = QPainter(pixmap)
    painter.setFont(ui_font(SMALL_PX))
    painter.translate(-left, -top)
    grid = [line for pane in panes for line in _paint_axis(painter, pane, theme, ascent)]
    painter.end()
    return AxisPicture(QPointF(left, top), pixmap, grid)


def _paint_axis(painter: QPainter, pane: PaneState, theme: Theme, ascent: float) -> Iterator[QLineF]:
    """Numbers and label of a pane; its grid lines."""
    rect, left = pane.rect, pane.rect.left() - axis_px() * (1 + pane.column)
    painter.setPen(QColor(pane.axis_colour or theme.dim))
    for tick in ticks(pane.scale, *pane.y_range, rect.height(), pane.text_scale):
        y = round(pane.y_pixel(tick.value)) + 0.5
        if rect.top() < y < rect.bottom() - 2 and not pane.over:
            yield QLineF(rect.left(), y, rect.right(), y)
        painter.drawText(QRectF(left, y - ascent, axis_px() - TEXT_GAP_PX, 2 * ascent), RIGHT, tick.text)
    painter.save()
    painter.translate(left, rect.top())
    painter.rotate(-90)
    along = QRectF(-rect.height(), LABEL_AT_PX, rect.height(), 2 * with_text(SMALL_PX))
    fits = painter.fontMetrics().horizontalAdvance(pane.label) <= along.width()
    # Without its unit where the pane is too low for it.
    label = pane.label if fits else pane.label.split(" (")[0]
    painter.drawText(along, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, label)
    painter.restore()
