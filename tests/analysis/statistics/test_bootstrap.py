# SPDX-License-Identifier: Apache-2.0
"""Intervals hold the true value as often as they say, for series whose true quantiles and correlation are known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.statistics.bootstrap import (
    Blocks,
    autocorrelation,
    blocks_for,
    bootstrap,
    correlation_time,
    quantiles,
    resample,
)
from tests.analysis.series import autoregressive, true_time

EXPONENTIAL = -np.log1p(-(np.arange(401) + 0.5) / 401)


def mean(series):
    return series.mean(axis=1)


# -- against other ways to the same numbers ----------------------------------------------------------


@pytest.mark.parametrize(
    ("statistic", "low", "high"),
    [
        (mean, 0.9043581, 1.0984883),
        (quantiles(0.5), 0.6026092, 0.7982306),
        (quantiles(0.9), 2.0142798, 2.6095712),
        (lambda series: series.std(axis=1), 0.8658115, 1.1202523),
    ],
    ids=["mean", "median", "p90", "deviation"],
)
def test_independent_values_give_the_intervals_of_scipy(statistic, low, high):
    """Its 1.17.1, stats.bootstrap(method="percentile", n_resamples=100_000, rng=default_rng(1))."""
    [found] = bootstrap(EXPONENTIAL, statistic, blocks=Blocks(1), resamples=20_000)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.01)


def test_the_resampled_median_has_its_exact_distribution():
    """It is at most the k-th value of n if more than half of n draws are among the first k: a binomial tail."""
    count = len(EXPONENTIAL)
    drawn = resample(EXPONENTIAL, quantiles(0.5), block=1, resamples=20_000)[:, 0]
    for rank in (180, 190, 201, 212, 222):
        share = rank / count
        exact = sum(
            math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count // 2 + 1, count + 1)
        )
        assert np.mean(drawn <= EXPONENTIAL[rank - 1]) == pytest.approx(exact, abs=0.015)


@pytest.mark.parametrize("block", [1, 7, 50])
def test_the_resampled_mean_scatters_as_circular_blocks_do(block):
    """Its variance is known: that of the means of all n blocks, over the number of them that are drawn."""
    [series] = autoregressive(np.random.default_rng(4), 0.8, 350)
    wrapped = np.concatenate((series, series))
    of_blocks = np.array([wrapped[k : k + block].mean() for k in range(350)])
    drawn = resample(series, mean, block=block, resamples=8000)
    assert drawn.std() == pytest.approx(of_blocks.std() / math.sqrt(350 / block), rel=0.03)
    assert drawn.mean() == pytest.approx(series.mean(), abs=4 * drawn.std() / math.sqrt(8000))


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_those_of_numpy(values, shares):
    series = np.array([values, values[::-1]])
    expected = np.quantile(series, shares, axis=1).T
    assert quantiles(*shares)(series) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9])
def test_the_correlogram_is_that_of_the_sum_of_products(rho):
    [series] = autoregressive(np.random.default_rng(2), rho, 500)
    centred = series - series.mean()
    plain = [centred[: 500 - lag] @ centred[lag:] / (centred @ centred) for lag in range(40)]
    assert autocorrelation(series, 39) == pytest.approx(plain, abs=1e-12)


# -- coverage ----------------------------------------------------------------------------------------


def coverage(rho, count, shares, *, draws=80, seed=1):
    """How many of the 95 % intervals hold the true quantile, for each of them."""
    true = np.array([NormalDist().inv_cdf(share) for share in shares])
    held = np.zeros(len(shares))
    for series in autoregressive(np.random.default_rng(seed), rho, count, draws):
        found = bootstrap(series, quantiles(*shares), resamples=200)
        held += [estimate.low <= value <= estimate.high for estimate, value in zip(found, true, strict=True)]
    return held / draws


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_coverage_of_the_median(rho):
    [of_median] = coverage(rho, 1000, (0.5,))
    assert of_median >= 0.90


def test_coverage_of_far_percentiles_of_correlated_values():
    """Of 5000 values 50 lie beyond the p99; at a correlation of 0.5 they come in about 30 independent groups."""
    of_p90, of_p99 = coverage(0.5, 5000, (0.9, 0.99), draws=30)
    assert of_p90 >= 0.86
    assert of_p99 >= 0.86


def test_taking_correlated_values_for_independent_ones_would_miss_the_median_half_of_the_time():
    held = 0
    for series in autoregressive(np.random.default_rng(1), 0.9, 1000, 100):
        [found] = bootstrap(series, quantiles(0.5), blocks=Blocks(1), resamples=300)
        held += found.low <= 0 <= found.high
    assert held < 65


def test_rows_are_drawn_together():
    """A ratio of two columns that are proportional does not vary, whatever is drawn."""
    size = np.random.default_rng(3).integers(1, 9, 300).astype(float)
    rows = np.column_stack((3 * size, size))
    [found] = bootstrap(rows, lambda drawn: drawn[..., 0].sum(axis=1) / drawn[..., 1].sum(axis=1))
    assert (found.low, found.value, found.high) == pytest.approx((3, 3, 3))


# -- blocks and times --------------------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.5, 0.8, 0.9])
def test_blocks_are_as_long_as_the_theory_has_it(rho):
    """For a first-order autoregression: (3/2 (2 rho / (1 - rho^2))^2 n)^(1/3) (Politis and White 2004)."""
    count = 4000
    theory = (1.5 * (2 * rho / (1 - rho**2)) ** 2 * count) ** (1 / 3)
    found = [blocks_for(series).length for series in autoregressive(np.random.default_rng(6), rho, count, 40)]
    assert np.median(found) == pytest.approx(theory, rel=0.2)


def test_the_inflation_is_what_such_blocks_leave_out():
    """Blocks of b show the share 1 - 2 rho / (1 - rho^2) / b of the variance of the mean, and n / b of them vary."""
    rho, count = 0.9, 4000
    found = [blocks_for(series) for series in autoregressive(np.random.default_rng(6), rho, count, 40)]
    theory = [((1 - 2 * rho / (1 - rho**2) / b.length) * (1 - b.length / count)) ** -0.5 for b in found]
    assert np.median([blocks.inflation for blocks in found]) == pytest.approx(np.median(theory), rel=0.03)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_correlation_time_is_that_of_the_series(rho):
    found = [correlation_time(series) for series in autoregressive(np.random.default_rng(7), rho, 4000, 60)]
    assert np.mean(found) == pytest.approx(true_time(rho), rel=0.1)
    assert min(found) >= 0.5


def test_white_noise_is_seldom_taken_for_correlated():
    found = [correlation_time(series) for series in autoregressive(np.random.default_rng(8), 0.0, 1000, 400)]
    assert np.mean(np.array(found) > 0.5) < 0.06


@pytest.mark.parametrize("series", [np.full(500, 0.1), np.full(3, 2.0), np.array([1.0]), np.array([2.0, 1.0, 2.0])])
def test_a_series_that_says_nothing_of_its_correlation_is_taken_as_it_is(series):
    assert blocks_for(series).length >= 1
    assert correlation_time(series) == 0.5
    [found] = bootstrap(series, mean)
    assert found.low <= found.value <= found.high


def test_a_trend_is_correlated_from_end_to_end():
    ramp = np.arange(1000.0)
    assert correlation_time(ramp) > 50
    assert blocks_for(ramp).length > 50


# -- ways to ask -------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_interval():
    [series] = autoregressive(np.random.default_rng(9), 0.5, 300)
    first, again, other = (bootstrap(series, mean, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_confidence_is_a_wider_interval():
    [series] = autoregressive(np.random.default_rng(9), 0.5, 300)
    narrow, wide = (bootstrap(series, mean, level=level)[0] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_a_long_series_is_resampled_a_few_at_a_time():
    """Not all resamples at once: a statistic never sees more values than it can hold in a cache, or one series."""
    sizes = []

    def statistic(series):
        sizes.append(series.shape)
        return series.mean(axis=1)

    series = np.random.default_rng(1).normal(size=50_000)
    resample(series, statistic, block=10, resamples=20)
    assert sum(rows for rows, _ in sizes) == 20
    assert max(rows * count for rows, count in sizes) <= 2 * 131_072
    assert {count for _, count in sizes} == {50_000}
