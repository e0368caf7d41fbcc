# SPDX-License-Identifier: Apache-2.0
"""Student's t against scipy's."""

from __future__ import annotations

import pytest
from scipy import stats

from monitor_app.analysis.statistics.distributions import t_quantile


@pytest.mark.parametrize("freedom", [*range(1, 31), 49, 50, 99, 100, 999, 1000, 2000])
def test_it_is_scipys(freedom):
    assert t_quantile(0.975, freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


@pytest.mark.parametrize("freedom", [2001, 10**5, 10**12])
def test_of_very_many_values_it_is_a_trifle_too_wide_and_never_too_narrow(freedom):
    exact = stats.t.ppf(0.975, freedom)
    assert exact <= t_quantile(0.975, freedom) <= 1.001 * exact
