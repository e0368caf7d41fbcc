# SPDX-License-Identifier: Apache-2.0
"""Where the points of a chart lie: coordinates, intervals and sizes as arrays. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor_app.charts.model import Origin, Scale
from monitor_app.gui.figures.scales import coordinates, fitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.charts.model import Axis, Chart, Point, Series
    from monitor_app.core.estimate import Estimate

    Floats: TypeAlias = NDArray[np.float64]

PAPER = frozenset({Origin.EXACT, Origin.DIGITISED, Origin.QUOTED, Origin.COMPUTED})
"""Origins that the overlay consists of."""
DOT_PX, SMALLEST_PX, LARGEST_PX, MARK_PX = 8.0, 7.0, 46.0, 15.0
"""Diameters: where area stands for nothing, the ends where it does, and of rings over others."""
MOST_REACH = 4.0
"""Intervals longer than so many usual ones, and than all values are apart, are not shown whole."""
BAR = 0.68
"""Share of its place that a bar takes."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The points of a series that can be shown, in coordinates of the axes; arrays of n."""

    series: Series
    points: tuple[Point, ...]
    x: Floats
    y: Floats
    left: Floats
    right: Floats
    bottom: Floats
    top: Floats
    """Ends of the intervals."""
    size_px: Floats
    """Diameters."""

    @property
    def of_paper(self) -> bool:
        return self.series.origin in PAPER


def place(chart: Chart) -> tuple[Placed, ...]:
    """All series of a chart; those without a point that can be shown are left out."""
    largest = largest_size(chart)
    slots = bar_slots(chart)
    placed = (_place(chart, series, largest, slots) for series in chart.series)
    return tuple(each for each in placed if each.points)


def is_mark(chart: Chart, series: Series) -> bool:
    """Drawn as rings over the lines of others: knees."""
    return not series.joined and among_lines(chart)


def among_lines(chart: Chart) -> bool:
    """Whether points are joined from batch to batch."""
    return any(each.joined for each in chart.series)


def largest_size(chart: Chart) -> float:
    """What the largest ball stands for; 0 where areas stand for nothing."""
    return max((p.size for series in chart.series for p in series.points if p.size is not None), default=0.0)


def bar_slots(chart: Chart) -> int:
    """Bars side by side at each place: one for each session, and one for the paper."""
    return 1 + max((p.campaign for series in chart.series for p in series.points), default=0)


def diameter_px(size: float | None, largest: float) -> float:
    """Areas are in proportion down to the smallest that can be pointed at."""
    if size is None or largest <= 0:
        return DOT_PX
    return max(LARGEST_PX * math.sqrt(max(size, 0.0) / largest), SMALLEST_PX)


def _place(chart: Chart, series: Series, largest: float, slots: int) -> Placed:
    def along(axis: Axis, values: list[float]) -> Floats:
        return coordinates(axis.scale, values)

    points = series.points
    x, y = along(chart.x, [p.x.value for p in points]), along(chart.y, [p.y.value for p in points])
    shown = np.isfinite(x) & np.isfinite(y)
    kept = tuple(p for p, keep in zip(points, shown.tolist(), strict=True) if keep)
    x, y = x[shown], y[shown]
    if chart.bars:
        x = x + BAR * ((np.array([p.campaign for p in kept]) + 0.5) / slots - 0.5)
    ends = [
        _ends(axis, at, [getattr(p, name) for p in kept]) for axis, at, name in ((chart.x, x, "x"), (chart.y, y, "y"))
    ]
    size_px = np.array([MARK_PX if is_mark(chart, series) else diameter_px(p.size, largest) for p in kept])
    return Placed(series, kept, x, y, *ends[0], *ends[1], size_px)


def _ends(axis: Axis, at: Floats, estimates: list[Estimate]) -> tuple[Floats, Floats]:
    """Both ends of the intervals; where one cannot be shown, nothing is drawn to that side."""
    if axis.scale is Scale.CATEGORY:
        return at, at
    low, high = (coordinates(axis.scale, [getattr(e, end) for e in estimates]) for end in ("low", "high"))
    return np.where(np.isfinite(low), low, at), np.where(np.isfinite(high), high, at)


Range: TypeAlias = tuple[float, float]


def ranges(chart: Chart, placed: Sequence[Placed]) -> tuple[Range, Range]:
    """Coordinates (x, y) between which all points are in view with their intervals."""
    points = [p for each in placed for p in each.points]
    if points:
        xs = np.array([(p.x.low, p.x.value, p.x.high) for p in points])
        ys = np.array([(p.y.low, p.y.value, p.y.high) for p in points])
    else:
        xs = np.array([(value,) * 3 for line in chart.lines for value in line.x] or [(0.0, 0.5, 1.0)])
        ys = np.array([(value,) * 3 for line in chart.lines for value in line.y] or [(0.0, 0.5, 1.0)])
    return _range(chart.x, xs, bars=False), _range(chart.y, ys, bars=chart.bars)


def _range(axis: Axis, values: Floats, *, bars: bool) -> Range:
    """Intervals that reach too far to be useful are cut: they must not squeeze all else."""
    low, middle, high = values.min(1), values[:, 1], values.max(1)
    halves = (high - low)[np.isfinite(high - low)] / 2
    span = float(middle.max() - middle.min()) or float(np.abs(middle).max()) or 1.0
    reach = max(span, MOST_REACH * float(np.median(halves)) if len(halves) else 0.0)
    low = np.maximum(np.where(np.isfinite(low), low, middle), middle.min() - reach)
    high = np.minimum(np.where(np.isfinite(high), high, middle), middle.max() + reach)
    low = np.where(low > 0, low, middle) if axis.scale.value.startswith("log") else low
    return fitted(axis, low, high, bars=bars)
