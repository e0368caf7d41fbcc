# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from monitor_app.analysis.figures.fits import LEAST, fit, half_band

RNG = np.random.default_rng(7)
X = RNG.uniform(1, 100, 12)
Y = 0.2 * X - 3 + RNG.normal(0, 2, 12)


def test_the_line_is_that_of_scipy() -> None:
    found, other = fit(X, Y), stats.linregress(X, Y)
    assert found is not None
    assert (found.slope, found.intercept, found.explained) == pytest.approx(
        (other.slope, other.intercept, other.rvalue**2)
    )
    assert found.count == 12


def test_the_band_is_that_of_statsmodels() -> None:
    found = fit(X, Y)
    assert found is not None
    along = np.linspace(0, 200, 9)
    model = sm.OLS(Y, sm.add_constant(X)).fit()
    low, high = model.get_prediction(sm.add_constant(along)).conf_int(alpha=0.05).T
    assert found.at(along) - half_band(found, along) == pytest.approx(low)
    assert found.at(along) + half_band(found, along) == pytest.approx(high)


def test_the_band_holds_the_true_line_in_95_of_100() -> None:
    held, draws, x = 0, 500, np.linspace(0, 10, 6)
    for _ in range(draws):
        found = fit(x, 2 * x + 1 + RNG.normal(0, 1, 6))
        assert found is not None
        at = np.array([3.0])
        held += bool(abs(found.at(at)[0] - 7) <= half_band(found, at)[0])
    assert stats.binomtest(held, draws, 0.95).pvalue > 1e-3


def test_too_few_points_and_points_above_each_other_have_no_line() -> None:
    assert fit(X[: LEAST - 1], Y[: LEAST - 1]) is None
    assert fit(np.full(9, 0.1), Y[:9]) is None
    assert fit(np.array([]), np.array([])) is None


def test_a_level_line_explains_all() -> None:
    found = fit(np.arange(5.0), np.full(5, 11.8))
    assert found is not None
    assert (found.slope, found.explained) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
