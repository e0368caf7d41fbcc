# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import pytest

from monitor_app.core.estimate import FINDING_LEVEL, RESULT_LEVEL, Estimate, Proportion, exact


def test_an_estimate_says_its_level() -> None:
    assert Estimate(1.0, 0.9, 1.1).level == RESULT_LEVEL == 0.95
    assert Estimate(1.0, 0.9, 1.1, FINDING_LEVEL).level == 0.90
    assert exact(2.0) == Estimate(2.0, 2.0, 2.0, 1.0)


def test_another_unit_keeps_the_level() -> None:
    assert Estimate(2.0, 1.0, 4.0, FINDING_LEVEL).scaled(1e3) == Estimate(2e3, 1e3, 4e3, FINDING_LEVEL)


def test_the_exponential_of_a_logarithm_keeps_the_level_and_may_be_capped() -> None:
    found = Estimate(0.0, -1.0, 1e9, FINDING_LEVEL).exponential(700.0)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, math.exp(-1), math.exp(700)))
    assert found.level == FINDING_LEVEL
    with pytest.raises(OverflowError):
        Estimate(0.0, -1.0, 1e9).exponential()


def test_a_proportion_is_an_estimate_of_a_fraction() -> None:
    assert Proportion(3, 4, 0.3, 0.95).estimate == Estimate(0.75, 0.3, 0.95, RESULT_LEVEL)
