# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001, RUF002 (typography: dashes)
"""The words about a point of a chart. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.charts.model import Origin, Scale
from monitor_app.core.formatting import NOTHING, fixed

if TYPE_CHECKING:
    from monitor_app.charts.model import Axis, Chart, Point, Series
    from monitor_app.core.estimate import Estimate

_EXACT = 1e-9
"""Intervals narrower than this share of the value are not written."""


def axis_title(axis: Axis) -> str:
    """Name with unit."""
    return f"{axis.title} ({axis.unit})" if axis.unit else axis.title


def quantity_words(estimate: Estimate, axis: Axis) -> str:
    """24.1 ms (23.8–24.5); the number of decimals follows from the interval."""
    if axis.scale is Scale.CATEGORY:
        k = round(estimate.value)
        return axis.categories[k] if 0 <= k < len(axis.categories) else NOTHING
    value, low, high = estimate.value, estimate.low, estimate.high
    if not math.isfinite(value):
        return NOTHING
    width = high - low
    known = math.isfinite(width) and width > _EXACT * abs(value)
    decimals = decimals_for(value, width if known else None)
    text = f"{fixed(value, decimals)} {axis.unit}".strip()
    return f"{text} ({fixed(low, decimals)}–{fixed(high, decimals)})" if known else text


def decimals_for(value: float, width: float | None) -> int:
    """Two digits of the interval, or four of the value where it has none; at most six, none for whole numbers."""
    if width is None:
        if float(value).is_integer():
            return 0
        return min(max(3 - math.floor(math.log10(abs(value) or 1.0)), 0), 6)
    return min(max(1 - math.floor(math.log10(width)), 0), 6)


def point_name(series: Series, point: Point) -> str:
    """The network, with its batch size where the chart gives it."""
    return point.label or series.name


def point_lines(chart: Chart, series: Series, point: Point) -> list[tuple[str, str]]:
    """(what, value with its interval), for the card beside the pointer."""
    lines = [
        (axis.title, quantity_words(estimate, axis))
        for axis, estimate in ((chart.x, point.x), (chart.y, point.y))
        if axis.scale is not Scale.CATEGORY
    ]
    if point.size is not None and chart.size_title:
        name, unit = size_name(chart.size_title)
        lines.append((name, f"{fixed(point.size, decimals_for(point.size, None))} {unit}".strip()))
    return lines


def size_name(size_title: str) -> tuple[str, str]:
    """Name and unit of what areas stand for: Parameters [M] is (Parameters, M)."""
    name, opened, unit = size_title.partition("[")
    return name.strip(), unit.rstrip("] ") if opened else ""


def origin_words(origin: Origin) -> str:
    """Where a point comes from, where that is not this session."""
    return "" if origin is Origin.MEASURED else origin.value
