# SPDX-License-Identifier: Apache-2.0
"""How origins, compared sessions and lines are told apart, in colour and without it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.model import Origin

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from monitor_app.charts.sheet import ChartSheet

_DASHES = {
    Origin.MEASURED: Qt.PenStyle.SolidLine,
    Origin.SIMULATED: Qt.PenStyle.SolidLine,
    Origin.EXACT: Qt.PenStyle.SolidLine,
    Origin.DIGITISED: Qt.PenStyle.DashLine,
    Origin.QUOTED: Qt.PenStyle.DotLine,
    Origin.COMPUTED: Qt.PenStyle.DashDotLine,
    Origin.FITTED: Qt.PenStyle.DashDotDotLine,
    Origin.GIVEN: Qt.PenStyle.DashLine,
}
_LINE_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DashDotLine, Qt.PenStyle.DotLine)
FILL = 150
"""Opacity of a ball, of 255: what lies under it shows through."""
_SHAPES = 4


def outline(origin: Origin) -> Qt.PenStyle:
    """Of a mark or a joined series."""
    return _DASHES[origin]


def line_style(sheet: ChartSheet, index: int) -> tuple[str, Qt.PenStyle]:
    """Colour and dashes of the so-manieth line of a chart."""
    palette = sheet.palette
    colours = (palette.text, palette.latency, palette.accuracy, palette.power)
    return colours[index % len(colours)], _LINE_DASHES[index % len(_LINE_DASHES)]


def bar_opacity(group: int) -> int:
    """Of the fill of a bar, of 255: paler for each further group."""
    return (215, 120, 55)[min(group, 2)]


def draw_mark(painter: QPainter, centre: QPointF, radius: float, group: int) -> None:
    """A disc for the first of compared groups; a square, a diamond and a triangle of the same area for others."""
    shape = group % _SHAPES
    if shape == 0:
        painter.drawEllipse(centre, radius, radius)
    elif shape == 1:
        half = radius * math.sqrt(math.pi) / 2
        painter.drawRect(QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half))
    else:
        corners, first = (4, 0.0) if shape == 2 else (3, -math.pi / 2)
        reach = radius * math.sqrt(math.pi / (corners / 2 * math.sin(2 * math.pi / corners)))
        turns = [first + 2 * math.pi * k / corners for k in range(corners)]
        painter.drawPolygon(
            QPolygonF([QPointF(centre.x() + reach * math.cos(t), centre.y() + reach * math.sin(t)) for t in turns])
        )
