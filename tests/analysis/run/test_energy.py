# SPDX-License-Identifier: Apache-2.0
"""Energies whose true values are known: in closed form, and of a simulated board that a simulated meter measures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import scipy.stats

from monitor_app.analysis.run.energy import Budget, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings
from monitor_app.analysis.run.integration import Integral, Mean, mean_power
from monitor_app.analysis.statistics.bootstrap import correlation_time
from monitor_app.emulators.board.boards import TX1, Edge, LoadState, follow, power

EPOCH_NS = 7_000_000_000_000_000_123
"""Two hundred years of uptime: no float holds such nanoseconds."""
S = 1_000_000_000
EXACT = Instrument(None, None, None)


def at(seconds) -> np.ndarray:
    return EPOCH_NS + np.round(np.asarray(seconds) * S).astype(np.int64)


def sampled(function, rate_hz=1000.0, seconds=10.0, start=0.0) -> Readings:
    times_s = start + np.arange(round(seconds * rate_hz) + 1) / rate_hz
    return Readings(at(times_s), np.asarray(function(times_s), np.float64))


def batches(edges_s, images=1) -> Batches:
    """Back to back."""
    ends = at(edges_s)
    return Batches(ends[:-1], ends[1:], np.broadcast_to(images, len(ends) - 1).astype(np.int64))


def baseline(watts, time_s, *, uncertainty_w=0.0, drift_w_per_s=0.0, seconds=1.0) -> Mean:
    return Mean(int(at(time_s)), seconds, 1000, watts, 0.0, uncertainty_w, drift_w_per_s)


# -- the integral ----------------------------------------------------------------------------------


def test_energy_of_a_ramp_is_that_of_the_formula_between_any_two_times():
    integral = Integral(sampled(lambda t: 2 + 3 * t, rate_hz=7))
    start, end = np.array([0.0, 1.23456, 3.3, 9.1]), np.array([10.0, 1.23457, 7.7, 9.10001])
    expected = 2 * (end - start) + 1.5 * (end**2 - start**2)
    assert integral.between(at(start), at(end)) == pytest.approx(expected, rel=1e-9)


def test_energy_of_a_step_counts_the_line_between_the_two_samples_beside_it():
    integral = Integral(sampled(lambda t: np.where(t < 5, 1, 11), rate_hz=10))
    # From 4.9 to 5.0 the line rises from 1 to 11 W: a mean of 6 W over a tenth of a second.
    assert integral.between(at([4.0]), at([6.0])) == pytest.approx(0.9 * 1 + 0.1 * 6 + 1.0 * 11)


def test_energy_of_an_exponential_is_within_the_error_of_the_trapezium():
    tau, rate = 0.04, 50_000
    integral = Integral(sampled(lambda t: 12 * np.exp(-t / tau), rate_hz=rate, seconds=1))
    start, end = np.array([0.0, 0.0123]), np.array([1.0, 0.2])
    expected = 12 * tau * (np.exp(-start / tau) - np.exp(-end / tau))
    assert integral.between(at(start), at(end)) == pytest.approx(expected, rel=1 / (12 * (rate * tau) ** 2) + 1e-8)


def test_the_first_and_the_last_step_count_as_the_others_do():
    integral = Integral(Readings(at([0, 1, 2, 3, 4]), np.array([1.0, 5.0, 2.0, 9.0, 3.0])))
    assert integral.between(at([0, 0.5, 1, 3, 3.5]), at([0.5, 1, 3, 3.5, 4])) == pytest.approx([1, 2, 9, 3.75, 2.25])


def test_parts_of_a_span_add_up_to_the_whole():
    rng = np.random.default_rng(3)
    times = np.sort(rng.uniform(0, 10, 5000))
    integral = Integral(Readings(at(times), rng.uniform(0, 15, 5000)))
    edges = np.sort(rng.uniform(0, 10, 300))
    parts = integral.between(at(edges[:-1]), at(edges[1:]))
    assert parts.sum() == pytest.approx(integral.between(at(edges[:1]), at(edges[-1:]))[0], rel=1e-12)
    assert (parts >= 0).all()


def test_nothing_is_added_outside_the_samples():
    integral = Integral(sampled(lambda t: 5 + 0 * t, seconds=2))
    assert integral.between(at([-3.0]), at([8.0])) == pytest.approx(10)


def test_a_gap_is_bridged_by_a_line_and_lowers_the_coverage():
    whole = sampled(lambda t: 4 + t, seconds=10)
    kept = (whole.times_ns <= at(2)) | (whole.times_ns >= at(4))
    found = energy_of_run(Readings(whole.times_ns[kept], whole.values[kept]), batches([1, 3, 6]), EXACT)
    assert found.gross.batch_j == pytest.approx([2 * 6, 3 * 8.5])
    assert found.coverage == pytest.approx(3 / 5)


@pytest.mark.parametrize(("missing", "covered_s"), [(1, 10), (2, 9.7), (50, 4.9)])
def test_more_than_one_missing_sample_is_a_gap(missing, covered_s):
    whole = sampled(lambda t: 5 + 0 * t, rate_hz=10)
    kept = (np.arange(101) < 30) | (np.arange(101) >= 30 + missing)
    integral = Integral(Readings(whole.times_ns[kept], whole.values[kept]))
    assert integral.covered_s(at([0]), at([10])) == pytest.approx(covered_s)
    assert integral.covered_s(at([2.95]), at([3.05])) == pytest.approx(0.1 if missing == 1 else 0)
    assert integral.covered_s(at([0.12]), at([0.19])) == pytest.approx(0.07)
    assert integral.in_gap(at([2.95, 5])).tolist() == [missing > 1, missing > 20]


# -- a mean and its noise --------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_uncertainty_of_a_mean_is_the_scatter_of_such_means(rho):
    rng, count = np.random.default_rng(11), 4000
    series = rng.normal(size=(count, 200)) * math.sqrt(1 - rho**2)
    for step in range(1, count):
        series[step] += rho * series[step - 1]
    times = at(np.arange(count) / 1000)
    means = [mean_power(Readings(times, 3 + 0.1 * column)) for column in series.T]
    scatter = np.std([mean.value_w for mean in means])
    assert scatter == pytest.approx(0.1 * math.sqrt((1 + rho) / (1 - rho) / count), rel=0.15)
    assert np.mean([mean.uncertainty_w for mean in means]) == pytest.approx(scatter, rel=0.15)


def test_a_mean_knows_its_drift():
    mean = mean_power(sampled(lambda t: 2 + 0.03 * t, seconds=4, start=10))
    assert mean.drift_w_per_s == pytest.approx(0.03)
    assert (mean.value_w, mean.duration_s, mean.time_ns) == pytest.approx((2.36, 4, int(at(12))), rel=1e-3)
    assert mean.deviation_w == pytest.approx(0, abs=1e-9)
    assert mean_power(Readings(at([1.0]), np.array([2.0]))) is None


@pytest.mark.parametrize("count", [2, 3, 4, 5, 20, 59, 60, 100, 4000])
def test_a_mean_is_as_uncertain_as_what_is_left_about_a_straight_line(count):
    """Worked out by other means; of many samples from two thousand means of neighbours."""
    rng, seconds = np.random.default_rng(count), np.arange(count, dtype=np.float64)
    values = 3 + 0.07 * seconds + rng.normal(0, 0.1, count)
    mean = mean_power(Readings(at(seconds), values))
    # Each sample stands for a period of its own.
    assert (mean.count, mean.duration_s) == (count, pytest.approx(count))
    assert mean.time_ns == at((count - 1) / 2)
    bins = min(count, 2000)
    times_s, means = seconds.reshape(bins, -1).mean(axis=1), values.reshape(bins, -1).mean(axis=1)
    line = np.polyfit(times_s, means, 1)
    rest = means - np.polyval(line, times_s)
    off, freedom = (rest, bins - 2) if count >= 4 else (means - means.mean(), bins - 1)
    error = math.sqrt(off @ off / freedom / bins * 2 * correlation_time(rest))
    factor = max(scipy.stats.t.ppf(0.975, freedom) / 2, 1) if count < 60 else 1
    assert mean.uncertainty_w == pytest.approx(error * factor, rel=1e-3)
    assert mean.drift_w_per_s == pytest.approx(line[0])
    assert mean.deviation_w == pytest.approx((values - line[0] * seconds).std(), abs=1e-9)


def test_a_single_sample_has_the_whole_error_of_its_step_and_a_quiet_mean_too():
    step = 0.02 / math.sqrt(12)
    for count, deviation_w in ((1, 0.0), (1, 0.004), (1, 0.1), (10**9, 0.0)):
        assert Mean(0, 1.0, count, 3.0, deviation_w, 0.0, 0.0).resolution_w(0.02) == pytest.approx(step, rel=0.005)


@pytest.mark.parametrize("noise_steps", [0.0, 0.2, 0.3, 0.5, 2.0])
def test_what_a_coarse_converter_does_to_a_mean_is_as_stated(noise_steps):
    """Against converters of which the zero lies anywhere in a step."""
    rng, step, count = np.random.default_rng(5), 0.02, 400
    means = [Mean(0, 1.0, count, 0.0, noise_steps * step, 0.0, 0.0)]
    true = rng.uniform(3, 4, 2000)
    noisy = true[:, np.newaxis] + noise_steps * step * rng.normal(size=(2000, count))
    errors = (np.round(noisy / step) * step - noisy).mean(axis=1)
    assert means[0].resolution_w(step) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.25)


# -- a run -----------------------------------------------------------------------------------------


def test_gross_and_net_of_a_ramp_over_a_drifting_baseline():
    edges = np.array([2.0, 3.0, 4.5, 5.0])
    run = batches(edges, images=[8, 8, 4])
    found = energy_of_run(sampled(lambda t: 10 + t), run, EXACT, baseline(1.0, 1.0), baseline(1.6, 7.0))
    gross = np.diff(10 * edges + edges**2 / 2)
    net = gross - np.diff(0.9 * edges + 0.05 * edges**2)
    assert (found.batches, found.images, found.coverage) == (3, 20, pytest.approx(1))
    assert found.gross.batch_j == pytest.approx(gross)
    assert found.net.batch_j == pytest.approx(net)
    assert found.gross.j_per_image == pytest.approx(gross.sum() / 20)
    assert found.net.j_per_image == pytest.approx(net.sum() / 20)
    assert found.net.j_per_batch == pytest.approx(net.mean())
    assert found.net.percentiles_j[2] == pytest.approx(np.median(net / [8, 8, 4]))
    assert found.net.budget.drift == pytest.approx(0.6 / math.sqrt(12) * 3 / 20)


def test_each_cause_has_its_part_of_the_budget():
    run = batches(np.arange(2, 8.5, 0.5), images=2)
    meter = Instrument(resolution_w=0.12, accuracy=0.01, clock_bound_ns=0.05 * S)
    before, after = baseline(2.0, 1, uncertainty_w=0.03), baseline(2.0, 9, uncertainty_w=0.04)
    found = energy_of_run(sampled(lambda t: 5 + t), run, meter, before, after)
    per_image_s = 0.25
    gross, net = found.gross.budget, found.net.budget
    assert gross.gain == pytest.approx(0.01 * found.gross.j_per_image / math.sqrt(3))
    assert net.gain == pytest.approx(0.01 * found.net.j_per_image / math.sqrt(3))
    # Back to back, only the outer edges matter: 6 W lie between them.
    assert gross.clock == pytest.approx(0.05 * 6 / 24 / math.sqrt(3))
    assert net.idle_noise == pytest.approx(0.025 * per_image_s)
    assert (gross.idle_noise, gross.drift, net.drift) == (0, 0, 0)
    step = 0.12 / math.sqrt(12) * per_image_s
    assert gross.resolution == pytest.approx(step, rel=0.01)
    assert net.resolution == pytest.approx(step * math.sqrt(1.5), rel=0.01)
    parts = (net.resolution, max(net.noise, net.spread), net.idle_noise, net.drift, net.clock, net.gain)
    assert found.net.uncertainty_j == pytest.approx(math.hypot(*parts))
    assert net.spread > net.noise
    assert net.measured == pytest.approx(math.hypot(parts[0], net.noise, *parts[2:]))
    assert found.net.expanded_j == pytest.approx(2 * found.net.uncertainty_j)


def test_a_budget_joins_its_parts_in_quadrature_and_takes_the_larger_of_noise_and_spread():
    parts = {
        "resolution": 1.0,
        "idle_noise": 2.0,
        "drift": 4.0,
        "clock": 8.0,
        "gain": 16.0,
        "zero": 32.0,
        "pauses": 64.0,
    }
    others = math.hypot(*parts.values())
    noisy, scattered = Budget(noise=128.0, spread=100.0, **parts), Budget(noise=100.0, spread=128.0, **parts)
    assert noisy.idle == pytest.approx(math.hypot(2, 4))
    assert (noisy.measured, scattered.measured) == pytest.approx((math.hypot(others, 128), math.hypot(others, 100)))
    assert noisy.combined == scattered.combined == pytest.approx(math.hypot(others, 128))


def test_a_constant_error_counts_in_gross_values_and_in_idle_power_but_not_in_net_ones():
    meter = Instrument(None, 0.01, None, zero_w=0.3)
    idle = [baseline(2.0, 1, uncertainty_w=0.03), baseline(3.0, 9, uncertainty_w=0.04)]
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([4, 5, 6], images=4), meter, *idle)
    assert found.gross.budget.zero == pytest.approx(0.3 * 0.25 / math.sqrt(3))
    assert found.full_w.zero == pytest.approx(0.3 / math.sqrt(3))
    assert (found.net.budget.zero, found.net_w.zero) == (0, 0)
    # Idle is 2.5 W in the middle of the run; a walk that has come to 1 W from its start is off by 1 / sqrt(12).
    parts = 0.025, 1 / math.sqrt(12), 0.01 * 2.5 / math.sqrt(3), 0.3 / math.sqrt(3)
    assert found.idle_uncertainty_w == pytest.approx(math.hypot(*parts))
    assert found.net_w.drift == pytest.approx(1 / math.sqrt(12))
    assert found.net_w.gain == pytest.approx(0.01 * 7.5 / math.sqrt(3))
    assert found.full_w.gain == pytest.approx(0.01 * 10 / math.sqrt(3))


def test_the_changes_within_both_baselines_are_drift_too():
    idle = [baseline(2.0, 1, drift_w_per_s=0.3, seconds=2.0), baseline(2.5, 9, drift_w_per_s=-0.1, seconds=4.0)]
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([4, 5, 6]), EXACT, *idle)
    assert found.net_w.drift == pytest.approx(math.sqrt((0.6**2 + 0.4**2 + 0.5**2) / 12))


def test_one_baseline_has_its_own_noise_and_resolution():
    meter, idle = Instrument(0.12, None, None), baseline(2.0, 1, uncertainty_w=0.03)
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([4, 5, 6]), meter, idle)
    step_w = 0.12 / math.sqrt(12)
    assert (found.net_w.idle_noise, found.full_w.idle_noise) == (pytest.approx(0.03), 0)
    assert found.idle_uncertainty_w == pytest.approx(0.03)
    assert (found.full_w.resolution, found.net_w.resolution) == pytest.approx((step_w, step_w * math.sqrt(2)), rel=0.01)
    assert found.net.budget.drift == 0


def test_what_lies_in_the_pauses_may_be_of_the_batches_as_far_as_it_is_above_idle():
    starts, ends = np.array([2.0, 3.0, 5.0]), np.array([2.9, 4.6, 5.5])
    run = Batches(at(starts), at(ends), np.array([2, 5, 3]))
    idle = baseline(2.0, 1), baseline(4.0, 9)
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), run, EXACT, *idle)
    # Idle as in the batches before; of all ten images, or of the three seconds of the batches.
    above_j = (10 - 2.3625) * 0.1 + (10 - 2.7) * 0.4
    assert found.gross.budget.pauses == pytest.approx(above_j / math.sqrt(3) / 10)
    assert found.net_w.pauses == pytest.approx(above_j / math.sqrt(3) / 3)
    alone = energy_of_run(sampled(lambda t: 10 + 0 * t), run, EXACT)
    assert alone.full_w.pauses == pytest.approx(10 * 0.5 / math.sqrt(3) / 3)
    below = energy_of_run(sampled(lambda t: 1 + 0 * t), run, EXACT, *idle)
    assert below.full_w.pauses == 0


def test_two_samples_have_an_energy_and_no_more_is_known_of_it():
    run = batches([2, 3, 4], images=2)
    found = energy_of_run(Readings(at([0, 10]), np.array([4.0, 8.0])), run, Instrument(0.12, None, None))
    assert found.gross.j_per_image == pytest.approx((2 * 4 + 0.4 * 6) / 4)
    assert found.full_w.noise == math.inf
    assert found.full_w.resolution == pytest.approx(0.12 / math.sqrt(12), rel=0.01)
    assert len(found.doubts) == 1


def test_batches_that_overlap_have_no_pauses():
    run = Batches(at([2.0, 2.5]), at([3.0, 3.5]), np.array([1, 1]))
    assert energy_of_run(sampled(lambda t: 10 + 0 * t), run, EXACT).full_w.pauses == 0


@pytest.mark.parametrize(
    ("start", "end", "used"), [(-0.1, 10.1, 3), (-0.11, 10.1, 2), (-0.1, 10.11, 2), (-1.0, 11.0, 1)]
)
def test_a_batch_may_begin_and_end_a_period_beside_the_samples(start, end, used):
    run = Batches(at([start, 1.0, 2.0]), at([1.0, 2.0, end]), np.ones(3, np.int64))
    found = energy_of_run(sampled(lambda t: 5 + 0 * t, rate_hz=10), run, EXACT)
    assert (found.batches, found.images) == (used, used)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_spread_of_power_is_that_of_the_ratio_of_energy_and_time(count):
    """Batches of steady power, with Student's factor in place of two."""
    watts, edges = np.array([9.0, 12.0, 10.0, 11.0])[:count], 2.0 + np.arange(count + 1)
    found = energy_of_run(
        sampled(lambda t: watts[np.clip(np.floor(t - 2), 0, count - 1).astype(int)], rate_hz=10_000),
        batches(edges),
        EXACT,
    )
    rest = watts - watts.mean()
    error = math.sqrt(rest @ rest * count / (count - 1) * 2 * correlation_time(rest)) / count
    assert found.full_w.spread == pytest.approx(error * scipy.stats.t.ppf(0.975, count - 1) / 2, rel=1e-3)


