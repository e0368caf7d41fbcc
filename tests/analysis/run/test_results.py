# SPDX-License-Identifier: Apache-2.0
"""Run results and session summaries of sessions whose power and batches are known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest

from monitor_app.analysis.run.inputs import run_inputs
from monitor_app.analysis.run.signals import sibling, total_power
from monitor_app.analysis.session_summary import as_json, run_results, summarise
from monitor_app.core.clock import ClockMethod, ClockState
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from monitor_app.sources.accuracy import PPK2
from tests.session.bench import POWER, RATE_HZ, START_NS, UTC_OFFSET_NS, S, put, shunt, steady, write_rich


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    path = tmp_path_factory.mktemp("analysis") / "rich.plm"
    write_rich(path)
    with SessionReader(path) as reader:
        yield reader


def plateau(
    path, *, idle_before=2.0, idle_after=2.0, full=8.0, accuracy=None, bound_ns=None, batches=True, idle=True
) -> SessionReader:
    """1 s idle, 2 s under load in two batches of 5 images, 1 s idle."""
    writer = SessionWriter(path)
    writer.add_source(1, shunt(accuracy))
    for start_s, watts, seconds in ((0, idle_before, 1), (1, full, 2), (3, idle_after, 1)):
        put(writer, start_s * RATE_HZ, steady(watts, seconds * RATE_HZ))
    writer.add_run(1, 1, RunSpec("net", 5), "Net", RunState.RUNNING)
    if idle:
        for span, (phase, start_s) in enumerate(((Phase.IDLE_BEFORE, 0), (Phase.IDLE_AFTER, 3)), start=1):
            writer.open_span(span, 1, phase, START_NS + start_s * S)
            writer.close_span(span, START_NS + (start_s + 1) * S)
    if batches:
        writer.write_batches(1, [Batch(Phase.TIMED, START_NS + k * S, START_NS + (k + 1) * S, 5) for k in (1, 2)])
    if bound_ns is not None:
        writer.write_clock(1, START_NS, ClockState(RATE_HZ, bound_ns))
    writer.close()
    return SessionReader(path)


LINK = SourceInfo("link to the board", "link", "ssh", "tx1", "", 1e6, ())


def behind_a_link(path, source, method: ClockMethod) -> int:
    """The bound for the batches of a run on a board behind a link of 300 us, the power's own being 50 us."""
    writer = SessionWriter(path)
    writer.add_source(1, source)
    put(writer, 0, steady(8, 4 * RATE_HZ))
    writer.add_source(2, LINK)
    writer.add_run(1, 1, RunSpec("net", 5), "Net", RunState.RUNNING)
    writer.write_batches(1, [Batch(Phase.TIMED, START_NS + k * S, START_NS + (k + 1) * S, 5) for k in (1, 2)])
    writer.write_clock(1, START_NS, ClockState(RATE_HZ, 50_000, method))
    writer.write_clock(2, START_NS, ClockState(1e6, 300_000, ClockMethod.TWO_WAY))
    writer.write_clock(2, START_NS + 4 * S, ClockState(1e6, 900_000, ClockMethod.TWO_WAY))
    writer.close()
    with SessionReader(path) as reader:
        return run_inputs(reader, reader.runs()[0]).power.instrument.clock_bound_ns


@pytest.mark.parametrize("method", [ClockMethod.ARRIVAL, ClockMethod.TWO_WAY, ClockMethod.POLLED])
def test_the_bound_of_the_link_is_added_to_that_of_a_meter_on_this_side(tmp_path, method):
    assert behind_a_link(tmp_path / "link.plm", shunt(None), method) == 350_000


def test_a_sync_line_that_the_board_switches_knows_no_link(tmp_path):
    assert behind_a_link(tmp_path / "link.plm", replace(shunt(None), simulated=False), ClockMethod.LINE) == 50_000


def test_a_simulated_line_is_switched_on_this_side(tmp_path):
    source = replace(shunt(None), simulated=True)
    assert behind_a_link(tmp_path / "link.plm", source, ClockMethod.LINE) == 350_000


def test_rails_of_the_board_itself_have_the_bound_of_the_link_already(tmp_path):
    rails = replace(shunt(None), kind="jetson-rails")
    assert behind_a_link(tmp_path / "link.plm", rails, ClockMethod.POLLED) == 50_000


