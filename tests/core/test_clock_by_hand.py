# SPDX-License-Identifier: Apache-2.0
"""The clock on a few marks and arrivals, for which its line and its bound are worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.core.clock import ClockMethod, ClockState, SampleClock, rising
from monitor_app.core.samples import TimeMark

RATE_HZ = 1_000_000
START_NS = 987_654_321_012_345
S = 1_000_000_000
US = 1_000
HALF_NS = 500
"""Half a period, by which every bound is wider."""
BOUND_NS = 2_000_000
SLEW = 500e-6


def mark(clock: SampleClock, second: float, *, late_ns: float = 0, width_ns: int = 2 * US, ppm: float = 0) -> None:
    """One of a sample that was taken in the middle of it, by a clock that is slow by this many ppm."""
    at_ns = START_NS + round(second * S * (1 + ppm * 1e-6) + late_ns)
    clock.add_mark(TimeMark(second * RATE_HZ, at_ns - width_ns // 2, at_ns + width_ns // 2))


def marked(*, ppm: float = 0, bound_ns: int = BOUND_NS, after_ns: int | None = None) -> SampleClock:
    """Two marks 60 seconds apart, each to a microsecond either way."""
    clock = SampleClock(RATE_HZ, bound_ns, after_ns)
    mark(clock, 0, ppm=ppm)
    mark(clock, 60, ppm=ppm)
    return clock


def hear(clock: SampleClock, second: float, *, late_ns: int = 0, at_second: float | None = None) -> None:
    at_ns = START_NS + round((second if at_second is None else at_second) * S) + late_ns
    clock.add_arrival(round(second * RATE_HZ), at_ns)


# -- the line --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [-200, -7, 0, 100, 290])
def test_two_marks_give_the_rate_and_the_times(ppm):
    clock = marked(ppm=ppm)
    assert clock.state.rate_hz == pytest.approx(RATE_HZ / (1 + ppm * 1e-6), rel=4e-8)
    for second in (0, 30, 60, 61):
        assert clock.time_of(second * RATE_HZ) - START_NS == pytest.approx(second * S * (1 + ppm * 1e-6), abs=1100)


def test_times_are_those_of_the_first_and_of_the_last_sample():
    clock = marked()
    assert np.subtract(clock.times(0, 10), START_NS) == pytest.approx([0, 9_000], abs=1)
    assert np.subtract(clock.times(10, 1), START_NS) == pytest.approx([10_000, 10_000], abs=1)
    assert np.subtract(clock.times(11, 100), START_NS) == pytest.approx([11_000, 110_000], abs=1)


def test_the_line_lies_in_the_middle_of_what_is_allowed():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    for second in (0, 60):
        at_ns = START_NS + second * S
        clock.add_mark(TimeMark(second * RATE_HZ, at_ns - 30 * US, at_ns + 10 * US))
    assert clock.time_of(30 * RATE_HZ) - START_NS == pytest.approx(30 * S - 10 * US, abs=20)


def test_the_bound_is_that_of_the_steepest_line_a_second_after_the_newest_mark():
    # Between -1 us at the one and +1 us at the other: 33 ns a second, so 1033 ns a second after the last.
    assert marked().state.bound_ns == pytest.approx(1033 + HALF_NS, abs=20)


def test_the_bound_reaches_back_to_the_samples_that_wait():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    mark(clock, 100)
    mark(clock, 110)
    # 200 ns a second: 1.2 us at 111 s, and back at 90 s from the mark at 100 s on.
    assert clock.state.bound_ns == pytest.approx(1200 + HALF_NS, abs=20)
    clock.times(90 * RATE_HZ, 10)
    assert clock.state.bound_ns == pytest.approx(3000 + HALF_NS, abs=20)


def test_before_anything_is_known_samples_are_evenly_spaced():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    assert (clock.state.bound_ns, clock.state.contradicted, clock.time_of(5)) == (BOUND_NS, False, 5_000)
    assert clock.times(5, 4) == (5_000, 8_000)


# -- arrivals --------------------------------------------------------------------------------------


def test_arrivals_alone_put_the_line_half_the_bound_before_them():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    for second in range(61):
        hear(clock, second)
    assert clock.state.rate_hz == pytest.approx(RATE_HZ, rel=1e-6)
    assert clock.time_of(30 * RATE_HZ) - START_NS == pytest.approx(30 * S - BOUND_NS / 2, abs=100)


def test_the_earliest_arrival_of_a_second_counts():
    late, early = SampleClock(RATE_HZ, BOUND_NS), SampleClock(RATE_HZ, BOUND_NS)
    for second in range(61):
        hear(early, second)
        for clock in (late, early):
            hear(clock, second + 0.1, late_ns=300 * US)
            hear(clock, second + 0.2, late_ns=100 * US)
            hear(clock, second + 0.3, late_ns=200 * US)
    hear(early, 60.9, late_ns=-50 * US)
    middle = 30 * RATE_HZ
    assert late.time_of(middle) - START_NS == pytest.approx(30 * S - BOUND_NS / 2 + 100 * US, abs=2 * US)
    assert early.time_of(61 * RATE_HZ) < START_NS + 61 * S - BOUND_NS / 2


def test_the_second_that_has_just_begun_is_no_bound_from_below():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    for second in range(3):
        hear(clock, second)
    before = clock.time_of(RATE_HZ)
    hear(clock, 3, late_ns=10 * BOUND_NS)
    assert clock.time_of(RATE_HZ) == pytest.approx(before, abs=2 * US)
    assert not clock.state.contradicted
    # In the next second it is: nothing in it came earlier.
    hear(clock, 4)
    assert clock.state.contradicted


def test_seconds_are_counted_from_the_first_arrival_and_not_by_the_host():
    """The host's own second turns over just before the late arrival, which would then be the earliest of its second."""
    clock = SampleClock(RATE_HZ, BOUND_NS)
    hear(clock, 0)
    hear(clock, 0.99, late_ns=10 * BOUND_NS - S // 100)
    for second in range(1, 4):
        hear(clock, second)
    assert not clock.state.contradicted


def test_an_arrival_counts_for_a_minute():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    hear(clock, 10, late_ns=-3 * BOUND_NS)
    for second in range(11, 70):
        hear(clock, second)
    assert clock.time_of(10 * RATE_HZ) < START_NS + 10 * S - 2 * BOUND_NS
    hear(clock, 70)
    assert clock.time_of(10 * RATE_HZ) > START_NS + 10 * S - 1.1 * BOUND_NS


def test_an_arrival_before_the_marks_pulls_the_line_down():
    clock = marked()
    hear(clock, 60, late_ns=300)
    assert clock.time_of(60 * RATE_HZ) - START_NS - 60 * S == pytest.approx(-350, abs=20)


# -- the bend --------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_ns", [-10_000, 10_000])
def test_times_bend_towards_the_line_by_half_a_millisecond_a_second(off_ns):
    clock = SampleClock(RATE_HZ, BOUND_NS)
    mark(clock, 0, width_ns=100 * US)
    mark(clock, 60, width_ns=100 * US)
    assert clock.times(60 * RATE_HZ, 1000)[0] - START_NS - 60 * S == pytest.approx(0, abs=1)
    bound_ns = clock.state.bound_ns
    for second in (0, 60):
        mark(clock, second, late_ns=off_ns)
    # What the times are off by until they have bent is in the bound.
    assert clock.state.bound_ns == pytest.approx(1033 + HALF_NS + abs(off_ns), abs=20)
    assert clock.state.bound_ns < bound_ns
    bent = 1 + SLEW * np.sign(off_ns)
    start_ns = START_NS + 60 * S + 1_000_000
    assert np.subtract(clock.times(60 * RATE_HZ + 1000, 2000), start_ns) == pytest.approx([0, 1999_000 * bent], abs=1)
    assert clock.state.bound_ns == pytest.approx(1033 + HALF_NS + abs(off_ns) - 1000, abs=20)
    # The rest of the way and no further: 9 us take 18 ms.
    first_ns, last_ns = clock.times(60 * RATE_HZ + 3000, 100_000)
    assert first_ns - start_ns == pytest.approx(2_000_000 * bent, abs=1)
    after_ns, _ = clock.times(60 * RATE_HZ + 103_000, 1)
    assert after_ns - START_NS - 60 * S == pytest.approx(103_000_000 + off_ns, abs=5)
    assert last_ns < after_ns


def test_across_a_gap_the_line_is_followed_at_once():
    clock = marked()
    clock.times(0, 1000)
    for second in (0, 60):
        mark(clock, second, late_ns=500, width_ns=US)
    assert clock.times(5000, 1)[0] - START_NS == pytest.approx(5_000_500, abs=20)


def test_across_a_gap_times_go_back_no_faster_than_they_bend():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    mark(clock, 0, width_ns=200 * US)
    mark(clock, 60, width_ns=200 * US)
    clock.times(0, 1000)
    for second in (0, 60):
        mark(clock, second, late_ns=-50 * US)
    # 4 ms of gap give way by 2 us, of the 50 that it is late.
    assert clock.times(5000, 1)[0] - START_NS == pytest.approx(5_000_000 - 2_000, abs=1)


def test_no_time_is_before_the_earliest_allowed():
    after_ns = START_NS + 7_000
    assert marked(after_ns=after_ns).times(0, 1)[0] == after_ns
    assert marked(after_ns=after_ns).times(10, 1)[0] - START_NS == pytest.approx(10_000, abs=1)
    assert SampleClock(RATE_HZ, BOUND_NS, after_ns).times(0, 1) == (after_ns, after_ns)


# -- what is fresh ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("silent_ns", "method"), [(5 * S - 1, ClockMethod.TWO_WAY), (5 * S, ClockMethod.ARRIVAL)])
def test_marks_are_fresh_for_five_seconds(silent_ns, method):
    clock = marked()
    hear(clock, 60, late_ns=1000 + silent_ns)
    assert clock.state.method is method


@pytest.mark.parametrize(("silent_ns", "method"), [(30 * S - 1, ClockMethod.LINE), (30 * S, ClockMethod.ARRIVAL)])
def test_edges_are_fresh_for_half_a_minute_and_before_marks(silent_ns, method):
    clock = SampleClock(RATE_HZ, BOUND_NS)
    mark(clock, 0)
    mark(clock, 1)
    for second in (0, 1):
        clock.add_edge(second * RATE_HZ, START_NS + second * S, START_NS + second * S + 500)
    assert clock.state.method is ClockMethod.LINE
    hear(clock, 1, late_ns=500 + silent_ns)
    assert clock.state.method is method


def test_a_clock_that_was_not_fitted_is_not_contradicted():
    assert not ClockState(RATE_HZ, 5, ClockMethod.POLLED).contradicted


def test_one_mark_and_one_edge_are_no_two():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    mark(clock, 0)
    clock.add_edge(RATE_HZ, START_NS + S, START_NS + S + 500)
    assert clock.state.method is ClockMethod.ARRIVAL
    mark(clock, 1)
    assert clock.state.method is ClockMethod.TWO_WAY


def test_an_edge_is_a_period_wider_than_the_switching():
    clock = SampleClock(RATE_HZ, BOUND_NS)
    for second in (0, 60):
        at_ns = START_NS + second * S
        clock.add_edge(second * RATE_HZ, at_ns - 2000, at_ns + 1000)
    # From -2 to +2 us about the line; 4 us over 60 s are 67 ns in the second after.
    assert clock.time_of(30 * RATE_HZ) - START_NS == pytest.approx(30 * S, abs=20)
    assert clock.state.bound_ns == pytest.approx(2067 + HALF_NS, abs=20)


@pytest.mark.parametrize(("age_ns", "contradicted"), [(90 * S, True), (90 * S + 1, False)])
@pytest.mark.parametrize("before_s", [0, 5])
def test_marks_are_dropped_after_ninety_seconds(age_ns, contradicted, before_s):
    clock = SampleClock(RATE_HZ, BOUND_NS)
    if before_s:
        mark(clock, -before_s, width_ns=1000 * BOUND_NS)
    mark(clock, 0, late_ns=-1000)
    for second in (60, 61):
        mark(clock, second, late_ns=100 * BOUND_NS)
    # Its latest time is the origin, and it is as old as that.
    clock.add_arrival(85 * RATE_HZ, START_NS + age_ns)
    clock.add_mark(TimeMark(85.0 * RATE_HZ, START_NS + 85 * S, START_NS + 85 * S + 150 * BOUND_NS))
    assert clock.state.contradicted is contradicted


@pytest.mark.parametrize("add", ["mark", "edge"])
def test_as_many_as_128_marks_are_kept(add):
    clock = SampleClock(RATE_HZ, BOUND_NS)

    def one(second: float, late_ns: int) -> None:
        at_ns = START_NS + round(second * S) + late_ns
        if add == "mark":
            clock.add_mark(TimeMark(second * RATE_HZ, at_ns, at_ns + 2000))
        else:
            clock.add_edge(round(second * RATE_HZ), at_ns, at_ns + 1000)

    one(0, 10 * BOUND_NS)
    for k in range(127):
        one(20 + k / 10, 0)
    assert clock.state.contradicted
    one(33, 0)
    assert not clock.state.contradicted


@pytest.mark.parametrize(("off_ns", "contradicted"), [(1_980, False), (2_020, True)])
def test_marks_that_are_further_apart_than_the_bound_contradict_it(off_ns, contradicted):
    clock = SampleClock(RATE_HZ, 2_000)
    for second in (0, 30, 60):
        mark(clock, second, width_ns=0)
        mark(clock, second, width_ns=0, late_ns=off_ns)
    assert clock.state.contradicted is contradicted
    assert clock.state.bound_ns == pytest.approx(off_ns + HALF_NS, abs=10)
    assert clock.time_of(30 * RATE_HZ) - START_NS == pytest.approx(30 * S + off_ns / 2, abs=10)


# -- times that rise -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times_ns", "last_ns", "least_ns", "found"),
    [
        ([5, 5, 5], None, 0, [5, 6, 7]),
        ([5, 9, 6, 20], None, 0, [5, 9, 10, 20]),
        ([5, 9], 5, 0, [6, 9]),
        ([5, 6], 8, 0, [9, 10]),
        ([5, 6], 4, 0, [5, 6]),
        ([5, 6, 30], 8, [0, 10, 20], [9, 20, 31]),
        ([], 8, 0, []),
    ],
)
def test_times_rise_from_the_last_one_on(times_ns, last_ns, least_ns, found):
    least = [np.array(least_ns, np.int64)] if least_ns else []
    assert rising(np.array(times_ns, np.int64), last_ns, *least).tolist() == found
