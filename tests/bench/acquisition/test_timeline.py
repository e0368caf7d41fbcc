# SPDX-License-Identifier: Apache-2.0
"""Indices and times of one source over losses, resets and reconnections: they rise, whatever the instrument does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.bench.acquisition.timeline import LEARNING_NS, Gap, Placed, Timeline
from monitor_app.core.clock import ClockMethod
from monitor_app.core.errors import SourceLostError
from monitor_app.core.samples import LineChanges, Quantity, SampleBlock, Signal, SourceInfo, TimeMark

if TYPE_CHECKING:
    from collections.abc import Iterable

START_NS = 3_000_000_000_000
S = 1_000_000_000
MS = 1_000_000
METER = SourceInfo("meter", "test", "m", "1", "1", 1_000.0, (Signal("power", Quantity.POWER, dtype="<u2"),))
POLLED = SourceInfo(
    "rails", "test", "m", "1", "1", 20.0, (Signal("power", Quantity.POWER),), transport_bound_ns=25 * MS
)  # fmt: skip


def metered(first: int, n: int, end_ns: int, lost: int = 0) -> SampleBlock:
    return SampleBlock(first, (np.arange(n).astype("<u2"),), end_ns, lost)


def polled(first: int, times_ns: Iterable[int], lost: int = 0) -> SampleBlock:
    times = np.array(list(times_ns), np.int64)
    return SampleBlock(first, (np.ones(len(times), "<f4"),), int(times[-1]), lost, times_ns=times)


def streamed(timeline: Timeline, first: int, start_ns: int, blocks: int, n: int = 100) -> list[Placed]:
    """Blocks of a thousandth of a second a sample, with a mark before each."""
    placed = []
    for k in range(blocks):
        end = first + (k + 1) * n
        end_ns = start_ns + (k + 1) * n * MS
        timeline.add_mark(TimeMark(end, end_ns - 1000, end_ns + 1000))
        placed += timeline.add(metered(end - n, n, end_ns + 200_000))
    return placed


def in_order(placed: list[Placed]) -> bool:
    """No index twice, none without a gap left out, every time after the one before."""
    end, last_ns = 0, -1
    for each in placed:
        if each.gap is not None:
            assert each.gap.first == end
            assert each.gap.n > 0
            assert each.gap.start_ns <= each.gap.end_ns
            end += each.gap.n
        assert each.first == end
        times_ns = each.sample_times_ns()
        assert times_ns[0] > last_ns
        assert (np.diff(times_ns) > 0).all()
        end, last_ns = each.first + len(each), int(times_ns[-1])
    return True


def test_the_first_blocks_wait_until_the_clock_is_known_and_none_is_forgotten():
    timeline = Timeline()
    timeline.connect(METER)
    assert streamed(timeline, 5_000, START_NS, 4) == []
    assert not timeline.started
    placed = timeline.due(START_NS + 100 * MS + LEARNING_NS + MS)
    assert [(each.first, len(each)) for each in placed] == [(0, 100), (100, 100), (200, 100), (300, 100)]
    assert in_order(placed)
    assert placed[0].times_ns[0] == pytest.approx(START_NS, abs=MS)


def test_a_connection_that_ends_early_gives_what_was_held():
    timeline = Timeline()
    timeline.connect(METER)
    streamed(timeline, 0, START_NS, 2)
    assert [each.first for each in timeline.release()] == [0, 100]
    assert timeline.release() == []


def test_a_hole_is_as_long_as_the_time_that_was_missed():
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10) + timeline.release()
    timeline.connect(METER)
    placed += streamed(timeline, 77, START_NS + 4 * S, 10) + timeline.release()
    assert in_order(placed)
    (gap,) = [each.gap for each in placed if each.gap]
    assert gap == Gap(1000, gap.n, gap.start_ns, gap.end_ns, "disconnected")
    assert gap.n == pytest.approx(3000, abs=2)
    assert gap.end_ns - gap.start_ns == pytest.approx(3 * S, abs=2 * MS)


def test_a_reconnection_without_a_hole_goes_on_with_the_next_index():
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10) + timeline.release()
    timeline.connect(METER)
    placed += streamed(timeline, 0, START_NS + S, 10) + timeline.release()
    assert [each.gap for each in placed] == [None] * 20
    assert in_order(placed)


def test_a_reconnection_never_goes_back_in_time():
    """The new clock says that the first sample was taken before the last one of the old."""
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10) + timeline.release()
    timeline.connect(METER)
    placed += streamed(timeline, 0, START_NS + S - 5 * MS, 10) + timeline.release()
    assert in_order(placed)
    # What is left to make up is part of the bound.
    assert timeline.state.bound_ns >= 4 * MS


def test_what_was_lost_at_the_start_of_a_connection_is_in_its_hole_and_not_counted_twice():
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10) + timeline.release()
    for start_ns in (START_NS + S, START_NS + 3 * S):
        timeline.connect(METER)
        timeline.add(metered(40, 1000, start_ns + S, lost=40))
        placed += timeline.release()
    assert in_order(placed)


def test_a_loss_is_a_gap_of_its_own_length():
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10) + timeline.release()
    placed += timeline.add(metered(1030, 70, START_NS + 1100 * MS, lost=30))
    assert in_order(placed)
    gap = placed[-1].gap
    assert gap is not None
    assert (gap.first, gap.n, gap.reason) == (1000, 30, "lost on the way")
    assert gap.end_ns - gap.start_ns == pytest.approx(30 * MS, abs=MS)


@pytest.mark.parametrize("first", [0, 999])
def test_a_device_that_counts_backwards_is_lost_before_it_overwrites_anything(first):
    timeline = Timeline()
    timeline.connect(METER)
    placed = streamed(timeline, 0, START_NS, 10)
    with pytest.raises(SourceLostError, match="meter restarted its sample count"):
        timeline.add(metered(first, 10, START_NS + 2 * S))
    assert in_order(placed + timeline.release())


def test_what_is_no_number_is_left_out_and_counted():
    info = SourceInfo("m", "t", "m", "1", "1", 1_000.0, tuple(Signal(n, Quantity.POWER) for n in ("a", "b")))
    timeline = Timeline()
    timeline.connect(info)
    a, b = np.arange(10, dtype="<f4"), np.arange(10, dtype="<f4")
    a[[0, 4]], b[5] = np.nan, np.inf
    changes = LineChanges(np.array([2, 7]), np.zeros(2, np.uint8), np.array([1, 0], np.uint8))
    timeline.add(SampleBlock(100, (a, b), START_NS, 0, LineChanges()))
    timeline.add(SampleBlock(110, (a, b), START_NS + 10 * MS, 0, changes))
    placed = timeline.release()
    assert in_order(placed)
    assert np.concatenate([each.codes[0] for each in placed]).tolist() == [1, 2, 3, 6, 7, 8, 9] * 2
    assert [each.gap.n for each in placed if each.gap] == [2, 1, 2]
    assert sum(len(each.changes.index) for each in placed) == 2


def test_nothing_but_no_numbers_is_no_block_at_all():
    timeline = Timeline()
    timeline.connect(POLLED)
    block = polled(0, [START_NS])
    block.codes[0][:] = np.nan
    assert timeline.add(block) == []
    (placed,) = timeline.add(polled(1, [START_NS + S]))
    assert (placed.first, placed.gap) == (0, None)


def test_polled_samples_keep_their_times_and_their_rate_is_found():
    timeline = Timeline()
    timeline.connect(POLLED)
    assert timeline.state.method is not ClockMethod.LINE
    times_ns = [START_NS, START_NS + 60 * MS, START_NS + 95 * MS, START_NS + 160 * MS, START_NS + 200 * MS]
    placed = timeline.add(polled(0, times_ns[:3])) + timeline.add(polled(3, times_ns[3:]))
    assert in_order(placed)
    assert np.concatenate([each.sample_times_ns() for each in placed]).tolist() == times_ns
    state = timeline.state
    assert (state.method, state.bound_ns) == (ClockMethod.POLLED, 25 * MS)
    assert state.rate_hz == pytest.approx(20)
    (late,) = timeline.add(polled(8, [START_NS + 400 * MS], lost=3))
    assert late.gap == Gap(5, 3, late.gap.start_ns, START_NS + 400 * MS, "lost on the way")


def test_a_polled_source_that_is_set_back_rises_all_the_same():
    timeline = Timeline()
    timeline.connect(POLLED)
    placed = timeline.add(polled(0, [START_NS, START_NS + 50 * MS]))
    timeline.connect(POLLED)
    placed += timeline.add(polled(0, [START_NS + 20 * MS, START_NS + 40 * MS, START_NS + 90 * MS]))
    placed += timeline.add(polled(3, [START_NS + 80 * MS]))
    assert in_order(placed)
    assert placed[1].times_ns[-1] == START_NS + 90 * MS


steps = st.lists(
    st.tuples(
        st.sampled_from(["block", "reconnect", "mark"]),
        st.integers(1, 60),
        st.sampled_from([0, 0, 0, 1, 25]),
        st.integers(0, 400 * MS),
        st.integers(0, 30 * MS),
    ),
    max_size=40,
)


@given(steps, st.booleans())
@settings(max_examples=60)
def test_whatever_comes_indices_and_times_only_rise(script, timed):
    timeline = Timeline()
    info = POLLED if timed else METER
    timeline.connect(info)
    now_ns, index, placed = START_NS, 0, []
    for what, n, lost, away_ns, late_ns in script:
        if what == "reconnect":
            placed += timeline.release()
            timeline.connect(info)
            now_ns, index = now_ns + away_ns, n
        elif what == "mark":
            timeline.add_mark(TimeMark(index, now_ns - late_ns, now_ns + late_ns))
        elif timed:
            times_ns = now_ns + 50 * MS * np.arange(1, n + 1)
            placed += timeline.add(polled(index + lost, (times_ns - late_ns).tolist(), lost))
            now_ns, index = int(times_ns[-1]), index + lost + n
        else:
            now_ns, index = now_ns + (n + lost) * MS, index + lost + n
            placed += timeline.add(metered(index - n, n, now_ns + late_ns, lost))
    assert in_order(placed + timeline.release())