def test_many_batches_have_the_usual_factor():
    rng, edges = np.random.default_rng(4), 1 + np.arange(101) / 20
    watts = rng.normal(10, 1, 100)
    found = energy_of_run(
        sampled(lambda t: watts[np.clip(np.floor((t - 1) * 20 + 1e-6), 0, 99).astype(int)], rate_hz=20_000, seconds=7),
        batches(edges), EXACT,
    )  # fmt: skip
    rest = watts - watts.mean()
    error = math.sqrt(rest @ rest * 100 / 99 * 2 * correlation_time(rest)) / 100
    assert found.full_w.spread == pytest.approx(error, rel=0.003)
    assert found.full_w.spread >= 0.99 * rest.std() / 10


@pytest.mark.parametrize(("batch_s", "has"), [(0.2, True), (0.199, False)])
def test_single_batches_have_energies_where_two_periods_fit_into_one(batch_s, has):
    found = energy_of_run(sampled(lambda t: 10 + 0 * t, rate_hz=10), batches(1 + batch_s * np.arange(31)), EXACT)
    assert (found.gross.percentiles_j is not None) is has


def test_percentiles_are_of_the_energy_of_an_image():
    watts = np.arange(1.0, 22.0)
    found = energy_of_run(
        sampled(lambda t: watts[np.clip(np.floor(t - 1), 0, 20).astype(int)], seconds=23, rate_hz=10_000),
        batches(1 + np.arange(22.0), images=2), EXACT,
    )  # fmt: skip
    assert found.gross.percentiles_j == pytest.approx((1, 3, 5.5, 8, 10), rel=1e-3)


