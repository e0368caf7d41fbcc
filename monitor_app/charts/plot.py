# SPDX-License-Identifier: Apache-2.0
"""The part of a chart between its axes: where values lie on paper, the axes themselves, and the stamp."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF

from monitor_app.charts.canvas import BODY, SMALL
from monitor_app.charts.clipping import Box, Spot
from monitor_app.charts.model import Scale

if TYPE_CHECKING:
    from monitor_app.charts.model import Axis
    from monitor_app.charts.ruler import Ruler
    from monitor_app.charts.sheet import ChartSheet
    from monitor_app.core.estimate import Estimate

_STAMP_ALPHA = 34
_STAMP = "SIMULATED"
_SLANT_DEGREES = 45.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle of paper with two axes."""

    sheet: ChartSheet
    box: Box
    x: Ruler
    y: Ruler

    def spot(self, x: Estimate, y: Estimate) -> Spot:
        return Spot(self.x.place(x.value), self.y.place(y.value))


def title_of(axis: Axis) -> str:
    """With its unit."""
    return f"{axis.title} ({axis.unit})" if axis.unit else axis.title


def slanted(sheet: ChartSheet, axis: Axis, width: float) -> bool:
    """Whether the names along a category axis of that many pixels do not fit beside each other."""
    if axis.scale is not Scale.CATEGORY or not axis.categories:
        return False
    slot = width / (len(axis.categories) + 0.2)
    return max(sheet.text_width(name, SMALL) for name in axis.categories) > slot - 0.4 * sheet.unit


def names_height(sheet: ChartSheet, axis: Axis, width: float) -> float:
    """What the writing along the x axis takes below it, in pixels, its title left out."""
    if not slanted(sheet, axis, width):
        return 1.6 * sheet.unit
    longest = max(sheet.text_width(_short(sheet, name), SMALL) for name in axis.categories)
    return (longest + sheet.unit) * math.sin(math.radians(_SLANT_DEGREES)) + 0.6 * sheet.unit


def draw_grid(plot: Plot) -> None:
    """Quiet lines across, at what is written along the value axis."""
    sheet = plot.sheet
    sheet.painter.setPen(sheet.pen(sheet.palette.line))
    for mark in plot.y.marks:
        y = plot.y.place(mark.value)
        sheet.painter.drawLine(QLineF(plot.box.left, y, plot.box.right, y))
    if plot.x.scale is not Scale.CATEGORY:
        sheet.painter.setPen(sheet.pen(sheet.palette.line, alpha=110))
        for mark in plot.x.marks:
            x = plot.x.place(mark.value)
            sheet.painter.drawLine(QLineF(x, plot.box.top, x, plot.box.bottom))


def draw_x(plot: Plot, axis: Axis, title_y: float) -> None:
    """The axis below, with its title centred on title_y."""
    sheet, box = plot.sheet, plot.box
    unit, palette = sheet.unit, sheet.palette
    sheet.painter.setPen(sheet.pen(palette.dim))
    sheet.painter.drawLine(QLineF(box.left, box.bottom, box.right, box.bottom))
    lean = slanted(sheet, axis, box.right - box.left)
    for value in plot.x.minor:
        x = plot.x.place(value)
        sheet.painter.drawLine(QLineF(x, box.bottom, x, box.bottom + 0.2 * unit))
    for mark in plot.x.marks:
        x = plot.x.place(mark.value)
        sheet.painter.setPen(sheet.pen(palette.dim))
        if plot.x.scale is not Scale.CATEGORY:
            sheet.painter.drawLine(QLineF(x, box.bottom, x, box.bottom + 0.35 * unit))
        if lean:
            _write_slanted(sheet, x, box.bottom + 0.8 * unit, _short(sheet, mark.text))
        else:
            sheet.write(x, box.bottom + 1.0 * unit, mark.text, palette.text, SMALL, align=0.5)
    sheet.write((box.left + box.right) / 2, title_y, title_of(axis), palette.text, BODY, align=0.5)


def draw_y(plot: Plot, axis: Axis, title_x: float) -> None:
    """The axis on the left, with its title centred on title_x."""
    sheet, box = plot.sheet, plot.box
    unit, palette = sheet.unit, sheet.palette
    sheet.painter.setPen(sheet.pen(palette.dim))
    for value in plot.y.minor:
        y = plot.y.place(value)
        sheet.painter.drawLine(QLineF(box.left - 0.2 * unit, y, box.left, y))
    for mark in plot.y.marks:
        sheet.write(box.left - 0.6 * unit, plot.y.place(mark.value), mark.text, palette.text, SMALL, align=1.0)
    text = sheet.elided(title_of(axis), box.bottom - box.top + 2 * unit, BODY)
    sheet.write_upwards(title_x, (box.top + box.bottom) / 2, text, palette.text, BODY)


def draw_stamp(plot: Plot) -> None:
    """The word across the whole plot, under the values: whoever cuts them out cuts it out with them."""
    sheet, box = plot.sheet, plot.box
    width, height = box.right - box.left, box.bottom - box.top
    angle = math.atan2(height, width)
    size = 0.74 * math.hypot(width, height) / sheet.text_width(_STAMP, BODY, bold=True)
    size = min(size, 0.5 * height / sheet.unit)
    sheet.painter.save()
    sheet.painter.translate(QPointF((box.left + box.right) / 2, (box.top + box.bottom) / 2))
    sheet.painter.rotate(-math.degrees(angle))
    sheet.painter.setOpacity(_STAMP_ALPHA / 255)
    sheet.write(0, 0, _STAMP, sheet.palette.alarm, size, align=0.5, bold=True)
    sheet.painter.restore()


def rectangle(box: Box) -> QRectF:
    """The same for Qt."""
    return QRectF(QPointF(box.left, box.top), QPointF(box.right, box.bottom))


def _short(sheet: ChartSheet, name: str) -> str:
    return sheet.elided(name, 9 * sheet.unit, SMALL)


def _write_slanted(sheet: ChartSheet, x: float, y: float, text: str) -> None:
    sheet.painter.save()
    sheet.painter.translate(x + 0.3 * sheet.unit, y)
    sheet.painter.rotate(-_SLANT_DEGREES)
    sheet.write(0, 0, text, sheet.palette.text, SMALL, align=1.0)
    sheet.painter.restore()
