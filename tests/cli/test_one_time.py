# SPDX-License-Identifier: Apache-2.0
"""Every command, file and view gives the same time per image and the same power of one session."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.run.inputs import LIVE
from monitor_app.analysis.session_summary import as_json, run_results, summarise
from monitor_app.analysis.study import study
from monitor_app.cli.tables import print_campaign, print_session
from monitor_app.core.formatting import plus_minus
from monitor_app.core.runs import RunSpec
from monitor_app.exports.csv import write_runs
from monitor_app.exports.report.table import table_of
from monitor_app.gui.panels.run_lines import COLUMNS, run_line
from monitor_app.session.reader import SessionReader
from tests.analysis.campaign.test_assembly import Session

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {1: 40, 4: 12, 16: 4}
"""Batches by batch size: as in a quick campaign, from a median with an interval to a mean without one."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network; latencies are skewed, so mean and median differ by a tenth."""
    made = Session(tmp_path_factory.mktemp("one-time") / "quick.plm")
    rng = np.random.default_rng(5)
    for size, batches in SIZES.items():
        seconds = rng.exponential(1.0, batches)
        made.run(RunSpec("resnet18", size, "fp32", "cpu", 2), seconds=0.9 * seconds / seconds.sum())
    made.close()
    return made.path


@pytest.fixture(scope="module")
def times_ms(session: Path) -> dict[int, float]:
    """The mean time per image, from the rows of the batches alone."""
    with SessionReader(session) as reader:
        sizes = {run.id: run.batch_size for run in reader.runs()}
        rows = reader.batches()
    found = {}
    for number, size in sizes.items():
        timed = rows[(rows["run"] == number) & (rows["phase"] == "timed")]
        found[size] = float((timed["end_ns"] - timed["start_ns"]).sum()) * 1e-6 / float(timed["images"].sum())
    return found


def words_of(text: str, size: int) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"Resnet18 b{size} ")]
    return line.split()[2:]


def test_show_and_analyze_print_the_same_time_and_power(session, times_ms, capsys):
    with SessionReader(session) as reader:
        print_session(session, summarise(reader))
        shown = capsys.readouterr().out
        campaign = campaign_of(reader)
        print_campaign(campaign, ())
        analysed = capsys.readouterr().out
    assert "ms/image" in shown
    assert "ms/image" in analysed
    for size, true_ms in times_ms.items():
        in_show, in_analyze = words_of(shown, size), words_of(analysed, size)
        assert in_show[0] == in_analyze[0]
        assert float(in_show[0]) == pytest.approx(true_ms, rel=0.02)
        assert f"{float(in_show[3]):.2f}" == "6.00"
        [cell] = [each for each in campaign.cells if each.batch_size == size]
        for estimate, scale in ((cell.net_w, 1.0), (cell.net_j_per_image, 1e3)):
            words = plus_minus(estimate.value * scale, (estimate.high - estimate.value) * scale)
            assert words in shown
            assert words in analysed


def test_all_files_and_views_have_the_same_time(session, times_ms, tmp_path):
    with SessionReader(session) as reader:
        document = as_json(summarise(reader))
        campaign = campaign_of(reader)
        results, live = run_results(reader), run_results(reader, LIVE)
        write_runs(reader, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(encoding="utf-8") as file:
        rows = {int(row["batch_size"]): row for row in csv.DictReader(line for line in file if line[0] != "#")}
    [chart] = [each for each in study([session]).charts() if each.key == "time-batch"]
    points = {point.x.value: point.y.value for series in chart.series for point in series.points if point.run_id}
    report = {int(row[1]): row[2] for row in table_of(campaign).rows}
    for result, of_window, cell, run in zip(results, live, campaign.cells, document["runs"], strict=True):
        size = result.run.batch_size
        true_ms = times_ms[size]
        assert cell.batch_size == size
        assert result.seconds_per_image.value * 1e3 == pytest.approx(true_ms)
        assert of_window.seconds_per_image == pytest.approx(result.seconds_per_image)
        assert cell.seconds_per_image.value == pytest.approx(true_ms * 1e-3)
        assert run["ms_per_image"]["value"] == pytest.approx(true_ms)
        assert run["latency_ms"]["mean"] == pytest.approx(true_ms * size)
        assert float(rows[size]["latency_mean_ms"]) == pytest.approx(true_ms * size)
        assert points[size] == pytest.approx(true_ms)
        assert float(report[size].split()[0]) == pytest.approx(true_ms, rel=0.02)
        text = run_line(of_window.run, of_window).texts[COLUMNS.index("ms/image")]
        assert float(text) == pytest.approx(true_ms, rel=0.02)
        assert cell.net_w.high - cell.net_w.value == pytest.approx(2 * run["net_uncertainty_w"])


def test_the_figure_says_that_it_is_the_mean(session):
    [chart] = [each for each in study([session]).charts() if each.key == "time-batch"]
    assert "Mean time" in chart.caption
    assert "edian" not in chart.caption


def test_an_interval_that_is_withheld_is_null_and_has_a_reason(session):
    with SessionReader(session) as reader:
        *_, last = as_json(summarise(reader))["runs"]
    assert last["batch_size"] == 16
    assert last["latency_ms"]["intervals"]["mean"] is None
    assert last["ms_per_image"]["interval"] is None
    assert last["energy_j_per_image"]["net_uncertainty"] is None
    assert last["energy_j_per_image"]["net_budget"]["spread"] is None
    assert last["net_uncertainty_w"] is not None
    assert any("too few for an interval" in note for note in last["notes"])
    json.loads(json.dumps(last, allow_nan=False))
