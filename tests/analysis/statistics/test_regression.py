# SPDX-License-Identifier: Apache-2.0
"""Straight lines, means and deviations against scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.regression import (
    LEAST_DRAWN,
    akaike,
    deviation_of,
    line_to_draw,
    mean_of,
    straight_line,
)
from monitor_app.core.estimate import FINDING_LEVEL, RESULT_LEVEL

RNG = np.random.default_rng(7)
X = RNG.uniform(1, 100, 12)
Y = 0.2 * X - 3 + RNG.normal(0, 2, 12)


def test_the_line_is_that_of_scipy() -> None:
    found, other = line_to_draw(X, Y), stats.linregress(X, Y)
    assert found is not None
    assert (found.slope, found.intercept, found.r_squared) == pytest.approx(
        (other.slope, other.intercept, other.rvalue**2)
    )
    assert found.count == 12


def test_the_band_is_that_of_statsmodels() -> None:
    found = line_to_draw(X, Y)
    assert found is not None
    along = np.linspace(0, 200, 9)
    model = OLS(Y, add_constant(X)).fit()
    low, high = model.get_prediction(add_constant(along)).conf_int(alpha=0.05).T
    assert found.at(along) - found.band(along, RESULT_LEVEL) == pytest.approx(low)
    assert found.at(along) + found.band(along, RESULT_LEVEL) == pytest.approx(high)


def test_the_band_holds_the_true_line_in_95_of_100() -> None:
    held, draws, x = 0, 500, np.linspace(0, 10, 6)
    for _ in range(draws):
        found = line_to_draw(x, 2 * x + 1 + RNG.normal(0, 1, 6))
        assert found is not None
        at = np.array([3.0])
        held += bool(abs(found.at(at)[0] - 7) <= found.band(at, RESULT_LEVEL)[0])
    assert stats.binomtest(held, draws, 0.95).pvalue > 1e-3


def test_too_few_points_and_points_above_each_other_have_no_line() -> None:
    assert line_to_draw(X[: LEAST_DRAWN - 1], Y[: LEAST_DRAWN - 1]) is None
    assert line_to_draw(np.full(9, 0.1), Y[:9]) is None
    assert line_to_draw(np.array([]), np.array([])) is None


def test_a_level_line_explains_all() -> None:
    found = line_to_draw(np.arange(5.0), np.full(5, 11.8))
    assert found is not None
    assert (found.slope, found.r_squared) == (pytest.approx(0, abs=1e-12), pytest.approx(1))


def test_line_is_statsmodels_line_with_its_intervals() -> None:
    line, theirs = straight_line(X, Y), OLS(Y, add_constant(X)).fit()
    low, high = theirs.conf_int(1 - FINDING_LEVEL).T
    for found, at in ((line.intercept_estimate(), 0), (line.slope_estimate(), 1)):
        assert (found.value, found.low, found.high) == pytest.approx((theirs.params[at], low[at], high[at]))
    assert line.r_squared == pytest.approx(theirs.rsquared)
    assert line.deviation == pytest.approx(math.sqrt(theirs.mse_resid))


def test_line_predicts_as_statsmodels_does() -> None:
    line = straight_line(X, Y)
    frame = OLS(Y, add_constant(X)).fit().get_prediction([[1.0, 40.0]]).summary_frame(1 - FINDING_LEVEL)
    there, half = line.estimate_at(40.0), t_quantile(0.95, line.degrees_of_freedom) * line.prediction_deviation(40.0)
    assert (there.low, there.high) == pytest.approx((frame.mean_ci_lower[0], frame.mean_ci_upper[0]))
    assert (there.value - half, there.value + half) == pytest.approx((frame.obs_ci_lower[0], frame.obs_ci_upper[0]))


def test_mean_has_the_interval_of_scipy() -> None:
    found = mean_of(Y)
    low, high = stats.t.interval(FINDING_LEVEL, len(Y) - 1, loc=Y.mean(), scale=stats.sem(Y))
    assert (found.value, found.low, found.high) == pytest.approx((Y.mean(), low, high))


def test_deviation_has_the_interval_of_chi_square() -> None:
    found, freedom = deviation_of(Y), len(Y) - 1
    squares = freedom * Y.var(ddof=1)
    ends = [math.sqrt(squares / stats.chi2.ppf(share, freedom)) for share in (0.95, 0.05)]
    assert (found.value, found.low, found.high) == pytest.approx((Y.std(ddof=1), *ends))


def test_evidence_is_the_aicc_of_statsmodels_but_for_what_is_the_same_in_all() -> None:
    def theirs(x: np.ndarray) -> float:
        fit = OLS(Y, x).fit()
        k = x.shape[1] + 1  # statsmodels does not count the deviation
        return float(-2 * fit.llf + 2 * k + 2 * k * (k + 1) / (len(Y) - k - 1))

    def ours(x: np.ndarray) -> float:
        return akaike(float(OLS(Y, x).fit().ssr), len(Y), x.shape[1])

    line, curve = add_constant(X), np.stack((np.ones_like(X), X, X**2), axis=1)
    assert ours(curve) - ours(line) == pytest.approx(theirs(curve) - theirs(line))


def test_evidence_is_none_where_the_correction_has_too_few_points() -> None:
    assert akaike(1.0, 4, 2) == math.inf
    assert math.isfinite(akaike(1.0, 5, 2))
