# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaincinv
from scipy.stats import binom

from monitor_app.analysis.statistics.binomial import clopper_pearson


@given(trials=st.floats(1, 1e6), share=st.floats(0, 1))
def test_ends_are_those_of_scipy(trials: float, share: float) -> None:
    count = share**3 * trials
    low, high = clopper_pearson(count, trials)
    assert low == pytest.approx(betaincinv(count, trials - count + 1, 0.025) if count else 0.0, rel=1e-6, abs=1e-9)
    expected = betaincinv(count + 1, trials - count, 0.975) if count < trials else 1.0
    assert high == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("true", [0.001, 0.05, 0.5, 0.95])
def test_each_side_misses_the_truth_in_at_most_a_fortieth(true: float) -> None:
    trials = 400
    counts = np.arange(trials + 1)
    weights = binom.pmf(counts, trials, true)
    low, high = np.array([clopper_pearson(count, trials) for count in counts.tolist()]).T
    assert weights[low > true].sum() <= 0.025
    assert weights[high < true].sum() <= 0.025


def test_no_hit_in_368_trials_shows_that_less_than_one_in_a_hundred_is_one() -> None:
    assert clopper_pearson(0, 367)[1] > 0.01 >= clopper_pearson(0, 368)[1]
