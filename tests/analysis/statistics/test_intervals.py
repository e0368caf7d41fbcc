# SPDX-License-Identifier: Apache-2.0
"""Wilson intervals against their defining equation and published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.statistics.intervals import Z_95, wilson


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
