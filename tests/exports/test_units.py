# SPDX-License-Identifier: Apache-2.0
"""A session whose work is tokens: its energies in closed form, and the word in all that leaves the program."""

from __future__ import annotations

import csv
import json
import sqlite3
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.figures import charts_of
from monitor_app.analysis.session_summary import as_json, run_results, summarise
from monitor_app.core.clock import ClockState
from monitor_app.core.estimate import Metric
from monitor_app.core.models.spec import ModelSpec
from monitor_app.core.runs import DECODE, PREFILL, Batch, Part, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.exports.csv import write_batches, write_runs
from monitor_app.exports.report.headline import headline
from monitor_app.exports.report.method import intervals
from monitor_app.exports.report.table import generating_table_of, table_of
from monitor_app.gui.panels.run_lines import heads_of, run_line
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter

RATE_HZ, VOLTS = 10_000, 10.0
T0_NS = 3_000_000_000_000
IDLE_W, PREFILL_W, DECODE_W = 1.0, 9.0, 5.0
PREFILL_S, STEP_S, PAUSE_S = 0.04, 0.01, 0.01
PROMPTS, WIDTH, NEW, REQUESTS = 2, 32, 5, 20
REQUEST_S = PREFILL_S + (NEW - 1) * STEP_S
WRITER = ModelSpec("writer", "m:w", unit="token", units=NEW, prompt_tokens=WIDTH, new_tokens=NEW, vocabulary=9)
MIOU = Metric("mIoU", 0.612, 0.6, 0.624, 40)
NET_J = ((PREFILL_W - IDLE_W) * PREFILL_S + (DECODE_W - IDLE_W) * (NEW - 1) * STEP_S) / (PROMPTS * NEW)
"""Per token that is added."""


def at(seconds: float) -> int:
    return T0_NS + round(seconds * 1e9)


def watts(times_s: np.ndarray) -> np.ndarray:
    within = np.mod(times_s - 1, REQUEST_S + PAUSE_S)
    busy = np.where(within < PREFILL_S, PREFILL_W, np.where(within < REQUEST_S, DECODE_W, IDLE_W))
    ran = (times_s >= 1) & (times_s < 1 + REQUESTS * (REQUEST_S + PAUSE_S))
    return np.where(ran, busy, IDLE_W)


def write(path, spec: RunSpec, *, generates: bool = True) -> None:
    writer = SessionWriter(path)
    signals = (
        Signal("current", Quantity.CURRENT), Signal("voltage", Quantity.VOLTAGE),
        Signal("power", Quantity.POWER, Role.TOTAL, product_of=("current", "voltage")),
    )  # fmt: skip
    writer.add_source(1, SourceInfo("shunt", "shunt", "Test shunt", "T1", "1", RATE_HZ, signals))
    end_s = 1 + REQUESTS * (REQUEST_S + PAUSE_S)
    times_s = np.arange(round((end_s + 1) * RATE_HZ)) / RATE_HZ
    amps = (watts(times_s) / VOLTS).astype("<f4")
    writer.write_block(1, 0, (amps, np.full(len(amps), VOLTS, "<f4")), at(0), at(float(times_s[-1])))
    writer.write_clock(1, at(end_s), ClockState(float(RATE_HZ), 1000))
    writer.add_run(1, 1, spec, spec.network, RunState.RUNNING)
    for number, (phase, start_s, stop_s) in enumerate(
        ((Phase.IDLE_BEFORE, 0.0, 1.0), (Phase.TIMED, 1.0, end_s), (Phase.IDLE_AFTER, end_s, end_s + 1)), start=1
    ):
        writer.open_span(number, 1, phase, at(start_s))
        writer.close_span(number, at(stop_s))
    starts_s = [1 + k * (REQUEST_S + PAUSE_S) for k in range(REQUESTS)]
    writer.write_batches(1, [Batch(Phase.TIMED, at(s), at(s + REQUEST_S), PROMPTS) for s in starts_s])
    if generates:
        for s in starts_s:
            steps = [s + PREFILL_S + k * STEP_S for k in range(NEW)]
            decoded = [Part(DECODE, at(a), at(b), PROMPTS) for a, b in pairwise(steps)]
            writer.write_parts(1, [Part(PREFILL, at(s), at(s + PREFILL_S), PROMPTS * WIDTH), *decoded])
    writer.write_metrics(1, [MIOU])
    writer.update_run(1, state=RunState.DONE.value)
    writer.commit()
    writer.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("tokens") / "tokens.plm"
    write(made, RunSpec("writer", PROMPTS, model=WRITER))
    return made


@pytest.fixture
def reader(path):
    with SessionReader(path) as opened:
        yield opened


