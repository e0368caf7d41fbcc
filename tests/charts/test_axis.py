# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.charts.axis import Axis, ticks


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 12))
def test_ticks_are_round_equally_spaced_and_few(low: float, width: float, most: int) -> None:
    found = ticks(low, low + width, most)
    assert len(found) <= most
    values = np.array([tick.value for tick in found])
    slack = 1e-6 * max(width, abs(low) * 1e-6)
    assert ((values >= low - slack) & (values <= low + width + slack)).all()
    for tick in found:
        assert float(tick.text) == pytest.approx(tick.value, abs=1e-9 * max(abs(tick.value), width))
    if len(found) > 1:
        step = values[1] - values[0]
        first_digit = step / 10 ** np.floor(np.log10(step) + 1e-6)
        # Far from zero the difference of two ticks is only as sure as doubles are there.
        rounding = 20 * np.spacing(np.abs(values).max()) / step
        assert min(abs(first_digit - good) for good in (1, 2, 5, 10)) < 1e-3 + rounding


def test_ticks_people_know() -> None:
    assert [tick.text for tick in ticks(0, 13, 7)] == ["0", "2", "4", "6", "8", "10", "12"]
    assert [tick.text for tick in ticks(0, 1, 5)] == ["0.0", "0.5", "1.0"]
    assert [tick.text for tick in ticks(119.98, 120.01, 4)] == ["119.98", "119.99", "120.00", "120.01"]
    assert ticks(1, 1, 5) == []


def test_an_axis_may_run_downwards() -> None:
    axis = Axis(0, 10, 400, 100)
    assert axis.place(0) == 400
    assert axis.place(10) == 100
    assert axis.places(np.array([5.0, -1.0])).tolist() == [250.0, 430.0]
