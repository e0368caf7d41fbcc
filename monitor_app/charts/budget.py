# SPDX-License-Identifier: Apache-2.0
"""What is left within a budget. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.charts.contents import SOLID
from monitor_app.charts.model import Scale
from monitor_app.charts.point_text import decimals_for, point_name, quantity_words
from monitor_app.core.formatting import fixed

if TYPE_CHECKING:
    from monitor_app.charts.model import Axis, Chart, Point, Series

FRONT = "Front"
"""The title of lines that are fronts."""


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