# -- one run ---------------------------------------------------------------------------------------


def test_power_and_energy_of_a_plateau(reader):
    first, *_ = run_results(reader)
    assert (first.images, first.timed_s) == (2000, pytest.approx(3.995))
    assert first.images_per_s == pytest.approx(2000 / 3.995)
    power = first.power
    assert power.full_w == pytest.approx(8, rel=1e-12)
    assert power.idle_w == pytest.approx(2, rel=1e-12)
    assert power.net_w == pytest.approx(6, rel=1e-12)
    assert power.coverage == 1
    # Of the batches themselves, which take 2.95 of the 3.995 s.
    assert first.energy.gross.j_per_image == pytest.approx(8 * 2.95 / 2000, rel=1e-9)
    assert first.energy.net.j_per_image == pytest.approx(6 * 2.95 / 2000, rel=1e-9)
    assert any("26% of the run lies between batches" in note for note in first.notes)


def test_latency_is_that_of_the_timed_batches_only(reader):
    latency = run_results(reader)[0].latency
    # 100, 105, ... 195 ms: one trend is not twenty independent values, so no percentile is shown and the mean is vague.
    assert (latency.count, latency.seconds) == (20, pytest.approx(2.95))
    assert latency.deviation_s == pytest.approx(0.0295804, rel=1e-5)
    assert (latency.p50, latency.p99) == (None, None)
    assert latency.mean.value == pytest.approx(0.1475)
    assert latency.mean.high - latency.mean.value > 3 * 1.96 * latency.deviation_s / math.sqrt(20)


def test_missing_samples_lower_the_coverage_and_not_the_power(reader):
    result = run_results(reader)[1]
    power = result.power
    # Of 2 s less a guard of a tenth, half a second is missing.
    assert power.coverage == pytest.approx(1.3 / 1.8, abs=1e-6)
    assert power.full_w == pytest.approx(5, rel=1e-12)
    assert result.energy.gross.j_per_image == pytest.approx(5 * 2 / 200, rel=1e-5)
    assert result.energy.coverage == pytest.approx(0.75, abs=1e-4)


def test_accuracy_has_its_counts_and_interval(reader):
    first, second, third = run_results(reader)
    assert (second.top1.correct, second.top1.images, second.top1.value) == (16, 20, 0.8)
    assert (second.top5.correct, second.top5.value) == (19, 0.95)
    assert second.top1.low < 0.8 < second.top1.high
    assert (first.top1, first.top5, third.top1) == (None, None, None)


def test_top5_that_was_not_measured_is_none_where_top1_was(tmp_path):
    with SessionWriterFor(tmp_path / "a.plm") as writer:
        writer.add_run(1, 1, RunSpec("net"), "Net", RunState.DONE)
        writer.write_batches(1, [Batch(Phase.ACCURACY, k, k + 1, 4, 3, None) for k in range(2)])
    with SessionReader(tmp_path / "a.plm") as reader:
        [result] = run_results(reader)
    assert (result.top1.correct, result.top1.images, result.top5) == (6, 8, None)


def test_a_run_that_never_began_has_no_figures(reader):
    third = run_results(reader)[2]
    assert (third.images, third.timed_s, third.images_per_s) == (0, 0.0, None)
    assert (third.latency, third.power) == (None, None)
    assert third.run.error == "It does not fit."


@pytest.mark.parametrize(("seconds", "guard_s"), [(2, 0.2), (10, 0.25)])
def test_the_pause_before_the_first_batch_is_guarded_against(tmp_path, seconds, guard_s):
    """At most a tenth of the span and at most a quarter of a second are left out of the mean, never of the energy."""
    with SessionWriterFor(tmp_path / "a.plm") as writer:
        writer.add_source(1, shunt())
        guard = round(guard_s * RATE_HZ)
        put(writer, 0, steady(2, guard))
        put(writer, guard, steady(8, seconds * RATE_HZ - guard))
        writer.add_run(1, 1, RunSpec("net"), "Net", RunState.DONE)
        writer.write_batches(1, [Batch(Phase.TIMED, START_NS, START_NS + seconds * S, 4)])
    with SessionReader(tmp_path / "a.plm") as reader:
        [result] = run_results(reader)
    assert result.power.full_w == pytest.approx(8, rel=1e-12)
    true_j = 8 * (seconds - guard_s) + 2 * guard_s
    assert result.energy.gross.j_per_image == pytest.approx(true_j / 4, rel=1e-4)