def test_warnings_come_with_the_most_serious_first():
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([2, 3, 4]), EXACT)
    told = replace(found, doubts=("a",), timing_warning="b", throttling=("c", "d"), warnings=("e",))
    assert told.all_warnings == ("a", "b", "c", "d", "e")
    assert replace(told, timing_warning=None).all_warnings == ("a", "c", "d", "e")


def test_spread_is_that_of_the_mean_over_batches():
    rng = np.random.default_rng(2)
    watts = rng.normal(10, 0.5, 400)
    found = energy_of_run(
        sampled(lambda t: watts[np.minimum((t * 40).astype(int), 399)], rate_hz=8000),
        batches(np.arange(401) / 40, images=4),
        EXACT,
    )
    # Independent ones; that these might be correlated widens it a little.
    independent = watts.std(ddof=1) / 20 / 40 / 4
    assert independent < found.gross.budget.spread < 1.1 * independent
    assert np.ptp(found.gross.percentiles_j[::4]) == pytest.approx(2 * 1.645 * 0.5 / 40 / 4, rel=0.1)


def test_batches_of_different_size_are_no_spread():
    edges = np.cumsum([1, *[0.5] * 11, 0.25])
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches(edges, images=[8] * 11 + [4]), EXACT)
    assert found.gross.budget.spread == pytest.approx(0, abs=1e-9)


