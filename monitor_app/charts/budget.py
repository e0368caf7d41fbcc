# SPDX-License-Identifier: Apache-2.0
"""A budget in a chart: what can be had within a limit on each axis, and the lines that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF

from monitor_app.charts.canvas import SMALL
from monitor_app.charts.clipping import Box
from monitor_app.charts.contents import SOLID
from monitor_app.charts.model import FRONT, Scale
from monitor_app.charts.plot import rectangle
from monitor_app.charts.point_text import decimals_for, point_name, quantity_words
from monitor_app.core.formatting import fixed

if TYPE_CHECKING:
    from monitor_app.charts.canvas import Canvas
    from monitor_app.charts.model import Axis, Chart, Point, Series
    from monitor_app.charts.plot import Plot

_SHADE_ALPHA = 120
_HANDLE = 0.9
"""Length of the handles by which the lines are dragged, in units."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on each axis: at most ``x``, and at most ``y`` or, where more is better, at least ``y``."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Within:
    """What a budget leaves."""

    best: tuple[Series, Point] | None
    within: int
    of: int


def has_budget(chart: Chart) -> bool:
    """Charts with a front: of what one gets for what one pays."""
    fronts = any(line.title == FRONT for line in chart.lines)
    return fronts and bool(own_points(chart))


def more_is_better(axis: Axis) -> bool:
    """Accuracy is what one wants; time, energy and power are what one pays."""
    return axis.unit == "%"


def own_points(chart: Chart) -> list[tuple[Series, Point]]:
    """Points of the sessions, and not of the paper."""
    return [(series, point) for series in chart.series if series.origin in SOLID for point in series.points]


def first_budget(chart: Chart) -> Budget:
    """Somewhere in the middle, where there is something to choose: on a logarithmic axis in the middle of that."""
    points = [point for _, point in own_points(chart)]
    return Budget(*(_middle(axis, [getattr(p, name).value for p in points]) for axis, name in _axes(chart)))


def _axes(chart: Chart) -> tuple[tuple[Axis, str], tuple[Axis, str]]:
    return (chart.x, "x"), (chart.y, "y")


def _middle(axis: Axis, values: list[float]) -> float:
    low, high = min(values), max(values)
    found = float(np.sqrt(low * high)) if axis.scale in {Scale.LOG, Scale.LOG2} and low > 0 else (low + high) / 2
    # To the digits in which it is written.
    return round(found, decimals_for(found, (high - low) or None))


def within(chart: Chart, budget: Budget, *, along_y: bool) -> Within:
    """Best of the other axis within the budget of one."""
    points = own_points(chart)
    more = more_is_better(chart.y)
    if along_y:
        left = [p for p in points if (p[1].y.value >= budget.y if more else p[1].y.value <= budget.y)]
        best = min(left, key=lambda p: p[1].x.value, default=None)
    else:
        left = [p for p in points if p[1].x.value <= budget.x]
        best = (max if more else min)(left, key=lambda p: p[1].y.value, default=None)
    return Within(best, len(left), len(points))


def budget_words(chart: Chart, budget: Budget) -> tuple[str, str]:
    """A sentence for each of the two lines."""
    across, up = (within(chart, budget, along_y=along_y) for along_y in (False, True))
    least = "at least" if more_is_better(chart.y) else "at most"
    return (
        f"at most {amount(chart.x, budget.x)}: {_left(across, chart.y, 'y')}",
        f"{least} {amount(chart.y, budget.y)}: {_left(up, chart.x, 'x')}",
    )


def amount(axis: Axis, value: float) -> str:
    """A budget to three digits."""
    decimals = max(decimals_for(value, None) - 1, 0) if value else 0
    return f"{fixed(value, decimals)} {axis.unit}".strip()


def _left(found: Within, axis: Axis, name: str) -> str:
    if found.best is None:
        return f"none of {found.of}"
    series, point = found.best
    words = quantity_words(getattr(point, name), axis)
    return f"{point_name(series, point)} is best with {words}; {found.within} of {found.of} are within"


# -- in the picture --------------------------------------------------------------------------------


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
