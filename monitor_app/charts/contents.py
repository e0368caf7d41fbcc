# SPDX-License-Identifier: Apache-2.0
"""What of a chart can be drawn, and what must be said instead. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.charts.model import Origin, Scale
from monitor_app.charts.ruler import Room, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor_app.charts.model import Chart, Point, Series

SOLID = frozenset({Origin.MEASURED, Origin.SIMULATED})
"""Of this bench, drawn filled; everything else is hollow."""
NOTHING = "There are no values to draw."


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
    """What is missing, in sentences, and the points that the scales have no place for."""
    left_out = sum(not drawable(chart, point) for series in chart.series for point in series.points)
    notes = list(chart.missing)
    if left_out:
        what = "1 point has" if left_out == 1 else f"{left_out} points have"
        notes.append(f"{what} no place on these scales.")
    return notes


def is_simulated(chart: Chart) -> bool:
    """A chart with one simulated series is simulated, whatever it says itself."""
    return chart.simulated or Origin.SIMULATED in origins_of(chart)


def origins_of(chart: Chart) -> list[Origin]:
    """Of the points, each once, in the order in which they are defined."""
    present = {series.origin for series in chart.series if series.points}
    return [origin for origin in Origin if origin in present]


def is_aside(chart: Chart, series: Series) -> bool:
    """Points among joined ones that belong to no line: they mark points of lines, and are drawn as rings."""
    return not series.joined and any(other.joined for other in chart.series)


def sizes_of(chart: Chart) -> list[float]:
    """What the areas stand for, where they can be drawn."""
    sizes = (point.size for _, point in points_of(chart) if point.size is not None)
    return [size for size in sizes if math.isfinite(size) and size > 0]


def room_x(chart: Chart) -> Room:
    """What the x axis must hold."""
    ends = (end for _, point in points_of(chart) for end in (point.x.value, point.x.low, point.x.high))
    return Room(tuple(_shown(chart.x.scale, ends)), tuple(x for line in chart.lines for x in line.x))


def room_y(chart: Chart) -> Room:
    """What the y axis must hold; bars stand on zero."""
    ends = (end for _, point in points_of(chart) for end in (point.y.value, point.y.low, point.y.high))
    curves = (y for line in chart.lines for y in line.y)
    return Room(tuple(_shown(chart.y.scale, ends)), tuple(curves), from_zero=chart.bars)


def _shown(scale: Scale, values: Iterable[float]) -> Iterator[float]:
    return (value for value in values if shown(scale, value))