def test_a_single_batch_has_an_energy_and_a_power_but_its_spread_is_unknown():
    """So the energy of such batches has no interval; that of this very batch has one, and so has its power."""
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([2, 3], images=4), EXACT)
    assert (found.gross.j_per_image, found.gross.budget.spread) == (pytest.approx(2.5), math.inf)
    assert found.gross.budget.measured == pytest.approx(0, abs=1e-9)
    assert found.full_w.spread == 0
    assert (found.net, found.net_w) == (None, None)


def test_one_baseline_carries_its_own_drift_to_the_run():
    found = energy_of_run(
        sampled(lambda t: 10 + 0 * t), batches([4, 6], images=2), EXACT, baseline(1, 1, drift_w_per_s=-0.02)
    )
    assert found.net.j_per_image == pytest.approx(9)
    assert found.net.budget.drift == pytest.approx(0.02 * 4)
    assert "Idle power was measured only before or only after the run, so its drift is extrapolated." in found.warnings


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        # a meter that is a second late; another board; a supply that has not settled when idle begins; all is well
        ((1.3, 0.0), (13.0, 0.0), "Idle power was 1.3 W before the run and 13 W after it"),
        ((10.0, 0.0), (10.0, 0.0), "Power did not rise"),
        ((1.3, 0.0), (1.6, -2.0), "Idle power after the run was still changing"),
        ((1.3, 0.01), (1.4, -0.01), ""),
    ],
)
def test_power_that_cannot_be_that_of_the_run_is_doubted(before, after, says):
    means = [
        baseline(watts, time_s, uncertainty_w=0.01, drift_w_per_s=drift)
        for (watts, drift), time_s in ((before, 1), (after, 9))
    ]
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches([2, 3, 4, 5, 6]), EXACT, *means)
    assert (len(found.doubts) == 1) is bool(says)
    assert says in "".join(found.doubts)
    assert found.all_warnings[: len(found.doubts)] == found.doubts


