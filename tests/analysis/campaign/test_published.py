# SPDX-License-Identifier: Apache-2.0
"""The overlay, against what was computed by hand from the same plots."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.analysis.campaign.published import published
from monitor_app.analysis.figures import FIGURES, Options, charts_of, figures_for
from monitor_app.charts.model import Chart, Line, Origin
from tests.analysis.campaigns import NAMES, published_facts, published_memory, published_times

OPTIONS = Options()
OF_PAPER = {Origin.EXACT, Origin.DIGITISED, Origin.QUOTED, Origin.COMPUTED}


def only_paper(key: str) -> Chart:
    return FIGURES[key]([], OPTIONS)


def value(chart: Chart, network: str, batch: int | None = None) -> tuple[float, float]:
    [series] = [s for s in chart.series if s.name == f"{network} (paper)"]
    [point] = [p for p in series.points if batch is None or p.x.value == batch]
    return point.x.value, point.y.value


def fitted(key: str) -> tuple[Line, dict[str, float]]:
    chart = only_paper(key)
    [line] = [line for line in chart.lines if line.name in {"Fit (paper)", "Upper bound (paper)"}]
    return line, chart.extra


def test_every_value_of_the_tables_is_there_once() -> None:
    facts, times, memory = published_facts(), published_times(), published_memory()
    cells = {(cell.network, cell.batch_size): cell for cell in published().cells}
    assert {name for name, _ in cells} == set(NAMES)
    for (name, batch), cell in cells.items():
        seconds, used = times[name][batch], memory.get(name, {}).get(batch)
        assert (cell.seconds_per_image and cell.seconds_per_image.value) == pytest.approx(seconds)
        assert cell.memory_bytes == (None if used is None else round(used))
        assert (cell.parameters, cell.operations) == (facts[name].parameters, facts[name].operations)
        assert cell.top1 is not None
        assert 100 * cell.top1.value == pytest.approx(facts[name].top1_percent)
        assert cell.net_w is None


def test_information_density_of_enet() -> None:
    density = only_paper("density")
    _, enet = value(density, "ENet")
    assert round(enet / value(density, "AlexNet")[1], 1) == 13.0
    assert round(enet / value(density, "VGG-19")[1], 1) == 23.7
    heights = [value(density, name)[1] for name in density.x.categories]
    assert heights == sorted(heights)


@pytest.mark.parametrize(
    ("key", "slope", "intercept", "r2"),
    [
        ("operations-time-b1", 0.188, -2.3, 0.94),
        ("operations-time-b16", 0.229, -1.4, 0.95),
        ("top1-throughput-b1", -0.258, 80.61, 0.97),
        ("top1-throughput-b16", -0.179, 79.82, 0.97),
        ("top1-time-b16", -182, 79.8, 0.97),
        ("top1-energy-b16", -2.15, 79.8, 0.97),
    ],
)
def test_lines_are_those_computed_before(key: str, slope: float, intercept: float, r2: float) -> None:
    line, extra = fitted(key)
    assert extra["slope (paper)"] == pytest.approx(slope, rel=0.03)
    assert extra["intercept (paper)"] == pytest.approx(intercept, abs=0.05)
    assert extra["r2 (paper)"] == pytest.approx(r2, abs=0.01)
    assert line.origin is Origin.COMPUTED
    assert line.name == "Upper bound (paper)" or not line.low


def test_the_bound_on_accuracy_has_no_network_above_it_and_two_on_it() -> None:
    for key in ("top1-throughput-b1", "top1-throughput-b16"):
        chart = only_paper(key)
        [bound] = chart.lines
        points = [point for series in chart.series for point in series.points]
        below = [np.interp(point.x.value, bound.x, bound.y) - point.y.value for point in points]
        assert min(below) >= -1e-9
        assert sum(each < 1e-9 for each in below) == 2
        assert (bound.low, set(bound.high)) == (bound.y, {np.inf}), "the region above is shaded"
        assert "≤" in bound.text


def test_a_line_is_drawn_where_its_equation_says() -> None:
    line, extra = fitted("top1-energy-b16")
    drawn = extra["intercept (paper)"] + extra["slope (paper)"] / np.array(line.x)
    assert line.y == pytest.approx(drawn.tolist())
    assert line.text == "top-1 [%] = 79.8 - 2.11 / E, E in J (r2 0.97, 9 points)"


def test_energy_is_time_at_the_one_power() -> None:
    chart = only_paper("energy-batch")
    for network, joules in (("AlexNet", 0.09), ("ENet", 0.19), ("ResNet-152", 1.43), ("VGG-19", 1.82)):
        assert value(chart, network, 16)[1] == pytest.approx(joules, abs=0.005)
    assert all(series.origin is Origin.COMPUTED for series in chart.series)


@pytest.mark.parametrize(
    ("key", "origin", "error"),
    [
        ("top1", Origin.EXACT, 0.0),
        ("top1-operations", Origin.EXACT, 0.0),
        ("density", Origin.EXACT, 0.0),
        ("time-batch", Origin.DIGITISED, 0.02),
        ("memory-batch", Origin.DIGITISED, 0.03),
        ("memory-parameters", Origin.DIGITISED, 0.03),
        ("top1-throughput-b1", Origin.DIGITISED, 0.0),
        ("operations-time-b16", Origin.DIGITISED, 0.0),
        ("top1-energy-b1", Origin.COMPUTED, 0.0),
    ],
)
def test_each_figure_says_how_sure_its_values_are(key: str, origin: Origin, error: float) -> None:
    series = only_paper(key).series
    assert series
    assert {each.origin for each in series} == {origin}
    for point in (point for each in series for point in each.points):
        assert point.y.low == pytest.approx(point.y.value * (1 - error))
        assert point.y.high == pytest.approx(point.y.value * (1 + error))


def test_power_is_quoted_for_all_networks_together() -> None:
    over_batches = only_paper("power-batch")
    assert over_batches.series == ()
    [line] = over_batches.lines
    assert (line.low[0], line.y[0], line.high[0]) == pytest.approx((11.1, 11.8, 12.5))
    assert line.origin is Origin.QUOTED
    assert over_batches.extra["idle W (paper)"] == 1.30
    upright = only_paper("operations-power-b16").lines
    assert sorted(line.x[0] for line in upright) == pytest.approx([11.1, 11.8, 12.5])
    assert {line.origin for line in upright} == {Origin.QUOTED}


def test_without_the_overlay_nothing_of_the_paper_is_left() -> None:
    for chart in charts_of([], Options(paper=False)):
        assert chart.series == ()
        assert not {line.origin for line in chart.lines} & OF_PAPER
        assert not [name for name in chart.extra if "paper" in name]


def test_the_tens_are_all_there_and_first() -> None:
    numbers = [chart.number for chart in charts_of([])]
    assert numbers == [1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9, 9, 10, 11, 12, 12, 13, 13, 14]
    names = [chart.numbered for chart in charts_of([])]
    assert len(set(names)) == len(names)
    assert names[6:8] == ["Figure 7a", "Figure 7b"]
    assert [chart.key for chart in charts_of([])] == list(FIGURES)
    assert [key for key in figures_for((4,)) if key.endswith("-b4")] == [
        "operations-time-b4", "operations-power-b4", "top1-throughput-b4", "top1-time-b4", "top1-energy-b4"
    ]  # fmt: skip
