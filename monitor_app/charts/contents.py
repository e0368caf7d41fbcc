# SPDX-License-Identifier: Apache-2.0
"""What of a chart can be drawn, which of its points belong together, and what must be said instead. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.charts.axis import Room, shown
from monitor_app.charts.model import Origin, Scale

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from monitor_app.charts.model import Chart, Line, Point, Series

SOLID = frozenset({Origin.MEASURED, Origin.SIMULATED})
"""Of this bench, drawn filled; everything else is hollow."""
PUBLISHED = frozenset({Origin.EXACT, Origin.DIGITISED, Origin.QUOTED, Origin.COMPUTED})
"""Of the paper."""
NOTHING = "There are no values to draw."
_MOST_REACH = 4.0
"""Intervals longer than this many times the median one, and than the values span, are cut by the edge of the plot."""


@dataclass(frozen=True, slots=True)
class Group:
    """What was measured in one of the compared sessions, under one set of conditions; drawn with a shape of its own."""

    campaign: int
    name: str
    simulated: bool

    @property
    def title(self) -> str:
        """For the legend, with its origin."""
        origin = Origin.SIMULATED if self.simulated else Origin.MEASURED
        return f"{self.name or f'session {self.campaign + 1}'}, {origin.value}"


def groups_of(chart: Chart) -> tuple[Group, ...]:
    """Those of the points that were measured here, in their order; one where nothing is compared."""
    keys: dict[tuple[int, str], bool] = {}
    for series, point in points_of(chart):
        if series.origin in SOLID:
            key = (point.campaign, series.group)
            keys[key] = keys.get(key, True) and series.origin is Origin.SIMULATED
    return tuple(Group(campaign, name, simulated) for (campaign, name), simulated in keys.items())


def place_of(groups: Sequence[Group], series: Series, point: Point) -> int:
    """Which of the groups a point belongs to; 0 for what was not measured here."""
    keys = [(group.campaign, group.name) for group in groups]
    key = (point.campaign, series.group)
    return keys.index(key) if series.origin in SOLID and key in keys else 0


def without(chart: Chart, hidden: Collection[str]) -> Chart:
    """The chart without series and lines that have one of these words as their network, title or group.

    An empty line stays in the place of each that is left out, so that the others keep their colours.
    """
    words = frozenset(hidden)
    return replace(
        chart,
        series=tuple(each for each in chart.series if not each.words & words),
        lines=tuple(replace(each, x=(), y=(), low=(), high=()) if each.words & words else each for each in chart.lines),
    )


def without_paper(chart: Chart) -> Chart:
    """The chart without the published values."""
    groups = {each.group for each in chart.series if each.origin in PUBLISHED}
    groups |= {each.group for each in chart.lines if each.origin in PUBLISHED}
    return replace(
        chart,
        series=tuple(each for each in chart.series if each.origin not in PUBLISHED),
        lines=tuple(each for each in chart.lines if each.origin not in PUBLISHED),
        extra={
            name: value
            for name, value in chart.extra.items()
            if not any(group and name.endswith(f"({group})") for group in groups)
        },
    )


def drawable(chart: Chart, point: Point) -> bool:
    """Whether both scales have a place for it."""
    return shown(chart.x.scale, point.x.value) and shown(chart.y.scale, point.y.value)


def points_of(chart: Chart) -> Iterator[tuple[Series, Point]]:
    """Those that can be drawn."""
    for series in chart.series:
        for point in series.points:
            if drawable(chart, point):
                yield series, point


def has_values(chart: Chart) -> bool:
    """Whether there is anything to draw."""
    return any(True for _ in points_of(chart)) or any(line.x for line in chart.lines)


def notes_of(chart: Chart) -> list[str]:
    """What is missing, in sentences, and the points that lie outside the range of the scales."""
    left_out = sum(not drawable(chart, point) for series in chart.series for point in series.points)
    notes = list(chart.missing)
    if left_out:
        what = "1 point lies" if left_out == 1 else f"{left_out} points lie"
        notes.append(f"{what} outside the range of these scales.")
    return notes


def is_simulated(chart: Chart) -> bool:
    """A chart with one simulated series is simulated, whatever it says itself."""
    return chart.simulated or Origin.SIMULATED in origins_of(chart)


def origins_of(chart: Chart) -> list[Origin]:
    """Of the points, each once, in the order in which they are defined."""
    present = {series.origin for series in chart.series if series.points}
    return [origin for origin in Origin if origin in present]


def is_ring(chart: Chart, series: Series) -> bool:
    """Points among joined ones that belong to no line: they mark points of lines, and are drawn as rings."""
    return not series.joined and any(other.joined for other in chart.series)


def is_under(chart: Chart, series: Series) -> bool:
    """A published series where something was measured: drawn below that."""
    return series.origin not in SOLID and any(each.origin in SOLID and each.points for each in chart.series)


def sizes_of(chart: Chart) -> list[float]:
    """What the areas stand for, where they can be drawn."""
    sizes = (point.size for _, point in points_of(chart) if point.size is not None)
    return [size for size in sizes if math.isfinite(size) and size > 0]


def room_x(chart: Chart) -> Room:
    """What the x axis must hold."""
    values = [(point.x.low, point.x.value, point.x.high) for _, point in points_of(chart)]
    quoted, others = _split(chart)
    return Room(
        (*_reached(chart.x.scale, values), *(x for line in quoted for x in line.x)),
        tuple(x for line in others for x in line.x),
    )


def room_y(chart: Chart) -> Room:
    """What the y axis must hold; bars stand on zero."""
    values = [(point.y.low, point.y.value, point.y.high) for _, point in points_of(chart)]
    quoted, others = _split(chart)
    return Room(
        (*_reached(chart.y.scale, values), *(y for line in quoted for y in (*line.y, *line.low, *line.high))),
        tuple(y for line in others for y in (*line.y, *line.low, *line.high)),
        from_zero=chart.bars,
    )


def _split(chart: Chart) -> tuple[list[Line], list[Line]]:
    """Lines that are seen whole, as those that the paper quotes, and the others. A bound reaches beyond every axis."""
    limited = [line for line in chart.lines if not any(map(math.isinf, line.high))]
    whole = [line for line in limited if line.whole or line.origin is Origin.QUOTED]
    return whole, [line for line in limited if line not in whole]


def _reached(scale: Scale, values: Sequence[tuple[float, float, float]]) -> Iterator[float]:
    """Values and ends of intervals, but for intervals that reach so far that they would squeeze all else."""
    if not values:
        return
    middles = [value for _, value, _ in values]
    halves = sorted((high - low) / 2 for low, _, high in values if math.isfinite(high - low))
    span = max(middles) - min(middles) or max(map(abs, middles)) or 1.0
    reach = max(span, _MOST_REACH * halves[len(halves) // 2] if halves else 0.0)
    least, most = min(middles) - reach, max(middles) + reach
    for low, value, high in values:
        ends = (max(low, least) if math.isfinite(low) else value, min(high, most) if math.isfinite(high) else value)
        yield from (end for end in (value, *ends) if shown(scale, end))