def test_batches_without_power_are_left_out_and_counted():
    found = energy_of_run(sampled(lambda t: 10 + 0 * t, seconds=5), batches([3, 4, 5, 6, 7], images=2), EXACT)
    assert (found.batches, found.images, found.gross.j_per_image) == (2, 4, pytest.approx(5))
    assert "2 of 4 batches are left out, as no power was recorded while they ran." in found.warnings
    assert energy_of_run(sampled(lambda t: 10 + 0 * t, seconds=5), batches([8, 9]), EXACT) is None
    assert energy_of_run(Readings(at([1.0]), np.ones(1)), batches([0, 2]), EXACT) is None
    assert energy_of_run(sampled(lambda t: t), batches([5]), EXACT) is None


# -- what is said beside the figures -----------------------------------------------------------------


@pytest.mark.parametrize(("bound_ms", "unreliable"), [(9.9, False), (10.1, True)])
def test_a_clock_that_is_off_by_more_than_a_tenth_of_a_batch_makes_single_batches_unreliable(bound_ms, unreliable):
    meter = Instrument(0.01, 0.01, bound_ms * 1e6)
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), batches(np.arange(2, 8, 0.1)), meter)
    assert (found.timing_warning is not None) is unreliable
    assert found.warnings == ()


def test_a_slow_meter_gives_a_mean_and_no_distribution():
    found = energy_of_run(sampled(lambda t: 10 + 0 * t, rate_hz=10), batches(np.arange(2, 8, 0.15)), EXACT)
    assert found.gross.j_per_image == pytest.approx(1.5)
    assert found.gross.percentiles_j is None
    assert any("every 100 ms and a batch takes 150 ms" in each for each in found.warnings)


