# SPDX-License-Identifier: Apache-2.0
"""A budget in a chart: a line across each axis, what can be had within it, and a shade over what lies beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF

from monitor_app.charts.budget import budget_words, more_is_better
from monitor_app.charts.clipping import Box
from monitor_app.charts.plot import rectangle
from monitor_app.charts.style import SMALL

if TYPE_CHECKING:
    from monitor_app.charts.budget import Budget
    from monitor_app.charts.canvas import Canvas
    from monitor_app.charts.model import Chart
    from monitor_app.charts.plot import Plot

_SHADE_ALPHA = 120
_HANDLE = 0.9
"""Length of the handles by which the lines are dragged, in units."""


@dataclass(frozen=True, slots=True)
class BudgetLines:
    """Places of both lines, at the edge of the plot where they lie beyond it, and the words beside those in view."""

    x: float
    y: float
    shades: tuple[Box, ...]
    tags: tuple[tuple[Box, str], ...]
    upright: bool
    """The line across the x axis is in view."""
    level: bool
    """The line across the y axis is in view."""


def place_budget(plot: Plot, chart: Chart, budget: Budget) -> BudgetLines:
    """Where the lines of a budget lie."""
    box, unit = plot.box, plot.style.unit
    x, y = plot.x.inside(budget.x), plot.y.inside(budget.y)
    beyond = Box(box.left, y, x, box.bottom) if more_is_better(chart.y) else Box(box.left, box.top, x, y)
    upright, level = plot.x.holds(budget.x), plot.y.holds(budget.y)
    across, up = budget_words(chart, budget)
    tags = []
    if upright:
        width = plot.style.text_width(across, SMALL) + 0.8 * unit
        left = min(max(x - width / 2, box.left + 0.6 * unit), box.right - width - 0.6 * unit)
        tags.append((Box(left, box.top + 1.1 * unit, left + width, box.top + 2.5 * unit), across))
    if level:
        width = plot.style.text_width(up, SMALL) + 0.8 * unit
        top = y - 1.7 * unit if y - 1.7 * unit > box.top + 2.6 * unit else y + 0.3 * unit
        right = box.right - 1.5 * unit
        tags.append((Box(right - width, top, right, top + 1.4 * unit), up))
    return BudgetLines(x, y, (Box(x, box.top, box.right, box.bottom), beyond), tuple(tags), upright, level)


def draw_shade(canvas: Canvas, lines: BudgetLines) -> None:
    """Under the values."""
    for shade in lines.shades:
        canvas.painter.fillRect(rectangle(shade), canvas.colour(canvas.palette.line, _SHADE_ALPHA))


def draw_budget(canvas: Canvas, lines: BudgetLines, box: Box) -> None:
    """Over the values: lines with their handles, and words."""
    painter, unit, ink = canvas.painter, canvas.unit, canvas.palette.text
    painter.setPen(canvas.pen(ink, 1.5))
    if lines.upright:
        painter.drawLine(QLineF(lines.x, box.top, lines.x, box.bottom))
        painter.fillRect(QRectF(lines.x - 0.25 * unit, box.top, 0.5 * unit, _HANDLE * unit), canvas.colour(ink))
    if lines.level:
        painter.drawLine(QLineF(box.left, lines.y, box.right, lines.y))
        handle = QRectF(box.right - _HANDLE * unit, lines.y - 0.25 * unit, _HANDLE * unit, 0.5 * unit)
        painter.fillRect(handle, canvas.colour(ink))
    for tag, text in lines.tags:
        painter.fillRect(rectangle(tag), canvas.colour(canvas.palette.panel))
        middle = QPointF((tag.left + tag.right) / 2, (tag.top + tag.bottom) / 2)
        canvas.write(middle.x(), middle.y(), text, ink, SMALL, align=0.5)