def test_without_a_baseline_there_is_no_net(tmp_path):
    with plateau(tmp_path / "a.plm", idle=False) as reader:
        [result] = run_results(reader)
    assert result.power.full_w == pytest.approx(8)
    assert (result.power.idle_w, result.power.net_w, result.energy.net) == (None, None, None)
    assert result.net_uncertainty_w is None


def test_without_a_meter_there_is_latency_but_no_power(tmp_path):
    with SessionWriterFor(tmp_path / "a.plm") as writer:
        writer.add_run(1, 1, RunSpec("net"), "Net", RunState.DONE)
        writer.write_batches(1, [Batch(Phase.TIMED, 0, 10**6, 1)])
        writer.write_log(10**6, "info", "Run 1: the bench took 5.0 % of a core.")
    with SessionReader(tmp_path / "a.plm") as reader:
        [result] = run_results(reader)
        shown = as_json(summarise(reader))
    assert result.latency.count == 1
    assert (result.power, result.energy) == (None, None)
    for key in ("energy_j", "mean_w", "idle_w", "full_w", "swing_w", "coverage", "sample_rate_hz", "started_utc"):
        assert shown[key] is None
    assert shown["runs"][0]["energy_j_per_image"] is None
    assert shown["log"] == [{"level": "info", "text": "Run 1: the bench took 5.0 % of a core."}]


def test_samples_that_stop_in_mid_run_lower_the_coverage(tmp_path):
    """Unplugged and not back: there is no gap row, and the timed span is only half measured."""
    with SessionWriterFor(tmp_path / "a.plm") as writer:
        writer.add_source(1, shunt())
        put(writer, 0, steady(5, RATE_HZ))
        writer.add_run(1, 1, RunSpec("net"), "Net", RunState.DONE)
        writer.write_batches(1, [Batch(Phase.TIMED, START_NS, START_NS + 2 * S, 1)])
    with SessionReader(tmp_path / "a.plm") as reader:
        assert run_results(reader)[0].power.coverage == pytest.approx(0.8 / 1.8, abs=1e-4)


# -- uncertainty -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "watts"),
    [
        ({}, 0.0),
        ({"idle_after": 2.4}, 0.2 / math.sqrt(3)),
        ({"bound_ns": 10_000_000}, 6.0 * 0.010 / 2 / math.sqrt(3)),
        ({"accuracy": 0.001}, 0.002 * 6.0 / math.sqrt(3)),
    ],
)
def test_each_part_of_the_uncertainty_is_half_a_range_over_the_root_of_three(tmp_path, options, watts):
    with plateau(tmp_path / "a.plm", **options) as reader:
        [result] = run_results(reader)
    budget = result.energy.net.budget
    parts = (budget.noise, budget.idle_noise, budget.drift, budget.clock, budget.gain)
    assert math.hypot(*parts) == pytest.approx(watts * 2 / 10, rel=1e-3, abs=1e-6)
    assert budget.measured == pytest.approx(math.hypot(*parts, budget.pauses, budget.resolution))


def test_a_power_that_is_a_product_has_the_steps_of_its_factors(tmp_path):
    with plateau(tmp_path / "a.plm") as reader:
        [result] = run_results(reader)
        current, voltage = (sibling(reader, total_power(reader), q) for q in (Quantity.CURRENT, Quantity.VOLTAGE))
        volts, amperes = (reader.statistics(s.id, START_NS + S, START_NS + 3 * S).mean for s in (voltage, current))
    step_w = math.hypot(current.resolution * volts, voltage.resolution * amperes)
    # Two seconds of samples that are all alike: their error is one and the same, and so is that of each baseline.
    assert result.energy.net.budget.resolution == pytest.approx(
        math.hypot(step_w, step_w / math.sqrt(2)) / math.sqrt(12) * 0.2, rel=0.05
    )