def test_time_between_batches_is_said_not_to_count():
    starts = np.arange(2, 8, 0.1)
    run = Batches(at(starts), at(starts + 0.08), np.ones(60, np.int64))
    found = energy_of_run(sampled(lambda t: 10 + 0 * t), run, EXACT)
    assert found.gross.j_per_image == pytest.approx(0.8)
    assert any(each.startswith("20% of the run lies between batches") for each in found.warnings)


def test_throttling_shows_in_latency_power_and_clocks():
    slow_from = 30
    lengths = np.where(np.arange(60) < slow_from, 0.1, 0.13)
    edges = 1 + np.concatenate(([0], np.cumsum(lengths)))
    throttled_s = edges[slow_from]
    clock = sampled(lambda t: np.where(t < throttled_s, 998e6, 614e6), rate_hz=10)
    found = energy_of_run(
        sampled(lambda t: np.where(t < throttled_s, 12, 9)), batches(edges), EXACT, clocks_hz={"gpu": clock}
    )
    latency, watts, gpu = found.throttling
    assert latency.startswith(("Latency was 30% higher from 3", "Latency was 23% lower from 0"))
    assert watts.startswith(("Power was 25% lower from 3", "Power was 33% higher from 0"))
    assert gpu == "Clock gpu was between 614 and 998 MHz during the run."


