# SPDX-License-Identifier: Apache-2.0
"""The clock against simulated meters whose true times are known, over a link as late as USB really is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from monitor_app.core.clock import ClockMethod, SampleClock
from monitor_app.core.samples import TimeMark

RATE_HZ = 50_000
BLOCK = 500
BOUND_NS = 1_000_000
POWER_UP_NS = 987_654_321_012_345
PPM = [-100, -30, 0, 30, 100]


@dataclass
class Meter:
    """A device clock that is off by this many ppm, read over a link with random delays."""

    ppm: float = 0.0
    seed: int = 1
    first: int = 0
    rate_hz: float = RATE_HZ
    origin_ns: int = POWER_UP_NS
    shortest_leg_ns: float = 50_000.0
    rng: np.random.Generator = field(init=False)
    newest_ns: int = 0
    narrowest_ns: float = float("inf")

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def period_ns(self) -> float:
        return 1e9 / (self.rate_hz * (1 + self.ppm * 1e-6))

    def true_ns(self, index: float) -> int:
        """Exact to a nanosecond: the sums that could round are of differences from the first sample."""
        return self.origin_ns + round((index - self.first) * self.period_ns())

    def arrival_ns(self, end: int) -> int:
        late = 200_000 + self.rng.exponential(1e6)
        if self.rng.random() < 0.02:
            late += self.rng.exponential(8e6)
        # A stream keeps its order: what comes after a late block is late too.
        self.newest_ns = max(self.newest_ns, self.true_ns(end) + round(late))
        return self.newest_ns

    def ping(self, start_index: float) -> TimeMark:
        out, back = self.shortest_leg_ns * (1 + self.rng.exponential(1.0, 2))
        self.narrowest_ns = min(self.narrowest_ns, float(out + back))
        return TimeMark(
            start_index + out / self.period_ns(),
            self.true_ns(start_index),
            self.true_ns(start_index) + int(np.ceil(out + back)),
        )


@dataclass
class Given:
    """What the clock said, block by block, against the truth."""

    first_error_ns: np.ndarray
    last_error_ns: np.ndarray
    first_ns: np.ndarray
    last_ns: np.ndarray
    bound_ns: np.ndarray
    rate_hz: float

    def within_bound(self, start: int = 0) -> np.ndarray:
        worst = np.maximum(np.abs(self.first_error_ns), np.abs(self.last_error_ns))
        return worst[start:] <= self.bound_ns[start:]


def drive(
    clock: SampleClock, meter: Meter, seconds: float, *, marks: bool, skip: dict[int, int] | None = None
) -> Given:
    """Blocks of 10 ms, a ping every half second; ``skip`` says after which block how many samples are lost."""
    rows = []
    first, per_second = meter.first, round(meter.rate_hz / BLOCK)
    for number in range(round(seconds * per_second)):
        if marks and number % (per_second // 2) == 0:
            clock.add_mark(meter.ping(first + BLOCK / 2))
        end = first + BLOCK
        clock.add_arrival(end, meter.arrival_ns(end))
        t_first, t_last = clock.times(first, BLOCK)
        state = clock.state
        rows.append((
            t_first - meter.true_ns(first), t_last - meter.true_ns(end - 1), t_first, t_last, state.bound_ns
        ))  # fmt: skip
        first = end + (skip or {}).get(number, 0)
    columns = np.array(rows, np.int64).T
    return Given(*columns, rate_hz=clock.state.rate_hz)


@pytest.mark.parametrize("ppm", PPM)
@pytest.mark.parametrize("seed", [1, 2])
def test_with_marks_every_time_is_within_its_bound_and_the_bound_becomes_narrow(ppm, seed):
    meter = Meter(ppm, seed)
    given = drive(SampleClock(RATE_HZ, BOUND_NS), meter, 70, marks=True)
    assert given.within_bound().all()
    # Half the narrowest round trip, one sample period for whole samples, and some for what is left to learn.
    assert meter.narrowest_ns / 2 <= given.bound_ns[-1000:].min()
    assert given.bound_ns[-1000:].max() <= meter.narrowest_ns * 0.75 + meter.period_ns()
    assert given.first_error_ns[-1000:].std() < 5_000
    assert given.rate_hz == pytest.approx(RATE_HZ * (1 + ppm * 1e-6), rel=1e-6)


@pytest.mark.parametrize(("ppm", "contradicted"), [(0, False), (250, False), (-290, False), (600, True), (-600, True)])
@pytest.mark.parametrize("marks", [True, False])
def test_a_clock_that_is_none_of_a_crystal_is_noticed(ppm, contradicted, marks):
    clock = SampleClock(RATE_HZ, BOUND_NS)
    given = drive(clock, Meter(ppm, 5), 30, marks=marks)
    assert clock.state.contradicted is contradicted
    if marks:
        # The bound holds again by then, though it is wide.
        assert given.within_bound(-1000).all()


def test_a_narrower_round_trip_gives_a_narrower_bound():
    bounds = [
        drive(SampleClock(RATE_HZ, BOUND_NS), Meter(30, shortest_leg_ns=leg), 65, marks=True).bound_ns[-1]
        for leg in (400_000.0, 100_000.0, 20_000.0)
    ]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[0] > 300_000
    assert bounds[-1] < 60_000


@pytest.mark.parametrize("ppm", PPM)
@pytest.mark.parametrize("seed", [1, 2])
def test_without_marks_every_time_is_within_its_bound_once_a_second_has_passed(ppm, seed):
    given = drive(SampleClock(RATE_HZ, BOUND_NS), Meter(ppm, seed), 130, marks=False)
    a_second = RATE_HZ // BLOCK
    assert given.within_bound(a_second).all()
    # What the unlucky first arrival left to bend is gone after ten.
    assert given.bound_ns[10 * a_second :].max() <= 1_000_000
    assert given.first_error_ns[70 * a_second :].std() < 10_000


def test_the_first_second_does_not_spoil_the_minute_when_it_begins_late_in_a_second_of_the_host():
    # A single late arrival before the host's second turns over, and then a link that is as good as promised.
    meter = Meter(origin_ns=POWER_UP_NS // 10**9 * 10**9 + 985_000_000)
    clock = SampleClock(RATE_HZ, BOUND_NS)
    clock.add_arrival(BLOCK, meter.true_ns(BLOCK) + 4_500_000)
    clock.times(0, BLOCK)
    meter_rest = Meter(first=0, origin_ns=meter.origin_ns)
    for end in range(2 * BLOCK, 20 * RATE_HZ, BLOCK):
        clock.add_arrival(end, meter_rest.arrival_ns(end))
        t_first, _ = clock.times(end - BLOCK, BLOCK)
    assert clock.state.bound_ns <= 1_000_000
    assert abs(t_first - meter_rest.true_ns(end - BLOCK)) <= clock.state.bound_ns


@pytest.mark.parametrize("marks", [True, False])
@pytest.mark.parametrize("ppm", PPM)
def test_times_go_on_where_they_ended_and_never_back(ppm, marks):
    meter = Meter(ppm, 4)
    given = drive(SampleClock(RATE_HZ, BOUND_NS), meter, 30, marks=marks)
    periods = given.first_ns[1:] - given.last_ns[:-1]
    assert np.abs(periods - meter.period_ns()).max() <= meter.period_ns() * 1e-3 + 2
    assert (given.last_ns > given.first_ns).all()


def test_the_map_bends_no_faster_than_half_a_millisecond_a_second():
    meter = Meter(100, 6)
    given = drive(SampleClock(RATE_HZ, BOUND_NS), meter, 30, marks=True)
    step_ns = np.diff(given.first_ns)
    assert np.abs(step_ns / (BLOCK * meter.period_ns()) - 1).max() < 500e-6 + 350e-6


@pytest.mark.parametrize("marks", [True, False])
def test_a_hole_in_the_indices_is_a_hole_in_time(marks):
    meter = Meter(30, 5)
    lost = {3000: 123_456, 4000: 7, 5500: 10_000_000}
    given = drive(SampleClock(RATE_HZ, BOUND_NS), meter, 70, marks=marks, skip=lost)
    assert given.within_bound(RATE_HZ // BLOCK).all()
    assert (np.diff(given.first_ns) > 0).all()
    for block, n in lost.items():
        hole_ns = given.first_ns[block + 1] - given.last_ns[block]
        tolerance = int(given.bound_ns[block] + given.bound_ns[block + 1])
        assert hole_ns == pytest.approx((n + 1) * meter.period_ns(), abs=tolerance)


@pytest.mark.parametrize("first", [0, 10**13, 10**13 + 12_345])
def test_large_indices_keep_nanoseconds(first):
    """The same delays from a meter that has counted for years give the same times."""
    reference = drive(SampleClock(RATE_HZ, BOUND_NS), Meter(30, 9), 20, marks=False)
    given = drive(SampleClock(RATE_HZ, BOUND_NS), Meter(30, 9, first=first), 20, marks=False)
    assert np.abs(given.first_ns - reference.first_ns).max() <= 2
    assert np.abs(given.last_ns - reference.last_ns).max() <= 2


def test_after_thirty_days_times_still_keep_to_their_nanoseconds():
    """A meter of 1 MSa/s that was first heard a month ago, counted on, and is read now."""
    rate_hz, month = 1_000_000, 30 * 86_400 * 1_000_000
    meter = Meter(0, 3, rate_hz=rate_hz)
    clock = SampleClock(rate_hz, BOUND_NS)
    clock.add_mark(meter.ping(0))
    for first in range(month, month + 65 * rate_hz, 10_000):
        if first % 500_000 == 0:
            clock.add_mark(meter.ping(first))
        clock.add_arrival(first + 10_000, meter.arrival_ns(first + 10_000))
        t_first, t_last = clock.times(first, 10_000)
        assert abs(t_first - meter.true_ns(first)) <= clock.state.bound_ns
    assert t_last - t_first == pytest.approx(9_999_000, abs=2)
    assert clock.state.bound_ns < 100_000


def test_marks_that_contradict_each_other_are_owned_up_to_in_the_bound():
    meter = Meter()
    clock = SampleClock(RATE_HZ, BOUND_NS)
    honest = drive(clock, meter, 10, marks=True)
    index = 10.0 * RATE_HZ
    clock.add_mark(TimeMark(index, meter.true_ns(index) + 10_000_000, meter.true_ns(index) + 10_100_000))
    # Ten milliseconds apart: one of them is off by five at least, whichever is right.
    assert clock.state.bound_ns >= 5_000_000
    assert honest.bound_ns[-1] < 200_000


def test_the_bound_holds_for_samples_that_were_held_back_until_the_marks_came():
    """Two marks at the end, at the limits of what they allow: the line through their middles is wrong at the start."""
    clock, meter = SampleClock(RATE_HZ, BOUND_NS), Meter()
    for end in range(BLOCK, 20 * RATE_HZ, BLOCK):
        clock.add_arrival(end, meter.true_ns(end) + 20_000_000)
    for index, before_ns, after_ns in ((19.5 * RATE_HZ, 0, 200_000), (20.0 * RATE_HZ, 200_000, 0)):
        clock.add_mark(TimeMark(index, meter.true_ns(index) - before_ns, meter.true_ns(index) + after_ns))
    first_ns, _ = clock.times(0, BLOCK)
    assert abs(first_ns - meter.true_ns(0)) > 2_000_000
    assert abs(first_ns - meter.true_ns(0)) <= clock.state.bound_ns


def test_lost_marks_let_the_bound_grow_again():
    meter = Meter(30, 8)
    clock = SampleClock(RATE_HZ, BOUND_NS)
    with_marks = drive(clock, meter, 20, marks=True)
    later = Meter(30, 8, first=20 * RATE_HZ, origin_ns=meter.true_ns(20 * RATE_HZ))
    without = drive(clock, later, 120, marks=False)
    assert without.within_bound().all()
    assert without.bound_ns[-1] > with_marks.bound_ns[-1]


def test_before_anything_is_heard_the_bound_is_the_links():
    state = SampleClock(RATE_HZ, 2_000_000).state
    assert state.rate_hz == pytest.approx(RATE_HZ)
    assert state.bound_ns == 2_000_000


def test_a_rate_no_crystal_has_widens_the_bound():
    """Two thousandths off is further than the fit may go, so its times are wrong, and it says so."""
    given = drive(SampleClock(RATE_HZ, BOUND_NS), Meter(2_000, 2), 30, marks=True)
    assert given.within_bound(100).all()
    assert given.bound_ns[-1] > 1_000_000


def test_one_edge_bounds_no_rate_and_two_do():
    clock, meter = SampleClock(RATE_HZ, BOUND_NS), Meter(ppm=80)
    assert clock.state.method is ClockMethod.ARRIVAL
    for k in range(1, 401):
        clock.add_arrival(k * BLOCK, meter.arrival_ns(k * BLOCK))
        if k in {150, 300}:
            clock.add_edge(k * BLOCK, meter.true_ns(k * BLOCK) - 5_000, meter.true_ns(k * BLOCK) + 5_000)
        if k == 200:
            assert clock.state.method is ClockMethod.ARRIVAL
    assert clock.state.method is ClockMethod.LINE


def test_marks_of_long_ago_do_not_hold_a_crystal_that_has_drifted_since():
    """Pings for ten seconds, then none, and a crystal that runs 20 ppm faster from then on."""
    clock, meter = SampleClock(RATE_HZ, BOUND_NS), Meter(ppm=0)
    later = Meter(ppm=20, seed=2)
    worst_ns = 0.0
    per_s = RATE_HZ // BLOCK
    turn = 10 * per_s * BLOCK
    later.first, later.origin_ns = turn, meter.true_ns(turn)
    for k in range(300 * per_s):
        first, n = k * BLOCK, BLOCK
        now = meter if first < turn else later
        if first < turn and k % 50 == 0:
            clock.add_mark(meter.ping(first))
        clock.add_arrival(first + n, now.arrival_ns(first + n))
        given_ns, _ = clock.times(first, n)
        if first > 180 * RATE_HZ:
            worst_ns = max(worst_ns, abs(given_ns - later.true_ns(first)) - clock.state.bound_ns)
    assert worst_ns <= 0
    assert clock.state.method is ClockMethod.ARRIVAL
    assert clock.state.bound_ns <= 1.3 * BOUND_NS


@pytest.mark.parametrize("early_ns", [0, 30_000_000])
def test_no_sample_is_given_a_time_before_the_one_that_is_given_as_the_earliest(early_ns):
    meter = Meter()
    floor_ns = meter.true_ns(0) + early_ns
    clock = SampleClock(RATE_HZ, BOUND_NS, floor_ns)
    last_ns, bounds = floor_ns - 1, []
    for k in range(1000):
        clock.add_mark(meter.ping(k * BLOCK))
        clock.add_arrival((k + 1) * BLOCK, meter.arrival_ns((k + 1) * BLOCK))
        first_ns, end_ns = clock.times(k * BLOCK, BLOCK)
        assert last_ns < first_ns < end_ns
        last_ns = end_ns
        # What it is late by is owned up to, and made up for slowly.
        assert abs(first_ns - meter.true_ns(k * BLOCK)) <= clock.state.bound_ns + 10_000
        bounds.append(clock.state.bound_ns)
    assert bounds[0] >= early_ns - BOUND_NS
    assert bounds[-1] <= max(bounds[0] - 4_000_000, 500_000)
