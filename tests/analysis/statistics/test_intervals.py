# SPDX-License-Identifier: Apache-2.0
"""Wilson intervals and quantiles against their defining equations and published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor_app.analysis.statistics.intervals import Z_90, Z_95, chi_square_quantile, t_quantile, wilson


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(correct, images, low, high):
    interval = wilson(correct, images)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5e-5)


def test_no_images_is_no_interval():
    assert wilson(0, 0) is None


def test_all_right_does_not_mean_certain():
    interval = wilson(20, 20)
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx(20 / (20 + Z_95**2))


counts = st.integers(1, 100_000).flatmap(lambda images: st.tuples(st.integers(0, images), st.just(images)))


@given(counts)
def test_its_ends_are_where_the_score_test_just_rejects(count):
    correct, images = count
    interval = wilson(correct, images)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    for end in (interval.low, interval.high):
        if 1e-9 < end < 1 - 1e-9:
            deviation = abs(correct / images - end) / math.sqrt(end * (1 - end) / images)
            assert deviation == pytest.approx(Z_95, rel=1e-6)


@given(counts)
def test_right_and_wrong_are_mirror_images(count):
    correct, images = count
    right, wrong = wilson(correct, images), wilson(images - correct, images)
    assert (right.low, right.high) == pytest.approx((1 - wrong.high, 1 - wrong.low), abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.001, 0.999), st.integers(1, 200))
def test_quantile_of_t_is_scipys(probability: float, degrees_of_freedom: int) -> None:
    assert t_quantile(probability, degrees_of_freedom) == pytest.approx(
        stats.t.ppf(probability, degrees_of_freedom), rel=1e-6, abs=1e-9
    )


@settings(max_examples=200, deadline=None)
@given(st.floats(0.001, 0.999), st.integers(1, 200))
def test_quantile_of_chi_square_is_scipys(probability: float, degrees_of_freedom: int) -> None:
    assert chi_square_quantile(probability, degrees_of_freedom) == pytest.approx(
        stats.chi2.ppf(probability, degrees_of_freedom), rel=1e-5
    )


@pytest.mark.parametrize(
    ("degrees_of_freedom", "t", "chi_square"),
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2 and 1.3.6.7.4: 97.5 % and 95 %.
    [(1, 12.706, 3.841), (2, 4.303, 5.991), (10, 2.228, 18.307), (30, 2.042, 43.773), (100, 1.984, 124.342)],
)
def test_quantiles_are_those_of_printed_tables(degrees_of_freedom: int, t: float, chi_square: float) -> None:
    assert t_quantile(0.975, degrees_of_freedom) == pytest.approx(t, abs=6e-4)
    assert chi_square_quantile(0.95, degrees_of_freedom) == pytest.approx(chi_square, abs=6e-4)


@pytest.mark.parametrize(("probability", "z"), [(0.95, Z_90), (0.975, Z_95)])
def test_of_very_many_values_t_is_the_normal_distribution(probability: float, z: float) -> None:
    assert t_quantile(probability, 10**12) == pytest.approx(z, rel=1e-9)
    assert t_quantile(1 - probability, 10**12) == pytest.approx(-z, rel=1e-9)
