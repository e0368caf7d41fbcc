# SPDX-License-Identifier: Apache-2.0
"""How origins, compared groups and lines differ, in colour and without it: dashes, shapes, and samples of both.

The legend in a picture and the one beside the chart in the window draw the same samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.model import SHAPES, Origin

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from monitor_app.charts.canvas import Canvas
    from monitor_app.charts.palette import Palette

_DASHES = {
    Origin.MEASURED: Qt.PenStyle.SolidLine,
    Origin.SIMULATED: Qt.PenStyle.SolidLine,
    Origin.EXACT: Qt.PenStyle.SolidLine,
    Origin.DIGITISED: Qt.PenStyle.DashLine,
    Origin.QUOTED: Qt.PenStyle.DotLine,
    Origin.COMPUTED: Qt.PenStyle.DashDotLine,
    Origin.FITTED: Qt.PenStyle.SolidLine,
    Origin.GIVEN: Qt.PenStyle.DashDotDotLine,
}
"""Solid is of this bench, or exact; everything else says by its dash how it was obtained."""
FILL = 150
"""Opacity of a bubble, of 255: what lies under it shows through."""
_BAND_ALPHA = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What a legend shows of marks or of a line, about two units wide."""

    colour: str
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    line: bool = False
    band: bool = False
    radius: float = 0.0
    """Of a mark in units; 0 for none."""
    bar: bool = False
    group: int = 0
    """Of which the mark has the shape, or the bar the opacity."""
    fill: int = 0
    """Opacity of the mark or bar, of 255; 0 is hollow and covers the line."""
    see_through: bool = False
    """Hollow marks that do not cover the line."""


def dash_of(origin: Origin) -> Qt.PenStyle:
    """Of the outline of a mark, of a joined series, or of a line."""
    return _DASHES[origin]


def line_colour(palette: Palette, index: int) -> str:
    """Of a line, by its place among the lines of the chart."""
    colours = (palette.text, palette.latency, palette.accuracy, palette.power, palette.current, palette.dim)
    return colours[index % len(colours)]


def bar_opacity(group: int) -> int:
    """Of the fill of a bar, of 255: paler for each further group, whose outlines are as strong as the first."""
    return (255, 130, 60)[min(group, 2)]


def draw_symbol(painter: QPainter, centre: QPointF, radius: float, group: int) -> None:
    """A disc for the first of compared groups; a square, a diamond and triangles of the same area for others."""
    shape = group % SHAPES
    if shape == 0:
        painter.drawEllipse(centre, radius, radius)
    elif shape == 1:
        half = radius * math.sqrt(math.pi) / 2
        painter.drawRect(QRectF(centre.x() - half, centre.y() - half, 2 * half, 2 * half))
    else:
        corners, first = (4, 0.0) if shape == 2 else (3, -math.pi / 2 if shape == 3 else math.pi / 2)
        reach = radius * math.sqrt(math.pi / (corners / 2 * math.sin(2 * math.pi / corners)))
        turns = [first + 2 * math.pi * k / corners for k in range(corners)]
        painter.drawPolygon(
            QPolygonF([QPointF(centre.x() + reach * math.cos(t), centre.y() + reach * math.sin(t)) for t in turns])
        )


def draw_sample(canvas: Canvas, sample: Sample, at: QPointF) -> None:
    """Centred on a place."""
    painter, unit = canvas.painter, canvas.unit
    if sample.band:
        area = QRectF(at.x() - unit, at.y() - 0.45 * unit, 2 * unit, 0.9 * unit)
        painter.fillRect(area, canvas.colour(sample.colour, _BAND_ALPHA))
    painter.setPen(canvas.dashed_pen(sample.colour, 1.8 if sample.radius == 0 else 1.5, sample.dash))
    if sample.line:
        painter.drawLine(QLineF(at.x() - unit, at.y(), at.x() + unit, at.y()))
    hollow = canvas.colour(canvas.palette.ground, 0 if sample.see_through else 255)
    painter.setBrush(canvas.colour(sample.colour, sample.fill) if sample.fill else hollow)
    if sample.bar:
        painter.drawRect(QRectF(at.x() - 0.7 * unit, at.y() - 0.4 * unit, 1.4 * unit, 0.8 * unit))
    elif sample.radius:
        draw_symbol(painter, at, sample.radius * unit, sample.group)
