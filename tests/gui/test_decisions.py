# SPDX-License-Identifier: Apache-2.0
"""Ranges, columns, words, labels and tasks, without a window."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.run.energy import Budget, EnergySummary, Figure
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.core import formatting as wording
from monitor_app.core.status import BenchPhase, CheckState, CheckStatus
from monitor_app.gui.panels.readouts import readings
from monitor_app.gui.panels.run_lines import COLUMNS, energy_words, run_line
from monitor_app.gui.panels.run_panel import PlanLine, plan_of
from monitor_app.gui.panels.selection_panel import TOO_FEW_SAMPLES, selection_figures
from monitor_app.gui.panels.status_bar import quality_text, resolution_text
from monitor_app.gui.periodic import PeriodicTasks
from monitor_app.gui.plot.accuracy_pane import running_top1
from monitor_app.gui.plot.annotations import annotate, spread_apart
from monitor_app.gui.plot.columns import columns_for, extremes, trace_lines
from monitor_app.gui.plot.envelope_cache import EnvelopeCache
from monitor_app.gui.plot.items import columns_image
from monitor_app.gui.plot.scales.axes import settled_range, time_step
from monitor_app.gui.session.recording import Recording
from monitor_app.gui.session.shown_signals import shown_signals_of
from monitor_app.gui.session.subject import in_view, present
from monitor_app.gui.theme import DARK
from monitor_app.session.reader import SessionReader
from tests.gui.conftest import GAP_S, LENGTH_S, RATE_HZ, T0_NS, at, status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def recording(session: Path) -> Iterator[Recording]:
    with SessionReader(session) as reader:
        made = Recording(reader)
        made.advance()
        made.update_rows()
        made.update_results()
        made.update_rows()
        yield made


# -- ranges --------------------------------------------------------------------------------------


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-3, 1e3))
def test_a_chosen_range_holds_the_data_with_room(low: float, span: float) -> None:
    bottom, top = settled_range(None, low, low + span)
    assert bottom <= low
    assert top > low + span


def test_a_range_does_not_jitter_with_the_noise() -> None:
    shown = settled_range(None, 1.3, 14.2)
    assert shown[0] == 0.0
    assert settled_range(shown, 1.1, 14.6) == shown
    assert settled_range(shown, 1.1, 11.0) == shown
    assert settled_range(shown, 1.1, 30.0)[1] > 30.0
    assert settled_range(shown, 1.29, 1.31) != shown


def test_labels_of_the_time_axis_have_room() -> None:
    assert time_step(30.0, 1000) == 5.0
    assert time_step(3 * 86_400.0, 1000) == 43_200.0
    assert time_step(1e-3, 1000) == pytest.approx(2e-4)


# -- columns -------------------------------------------------------------------------------------


@given(duration=st.floats(1e-3, 1e5), pixels=st.integers(10, 4000))
def test_each_pixel_gets_one_column_and_fewer_than_two_and_a_bit(duration: float, pixels: int) -> None:
    columns = columns_for(duration, 50_000.0, pixels)
    samples = duration * 50_000.0
    assert columns <= 2.1 * pixels
    assert columns >= min(pixels, samples) * 0.95


def test_a_gap_interrupts_the_line(recording: Recording) -> None:
    power = recording.power
    assert power is not None
    drawn = trace_lines(recording.reader.envelope(power.id, at(8.0), at(11.0), 300), T0_NS)
    before = int(np.searchsorted(drawn.mean_x, GAP_S[0])) - 1
    assert drawn.has_gaps
    assert not drawn.joined[before]
    assert drawn.joined[: before - 1].all()
    assert not ((drawn.mean_x > GAP_S[0] + 0.02) & (drawn.mean_x < GAP_S[1] - 0.02)).any()


def test_a_view_that_moves_on_shows_what_a_fresh_read_shows(recording: Recording) -> None:
    power = recording.power
    assert power is not None
    cache, pixel_ns = EnvelopeCache(), 6.0e6
    cache.read(recording.reader, power.id, at(0.0), at(8.0), rate_hz=RATE_HZ, pixel_ns=pixel_ns)
    moved = cache.read(recording.reader, power.id, at(1.0), at(8.8), rate_hz=RATE_HZ, pixel_ns=pixel_ns)
    fresh = EnvelopeCache().read(recording.reader, power.id, at(1.0), at(8.8), rate_hz=RATE_HZ, pixel_ns=pixel_ns)
    assert moved.samples_per_column == fresh.samples_per_column
    # The group that the window's start cuts is whole in the one and cut in the other.
    np.testing.assert_array_equal(moved.count[1:], fresh.count[1:])
    np.testing.assert_allclose(moved.start_ns[1:], fresh.start_ns[1:], atol=2)
    np.testing.assert_allclose(moved.mean[1:], fresh.mean[1:])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=400), st.integers(1, 40))
def test_points_left_out_hide_no_extreme(values: list[float], pixels: int) -> None:
    x, y = np.linspace(0.0, 1.0, len(values)), np.array(values)
    kept = extremes(x, y, 0.0, 1.0 + 1e-9, pixels)
    assert y[kept].max() == y.max()
    assert y[kept].min() == y.min()
    assert len(kept) <= max(2 * (pixels + 1), 2)


# -- accuracy ------------------------------------------------------------------------------------


def test_running_top1_begins_anew_with_each_run() -> None:
    kind = [("run", "i8"), ("images", "i8"), ("top1", "i8"), ("end_s", "f8")]
    tested = np.array([(1, 1, 1, 0.0), (1, 1, 0, 1.0), (2, 4, 3, 2.0), (2, 4, 4, 3.0)], kind)
    points = running_top1(tested)
    np.testing.assert_allclose(points["percent"], [100.0, 50.0, 75.0, 87.5])
    last = wilson(7, 8)
    assert last is not None
    assert points["low"][-1] == pytest.approx(100 * last.low)
    assert points["high"][-1] == pytest.approx(100 * last.high)


# -- words ---------------------------------------------------------------------------------------


def test_numbers_read_as_people_write_them() -> None:
    assert wording.fixed(13.081, 2) == "13.08"
    assert wording.fixed(-0.001, 2) == "0.00"
    assert wording.fixed(None, 2) == wording.fixed(float("nan"), 2) == wording.NOTHING
    assert [wording.three_digits(v) for v in (230.4, 23.14, 2.314)] == ["230", "23.1", "2.31"]
    assert [wording.duration(s) for s in (38.2, 725, 3725)] == ["0:38", "12:05", "1:02:05"]
    assert wording.long_duration(37 * 86_400) == "37 days"
    assert wording.sample_rate(50_000.4) == "50.000 kSa/s"
    assert wording.span_of_time(4.8123) == "4.812 s"
    assert wording.engineering(0.0012, "A") == "1.20 mA"
    assert wording.clock_time(65.25, 0.05) == "1:05.25"
    assert wording.clock_time(59.9999, 1.0) == "1:00"
    bounds_ns = (210_000, 2_000_000, 36_554_000, 2_036_550_000)
    assert [wording.clock_bound(ns) for ns in bounds_ns] == ["± 0.21 ms", "± 2 ms", "± 37 ms", "± 2 s"]
    assert wording.clock_bound(3_900).startswith("± 3.9 ")
    assert wording.live(12.473, "W") == ("12.47", "W")
    assert wording.live(0.0012, "W") == ("1.20", "mW")
    assert wording.live(0.0, "A", 3) == ("0.000", "A")
    assert wording.live(None, "W") == (wording.NOTHING, "W")


def test_the_status_bar_says_what_the_picture_is() -> None:
    assert resolution_text(1304) == "envelope, 1,304 samples per pixel"
    assert resolution_text(1) == "every sample"


def test_the_status_bar_counts_losses_and_costs(recording: Recording) -> None:
    before, lost, after = quality_text(recording, status(), 51_000_000, own_cpu=0.02)
    assert before == "10.000 kSa/s"
    assert lost == f"{round((GAP_S[1] - GAP_S[0]) * RATE_HZ):,} lost"
    for words in ("clock ± 0.21 ms", "monitor 6 % of a core", "session 51 MB", "disk 79 GB, 37 days left"):
        assert words in after


# -- figures -------------------------------------------------------------------------------------


def test_levels_are_those_of_the_latest_run(recording: Recording) -> None:
    assert recording.levels.idle_w == pytest.approx(1.0)
    assert recording.levels.full_w == pytest.approx(10.0)
    assert recording.levels.swing_w == pytest.approx(9.0)


def test_readings_show_a_dash_for_what_was_not_measured(recording: Recording) -> None:
    power, net, current, voltage, per_image, p50, _p99, rate, top1 = readings(recording, present(recording))
    assert (power.text, net.text, current.text, voltage.text) == ("1.00", "0.00", "0.100", "10.00")
    assert per_image.text == wording.three_digits(1e3 * 9.0 * 0.018)
    assert p50.text == "18.0"
    assert rate.text == "50.0"
    assert top1.text == wording.NOTHING


def test_table_lines_have_figures_or_say_why_not(recording: Recording) -> None:
    first, second = (run_line(run, recording.results[run.id]) for run in recording.runs)
    texts = dict(zip(COLUMNS, first.texts, strict=True))
    assert [texts[name] for name in ("run", "batch", "state", "images/s")] == ["SqueezeNet 1.1", "1", "done", "50.0"]
    assert [texts[name] for name in ("ms/image", "p50 ms")] == ["18", "18.0"]
    assert [texts[name] for name in ("idle W", "full W", "net W")] == ["1.00", "10.00", "9.00"]
    assert texts["top-1"].startswith("25/50")
    assert second.texts[-1] == "no weights"


def test_a_selection_is_measured_exactly(recording: Recording) -> None:
    figures = selection_figures(recording, shown_signals_of(recording.usual), 4.0, 6.0, DARK).rows
    assert figures["mean"] == "10.00 W"
    assert figures["energy"] == "20.00 J"
    assert figures["net"] == "18.00 J"
    assert figures["images"] == "100"
    assert figures["coverage"] == "100.00 %"


def test_a_selection_over_a_gap_says_how_much_is_there(recording: Recording) -> None:
    figures = selection_figures(recording, shown_signals_of(recording.usual), 8.5, 9.5, DARK)
    assert figures.rows["coverage"] == "50.00 %"
    assert figures.rows["recorded"] == "0.5 of 1.0 s"
    assert figures.rows["gap in"] == "power"


def test_energy_is_not_invented_over_a_gap(recording: Recording) -> None:
    # 4 to 8 s at 10 W and 8 to 9 s at 1 W, then half a second of nothing, and half a second at 1 W.
    figures = selection_figures(recording, shown_signals_of(recording.usual), 4.0, 10.0, DARK).rows
    assert figures["energy"] == "at least 41.50 J"
    assert figures["net"] == "at least 36.00 J"
    assert figures["images"] == "200"
    assert figures["per image"] == TOO_FEW_SAMPLES


def test_energy_is_not_invented_for_the_future(recording: Recording) -> None:
    # 20 s were recorded, 12 s of them at 10 W and the others at 1 W.
    figures = selection_figures(recording, shown_signals_of(recording.usual), 0.0, 349.0, DARK).rows
    assert figures["energy"] == "at least 127.5 J"
    assert figures["recorded"] == "19.5 of 349.0 s"
    assert figures["per image"] == TOO_FEW_SAMPLES


def test_what_stands_beside_a_past_run_belongs_to_it(recording: Recording) -> None:
    first = in_view(recording, (3.0, 8.0))
    assert first.caption == "run 1: SqueezeNet 1.1  ·  batch 1"
    power, net, current, *_, top1 = readings(recording, first)
    assert (power.text, net.text, current.text, top1.text) == ("10.00", "9.00", "1.000", "25/50")
    notes = annotate(recording, first, with_levels=True)
    assert notes.accuracy_note == ""
    assert [note.name for note in notes.accuracy] == ["25/50"]
    second = in_view(recording, (10.0, 20.0))
    assert annotate(recording, second, with_levels=True).accuracy_note == "not measured: no weights"
    assert readings(recording, second)[-1].text == wording.NOTHING


def test_the_selected_run_counts_while_it_is_in_view(recording: Recording) -> None:
    assert in_view(recording, (0.0, 12.0), chosen=2).run == recording.runs[1]
    assert in_view(recording, (0.0, 9.0), chosen=2).run == recording.runs[0]


def test_where_no_run_is_in_view_its_means_are_shown(recording: Recording) -> None:
    between = in_view(recording, (8.2, 9.2))
    assert between.run is None
    assert [each.text for each in readings(recording, between)[:4]] == ["1.00", wording.NOTHING, "0.100", "10.00"]
    assert annotate(recording, between, with_levels=True).levels == ()


def test_annotations_name_runs_and_levels(recording: Recording) -> None:
    notes = annotate(recording, present(recording), with_levels=True)
    assert [run.name for run in notes.runs] == ["SqueezeNet 1.1  ·  batch 1", "ResNet-18  ·  batch 1"]
    assert (notes.runs[0].start_s, notes.runs[0].end_s) == pytest.approx((2.0, 8.0))
    assert [note.text for note in notes.levels] == ["1.00 W", "10.00 W"]
    assert notes.swing == "9.00 W"
    assert notes.accuracy_note == "not measured: no weights"
    assert (notes.gaps[0].start_s, notes.gaps[0].end_s) == pytest.approx(GAP_S)
    assert annotate(recording, present(recording), with_levels=False).levels == ()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6))
def test_labels_do_not_cover_each_other(heights: list[float]) -> None:
    placed = sorted(spread_apart(heights, 16.0, 0.0, 100.0))
    assert all(b - a >= 16.0 - 1e-9 for a, b in itertools.pairwise(placed))
    assert placed[-1] <= 100.0 + 1e-9


def test_the_plan_tells_progress_and_remaining_time() -> None:
    plan = plan_of(None, status(BenchPhase.RUNNING))
    assert plan.lines[1].state == "timed  50 %"
    assert plan.fraction == pytest.approx(0.75)
    assert plan.foot == "0:38 left  ·  cycle 1 of 2"


@pytest.mark.parametrize(
    ("state", "shown", "tone"),
    [("waiting", "waiting", "active"), ("playing", "25 %", "active"), ("passed", "passed", "done"),
     ("refused", "refused", "failed"), ("skipped", "skipped", "waiting")],
)  # fmt: skip
def test_the_plan_begins_with_the_checks_before_its_first_run(state: str, shown: str, tone: str) -> None:
    check = CheckStatus(CheckState(state), "What is to be known.", 0.25)
    plan = plan_of(None, replace(status(BenchPhase.RUNNING), check=check))
    assert plan.lines[0] == PlanLine("First checks", shown, tone)
    assert plan.check == "What is to be known."
    assert len(plan.lines) == 1 + len(plan_of(None, status(BenchPhase.RUNNING)).lines)


def test_an_old_session_has_no_progress(recording: Recording) -> None:
    plan = plan_of(recording, None)
    assert plan.recorded
    assert plan.foot == "2 runs recorded"


def test_batches_are_found_by_time(recording: Recording) -> None:
    assert len(recording.batches.between(4.0, 5.0)) == 50
    last = recording.batches.last_before(LENGTH_S)
    assert last is not None
    assert float(last["latency_ms"]) == pytest.approx(18.0)
    assert recording.batches.last_before(0.5) is None


def test_periodic_tasks_take_turns_and_keep_their_periods() -> None:
    done: list[str] = []
    tasks = PeriodicTasks([(0.1, lambda: done.append("a")), (0.2, lambda: done.append("b"))])
    for frame in range(30):
        tasks.do_one(1 + frame * 16_000_000)
    assert done[:2] == ["a", "b"]
    assert 4 <= done.count("a") <= 5
    assert 2 <= done.count("b") <= 3


def test_a_doubt_is_shown_to_the_digits_it_has() -> None:
    def energy(net_j: float, doubt_j: float) -> EnergySummary:
        budget = Budget(0.0, doubt_j, 0.0, 0.0, 0.0, 0.0, 0.0)
        figure = Figure(net_j, net_j, budget, np.array([net_j]), None)
        return EnergySummary(1, 1, 0.02, figure, figure, budget, budget, None, 1.0, None, (), ())

    assert energy_words(energy(0.2301, 0.0015)) == "230.1 ± 3.0"
    assert energy_words(energy(0.31812, 0.000155)) == "318.12 ± 0.31"
    assert energy_words(energy(0.2301, 1e-9)) == "230.1"
    assert energy_words(energy(0.2301, 0.0)) == "230.1"
    assert energy_words(None) == wording.NOTHING


@given(
    st.lists(st.tuples(st.integers(0, 19), st.floats(-5, 35), st.floats(0, 20)), min_size=1, max_size=60),
)
def test_an_image_of_columns_has_each_pixel_between_their_ends(columns: list[tuple[int, float, float]]) -> None:
    columns.sort()
    at, top, size = (np.array(each) for each in zip(*columns, strict=True))
    pixels, row, left = columns_image(at, top, top + size, 30, 0xFF112233)
    image = np.zeros((30, 20), np.uint32)
    image[row : row + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    for x in range(20):
        here = at == x
        for y in range(30):
            ends = (math.floor(top[here].min()), math.floor((top + size)[here].max())) if here.any() else (1, 0)
            assert (image[y, x] == 0xFF112233) == (ends[0] <= y <= ends[1])
