# SPDX-License-Identifier: Apache-2.0
"""The interval of a mean holds the true mean as often as it says, whatever the length and the correlation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from monitor_app.analysis.statistics.short_series import (
    CORRELATIONS,
    LEAST,
    PRIOR,
    half_width,
    log_likelihood,
    mean_of,
    posterior,
    student_quantile,
)
from tests.analysis.series import autoregressive

NOMINAL_LEAST = 0.93
"""Coverage that an interval of nominally 95 % must have."""


def coverage(rho, count, *, elsewhere=0, draws=400, seed=1):
    """How many of the intervals that are given hold the true mean, and how many are withheld.

    ``elsewhere``: values of another series of the same correlation, one for each series.
    """
    rows = autoregressive(np.random.default_rng(seed), rho, count, draws)
    priors = [None] * draws
    if elsewhere:
        others = autoregressive(np.random.default_rng(seed + 1), rho, elsewhere, draws)
        priors = [posterior(log_likelihood(other)) for other in others]
    halves = np.array([half_width(series, prior) for series, prior in zip(rows, priors, strict=True)])
    given = np.isfinite(halves)
    held = np.abs(rows.mean(axis=1)) <= halves
    return float(held[given].mean()) if given.any() else 1.0, float(1 - given.mean())


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("count", [3, 5, 10, 30, 100, 1000])
def test_the_interval_of_a_mean_holds_the_true_mean_or_is_withheld(rho, count):
    held, withheld = coverage(rho, count)
    assert held >= NOMINAL_LEAST
    assert withheld == (count < LEAST)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("count", [3, 5, 10])
def test_other_series_of_the_same_correlation_give_a_few_values_an_interval(rho, count):
    held, withheld = coverage(rho, count, elsewhere=100)
    assert held >= NOMINAL_LEAST
    assert withheld == 0


def test_no_interval_of_five_independent_values_is_twice_as_wide_as_needed():
    """Needed is Student's, for values that are known to be independent."""
    rows = autoregressive(np.random.default_rng(3), 0.0, 5, 200)
    needed = student_quantile(0.975, 4) * rows.std(axis=1, ddof=1) / math.sqrt(5)
    assert all(math.isinf(half_width(series)) for series in rows)
    known = posterior(log_likelihood(autoregressive(np.random.default_rng(4), 0.0, 100)[0]))
    widths = np.array([half_width(series, known) for series in rows])
    assert np.max(widths / needed) < 2


@pytest.mark.parametrize(("rho", "most"), [(0.0, 1.3), (0.5, 1.2), (0.9, 2.0)])
def test_many_values_have_about_the_interval_that_their_true_correlation_gives(rho, most):
    rows = autoregressive(np.random.default_rng(5), rho, 300, 60)
    needed = 1.96 * math.sqrt((1 + rho) / (1 - rho) / 300)
    assert 0.9 < np.median([half_width(series) for series in rows]) / needed < most


def test_it_is_the_mixture_that_whole_matrices_give():
    """The same integral with the correlation matrix inverted, scipy's distribution and its root finder."""
    [series] = autoregressive(np.random.default_rng(6), 0.6, 14)
    ones, logs, parts = np.ones(14), [], []
    for r in CORRELATIONS:
        matrix = r ** np.abs(np.subtract.outer(np.arange(14), np.arange(14)))
        inverse = np.linalg.inv(matrix)
        precision = ones @ inverse @ ones
        centre = ones @ inverse @ series / precision
        squares = (series - centre) @ inverse @ (series - centre)
        logs.append(-0.5 * (np.linalg.slogdet(matrix)[1] + math.log(precision) + 13 * math.log(squares)))
        parts.append(stats.t(13, centre, math.sqrt(squares / 13 / precision)))
    weights = np.exp(np.array(logs) - max(logs)) * PRIOR
    weights /= weights.sum()
    mean = series.mean()

    def missing(half):
        inside = [part.cdf(mean + half) - part.cdf(mean - half) for part in parts]
        return float(weights @ inside) - 0.95

    assert half_width(series) == pytest.approx(optimize.brentq(missing, 1e-3, 50), rel=1e-3)


@pytest.mark.parametrize("degrees_of_freedom", [1, 2, 4, 9, 100, 5000])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.995])
def test_quantiles_of_student_are_those_of_scipy(degrees_of_freedom, probability):
    expected = stats.t.ppf(probability, degrees_of_freedom)
    assert student_quantile(probability, degrees_of_freedom) == pytest.approx(expected, rel=1e-3)


def test_values_that_are_all_alike_have_an_interval_of_no_width():
    assert half_width(np.full(20, 0.1)) == 0
    assert not log_likelihood(np.full(20, 0.1)).any()


@pytest.mark.parametrize("count", [1, 2, 9])
def test_too_few_values_have_a_mean_and_no_interval(count):
    found = mean_of(np.linspace(1, 2, count))
    assert found.value == pytest.approx(np.linspace(1, 2, count).mean())
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_a_trend_is_correlated_from_end_to_end():
    ramp = np.linspace(5, 15, 100)
    assert half_width(ramp) > 2 * stats.sem(ramp) * 1.96


def test_a_unit_changes_nothing_but_the_scale():
    [series] = autoregressive(np.random.default_rng(7), 0.5, 25)
    assert half_width(1e-6 * series + 3e-5) == pytest.approx(1e-6 * half_width(series), rel=1e-6)
