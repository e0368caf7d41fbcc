# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from monitor_app.analysis.statistics.binomial import clopper_pearson
from monitor_app.analysis.statistics.rare import FEW, beyond, quantile
from tests.analysis.require.boards import DEADLINE_S, Bursts, Correlated, series


def test_independent_hits_have_the_exact_interval() -> None:
    values = np.random.default_rng(1).permutation(5000) / 5000
    rare = beyond(values, 0.89)
    assert (rare.hits, rare.trials, rare.clustering) == (549, 5000, 1)
    exact = clopper_pearson(549, 5000)
    assert (rare.fraction.low, rare.fraction.high) == pytest.approx(exact, rel=0.01)
    assert rare.fraction.low < exact[0] < exact[1] < rare.fraction.high, "Student's factor of 549 is not quite 1"


def test_bursts_count_as_few() -> None:
    values = next(series(Bursts(8, fixed=True), 1, 0.05, 20_000, 1))
    rare = beyond(values, DEADLINE_S)
    assert rare.hits / 8 > FEW
    assert rare.design_effect() == pytest.approx(8, rel=0.25)


def test_without_a_hit_bursts_of_the_assumed_length_count() -> None:
    values = np.random.default_rng(2).normal(0.02, 0.001, 3689)
    assert beyond(values, 0.03).fraction.high <= 0.001 < beyond(values, 0.03, 1.01).fraction.high
    assert beyond(values, 0.03, 5).fraction.high == pytest.approx(clopper_pearson(0, 3689 / 5)[1])


def test_a_burst_longer_than_assumed_counts_as_long_as_it_is() -> None:
    values = np.full(10_000, 0.02) + np.random.default_rng(3).normal(0, 1e-4, 10_000)
    values[5000:5040] = 0.05
    assert beyond(values, 0.03, 5).design_effect() >= 40


def test_a_quantile_of_independent_values_lies_between_order_statistics() -> None:
    count, fraction = 1000, 0.9
    values = np.random.default_rng(4).permutation(count).astype(float)
    found = quantile(values, fraction)
    ranks = binom.ppf([0.025, 0.975], count, 1 - fraction)
    # Student's factor of a hundred independent values beyond is 1.6 % on the width.
    assert count - 1 - found.high == pytest.approx(ranks[0] - 1, abs=1.5)
    assert count - 1 - found.low == pytest.approx(ranks[1], abs=1.5)


def test_too_few_values_have_no_upper_end() -> None:
    values = np.random.default_rng(5).permutation(1000).astype(float)
    assert quantile(values[:367], 0.99).high == math.inf
    assert quantile(values[:368], 0.99).high == values[:368].max()
    assert quantile(values[:10], 0.01).low == -math.inf


def test_a_quantile_and_the_fraction_beyond_it_agree() -> None:
    for kind in (Correlated(0.0), Correlated(0.9), Bursts(5, fixed=True)):
        for values in series(kind, 6, 0.01, 4000, 8):
            level = float(np.quantile(values, 0.985))
            ends, fraction = quantile(values, 0.99, 5, level), beyond(values, level, 5).fraction
            assert ends.high > level or fraction.high <= 0.0101
            assert ends.low <= level or fraction.low > 0.0099