def test_a_steady_run_has_nothing_said_against_it():
    rng = np.random.default_rng(1)
    edges = 1 + np.concatenate(([0], np.cumsum(rng.normal(0.1, 0.002, 60))))
    clock = sampled(lambda t: 998e6 + 0 * t, rate_hz=10)
    found = energy_of_run(
        sampled(lambda t: rng.normal(12, 0.5, len(t))),
        batches(edges),
        Instrument(0.01, 0.01, 1e5),
        baseline(1, 0.5),
        baseline(1, 9.5),
        {"gpu": clock},
    )
    assert (found.throttling, found.warnings, found.timing_warning) == ((), (), None)


# -- a simulated board, a simulated meter ------------------------------------------------------------

RATE_HZ = 50_000
IDLE_S, WARM_UP_S, COOL_S = 0.3, 0.4, 0.5
BATCHES, BATCH_S = 40, 0.02
WATTS_STEP = 0.025
ACCURACY = 0.03
BOUND_S = 300e-6
AS_BOUGHT = Instrument(WATTS_STEP, ACCURACY, BOUND_S * 1e9)
CALIBRATED = Instrument(WATTS_STEP, 0.0, BOUND_S * 1e9)


@dataclass(frozen=True)
class Measured:
    """One measured run and what is true of it."""

    power: Readings
    batches: Batches
    gross_j_per_image: float
    net_j_per_image: float

    def right(self, meter: Instrument, gain: float) -> tuple[list[bool], list[float]]:
        """Whether gross and net are right within what is stated, and how much that is, as a part of them."""
        watts = Readings(self.power.times_ns, self.power.values * gain)
        before, after = (
            mean_power(Readings(watts.times_ns[part], watts.values[part]))
            for part in (slice(0, round((IDLE_S - 0.01) * RATE_HZ)), slice(-round(0.2 * RATE_HZ), None))
        )
        found = energy_of_run(watts, self.batches, meter, before, after)
        assert (found.timing_warning, found.throttling, found.warnings, found.batches) == (None, (), (), BATCHES)
        figures = (found.gross, found.net)
        errors = np.subtract([f.j_per_image for f in figures], (self.gross_j_per_image, self.net_j_per_image))
        right = [abs(e) <= 2 * f.budget.measured for e, f in zip(errors, figures, strict=True)]
        return right, [2 * f.budget.measured / f.j_per_image for f in figures]


