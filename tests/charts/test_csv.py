# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.figures import charts_of
from monitor_app.charts.csv import write_chart_csv
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.errors import ExportError
from monitor_app.core.estimate import Estimate
from tests.analysis.campaigns import campaign, published_campaign

if TYPE_CHECKING:
    from pathlib import Path

NAME = 'Net, "the second" #2'
CHART = Chart(
    "it",
    9,
    "It",
    Axis("Time per image", "ms", Scale.LOG),
    Axis("Top-1 accuracy", "%"),
    (
        Series(
            NAME, "#000000", (Point(Estimate(2, 1, 3), Estimate(0.1, 0.05, 0.2), 1.5, "b1", 7, 1),), Origin.SIMULATED
        ),
        Series("Other", "#000000", (Point(Estimate(4, 4, 4), Estimate(5, 5, 5)),), Origin.EXACT),
    ),
    (Line("Fit", (1.0, 2.0), (3.0, 4.0), low=(2.0, 3.0), high=(4.0, 5.0), text="y = x + 2"),),
    size_title="Operations [G]",
    missing=("Third at batch 4: did not fit in memory.",),
    simulated=True,
)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_points_lines_and_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "it.csv"
    assert write_chart_csv(CHART, path) == 5
    point, other, first, second, missing = read(path)
    assert point == {
        "kind": "point", "series": NAME,
        "x_time_per_image_ms": "2", "x_low_ms": "1", "x_high_ms": "3",
        "y_top_1_accuracy_percent": "0.1", "y_low_percent": "0.05", "y_high_percent": "0.2",
        "size_operations_g": "1.5", "label": "b1", "category": "",
        "origin": "SIMULATED", "simulated": "true", "session": "2", "run": "7",
    }  # fmt: skip
    assert (other["size_operations_g"], other["run"], other["session"], other["simulated"]) == ("", "", "", "false")
    assert other["origin"] == "the paper, exact from its plots"
    assert [(r["kind"], r["x_time_per_image_ms"], r["y_top_1_accuracy_percent"]) for r in (first, second)] == [
        ("line", "1", "3"), ("line", "2", "4")
    ]  # fmt: skip
    assert (second["y_low_percent"], second["y_high_percent"], second["label"]) == ("3", "5", "y = x + 2")
    assert (missing["kind"], missing["label"]) == ("missing", "Third at batch 4: did not fit in memory.")


def test_every_figure_comes_back_as_it_was(tmp_path: Path) -> None:
    for chart in charts_of([published_campaign(), campaign({"Own": {1: 0.1}}, times_simulated=True)]):
        path = tmp_path / f"{chart.key}.csv"
        rows = read(path) if write_chart_csv(chart, path) else []
        kinds = Counter(row["kind"] for row in rows)
        points = [(series, point) for series in chart.series for point in series.points]
        assert kinds["point"] == len(points)
        assert kinds["line"] == sum(len(line.x) for line in chart.lines)
        assert [row["label"] for row in rows if row["kind"] == "missing"] == list(chart.missing)
        for row, (series, point) in zip(rows, points, strict=False):
            values = list(row.values())
            assert [float(v) for v in values[2:8]] == pytest.approx(
                [point.x.value, point.x.low, point.x.high, point.y.value, point.y.low, point.y.high], rel=1e-8
            )
            assert (row["series"], row["label"], row["origin"]) == (series.name, point.label, series.origin.value)
        played = {row["series"] for row in rows if row["kind"] == "line" and row["simulated"] == "true"}
        assert not [name for name in played if "(paper)" in name or "Published" in name]
        if chart.bars:
            assert {row["category"] for row in rows if row["kind"] == "point"} == set(chart.x.categories)


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="create it"):
        write_chart_csv(CHART, tmp_path / "none" / "it.csv")
    with pytest.raises(ExportError, match="not an ordinary file"):
        write_chart_csv(CHART, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_earlier_table_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "it.csv"
    path.write_text("old")
    write_chart_csv(CHART, path)
    assert len(read(path)) == 5
    assert [each.name for each in tmp_path.iterdir()] == ["it.csv"]