def test_energies_are_per_token_of_the_request_and_of_each_phase(reader):
    (result,) = run_results(reader)
    assert (result.unit, result.images) == ("token", REQUESTS * PROMPTS * NEW)
    assert result.energy.net.j_per_image == pytest.approx(NET_J, rel=5e-3)
    assert result.seconds_per_image.value == pytest.approx(REQUEST_S / (PROMPTS * NEW))
    prefill, decode = result.part(PREFILL), result.part(DECODE)
    expected = (PREFILL_W - IDLE_W) * PREFILL_S / (PROMPTS * WIDTH)
    assert prefill.energy.net.j_per_image == pytest.approx(expected, rel=5e-3)
    assert decode.energy.net.j_per_image == pytest.approx((DECODE_W - IDLE_W) * STEP_S / PROMPTS, rel=5e-3)
    # All phases together are the request, whatever the units
    of_phases = prefill.energy.net.j_per_batch + decode.energy.net.j_per_batch
    assert of_phases == pytest.approx(result.energy.net.j_per_batch, rel=1e-9)


def test_json_and_csv_name_the_unit_and_images_stay_items_in_the_file(reader, tmp_path):
    run = json.loads(json.dumps(as_json(summarise(reader))))["runs"][0]
    assert run["unit"] == "token"
    assert run["energy_j_per_token"]["net"] == pytest.approx(NET_J, rel=5e-3)
    assert run["ms_per_token"]["value"] == pytest.approx(1e3 * REQUEST_S / (PROMPTS * NEW))
    assert not any("image" in key for key in run)
    assert [part["kind"] for part in run["parts"]] == [PREFILL, DECODE]
    assert run["metrics"] == [{"name": "mIoU", "value": 0.612, "low": 0.6, "high": 0.624, "items": 40}]

    write_runs(reader, tmp_path / "runs.csv")
    write_batches(reader, tmp_path / "batches.csv")
    (row,) = csv.DictReader((tmp_path / "runs.csv").read_text().splitlines())
    assert float(row["energy_net_j_per_token"]) == pytest.approx(NET_J, rel=5e-3)
    assert float(row["decode_net_j_per_token"]) == pytest.approx((DECODE_W - IDLE_W) * STEP_S / PROMPTS, rel=5e-3)
    assert row["metrics"] == "mIoU 0.612 ± 0.012"
    first = next(csv.DictReader((tmp_path / "batches.csv").read_text().splitlines()))
    assert first["items"] == str(PROMPTS)


def test_figures_tables_and_the_window_say_token(reader):
    campaign = campaign_of(reader)
    charts = charts_of([campaign])
    titles = [text for chart in charts for text in (chart.title, chart.x.title, chart.y.title)]
    assert not [text for text in titles if "image" in text.lower()]
    assert "Net energy per token" in titles
    table = table_of(campaign)
    assert "ms / token" in table.head
    assert "accuracy" in table.head
    assert "mIoU 0.612 ± 0.012" in table.rows[0]
    assert generating_table_of(campaign).rows[0][:2] == ("writer", str(PROMPTS))
    assert [each.unit for each in headline(campaign)] == ["W", "W", "ms / token", "net mJ / token", "mIoU"]
    assert any("Time per token" in each for each in intervals("token"))
    (result,) = run_results(reader)
    heads = heads_of([run_line(result.run, result)])
    assert {"tokens/s", "ms/token", "mJ/token", "accuracy"} <= set(heads)


def test_a_figure_of_several_units_shows_the_one_that_most_have_and_names_the_rest(path, tmp_path):
    frames = tmp_path / "frames.plm"
    write(frames, RunSpec("seg", PROMPTS, model=ModelSpec("seg", "m:s", unit="frame")), generates=False)
    with SessionReader(path) as one, SessionReader(frames) as other:
        tokens, of_frames = campaign_of(one), campaign_of(other)
    both = replace(tokens, cells=(*tokens.cells, *tokens.cells, *of_frames.cells))
    charts = {chart.key: chart for chart in charts_of([both])}
    assert {series.network for series in charts["energy-batch"].series if series.points} == {"writer"}
    assert "seg: measured per frame, not per token." in charts["energy-batch"].missing
    # Power is that of the board, whatever it works on
    assert {series.network for series in charts["power-batch"].series} == {"writer", "seg"}


def test_a_session_of_images_says_images(tmp_path):
    made = tmp_path / "images.plm"
    write(made, RunSpec("resnet18", PROMPTS), generates=False)
    with SessionReader(made) as reader:
        run = as_json(summarise(reader))["runs"][0]
        assert run["energy_j_per_image"]["net"] == pytest.approx(NET_J * NEW, rel=5e-3)
        assert run["images"] == REQUESTS * PROMPTS


def test_a_session_of_an_earlier_program_has_neither_parts_nor_metrics(path, tmp_path):
    old = tmp_path / "old.plm"
    old.write_bytes(path.read_bytes())
    db = sqlite3.connect(old)
    db.executescript("DROP TABLE part; DROP TABLE metric;")
    db.close()
    with SessionReader(old) as reader:
        (result,) = run_results(reader)
        assert (result.parts, result.metrics) == ((), ())
        assert result.unit == "token"