def test_of_measured_runs_at_least_95_in_100_are_right_within_what_they_state():
    bought, calibrated, unaware, stated = [], [], [], []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        run, gain = measured_run(rng), 1 + rng.uniform(-ACCURACY, ACCURACY)
        right, part = run.right(AS_BOUGHT, gain)
        bought.append(right)
        stated.append(part)
        calibrated.append(run.right(CALIBRATED, 1.0)[0])
        unaware.append(run.right(CALIBRATED, gain)[0])
    assert (np.mean(bought, axis=0) >= 0.95).all()
    assert np.max(stated) < 0.045
    # Without the gain, which is the largest part of the budget, what else is in it must hold as well.
    assert (np.mean(calibrated, axis=0) >= 0.95).all()
    # The meter does err: an uncertainty that leaves it out is too small.
    assert (np.mean(unaware, axis=0) < 0.7).all()


def measured_run(rng: np.random.Generator) -> Measured:
    """Idle, warm-up, batches with pauses between them, idle: as a TX1 takes power and a meter with errors sees it."""
    starts_s, ends_s = timed_batches(rng)
    edges = [Edge(IDLE_S, True), Edge(IDLE_S + WARM_UP_S, False)]
    edges += [
        Edge(*edge) for pair in zip(starts_s, ends_s, strict=True) for edge in zip(pair, (True, False), strict=True)
    ]
    total_s = ends_s[-1] + COOL_S
    idle_w = wandering(rng, total_s)

    def busy_w(times_s):
        load, _, _ = follow(replace(TX1, idle_w=0.0), LoadState(), edges, times_s)
        return power(replace(TX1, idle_w=0.0), load, times_s)

    times_s = np.arange(round(total_s * RATE_HZ)) / RATE_HZ
    seen_w = busy_w(times_s) + idle_w(times_s) + rng.normal(0, 0.03, len(times_s))
    zero = rng.uniform(-0.5, 0.5)
    steps = np.round(seen_w / WATTS_STEP + zero) - zero
    above_j, idle_j = integral(busy_w, starts_s, ends_s), integral(idle_w, starts_s, ends_s)
    images = np.full(BATCHES, 16)
    return Measured(
        Readings(at(times_s + rng.uniform(-BOUND_S, BOUND_S)), steps * WATTS_STEP),
        Batches(at(starts_s), at(ends_s), images),
        (above_j + idle_j) / images.sum(),
        above_j / images.sum(),
    )


def timed_batches(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each a little longer or shorter than the others, with a fraction of a millisecond between them."""
    lengths, pauses = BATCH_S * rng.normal(1, 0.02, BATCHES), rng.uniform(100e-6, 500e-6, BATCHES)
    ends = IDLE_S + WARM_UP_S + np.cumsum(lengths + pauses)
    return ends - lengths, ends


def wandering(rng: np.random.Generator, total_s: float):
    """Idle power that begins at 1.3 W and takes a step to either side in every tenth of a second."""
    nodes_s = np.arange(0, total_s + 0.2, 0.1)
    nodes_w = 1.3 + np.cumsum(rng.normal(0, 0.01, len(nodes_s)))
    return lambda times_s: np.interp(times_s, nodes_s, nodes_w)


def integral(function, starts_s, ends_s, panels=400) -> float:
    """Over all spans together, by Gauss and Legendre with four nodes a panel: no trapezia on samples."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    edges = np.linspace(starts_s, ends_s, panels + 1, axis=1)
    half = np.diff(edges)[..., np.newaxis] / 2
    times_s = (edges[:, :-1, np.newaxis] + half * (1 + nodes)).ravel()
    return float((half * weights).ravel() @ function(times_s))


def test_the_reference_integral_of_the_simulated_board_agrees_with_the_closed_form():
    """A rise from idle: idle t + load (t - tau (1 - exp(-t / tau))), without activity and ripple."""
    board = replace(TX1, activity_rms=0.0, ripple_w=0.0)

    def watts(times_s):
        load, _, _ = follow(board, LoadState(), [Edge(0.0, True)], times_s)
        return power(board, load, times_s)

    expected = board.idle_w * 0.2 + board.load_w * (0.2 - board.rise_s * (1 - math.exp(-0.2 / board.rise_s)))
    assert integral(watts, np.array([0.0]), np.array([0.2])) == pytest.approx(expected, rel=1e-9)