def test_the_parts_add_in_squares(tmp_path):
    parts = [{"idle_after": 2.4}, {"bound_ns": 10_000_000}, {"accuracy": 0.001}]
    single = []
    for number, options in enumerate(parts):
        with plateau(tmp_path / f"{number}.plm", **options) as reader:
            single.append(run_results(reader)[0].energy.net.budget.measured)
    with plateau(tmp_path / "all.plm", **{k: v for part in parts for k, v in part.items()}) as reader:
        whole = run_results(reader)[0].energy.net.budget.measured
    assert whole == pytest.approx(math.hypot(*single), rel=1e-3)


@pytest.mark.parametrize(
    ("milliamperes", "stated", "limit"),
    [
        pytest.param((1, 50), PPK2.power, 0.10, id="in a sensitive range"),
        pytest.param((1, 200), PPK2.power, 0.15, id="in the least sensitive one"),
        pytest.param((200, 50), PPK2.power, 0.10, id="and as the run has it, not the time before"),
        pytest.param((1, 50), 0.02, 0.02, id="as the profile says after a calibration"),
    ],
)
def test_a_ppk2_is_as_accurate_as_the_ranges_that_a_run_has_used(tmp_path, milliamperes, stated, limit):
    signals = (
        Signal("current", Quantity.CURRENT, dtype="<f4", accuracy=stated),
        Signal("power", Quantity.POWER, Role.TOTAL, dtype="<f4", accuracy=stated),
    )
    writer = SessionWriter(tmp_path / "a.plm")
    writer.add_source(1, SourceInfo("kit", "ppk2", "Power Profiler Kit II", "1", "", RATE_HZ, signals))
    amperes = np.repeat(np.array(milliamperes, "<f4") / 1000, 2 * RATE_HZ)
    last_ns = START_NS + round((len(amperes) - 1) * S / RATE_HZ)
    writer.write_block(1, 0, (amperes, 3 * amperes), START_NS, last_ns)
    writer.add_run(1, 1, RunSpec("net"), "Net", RunState.RUNNING)
    batches = [Batch(Phase.TIMED, START_NS + k * S // 10, START_NS + (k + 1) * S // 10, 1) for k in range(21, 39)]
    writer.write_batches(1, batches)
    writer.close()
    with SessionReader(tmp_path / "a.plm") as reader:
        [result] = run_results(reader)
    gross = result.energy.gross
    assert gross.budget.gain == pytest.approx(gross.j_per_image * limit / math.sqrt(3))


# -- the session -----------------------------------------------------------------------------------


def test_the_figures_of_a_session(reader):
    told = summarise(reader)
    assert (told.title, told.complete, told.simulated) == ("Known bench", True, True)
    assert told.started_utc == datetime.fromtimestamp(UTC_OFFSET_NS // S, timezone.utc)
    assert told.duration_s == pytest.approx(20)
    assert told.lost_samples == RATE_HZ // 2
    assert told.coverage == pytest.approx(0.975, abs=1e-6)
    # 3 s and 5 s and 6 s at 2 W, 4 s at 8 W, 1.5 s at 5 W; half a second was not measured.
    assert told.energy_j == pytest.approx(67.5, rel=1e-5)
    assert told.mean_w == pytest.approx(67.5 / 19.5)
    assert told.idle_w == pytest.approx(2)
    assert told.full_w == pytest.approx((8 * 3.995 + 5 * 2) / 5.995)
    assert told.swing_w == pytest.approx(told.full_w - 2)
    [source] = told.sources
    assert source.rate_hz == pytest.approx(RATE_HZ)
    assert source.clock is not None
    assert (source.clock.bound_ns, source.lost_samples) == (30_000, RATE_HZ // 2)


def test_the_document_is_plain_json_with_units_converted(reader):
    shown = as_json(summarise(reader))
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    first, second, third = shown["runs"]
    assert shown["sources"][0]["clock_bound_us"] == 30
    assert first["latency_ms"]["batches"] == 20
    assert first["latency_ms"]["p90"] is first["latency_ms"]["intervals"]["p90"] is None
    assert first["energy_j_per_image"]["gross"] == pytest.approx(8 * 2.95 / 2000)
    assert first["energy_j_per_image"]["net_budget"].keys() >= {"noise", "drift", "clock", "gain"}
    assert second["top1"]["value"] == 0.8
    assert third["accuracy_note"] == "no weights"
    assert third["latency_ms"] is third["full_w"] is third["energy_j_per_image"] is None
    assert all(run["simulated"] for run in shown["runs"])


def test_an_empty_session_has_no_figures(tmp_path):
    with SessionWriterFor(tmp_path / "a.plm"):
        pass
    with SessionReader(tmp_path / "a.plm") as reader:
        shown = as_json(summarise(reader))
    assert (shown["duration_s"], shown["complete"], shown["sources"], shown["runs"]) == (0.0, False, [], [])


# -- which signal ----------------------------------------------------------------------------------


def rails(*signals: tuple[str, Quantity, Role]) -> SourceInfo:
    return SourceInfo("rails", "rails", "", "", "", 1.0, tuple(Signal(name, q, role) for name, q, role in signals))


@pytest.mark.parametrize(
    ("signals", "chosen"),
    [
        ([("in", Quantity.POWER, Role.TOTAL), ("gpu", Quantity.POWER, Role.GPU)], "in"),
        ([("gpu", Quantity.POWER, Role.GPU), ("in", Quantity.POWER, Role.TOTAL)], "in"),
        ([("x", Quantity.POWER, Role.OTHER), ("u", Quantity.VOLTAGE, Role.OTHER)], "x"),
        ([("a", Quantity.POWER, Role.GPU), ("b", Quantity.POWER, Role.CPU)], None),
        ([("u", Quantity.VOLTAGE, Role.TOTAL)], None),
        ([], None),
    ],
)
def test_the_power_of_the_board_is_the_one_said_to_be_it_or_the_only_one(tmp_path, signals, chosen):
    with SessionWriterFor(tmp_path / "a.plm") as writer:
        writer.add_source(1, rails(*signals))
    with SessionReader(tmp_path / "a.plm") as reader:
        power = total_power(reader)
    assert (power and power.name) == chosen


def test_the_current_that_belongs_to_a_power_is_its_factor(reader):
    power = total_power(reader)
    assert power.id == POWER
    assert sibling(reader, power, Quantity.CURRENT).name == "current"
    assert sibling(reader, power, Quantity.VOLTAGE).name == "voltage"
    assert sibling(reader, power, Quantity.TEMPERATURE) is None


class SessionWriterFor(SessionWriter):
    """A writer that is closed at the end of a with."""

    def __enter__(self) -> SessionWriterFor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.mark.parametrize(("seconds", "fits"), [(2, False), (6, True)])
def test_two_values_a_second_need_a_longer_run(tmp_path, seconds, fits):
    """Means over half a second with the time of its end, 2 W idle and 8 W under load; the last of the run is 5 W."""
    path = tmp_path / "slow.plm"
    with SessionWriterFor(path) as writer:
        info = replace(shunt(0.0), rate_hz=2.0)
        writer.add_source(1, info)
        watts = [2.0] * 8 + [5.0] + [8.0] * (2 * seconds - 1) + [5.0] + [2.0] * 8
        for index, value in enumerate(watts):
            at_ns = START_NS + index * S // 2
            writer.write_block(1, index, steady(value, 1), at_ns, at_ns)
        writer.add_run(1, 1, RunSpec("net", 5), "Net", RunState.DONE)
        begin_ns = START_NS + 4 * S - S // 4
        end_ns = begin_ns + seconds * S
        for span, phase, edges in (
            (1, Phase.IDLE_BEFORE, (START_NS, begin_ns)),
            (2, Phase.IDLE_AFTER, (end_ns, end_ns + 4 * S)),
        ):
            writer.open_span(span, 1, phase, edges[0])
            writer.close_span(span, edges[1])
        step_ns = seconds * S // 20
        writer.write_batches(
            1, [Batch(Phase.TIMED, begin_ns + k * step_ns, begin_ns + (k + 1) * step_ns, 5) for k in range(20)]
        )
    with SessionReader(path) as reader:
        [result] = run_results(reader)
        [shown] = json.loads(json.dumps(as_json(summarise(reader)), allow_nan=False))["runs"]
    assert any("or use a faster meter" in note for note in result.notes) is not fits
    assert (shown["net_uncertainty_w"] is not None) is fits
    assert (shown["net_power_budget"]["noise"] is not None) is fits
    if fits:
        assert result.power.net_w == pytest.approx(6, rel=1e-3)
        assert result.energy.net.j_per_image == pytest.approx(6 * seconds / 100, rel=1e-3)
