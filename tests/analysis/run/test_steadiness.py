# SPDX-License-Identifier: Apache-2.0
"""Warm-up ends when, and only when, what was shown is that nothing moves any more."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.steadiness import Limits, find_change, judge, next_look
from tests.analysis.series import autoregressive

EPOCH_NS = 7_000_000_000_000_000_123
LATENCY_S = 0.02
LIMITS = Limits(horizon_s=10)


def timed(latencies_s):
    """Starts and ends of batches, back to back."""
    ends = EPOCH_NS + np.cumsum(np.round(np.asarray(latencies_s) * 1e9).astype(np.int64))
    return np.concatenate(([EPOCH_NS], ends[:-1])), ends


def at(seconds):
    return EPOCH_NS + np.round(np.asarray(seconds) * 1e9).astype(np.int64)


def noisy(shape, seed, *, variation=0.03, rho=0.6, seconds=60.0, interrupted=0.0):
    """Latencies that follow a shape over time, with correlated noise, and now and then an interruption."""
    rng, count = np.random.default_rng(seed), round(seconds / LATENCY_S)
    [noise] = variation * autoregressive(rng, rho, count)
    outliers = (rng.random(count) < interrupted) * rng.exponential(1.0, count)
    return LATENCY_S * (shape(np.arange(count) * LATENCY_S) + noise + outliers)


def ended_s(latencies_s, limits=LIMITS):
    """When a bench that asks as often as it is worth it goes on to the timed batches; None for never."""
    start_ns, end_ns = timed(latencies_s)
    batches = 1
    while batches <= len(end_ns):
        if judge(start_ns[:batches], end_ns[:batches], limits).steady:
            return (int(end_ns[batches - 1]) - EPOCH_NS) * 1e-9
        batches = next_look(batches)
    return None


def flat(times_s):
    return np.ones_like(times_s)


# -- error rates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variation", "rho"), [(0.01, 0.0), (0.03, 0.6), (0.03, 0.9)])
def test_a_steady_board_passes_and_a_noisy_one_later(variation, rho):
    ended = [ended_s(noisy(flat, seed, variation=variation, rho=rho, interrupted=0.01)) for seed in range(10)]
    assert sum(each is None for each in ended) <= 1
    assert min(each for each in ended if each is not None) >= LIMITS.least_s


def test_more_noise_takes_longer():
    quiet, loud = (
        np.median([ended_s(noisy(flat, seed, variation=variation)) or 60 for seed in range(8)])
        for variation in (0.01, 0.04)
    )
    assert quiet < loud / 2


@pytest.mark.parametrize(("variation", "rho"), [(0.01, 0.0), (0.03, 0.6), (0.03, 0.9)])
def test_a_drift_of_twice_the_margin_is_seldom_called_steady(variation, rho):
    drift = 2 * LIMITS.latency / LIMITS.horizon_s
    ended = [
        ended_s(noisy(lambda times_s: 1 + drift * times_s, seed, variation=variation, rho=rho)) for seed in range(8)
    ]
    assert sum(each is not None for each in ended) <= 1


def test_a_board_that_settles_passes_once_what_is_left_is_within_the_margin():
    """40 % slower at first, with a time constant of 6 s: what changes after the verdict must be no more than 2 %."""

    def settling(times_s):
        return 1 + 0.4 * np.exp(-times_s / 6)

    left = []
    for seed in range(12):
        ended = ended_s(noisy(settling, seed, variation=0.02))
        left.append(settling(ended) - settling(ended + LIMITS.horizon_s))
    assert np.mean(np.array(left) <= LIMITS.latency) >= 0.9
    assert np.median(left) > LIMITS.latency / 50


def test_a_step_keeps_it_from_passing_until_the_window_has_left_it_behind():
    """A clock that falls after 4 s: the window is the last half of the time, so it holds the step until 8 s."""

    def throttling(times_s):
        return np.where(times_s < 4, 1.0, 1.2)

    ended = [ended_s(noisy(throttling, seed, variation=0.01)) for seed in range(16)]
    early = [each for each in ended if each <= 4]
    late = [each for each in ended if each > 4]
    assert len(late) >= 12
    # What ended before the step could not know of it; what went on ended after it had left the window.
    assert min(late) >= 7
    assert all(each < 4 for each in early)


def test_a_longer_run_asks_for_a_slower_drift():
    drifting = noisy(lambda times_s: 1 + 0.001 * times_s, 1, variation=0.005)
    assert ended_s(drifting, Limits(horizon_s=5)) is not None
    assert ended_s(drifting, Limits(horizon_s=60)) is None


# -- one verdict -------------------------------------------------------------------------------------


def test_a_trend_has_its_level_slope_and_window():
    """A latency that grows by half a percent a second, without noise."""
    ends_s = np.expm1(0.005 * LATENCY_S * np.arange(1, 1001)) / 0.005
    start_ns, end_ns = timed(np.diff(ends_s, prepend=0))
    verdict = judge(start_ns, end_ns, LIMITS)
    total_s = ends_s[-1]
    assert verdict.window_s == pytest.approx(total_s / 2, abs=0.05)
    assert verdict.latency.slope_per_s == pytest.approx(0.005 * LATENCY_S, rel=0.01)
    assert verdict.latency.level == pytest.approx(LATENCY_S * (1 + 0.005 * total_s * 0.75), rel=0.01)
    assert verdict.latency.margin_per_s == pytest.approx(0.002 * verdict.latency.level)
    assert verdict.latency.drifting
    assert not verdict.latency.steady
    assert (verdict.power, verdict.temperature) == (None, None)


def test_too_short_or_too_noisy_is_neither_steady_nor_drifting():
    rng = np.random.default_rng(1)
    trend = judge(*timed(rng.normal(LATENCY_S, 0.004, 200)), LIMITS).latency
    assert not trend.steady
    assert not trend.drifting


@pytest.mark.parametrize(
    ("count", "latency_s", "judged"), [(10, 1.0, False), (11, 1.0, True), (140, 0.02, False), (160, 0.02, True)]
)
def test_no_verdict_before_ten_batches_and_three_seconds_but_the_first_batch(count, latency_s, judged):
    verdict = judge(*timed(np.full(count, latency_s)), LIMITS)
    assert verdict.steady is judged
    assert (verdict.latency is not None) is judged


def test_a_first_batch_that_takes_long_is_never_in_the_window():
    """Nor does it make the window longer: what is compiled takes half a minute once."""
    verdict = judge(*timed([30.0] + [0.5] * 30), LIMITS)
    assert verdict.latency.level == pytest.approx(0.5)
    assert (verdict.batches, verdict.window_s, verdict.steady) == (15, pytest.approx(7.5), True)


def ten_seconds(values_of, rate_hz=100.0) -> Readings:
    times_s = np.arange(0, 10, 1 / rate_hz)
    return Readings(at(times_s), np.asarray(values_of(times_s), np.float64))


@pytest.mark.parametrize(("percent_per_s", "steady"), [(0.0, True), (0.15, True), (-0.15, True), (0.25, False)])
def test_power_may_change_by_its_margin(percent_per_s, steady):
    rng = np.random.default_rng(1)
    power = ten_seconds(lambda t: 12 * (1 + percent_per_s / 100 * (t - 7.5)) + rng.normal(0, 0.02, len(t)))
    verdict = judge(*timed(np.full(500, LATENCY_S)), LIMITS, power=power)
    assert verdict.steady is steady
    assert verdict.latency.steady
    assert verdict.power.level == pytest.approx(12, rel=0.01)
    assert verdict.power.slope_per_s == pytest.approx(0.12 * percent_per_s, abs=0.005)


@pytest.mark.parametrize(("kelvin_per_s", "steady"), [(0.0, True), (0.15, True), (0.3, False), (-0.3, False)])
def test_temperature_may_change_by_kelvins_whatever_its_level(kelvin_per_s, steady):
    for level in (-5.0, 0.0, 60.0):
        temperature = ten_seconds(lambda t, level=level: level + kelvin_per_s * t, rate_hz=5)
        verdict = judge(*timed(np.full(500, LATENCY_S)), LIMITS, temperature=temperature)
        assert verdict.steady is steady
        assert verdict.temperature.slope_per_s == pytest.approx(kelvin_per_s, abs=1e-6)


def test_a_quantity_with_too_few_readings_is_not_steady():
    sparse = Readings(at([5.5, 7.0, 9.0]), np.array([12.0, 12.0, 12.0]))
    verdict = judge(*timed(np.full(500, LATENCY_S)), LIMITS, power=sparse)
    assert (verdict.steady, verdict.power) == (False, None)
    assert verdict.latency.steady


def test_looks_become_rarer_as_batches_become_more():
    looks, batches = 0, 1
    while batches < 100_000:
        batches = next_look(batches)
        looks += 1
    assert looks < 400
    assert [next_look(each) for each in (1, 39, 40, 400)] == [2, 40, 41, 410]


# -- what changes afterwards -------------------------------------------------------------------------


def run_of(shape, seed, *, variation=0.03, rho=0.9, count=2000):
    [noise] = autoregressive(np.random.default_rng(seed), rho, count)
    return Readings(at(np.arange(count) * LATENCY_S), shape(np.arange(count) / count) * (1 + variation * noise))


def test_a_steady_run_is_seldom_said_to_have_changed():
    # Loud enough that 3 % between two spans is nothing unusual.
    changes = [find_change(run_of(flat, seed, variation=0.2, rho=0.6)) for seed in range(80)]
    assert sum(change is not None for change in changes) <= 2


@pytest.mark.parametrize(("start", "end"), [(0.6, 1.0), (0.0, 0.3), (0.4, 0.55), (0.9, 1.0)])
def test_a_tenth_more_for_a_while_is_found_where_it_is(start, end):
    """In a run of 40 s; to one of its twenty segments."""
    found = [
        find_change(run_of(lambda share: 1 + 0.1 * ((share >= start) & (share < end)), seed, rho=0.6))
        for seed in range(15)
    ]
    assert None not in found
    assert np.median([change.relative for change in found]) == pytest.approx(0.1, abs=0.02)
    spans = np.median([[(each - EPOCH_NS) * 1e-9 for each in (c.start_ns, c.end_ns)] for c in found], axis=0)
    assert spans == pytest.approx([40 * start, 40 * end], abs=2.1)


def test_a_change_of_less_than_three_percent_is_none():
    assert find_change(run_of(lambda share: np.where(share < 0.5, 1, 1.02), 1, variation=0.001)) is None
    assert find_change(run_of(lambda share: np.where(share < 0.5, 1, 1.04), 1, variation=0.001)) is not None


def test_interruptions_are_no_change():
    rng = np.random.default_rng(4)
    readings = run_of(flat, 2, rho=0.0)
    readings.values[rng.choice(2000, 20, replace=False)] *= 20
    assert find_change(readings) is None


@pytest.mark.parametrize("values", [np.full(39, 1.0), np.full(500, 0.0), np.full(500, 3.0), np.empty(0)])
def test_nothing_to_compare_is_no_change(values):
    assert find_change(Readings(at(np.arange(len(values)) * 0.1), values)) is None


def test_a_change_without_any_noise_is_found():
    change = find_change(Readings(at(np.arange(400) * 0.1), np.where(np.arange(400) < 300, 2.0, 3.0)))
    assert change is not None
    assert change.relative == pytest.approx(0.5)
