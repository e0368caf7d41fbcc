# SPDX-License-Identifier: Apache-2.0
"""The part of a chart between its axes: where values lie on the canvas, the axes themselves, and the stamp."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF

from monitor_app.charts.canvas import BODY, SMALL
from monitor_app.charts.clipping import Box, Spot
from monitor_app.charts.model import Scale
from monitor_app.charts.point_text import axis_title

if TYPE_CHECKING:
    from monitor_app.charts.axis import ChartAxis
    from monitor_app.charts.canvas import Canvas, Style
    from monitor_app.charts.model import Axis, Point

_STAMP_ALPHA = 34
_STAMP = "SIMULATED"
_SLANT_DEGREES = 45.0
_SMALLEST_TITLE = 0.7
"""Of the y axis, in units, where the plot is low."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle of the canvas with two axes."""

    style: Style
    box: Box
    x: ChartAxis
    y: ChartAxis
    title_x: float
    """Where the title of the y axis is centred."""
    title_y: float
    """Where the title of the x axis is centred."""

    def spot(self, point: Point) -> Spot:
        return Spot(self.x.place(point.x.value), self.y.place(point.y.value))

    def holds(self, point: Point) -> bool:
        """Whether the point is in view."""
        return self.x.holds(point.x.value) and self.y.holds(point.y.value)


def slanted(style: Style, axis: Axis, width: float) -> bool:
    """Whether the names along a category axis of that many pixels do not fit beside each other."""
    if axis.scale is not Scale.CATEGORY or not axis.categories:
        return False
    slot = width / (len(axis.categories) + 0.2)
    return max(style.text_width(name, SMALL) for name in axis.categories) > slot - 0.4 * style.unit


def names_height(style: Style, axis: Axis, width: float) -> float:
    """What the writing along the x axis takes below it, in pixels, its title left out."""
    if not slanted(style, axis, width):
        return 1.6 * style.unit
    longest = max(style.text_width(_short(style, name), SMALL) for name in axis.categories)
    return (longest + style.unit) * math.sin(math.radians(_SLANT_DEGREES)) + 0.6 * style.unit


def draw_grid(canvas: Canvas, plot: Plot) -> None:
    """Quiet lines across, at what is written along the value axis."""
    box, painter = plot.box, canvas.painter
    painter.setPen(canvas.pen(canvas.palette.line))
    for tick in plot.y.ticks:
        y = plot.y.place(tick.value)
        painter.drawLine(QLineF(box.left, y, box.right, y))
    if plot.x.scale is not Scale.CATEGORY:
        painter.setPen(canvas.pen(canvas.palette.line, alpha=110))
        for tick in plot.x.ticks:
            x = plot.x.place(tick.value)
            painter.drawLine(QLineF(x, box.top, x, box.bottom))


def draw_x(canvas: Canvas, plot: Plot, axis: Axis) -> None:
    """The axis below."""
    box, unit, palette = plot.box, canvas.unit, canvas.palette
    canvas.painter.setPen(canvas.pen(palette.dim))
    canvas.painter.drawLine(QLineF(box.left, box.bottom, box.right, box.bottom))
    lean = slanted(canvas, axis, box.right - box.left)
    for value in plot.x.minor:
        x = plot.x.place(value)
        canvas.painter.drawLine(QLineF(x, box.bottom, x, box.bottom + 0.2 * unit))
    for tick in plot.x.ticks:
        x = plot.x.place(tick.value)
        canvas.painter.setPen(canvas.pen(palette.dim))
        if plot.x.scale is not Scale.CATEGORY:
            canvas.painter.drawLine(QLineF(x, box.bottom, x, box.bottom + 0.35 * unit))
        if lean:
            _write_slanted(canvas, x, box.bottom + 0.8 * unit, _short(canvas, tick.text))
        else:
            canvas.write(x, box.bottom + 1.0 * unit, tick.text, palette.text, SMALL, align=0.5)
    canvas.write((box.left + box.right) / 2, plot.title_y, axis_title(axis), palette.text, BODY, align=0.5)


def draw_y(canvas: Canvas, plot: Plot, axis: Axis) -> None:
    """The axis on the left."""
    box, unit, palette = plot.box, canvas.unit, canvas.palette
    canvas.painter.setPen(canvas.pen(palette.dim))
    for value in plot.y.minor:
        y = plot.y.place(value)
        canvas.painter.drawLine(QLineF(box.left - 0.2 * unit, y, box.left, y))
    for tick in plot.y.ticks:
        canvas.write(box.left - 0.6 * unit, plot.y.place(tick.value), tick.text, palette.text, SMALL, align=1.0)
    title, bottom = axis_title(axis), box.bottom
    if canvas.text_width(title) > box.bottom - box.top:
        bottom = plot.title_y  # Beside the names along x is room too.
    room = bottom - box.top + unit
    size = max(BODY * min(1.0, room / max(canvas.text_width(title), 1.0)), _SMALLEST_TITLE)
    text = canvas.elided(title, room, size)
    canvas.write_upwards(plot.title_x, (box.top + bottom) / 2, text, palette.text, size)


def draw_stamp(canvas: Canvas, box: Box) -> None:
    """The word SIMULATED across the whole plot, under the values, so that it cannot be cropped away."""
    width, height = box.right - box.left, box.bottom - box.top
    angle = math.atan2(height, width)
    size = 0.74 * math.hypot(width, height) / canvas.text_width(_STAMP, BODY, bold=True)
    size = min(size, 0.5 * height / canvas.unit)
    painter = canvas.painter
    painter.save()
    painter.translate(QPointF((box.left + box.right) / 2, (box.top + box.bottom) / 2))
    painter.rotate(-math.degrees(angle))
    painter.setOpacity(_STAMP_ALPHA / 255)
    canvas.write(0, 0, _STAMP, canvas.palette.alarm, size, align=0.5, bold=True)
    painter.restore()


def rectangle(box: Box) -> QRectF:
    """The same for Qt."""
    return QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom))


def _short(style: Style, name: str) -> str:
    return style.elided(name, 14 * style.unit, SMALL)


def _write_slanted(canvas: Canvas, x: float, y: float, text: str) -> None:
    painter = canvas.painter
    painter.save()
    painter.translate(x + 0.3 * canvas.unit, y)
    painter.rotate(-_SLANT_DEGREES)
    canvas.write(0, 0, text, canvas.palette.text, SMALL, align=1.0)
    painter.restore()
