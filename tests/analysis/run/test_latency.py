# SPDX-License-Identifier: Apache-2.0
"""Percentiles of latencies with their intervals, and when none is given."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from monitor_app.analysis.run import latency
from monitor_app.analysis.run.latency import effective_beyond, ranks, summarise_latency
from monitor_app.core.estimate import Estimate
from tests.analysis.series import autoregressive, true_time

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def latencies(rho, count, rows=1, seed=1):
    """Log-normal about 20 ms."""
    return 0.02 * np.exp(0.05 * autoregressive(np.random.default_rng(seed), rho, count, rows))


def true_percentile(share):
    return 0.02 * math.exp(0.05 * NormalDist().inv_cdf(share))


def shown(summary):
    return [name for name in SHARES if getattr(summary, name) is not None]


def test_values_are_those_of_numpy():
    [series] = latencies(0.3, 5000)
    summary = summarise_latency(series, resamples=100)
    assert summary.count == 5000
    assert summary.mean.value == pytest.approx(series.mean())
    for name, share in SHARES.items():
        assert getattr(summary, name).value == pytest.approx(np.quantile(series, share))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(18, []), (24, ["p50"]), (80, ["p50"]), (120, ["p50", "p90"]), (240, ["p50", "p90", "p95"])],
)
def test_independent_latencies_show_a_percentile_beyond_which_ten_lie(count, expected):
    assert shown(summarise_latency(latencies(0.0, count, seed=5)[0], resamples=50)) == expected


def test_a_thousand_independent_latencies_are_just_enough_for_p99():
    given = [shown(summarise_latency(series, resamples=20))[-1] for series in latencies(0.0, 1000, rows=50)]
    assert given.count("p99") >= 45
    assert all(shown(summarise_latency(series, resamples=20))[-1] == "p95" for series in latencies(0.0, 980, rows=20))


def test_correlated_latencies_need_more_of_them():
    """Of a thousand with a correlation time of 9.5, fifty are independent: not enough for p90, where 5 lie beyond."""
    for series in latencies(0.9, 1000, rows=20):
        assert shown(summarise_latency(series, resamples=20)) == ["p50"]


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_correlation_time_and_the_independent_number(rho):
    found = [summarise_latency(series, resamples=2) for series in latencies(rho, 4000, rows=30)]
    assert np.mean([each.correlation_time for each in found]) == pytest.approx(true_time(rho), rel=0.1)
    assert found[0].effective_count == pytest.approx(4000 / (2 * found[0].correlation_time))


def test_one_burst_of_slow_batches_is_one_piece_of_evidence():
    rng = np.random.default_rng(2)
    series = rng.normal(0.02, 0.001, 2000)
    scattered, burst = series.copy(), series.copy()
    scattered[rng.choice(2000, 40, replace=False)] *= 2
    burst[700:740] *= 2
    assert effective_beyond(scattered, 0.98) == pytest.approx(40, rel=0.3)
    assert effective_beyond(burst, 0.98) < 3
    assert summarise_latency(scattered, resamples=20).p99 is not None
    assert summarise_latency(burst, resamples=20).p99 is None


def test_interruptions_do_not_hide_what_the_other_batches_have_in_common():
    rng = np.random.default_rng(3)
    [series] = latencies(0.9, 4000)
    interrupted = series + (rng.random(4000) < 0.01) * rng.exponential(1.0, 4000)
    clean, disturbed = (summarise_latency(each, resamples=50) for each in (series, interrupted))
    assert disturbed.correlation_time == pytest.approx(clean.correlation_time, rel=0.3)
    assert disturbed.block >= clean.block / 2


@pytest.mark.parametrize(("rho", "count"), [(0.0, 1100), (0.5, 2000), (0.9, 4000)])
def test_every_interval_that_is_shown_holds_the_true_value_as_often_as_it_should(rho, count):
    """A sample of what `tests/benchmarks/bench_coverage.py` shows: the mean, the median, and what is further out."""
    held: dict[str, list[bool]] = {name: [] for name in ("mean", *SHARES)}
    truth = {"mean": 0.02 * math.exp(0.05**2 / 2)} | {name: true_percentile(share) for name, share in SHARES.items()}
    for series in latencies(rho, count, rows=40):
        summary = summarise_latency(series, resamples=150)
        for name, value in truth.items():
            estimate = getattr(summary, name)
            if estimate is not None:
                held[name].append(estimate.low <= value <= estimate.high)
    rates = {name: np.mean(each) for name, each in held.items() if len(each) >= 20}
    assert rates["mean"] >= 0.9
    assert rates["p50"] >= 0.87
    assert min(rates.values()) >= 0.8


def test_latencies_in_steps_of_a_coarse_clock():
    """Ties are no correlation: places among equals are shared, not given in order of arrival."""
    series = np.round(latencies(0.0, 3000)[0], 3)
    assert len(np.unique(series)) < 12
    assert summarise_latency(series, resamples=50).correlation_time == pytest.approx(0.5, abs=0.1)
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_latencies_that_are_all_alike_have_an_interval_of_no_width():
    summary = summarise_latency(np.full(2000, 0.02), resamples=20)
    assert (summary.p50.low, summary.p50.value, summary.p50.high) == pytest.approx((0.02, 0.02, 0.02))
    assert summary.correlation_time == 0.5


@pytest.mark.parametrize(("rho", "count"), [(0.0, 50), (0.9, 100), (0.9, 300)])
def test_the_mean_of_a_series_of_medium_length_is_in_its_interval(rho, count):
    """The bootstrap alone would hold 92, 85 and 90 of 100."""
    truth = 0.02 * math.exp(0.05**2 / 2)
    means = [summarise_latency(series, resamples=100).mean for series in latencies(rho, count, rows=100)]
    assert np.mean([mean.low <= truth <= mean.high for mean in means]) >= 0.91


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_a_few_latencies_have_a_mean_without_an_interval_and_no_percentile(count):
    series = np.linspace(0.02, 0.03, count)
    summary = summarise_latency(series)
    assert (summary.count, shown(summary)) == (count, [])
    assert (summary.mean.value, summary.mean.low, summary.mean.high) == (pytest.approx(series.mean()), 0.0, math.inf)


def test_no_latency_has_no_figure():
    summary = summarise_latency(np.empty(0))
    assert (summary.count, summary.mean, shown(summary)) == (0, None, [])


def test_the_interval_of_a_percentile_is_students_for_the_few_batches_beyond_it():
    found = latency._percentile(Estimate(1.0, 0.9, 1.3), beyond=10.0)
    assert (found.low, found.high) == pytest.approx((1 - 0.1 * 2.262 / 1.96, 1 + 0.3 * 2.262 / 1.96), rel=1e-3)
    assert latency._percentile(Estimate(1.0, 0.9, 1.3), beyond=9.9) is None
