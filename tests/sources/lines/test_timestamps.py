# SPDX-License-Identifier: Apache-2.0
"""Host times of lines, against instruments whose true times are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.sources.lines.timestamps import EARLY_NS, FIT_NS, ArrivalTimes, StampTimes, blocks

US, MS, S = 1_000, 1_000_000, 1_000_000_000
LEAD_NS = 500 * US


def arrivals_of(truth_ns: np.ndarray, seed: int) -> np.ndarray:
    """Each line comes 0 to 1 ms after it was written at best, most a little later, one in fifty much."""
    random = np.random.default_rng(seed)
    delays = 300 * US + random.exponential(500 * US, len(truth_ns)) + (random.random(len(truth_ns)) < 0.02) * 20 * MS
    return np.maximum.accumulate(truth_ns + delays.astype(np.int64))


@pytest.mark.parametrize("ppm", [-5000, -100, 0, 100, 5000])
@pytest.mark.parametrize(("unit_ns", "step"), [(1000.0, 1), (1e6, 1), (1e9, 1e-6)])
def test_stamps_are_laid_where_the_lines_were_written(ppm, unit_ns, step):
    truth_ns = 7 * S + np.arange(0, 40 * S, 20 * MS)
    stamps = (123_456 * S + (truth_ns * (1 + ppm * 1e-6)).astype(np.int64)) // round(unit_ns * step) * step
    times = StampTimes(unit_ns, LEAD_NS)
    arrivals = arrivals_of(truth_ns, seed=ppm + 5000)
    errors = []
    for k, (stamp, arrival_ns) in enumerate(zip(stamps, arrivals, strict=True)):
        accepted, kept = times.accept(np.array([stamp]), int(arrival_ns))
        assert kept.tolist() == [True]
        if k >= 25:  # as the sources do: half a second is listened to before the first time is given
            [time_ns] = times.place(accepted, int(arrival_ns))
            errors.append(time_ns - truth_ns[k])
    bound_ns = LEAD_NS + FIT_NS + unit_ns * step
    assert np.abs(errors[100:]).max() < bound_ns
    assert np.abs(errors).max() < bound_ns + 5 * MS  # before a slope of half a percent has been seen


def test_times_rise_strictly_where_stamps_repeat():
    times = StampTimes(1e6, LEAD_NS)
    accepted, kept = times.accept(np.array([10.0, 10.0, 10.0, 11.0, 11.0]), 5 * S)
    assert kept.all()
    assert (np.diff(times.place(accepted, 5 * S)) > 0).all()


def test_a_line_that_came_sooner_bends_time_and_does_not_fold_it():
    times = StampTimes(1e6, 0)
    first, _ = times.accept(np.array([0.0, 10.0]), 5 * S + 40 * MS)  # 30 ms late
    early = times.place(first, 5 * S + 40 * MS)
    later, _ = times.accept(np.arange(20.0, 120.0, 10.0), 5 * S + 110 * MS)
    steps = np.diff(np.concatenate([early, times.place(later, 5 * S + 110 * MS)]))
    assert (steps >= 5 * MS).all()
    assert steps[-1] == pytest.approx(10 * MS, rel=0.02)


def test_a_counter_that_begins_anew_goes_on():
    """micros() of small boards has 32 bits."""
    times = StampTimes(1000.0, 0)
    stamps = np.arange(2**32 - 3000, 2**32 + 3000, 1000, dtype=np.int64)
    truth_ns = 9 * S + np.arange(6) * MS
    got = []
    for part, arrival_ns in ((slice(0, 2), truth_ns[1]), (slice(2, 5), truth_ns[4]), (slice(5, 6), truth_ns[5])):
        accepted, kept = times.accept((stamps[part] % 2**32).astype(np.float64), int(arrival_ns))
        assert kept.all()
        got += times.place(accepted, int(arrival_ns)).tolist()
    assert got == truth_ns.tolist()


def test_a_stamp_that_cannot_be_is_left_out_and_the_next_is_taken():
    times = StampTimes(1000.0, 0)
    for k in range(10):
        times.accept(np.array([1e6 * k]), (100 + k) * S)
    stamps = np.array([10.0e6, 100.0e6, 1e30, 10.1e6, 9.0e6, 10.2e6])
    accepted, kept = times.accept(stamps, 110 * S + 200 * MS)
    assert kept.tolist() == [True, False, False, True, False, True]
    assert accepted.tolist() == [10 * S, 10 * S + 100 * MS, 10 * S + 200 * MS]
    _, kept = times.accept(np.array([11e6 + EARLY_NS / 1000 + 20_000]), 111 * S)
    assert kept.tolist() == [False]


def test_a_first_line_that_was_seen_late_does_not_make_those_after_it_impossible():
    """The machine was busy for 62 ms between the first read and the look at the clock after it."""
    times = StampTimes(1000.0, LEAD_NS)
    times.accept(np.array([1_000.0]), 10 * S + 62 * MS)
    stamps = np.arange(2_000.0, 64_000.0, 1_000.0)
    _, kept = times.accept(stamps, 10 * S + 63 * MS + 500 * US)
    assert kept.all()


def test_a_reset_is_not_taken_for_a_wrap():
    times = StampTimes(1000.0, 0)
    times.accept(np.array([3e9]), 100 * S)
    _, kept = times.accept(np.array([0.0, 1000.0]), 101 * S)
    assert not kept.any()


def test_nothing_has_no_times():
    times = StampTimes(1000.0, 0)
    accepted, kept = times.accept(np.empty(0), S)
    assert len(kept) == len(times.place(accepted, S)) == 0


@given(
    period_us=st.integers(500, 200_000),
    phase=st.floats(0, 1, exclude_max=True),
    reads=st.lists(st.integers(1, 300), min_size=1, max_size=30),
)
def test_lines_without_a_time_are_within_one_and_a_half_intervals(period_us, phase, reads):
    """However late the reads are, for lines that come at a regular interval."""
    period_ns = period_us * US
    times = ArrivalTimes(0)
    since_ns, number, last = 10 * S, 0, 0
    first_ns = since_ns + int(phase * period_ns) + 1
    for pause_ms in reads:
        until_ns = since_ns + pause_ms * MS
        lines = (until_ns - first_ns) // period_ns + 1 - number
        if lines > 0:
            truth_ns = first_ns + np.arange(number, number + lines) * period_ns
            got = times.times(np.arange(lines), lines, since_ns, until_ns)
            assert np.abs(got - truth_ns).max() <= 1.5 * period_ns
            assert (np.diff(got, prepend=last) > 0).all()
            last, number = int(got[-1]), number + lines
        since_ns = until_ns


def test_malformed_lines_have_their_place_too():
    times = ArrivalTimes(0)
    assert times.times(np.array([0, 3]), 4, 100, 500).tolist() == [200, 500]


def test_blocks_end_where_lines_are_missing():
    index = np.array([4, 5, 8, 10, 11])
    codes = np.arange(5.0)
    made = blocks(index, (codes,), np.arange(5) + 100, 999, expected=2)
    assert [(b.first_index, b.lost_before, len(b)) for b in made] == [(4, 2, 2), (8, 2, 1), (10, 1, 2)]
    assert np.concatenate([b.codes[0] for b in made]).tolist() == codes.tolist()
    assert [b.times_ns.tolist() for b in made if b.times_ns is not None] == [[100, 101], [102], [103, 104]]
    assert blocks(index[:0], (codes[:0],), codes[:0].astype(np.int64), 0, expected=None) == []
    assert blocks(index[:1], (codes[:1],), index[:1], 0, expected=None)[0].lost_before == 0
