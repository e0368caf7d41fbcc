# SPDX-License-Identifier: Apache-2.0
"""A chart as a text table: a row a point, a row a corner of each line, a row for each thing that is missing."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.charts.model import Origin, Scale
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.plain_text import cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor_app.charts.model import Axis, Chart, Line, Point, Series
    from monitor_app.core.estimate import Estimate

_WORDS = {"%": "percent", "%/M": "percent_per_m", "1/s": "per_s"}


def write_chart_csv(chart: Chart, path: Path) -> int:
    """Write what the chart shows; returns the number of rows under the heading.

    Columns and kinds of rows are described in docs/figures.md. Raises ExportError when it cannot be written.
    """
    rows = list(_rows(chart))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns_of(chart))
    table.writerows([cell(each) if isinstance(each, str) else each for each in row] for row in rows)
    with completed(path) as file:
        file.write(text.getvalue().encode())
    return len(rows)


def chart_table(chart: Chart, name: str = "", point: Point | None = None) -> str:
    """The same rows with tabs, as spreadsheets take them from a clipboard.

    ``name`` leaves those of one network, group or line; ``point`` leaves one mark.
    """
    if name or point is not None:
        chart = replace(
            chart,
            series=tuple(
                replace(series, points=tuple(each for each in series.points if point is None or each == point))
                for series in chart.series
                if not name or name in series.words
            ),
            lines=tuple(line for line in chart.lines if point is None and line.title == name),
            missing=(),
        )
    rows: list[list[object]] = [[*columns_of(chart)], *_rows(chart)]
    return "".join("\t".join(" ".join(cell(str(each)).split()) for each in row) + "\n" for row in rows)


def columns_of(chart: Chart) -> list[str]:
    """The heading, in order; names end in the unit."""
    x, y, size = _unit(chart.x), _unit(chart.y), _plain(chart.size_title)
    return [
        "kind", "series",
        f"x_{_plain(chart.x.title)}{x}", f"x_low{x}", f"x_high{x}",
        f"y_{_plain(chart.y.title)}{y}", f"y_low{y}", f"y_high{y}",
        f"size_{size}" if size else "size",
        "label", "category", "origin", "simulated", "session", "run",
    ]  # fmt: skip


def _rows(chart: Chart) -> Iterator[list[object]]:
    for series in chart.series:
        for point in series.points:
            yield _point_row(chart, series, point)
    for line in chart.lines:
        yield from _line_rows(line)
    for sentence in chart.missing:
        yield ["missing", "", *[""] * 7, sentence, "", "", "", "", ""]


def _point_row(chart: Chart, series: Series, point: Point) -> list[object]:
    measured = series.origin in {Origin.MEASURED, Origin.SIMULATED}
    category = chart.x.categories[round(point.x.value)] if chart.x.scale is Scale.CATEGORY else ""
    return [
        "point",
        series.name,
        *_three(point.x),
        *_three(point.y),
        "" if point.size is None else _number(point.size),
        point.label,
        category,
        series.origin.value,
        _truth(series.origin is Origin.SIMULATED),
        point.campaign + 1 if measured else "",
        "" if point.run_id is None else point.run_id,
    ]


def _line_rows(line: Line) -> Iterator[list[object]]:
    band = len(line.low) == len(line.x)
    # A line that was fitted to simulated points says so in its text.
    simulated = _truth(line.origin is Origin.SIMULATED or Origin.SIMULATED.value in line.text)
    for k, (x, y) in enumerate(zip(line.x, line.y, strict=True)):
        ends = [_number(line.low[k]), _number(line.high[k])] if band else ["", ""]
        yield ["line", line.name, _number(x), "", "", _number(y), *ends, "", line.text, "", line.origin.value,
               simulated, "", ""]  # fmt: skip


def _three(estimate: Estimate) -> list[str]:
    return [_number(estimate.value), _number(estimate.low), _number(estimate.high)]


def _number(value: float) -> str:
    return f"{value:.9g}"


def _truth(value: bool) -> str:
    return str(value).lower()


def _unit(axis: Axis) -> str:
    return f"_{_WORDS.get(axis.unit) or _plain(axis.unit)}" if axis.unit else ""


def _plain(name: str) -> str:
    """In small letters, joined by underlines."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
