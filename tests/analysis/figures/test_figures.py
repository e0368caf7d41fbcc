# SPDX-License-Identifier: Apache-2.0
"""Figures of sessions whose truth is known."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitor_app.analysis.figures import FIGURES, Budgets, Options, charts_of
from monitor_app.analysis.figures.colours import PAPER
from monitor_app.analysis.findings import findings_of
from monitor_app.charts.model import Chart, Origin, Point, Scale, Series
from monitor_app.core.estimate import Estimate
from tests.analysis.campaigns import NAMES, Facts, campaign, published_campaign

ALONE = Options(paper=False)
WITH_PAPER = Options(paper=True)
FACTS = {
    "A": Facts(1_000_000, 1_000_000_000, top1_percent=50.0),
    "B": Facts(5_000_000, 2_000_000_000, top1_percent=60.0),
    "C": Facts(30_000_000, 3_000_000_000, top1_percent=70.0),
    "D": Facts(40_000_000, 4_000_000_000, top1_percent=75.0),
    "E": Facts(50_000_000, 5_000_000_000, top1_percent=40.0),
}
LINEAR = {name: {1: 0.01 * k, 16: 0.005 * k} for k, name in enumerate(FACTS, 1)}
"""Operations are 0.1 G for each ms at batch 1 and 0.2 at 16."""


def points(chart: Chart) -> list[Point]:
    return [point for series in chart.series for point in series.points]


def named(chart: Chart, name: str) -> Series:
    [series] = [series for series in chart.series if series.name == name]
    return series


def test_units_and_intervals_of_every_axis() -> None:
    session = campaign({"A": {2: 0.010}}, 10.0, memory={"A": {2: 50e6}}, facts=FACTS, width=0.1, images=10_000)
    at_2 = {chart.key: chart for chart in charts_of([session], Options(paper=False, headline_batches=(2,)))}

    def of(key: str) -> tuple[Estimate, Estimate, float | None]:
        [point] = [p for p in points(at_2[key]) if not p.label.startswith("Knee")]
        return point.x, point.y, point.size

    def about(value: float, low: float, high: float) -> object:
        return pytest.approx((value, low, high), rel=1e-6)

    def three(estimate: Estimate) -> tuple[float, float, float]:
        return estimate.value, estimate.low, estimate.high

    wilson = stats.binomtest(5000, 10_000).proportion_ci(method="wilson")
    top1 = (50.0, 100 * wilson.low, 100 * wilson.high)
    x, y, _ = of("time-batch")
    assert three(x) == (2, 2, 2)
    assert three(y) == about(10, 9, 11)
    assert three(of("power-batch")[1]) == about(10, 9, 11)
    assert three(of("memory-batch")[1]) == about(50, 50, 50)
    assert three(of("energy-batch")[1]) == about(0.1, 0.08, 0.12)
    x, y, size = of("top1-operations")
    assert (three(x), three(y), size) == ((1, 1, 1), about(*top1), 1.0)
    x, y, size = of("top1-throughput-b2")
    assert (three(x), three(y), size) == (about(100, 1000 / 11, 1000 / 9), about(*top1), 1.0)
    x, y, _ = of("operations-power-b2")
    assert (three(x), three(y)) == (about(10, 9, 11), (1, 1, 1))
    assert three(of("time-energy")[0]) == about(20, 18, 22)
    assert three(of("density")[1]) == about(*top1)
    assert of("top1-time-b2")[0] == of("operations-time-b2")[0] == of("time-batch")[1]
    assert of("top1-energy-b2")[0] == of("energy-batch")[1]
    gross = FIGURES["energy-batch"]([session], Options(paper=False, gross=True))
    assert points(gross)[0].y.value == pytest.approx(0.113)


def test_memory_against_parameters_counts_four_bytes_each_at_batch_1() -> None:
    used = {name: {1: 300e6, 16: 900e6} for name in FACTS}
    chart = FIGURES["memory-parameters"]([campaign(LINEAR, memory=used, facts=FACTS)], ALONE)
    assert [point.x.value for point in points(chart)] == [4, 20, 120, 160, 200]
    assert {point.y.value for point in points(chart)} == {300}


def test_a_campaign_of_the_papers_numbers_lies_on_the_paper() -> None:
    for chart in charts_of([published_campaign()]):
        by_name = {series.name: series for series in chart.series}
        for name, series in by_name.items():
            other = by_name.get(f"{name} (paper)")
            if name == "Knee":
                assert {chart.extra[f"knee of {each}"] == chart.extra[f"knee of {each} (paper)"] for each in NAMES} == {
                    True
                }
            elif other is not None:
                assert series.colour == other.colour == PAPER.get(name, series.colour)
                for own, paper in zip(series.points, other.points, strict=True):
                    assert own.x.value == pytest.approx(paper.x.value)
                    assert own.y.value == pytest.approx(paper.y.value, rel=1e-6)
                    assert own.size == paper.size
        assert len(by_name) == len(chart.series)


def test_each_point_knows_the_run_it_came_from() -> None:
    session = campaign(LINEAR, facts=FACTS)
    runs = {cell.label: cell.run_ids[-1] for cell in session.cells}
    for key in ("time-batch", "operations-time-b16", "top1-energy-b1"):
        found = points(FIGURES[key]([session], ALONE))
        assert found
        for point in found:
            assert point.run_id == runs[point.label]


def test_accuracy_stands_in_rising_order_once_a_network() -> None:
    chart = FIGURES["top1"]([campaign(LINEAR, facts=FACTS)], ALONE)
    assert (chart.bars, chart.x.scale, chart.x.categories) == (True, Scale.CATEGORY, ("E", "A", "B", "C", "D"))
    assert {series.name: series.points[0].x.value for series in chart.series} == {
        "A": 1,
        "B": 2,
        "C": 3,
        "D": 4,
        "E": 0,
    }
    assert all(len(series.points) == 1 for series in chart.series)


def test_a_network_with_the_papers_title_and_another_shape_has_a_place_of_its_own() -> None:
    session = campaign({"Inception-v4": {1: 0.1}})
    other = replace(session.cells[0], network="inception_v4", paper_name=None)
    chart = FIGURES["top1"]([replace(session, cells=(other,))], Options())
    assert len(chart.x.categories) == 15
    places = {
        series.name: series.points[0].x.value for series in chart.series if series.name.startswith("Inception-v4")
    }
    assert places["Inception-v4"] != places["Inception-v4 (paper)"]
    assert chart.x.categories[round(places["Inception-v4 (paper)"])] == "Inception-v4 (as plotted)"


def test_the_fit_finds_the_rate_and_its_band_the_line() -> None:
    session = campaign(LINEAR, facts=FACTS)
    for key, rate in (("operations-time-b1", 0.1), ("operations-time-b16", 0.2)):
        chart = FIGURES[key]([session], ALONE)
        [line] = chart.lines
        assert line.origin is Origin.FITTED
        assert chart.extra["slope"] == pytest.approx(rate)
        assert chart.extra["intercept"] == pytest.approx(0, abs=1e-9)
        assert (line.x[0], line.x[-1]) == (min(p.x.value for p in points(chart)), max(p.x.value for p in points(chart)))
    noisy = FIGURES["operations-time-b1"]([campaign(LINEAR, facts=FACTS, noise=0.1)], ALONE).lines[0]
    low, y, high = np.array(noisy.low), np.array(noisy.y), np.array(noisy.high)
    assert (low < y).all()
    assert (y < high).all()


def test_three_points_have_no_fit() -> None:
    few = {name: LINEAR[name] for name in "ABC"}
    assert FIGURES["operations-time-b1"]([campaign(few, facts=FACTS)], ALONE).lines == ()


def test_the_front_leaves_out_what_is_slower_and_less_right() -> None:
    chart = FIGURES["top1-time-b1"]([campaign(LINEAR, facts=FACTS)], ALONE)
    front = chart.lines[0]
    assert front.text == "A b1, B b1, C b1, D b1"
    assert front.origin is Origin.MEASURED
    assert np.interp(25, front.x, front.y) == pytest.approx(60)
    fit = chart.lines[1]
    assert fit.text.endswith("4 points)")


def test_budgets_are_drawn_and_say_what_to_take() -> None:
    options = Options(paper=False, headline_batches=(1,), budgets=Budgets(time_s=0.0301, energy_j=0.2, answer_s=0.04))
    charts = {chart.key: chart for chart in charts_of([campaign(LINEAR, 10.0, facts=FACTS)], options)}
    time = charts["top1-time-b1"].lines[-1]
    assert (time.name, time.x) == ("Budget of 30.1 ms", (pytest.approx(30.1),) * 2)
    assert time.text == "best within it: C b1 with 70.0 %, though its interval crosses the line"
    energy = charts["top1-energy-b1"].lines[-1]
    assert (energy.x, energy.text) == (
        (0.2, 0.2),
        "best within it: B b1 with 60.0 %, though its interval crosses the line",
    )
    assert [line.name for line in charts["time-energy"].lines[-2:]] == ["Budget of 40 ms", "Budget of 0.2 J"]
    tight = replace(options, budgets=Budgets(time_s=0.001))
    assert FIGURES["top1-time-b1"]([campaign(LINEAR, facts=FACTS)], tight).lines[-1].text == "best within it: nothing"


def test_the_knee_is_marked_on_its_network() -> None:
    times = {"A": {b: 0.001 * (1 + 1 / b) for b in (1, 2, 4, 8, 16, 32, 64)}}
    chart = FIGURES["energy-batch"]([campaign(times, facts=FACTS, width=0.005)], ALONE)
    [knee] = named(chart, "Knee").points
    assert (knee.x.value, knee.x.low, knee.x.high) == (16, 8, 16)
    assert knee.y == named(chart, "A").points[4].y
    assert knee.run_id == 5
    assert chart.extra == {"knee of A": 16}


def test_power_is_averaged_over_what_was_measured() -> None:
    chart = FIGURES["power-batch"](
        [campaign(LINEAR, lambda _, batch: 10.0 if batch == 1 else 12.0, facts=FACTS)], ALONE
    )
    assert chart.extra["mean W"] == pytest.approx(11)
    assert chart.extra["standard deviation W"] == pytest.approx(np.std([10.0] * 5 + [12.0] * 5, ddof=1))


# -- what is not there -----------------------------------------------------------------------------


def test_what_did_not_fit_is_named_with_its_batch_and_is_no_point() -> None:
    times = {"A": {1: 0.01, 16: 0.005}, "B": {1: 0.02, 16: None}, "C": {1: 0.03, 16: None}}
    session = campaign(times, facts=FACTS)
    for key in ("time-batch", "power-batch", "energy-batch", "time-energy", "operations-time-b16", "top1-energy-b16"):
        chart = FIGURES[key]([session], ALONE)
        assert "B and C at batch 16: did not fit in memory." in chart.missing, key
        assert not [p for p in points(chart) if p.label in {"B b16", "C b16"}]
    assert FIGURES["top1"]([session], ALONE).missing == ()


def test_without_weights_there_is_no_accuracy() -> None:
    session = campaign({"A": {1: 0.01}, "N": {1: 0.02}}, facts=FACTS | {"N": Facts(10, 10)})
    why = "accuracy not measured (it needs trained weights)"
    for key, where in (("top1", ""), ("density", ""), ("top1-operations", ""), ("top1-time-b1", " at batch 1")):
        chart = FIGURES[key]([session], ALONE)
        assert chart.missing == (f"N{where}: {why}.",)
        assert [series.name for series in chart.series] == ["A"]
    assert FIGURES["time-batch"]([session], ALONE).missing == ()


def test_without_operations_there_is_a_ball_without_area_or_none() -> None:
    session = campaign({"A": {1: 0.01}, "N": {1: 0.02}}, facts=FACTS | {"N": Facts(10, None, top1_percent=30.0)})
    chart = FIGURES["top1-throughput-b1"]([session], ALONE)
    assert named(chart, "N").points[0].size is None
    assert chart.missing == ("N: drawn without area, operations not counted.",)
    chart = FIGURES["operations-time-b1"]([session], ALONE)
    assert [series.name for series in chart.series] == ["A"]
    assert chart.missing == ("N at batch 1: operations not counted.",)


def test_one_sentence_tells_that_nothing_of_a_kind_was_measured() -> None:
    chart = FIGURES["power-batch"]([campaign(LINEAR, None, facts=FACTS)], ALONE)
    assert (chart.series, chart.missing) == ((), ("None of 10 points can be drawn: power not measured.",))
    chart = FIGURES["power-batch"]([campaign(LINEAR, idle_w=None, facts=FACTS)], ALONE)
    assert chart.missing == ("None of 10 points can be drawn: no idle baseline, so no net power.",)
    gross = FIGURES["energy-batch"]([campaign(LINEAR, idle_w=None, facts=FACTS)], Options(paper=False, gross=True))
    assert len(points(gross)) == 5 * 2 + 5


def test_a_batch_that_was_not_run_is_told() -> None:
    session = campaign({"A": {1: 0.01, 16: 0.01}, "B": {1: 0.02}}, facts=FACTS)
    assert FIGURES["operations-time-b16"]([session], ALONE).missing == ("B: not run at batch 16.",)
    few = campaign({"A": {1: 0.01}, "B": {1: 0.02}}, facts=FACTS)
    assert FIGURES["operations-time-b16"]([few], ALONE).missing == ("nothing was run at batch 16.",)


def test_a_run_that_failed_is_told_with_its_reason() -> None:
    session = campaign({"A": {1: 0.01}, "B": {1: None}}, facts=FACTS)
    failed = replace(session.cells[1], fits=None, message="The process ended.")
    chart = FIGURES["time-batch"]([replace(session, cells=(session.cells[0], failed))], ALONE)
    assert chart.missing == ("B at batch 1: not measured (the process ended).",)


def test_energy_below_zero_has_no_place_on_a_logarithmic_axis() -> None:
    session = campaign({"A": {1: 0.01}, "B": {1: 0.01}}, lambda name, _: -1.0 if name == "B" else 1.0, facts=FACTS)
    chart = FIGURES["energy-batch"]([session], ALONE)
    assert chart.missing == ("B at batch 1: net energy per image was measured as -0.01 J, not above zero.",)
    assert len(points(FIGURES["power-batch"]([session], ALONE))) == 2


def test_open_intervals_do_not_stretch_lines() -> None:
    session = campaign(LINEAR, facts=FACTS)
    unsure = tuple(replace(c, seconds_per_image=Estimate(c.seconds_per_image.value, 0.0, np.inf)) for c in session.cells
                   if c.seconds_per_image)  # fmt: skip
    for chart in charts_of([replace(session, cells=unsure)], Options(budgets=Budgets(1.0, 1.0, 1.0))):
        for line in chart.lines:
            assert np.isfinite([*line.x, *line.y]).all(), chart.key
            assert chart.y.scale is Scale.LINEAR or min(line.y) > 0
    assert points(FIGURES["top1-throughput-b1"]([replace(session, cells=unsure)], ALONE))[0].x.high == np.inf


def test_an_empty_session_gives_every_figure_empty() -> None:
    for chart in charts_of([campaign({})], ALONE):
        assert (chart.series, chart.lines, chart.simulated) == ((), (), False)


# -- simulated -------------------------------------------------------------------------------------

OF_TIMES = {
    "time-batch",
    "operations-time-b1",
    "top1",
    "density",
    "top1-operations",
    "top1-throughput-b1",
    "top1-time-b1",
}
OF_POWER = {"power-batch", "operations-power-b1"}
OF_BOTH = {"energy-batch", "top1-energy-b1", "time-energy"}


@pytest.mark.parametrize(("times", "power"), [(True, False), (False, True), (True, True), (False, False)])
def test_what_was_played_is_marked_wherever_it_is_drawn(times: bool, power: bool) -> None:
    session = campaign(LINEAR, facts=FACTS, times_simulated=times, power_simulated=power)
    for key in OF_TIMES | OF_POWER | OF_BOTH:
        chart = FIGURES[key]([session], Options())
        # Accuracy of an emulated device is played like its times, whatever it is drawn against.
        played = (times and key not in OF_POWER) or (power and key not in OF_TIMES)
        origins = {series.origin for series in chart.series if "(paper)" not in series.name}
        assert chart.simulated is played, key
        assert origins == {Origin.SIMULATED if played else Origin.MEASURED}, key
        own_lines = [line for line in chart.lines if "(paper)" not in line.name]
        assert all(played == (line.origin is Origin.SIMULATED or "SIMULATED" in line.text) for line in own_lines), key


# -- several ---------------------------------------------------------------------------------------


def test_compared_sessions_have_their_names_their_tones_and_their_numbers() -> None:
    both = [campaign(LINEAR, facts=FACTS, title="Nano"), campaign(LINEAR, facts=FACTS, title="Orin", power=30.0)]
    chart = FIGURES["time-batch"](both, Options())
    first, second = named(chart, "A (Nano)"), named(chart, "A (Orin)")
    assert first.colour != second.colour
    assert {p.campaign for p in first.points} == {0}
    assert {p.campaign for p in second.points} == {1}
    assert {p.campaign for p in named(chart, "ENet (paper)").points} == {2}
    assert {line.name for line in FIGURES["operations-time-b1"](both, Options()).lines} == {
        "Fit (Nano)", "Fit (Orin)", "Fit (paper)"
    }  # fmt: skip
    assert FIGURES["power-batch"](both, ALONE).extra["mean W (Orin)"] == pytest.approx(30)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([("X", "Nano", "a.plm"), ("Y", "Nano", "b.plm")], {"X", "Y"}),
        ([("X", "Nano", "a.plm"), ("X", "Orin", "b.plm")], {"Nano", "Orin"}),
        ([("X", "Nano", "a.plm"), ("X", "Orin", "b.plm"), ("Y", "Orin", "c.plm")], {"X, Nano", "X, Orin", "Y, Orin"}),
        ([("X", "Nano", "p/a.plm"), ("X", "Nano", "p/b.plm")], {"a", "b"}),
        ([("X", "Nano", "p/a.plm"), ("X", "Nano", "q/a.plm")], {"X 1", "X 2"}),
    ],
)
def test_what_tells_sessions_apart(given: list[tuple[str, str, str]], names: set[str]) -> None:
    sessions = [campaign({"A": {1: 0.1}}, title=title, board=board, path=path) for title, board, path in given]
    found = [series.name for series in FIGURES["time-batch"](sessions, ALONE).series]
    assert set(found) == {f"A ({name})" for name in names}


def test_conditions_that_differ_within_a_session_part_its_points_and_its_fits() -> None:
    slow, fast = campaign(LINEAR, facts=FACTS, power_mode="5W"), campaign(LINEAR, facts=FACTS, power_mode="MAXN")
    session = replace(slow, cells=slow.cells + fast.cells)
    chart = FIGURES["operations-time-b1"]([session], ALONE)
    assert {series.name for series in chart.series} == {f"{name} ({mode})" for name in FACTS for mode in ("5W", "MAXN")}
    assert [line.name for line in chart.lines] == ["Fit (5W)", "Fit (MAXN)"]
    # What a network answers does not depend on the power mode, so it is shown once.
    assert [series.name for series in FIGURES["top1"]([session], ALONE).series] == list(FACTS)
    half = campaign(LINEAR, facts=FACTS, precision="fp16")
    both = replace(slow, cells=slow.cells + half.cells)
    assert {s.name for s in FIGURES["top1"]([both], ALONE).series} >= {"A (fp32)", "A (fp16)"}


# -- what a reader of a paper sees -----------------------------------------------------------------


def test_no_caption_has_the_numbers_of_a_fit() -> None:
    for chart in charts_of([published_campaign()]):
        assert not re.search(r" · |r2 |slope -?\d|intercept", chart.caption), chart.key
    caption = FIGURES["power-batch"]([campaign(LINEAR, 10.0, facts=FACTS)], ALONE).caption
    assert caption.endswith("The points have a mean of 10.00 W and a standard deviation of 0.00 W.")


def test_a_network_of_the_paper_has_one_name() -> None:
    cells = campaign({"Inception-v4": {1: 0.1}}).cells
    renamed = replace(campaign({}), cells=tuple(replace(cell, title="Inception-v4 (as plotted)") for cell in cells))
    named = {series.network for series in FIGURES["time-batch"]([renamed], Options()).series}
    assert "Inception-v4" in named
    assert "Inception-v4 (as plotted)" not in named


def test_memory_of_one_kind_is_said_once() -> None:
    session = campaign(LINEAR, memory={name: {1: 300e6, 16: 900e6} for name in FACTS}, facts=FACTS)
    caption = FIGURES["memory-batch"]([session], ALONE).caption
    assert caption.count("the memory of the whole system") == 1


def test_a_run_that_was_not_steady_says_so_where_it_is_drawn() -> None:
    session = campaign({"A": {1: 0.01}}, facts=FACTS)
    chart = FIGURES["time-batch"]([replace(session, cells=(replace(session.cells[0], steady=False),))], ALONE)
    assert points(chart)[0].label == "A b1, not steady"


def test_the_line_of_figure_6_is_that_of_the_finding() -> None:
    given = published_campaign()
    chart = FIGURES["memory-parameters"]([given], WITH_PAPER)
    finding = next(each for each in findings_of(given) if each.key == "memory-parameters")
    numbers = {each.name: each.estimate for each in finding.statistics}
    assert chart.extra["floor"] == pytest.approx(numbers["Floor"].value, rel=1e-6)
    assert chart.extra["knee"] == pytest.approx(numbers["Knee"].value, rel=1e-6)
    assert chart.extra["slope"] == pytest.approx(numbers["Slope above the knee"].value, rel=1e-6)
    (fit,) = [line for line in chart.lines if line.origin is Origin.FITTED]
    assert (fit.y[2] - fit.y[1]) / (fit.x[2] - fit.x[1]) == pytest.approx(chart.extra["slope"])
    (quoted,) = [line for line in chart.lines if line.origin is Origin.QUOTED]
    assert (quoted.y[2] - quoted.y[1]) / (quoted.x[2] - quoted.x[1]) == pytest.approx(1.30)
    assert "1.30 MB for each MB" in quoted.text
