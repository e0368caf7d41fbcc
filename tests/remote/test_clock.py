# SPDX-License-Identifier: Apache-2.0
"""The clock of the link against two simulated machines whose true times are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor_app.core.clock import SampleClock
from monitor_app.core.samples import TimeMark
from monitor_app.remote import clock as clock_module
from monitor_app.remote.clock import KEPT, STEP_NS, LinkClock, RoundTrip
from tests.remote.simulated_link import BOARD_ZERO_NS, HOST_ZERO_NS, Oscillator, Pipe, Trial, simulate

SECONDS = 300.0


def board(ppm: float = 0.0, **options: float) -> Oscillator:
    return Oscillator(BOARD_ZERO_NS, ppm, **options)


def host(ppm: float = 0.0, **options: float) -> Oscillator:
    return Oscillator(HOST_ZERO_NS, ppm, **options)


def slow_pipe(late: float = 0.1) -> Pipe:
    return Pipe(2.0, 1.0, late)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("down", "bound_ms"), [(Pipe(2.0, 1.0, 0.1), 2.2), (Pipe(0.2, 0.1), 1.5)], ids=["slow", "asymmetric"]
)
def test_no_estimate_lies_outside_its_bound_on_a_slow_link(down: Pipe, bound_ms: float, seed: int) -> None:
    trial = simulate(host(60), board(-100), slow_pipe(), Pipe(down.ms, down.jitter_ms, down.late), SECONDS, seed)
    assert trial.outside == 0
    assert np.median(trial.bounds_after(60)) < bound_ms * 1e6
    # It is no bound that is wide for safety: about half of a round trip of 2 ms at best, or 1.1.
    assert np.median(trial.bounds_after(60)) > 0.3e6


def test_on_a_quick_link_the_bound_is_a_tenth_of_a_millisecond() -> None:
    trial = simulate(host(-20), board(30), Pipe(0.08, 0.03, 0.05), Pipe(0.08, 0.03, 0.05), 120, 1)
    assert trial.outside == 0
    assert np.median(trial.bounds_after(60)) < 160_000


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    ppms=st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
    phases=st.tuples(st.floats(0, 6.3), st.floats(0, 6.3)),
    up=st.tuples(st.floats(0.05, 3), st.floats(0, 0.9), st.floats(0, 0.2)),
    down=st.tuples(st.floats(0.05, 3), st.floats(0, 0.9), st.floats(0, 0.2)),
    per_s=st.floats(2, 6),
)
def test_no_estimate_lies_outside_its_bound_whatever_the_clocks_and_the_delays(
    seed: int,
    ppms: tuple[float, float],
    phases: tuple[float, float],
    up: tuple[float, float, float],
    down: tuple[float, float, float],
    per_s: float,
) -> None:
    clocks = (
        host(ppms[0], wander_ppm=5, phase=phases[0]),
        board(ppms[1], wander_ppm=5, phase=phases[1]),
    )
    pipes = (Pipe(up[0], up[0] * up[1], up[2]), Pipe(down[0], down[0] * down[1], down[2]))
    assert simulate(*clocks, *pipes, SECONDS, seed, per_s).outside == 0


# -- what NTP does ------------------------------------------------------------------------------------


def stepped(ppm: float, on_host: bool, seconds: float = SECONDS) -> Trial:
    """Stamps of a clock that NTP makes faster at 150 s, as CLOCK_MONOTONIC is."""
    steps = ((150.0, ppm),)
    clocks = (Oscillator(HOST_ZERO_NS, 20, steps=steps if on_host else ()),
              Oscillator(BOARD_ZERO_NS, -30, steps=() if on_host else steps))  # fmt: skip
    return simulate(*clocks, Pipe(0.1, 0.03), Pipe(0.1, 0.03), seconds, 1)


# A step of 20 ppm is within what the clock allows a crystal to change in half a minute, so that the bound may hold it.
@pytest.mark.parametrize("on_host", [True, False], ids=["host", "board"])
@pytest.mark.parametrize("ppm", [100, 500, -100, -500])
def test_with_a_clock_that_ntp_bends_estimates_would_lie_outside(ppm: float, on_host: bool) -> None:
    """Were this to fail, the link would not need a clock of its own kind."""
    assert stepped(ppm, on_host, seconds=180).outside > 0


def test_with_raw_clocks_none_lies_outside_since_ntp_does_not_change_them() -> None:
    assert stepped(0, on_host=True).outside == 0


def meter_is_ever_outside(ppm: float) -> bool:
    """A meter of 50 kHz with an arrival every 0.1 s and a two-way mark every half second."""
    rng = np.random.default_rng(1)
    computer = Oscillator(HOST_ZERO_NS, 10, steps=((150.0, ppm),) if ppm else ())
    clock = SampleClock(50_000, 1_000_000)
    for block in range(3_000):
        end = block * 5_000 + 5_000
        if block % 5 == 0:
            sent_s, out_s, back_s = block * 0.1, *(50e-6 * (1 + rng.exponential(1.0, 2)))
            earliest_ns, latest_ns = computer.ns(sent_s), computer.ns(sent_s + out_s + back_s)
            clock.add_mark(TimeMark((sent_s + out_s) * 50_000, earliest_ns, latest_ns))
        clock.add_arrival(end, computer.ns(end / 50_000 + 0.3e-3 + rng.exponential(0.2e-3)))
        first_ns, _ = clock.times(end - 5_000, 5_000)
        # In the first two seconds an early arrival may be missing.
        if block >= 20 and abs(first_ns - computer.ns((end - 5_000) / 50_000)) > clock.state.bound_ns:
            return True
    return False


@pytest.mark.parametrize("ppm", [0, 20, 100, 500])
def test_the_clock_of_a_meter_likewise(ppm: float) -> None:
    assert meter_is_ever_outside(ppm) == (ppm > 0)


# -- the map ------------------------------------------------------------------------------------------


def fed(seconds: int, seed: int = 1) -> tuple[LinkClock, np.random.Generator]:
    clock, rng = LinkClock(), np.random.default_rng(seed)
    for k in range(seconds * 4):
        feed(clock, rng, k)
    return clock, rng


def feed(clock: LinkClock, rng: np.random.Generator, k: int) -> None:
    sent = 1_000_000_000_000 + k * 250_000_000
    there, pause, back = (int(each) for each in rng.exponential([2e5, 2e4, 2e5]))
    clock.add(RoundTrip(sent, sent + there + 5_000, sent + there + pause + 5_000, sent + there + pause + back))


def test_nothing_is_known_before_the_first_answer() -> None:
    with pytest.raises(LookupError):
        LinkClock().host_time_ns(5)
    with pytest.raises(LookupError):
        LinkClock().bound_ns(np.array([5]))


def test_a_host_time_never_changes_once_it_is_given_and_times_rise() -> None:
    clock, rng = fed(20)
    asked = np.arange(1_000_000_000_000, 1_020_500_000_000, 1_234_567)
    before = clock.host_ns(asked)
    for k in range(80, 400):
        feed(clock, rng, k)
    assert (clock.host_ns(asked) == before).all()
    everything = np.arange(999_000_000_000, 1_100_000_000_000, 333_333)
    rate = np.diff(clock.host_ns(everything)) / 333_333
    assert rate.min() > 1 - 900e-6
    assert rate.max() < 1 + 900e-6


def test_one_time_and_many_are_the_same_and_order_does_not_matter() -> None:
    clock, _ = fed(20)
    asked = np.array([1_019_000_000_000, 1_005_000_000_001, 1_012_000_000_000])
    assert clock.host_ns(asked).tolist() == [clock.host_time_ns(int(each)) for each in asked]
    assert clock.host_ns(np.array([], np.int64)).tolist() == []
    assert np.abs(clock.host_ns(asked) - (asked - 5_000)).max() <= clock.bound_ns(asked)


def test_after_a_silence_the_bound_is_wider_and_holds() -> None:
    clock, _ = fed(30)
    now = np.array([1_029_900_000_000])
    later = now + 5_000_000_000
    assert clock.bound_ns(later) > clock.bound_ns(now)
    assert abs(clock.host_time_ns(int(later[0])) - (int(later[0]) - 5_000)) <= clock.bound_ns(later)


def test_times_before_the_first_question_have_a_bound_that_grows() -> None:
    clock, _ = fed(30)
    first = 1_000_000_000_000
    bounds = [clock.bound_ns(np.array([first - back * 1_000_000_000])) for back in (0, 1, 10)]
    assert bounds == sorted(bounds)
    assert abs(clock.host_time_ns(first - 10_000_000_000) - (first - 10_000_005_000)) <= bounds[-1]


def test_a_link_of_many_hours_forgets_the_oldest_part_of_its_map(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KEPT * STEP_NS / 2 > 660e9, "the longest batch takes ten minutes"
    monkeypatch.setattr(clock_module, "KEPT", 200)
    clock, rng = LinkClock(), np.random.default_rng(1)
    for k in range(1000):
        feed(clock, rng, k)
    newest = 1_000_000_000_000 + 250_000_000_000
    asked = np.array([newest - 15_000_000_000, newest - 1_000_000_000])
    assert np.abs(clock.host_ns(asked) - (asked - 5_000)).max() <= clock.bound_ns(asked)
    assert clock.bound_ns(asked) < 1_000_000
