# SPDX-License-Identifier: Apache-2.0
"""MACs in place of operations, and the figures that compare back ends and precisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor_app.analysis.figures import Options, charts_of
from monitor_app.analysis.figures.back_ends import several_settings
from monitor_app.analysis.study import Study
from monitor_app.charts.model import Chart, Scale
from tests.analysis.campaigns import Facts, campaign

FACTS = {
    "Plain": Facts(1_000_000, 1_000_000_000, 600_000_000, 50.0),
    "Depthwise": Facts(2_000_000, None, 70_000_000, 60.0),
}
TIMES = {"Plain": {1: 0.010}, "Depthwise": {1: 0.004}}


def in_settings(*settings: tuple[str, str, float]):
    """The same networks under each back end and precision, that many times as slow."""
    parts = []
    for back_end, precision, slow in settings:
        times = {name: {1: time[1] * slow} for name, time in TIMES.items()}
        part = campaign(times, facts=FACTS, precision=precision, memory={name: {1: slow * 50e6} for name in TIMES})
        conditions = replace(part.cells[0].conditions, back_end=back_end)
        parts += [replace(cell, conditions=conditions) for cell in part.cells]
    return replace(campaign(TIMES, facts=FACTS), cells=tuple(parts))


def of(charts: list[Chart], key: str) -> Chart:
    return next(chart for chart in charts if chart.key == key)


@pytest.mark.parametrize("key", ["top1-operations", "operations-time-b1", "operations-power-b1"])
def test_a_depthwise_network_stands_in_a_figure_of_macs(key):
    by_operations, by_macs = (
        of(charts_of([campaign(TIMES, facts=FACTS)], Options(paper=False, macs=macs)), key) for macs in (False, True)
    )
    assert [series.network for series in by_operations.series] == ["Plain"]
    assert any("operations not counted" in sentence for sentence in by_operations.missing)
    assert [series.network for series in by_macs.series] == ["Plain", "Depthwise"]
    axis = by_macs.x if key == "top1-operations" else by_macs.y
    values = [(p.x if key == "top1-operations" else p.y).value for s in by_macs.series for p in s.points]
    assert (axis.title, axis.unit) == ("MACs", "G")
    assert values == pytest.approx([0.6, 0.07])
    assert "operations" not in f"{by_macs.title} {by_macs.caption}"


def test_the_area_of_bubbles_is_macs_too():
    session = campaign(TIMES, facts=FACTS)
    chart = of(charts_of([session], Options(paper=False, macs=True)), "top1-throughput-b1")
    assert chart.size_title == "MACs [G]"
    assert [point.size for series in chart.series for point in series.points] == pytest.approx([0.6, 0.07])


def test_the_paper_has_macs_as_well():
    chart = of(charts_of([], Options(macs=True)), "operations-time-b1")
    by_operations = of(charts_of([], Options()), "operations-time-b1")
    pairs = zip(chart.series, by_operations.series, strict=True)
    # A multiply and an add for each; the operations of AlexNet ignore that its convolutions are in groups
    ratios = {m.network: m.points[0].y.value / o.points[0].y.value for m, o in pairs}
    assert 0.3 < ratios.pop("AlexNet") < 0.35
    assert all(0.49 < ratio < 0.501 for ratio in ratios.values())


def test_each_back_end_and_precision_is_a_place_on_the_axis():
    session = in_settings(("torch", "fp32", 1.0), ("onnxruntime", "fp32", 0.5), ("onnxruntime", "int8", 0.25))
    charts = Study((session,), ((),), charts_of([])[0]).charts()
    panels = [chart for chart in charts if chart.number == 16]
    assert [(chart.panel, chart.key) for chart in panels] == [
        ("a", "back-ends-time"), ("b", "back-ends-energy"), ("c", "back-ends-top1"), ("d", "back-ends-memory"),
    ]  # fmt: skip
    time = panels[0]
    assert time.x.scale is Scale.CATEGORY
    assert time.x.categories == ("PyTorch fp32", "ONNX Runtime fp32", "ONNX Runtime int8")
    plain = next(series for series in time.series if series.network == "Plain")
    assert [(point.x.value, point.y.value) for point in plain.points] == [
        (0, pytest.approx(10)), (1, pytest.approx(5)), (2, pytest.approx(2.5)),
    ]  # fmt: skip
    assert [point.y.value for point in panels[3].series[0].points] == pytest.approx([50, 25, 12.5])
    assert not any(series.group for chart in panels for series in chart.series)


def test_a_session_of_one_back_end_and_precision_has_no_such_figures():
    session = campaign(TIMES, facts=FACTS)
    assert not several_settings([session])
    assert all(chart.number != 16 for chart in Study((session,), ((),), charts_of([])[0]).charts())
    assert several_settings([in_settings(("torch", "fp32", 1.0), ("torch", "bf16", 1.0))])


def test_the_order_is_that_of_the_list_whatever_was_run_first():
    session = in_settings(("openvino", "fp32", 1.0), ("torch", "bf16", 0.5), ("torch", "fp32", 0.25))
    panel = Study((session,), ((),), charts_of([])[0]).charts()[-4]
    assert panel.number == 16
    assert panel.x.categories == ("PyTorch fp32", "PyTorch bf16", "OpenVINO fp32")


def test_why_there_is_no_point_keeps_the_capitals_of_a_name():
    session = in_settings(("torch", "fp32", 1.0), ("litert", "fp32", 1.0))
    cells = tuple(
        replace(cell, fits=None, seconds_per_image=None, message="PyTorch needs a package.") for cell in session.cells
    )
    panel = next(
        chart for chart in charts_of([replace(session, cells=cells)], Options(paper=False, back_ends=True))
        if chart.key == "back-ends-time"
    )  # fmt: skip
    assert "not measured (PyTorch needs a package)" in " ".join(panel.missing)
    assert "batch 1 and 1" not in " ".join(panel.missing)
