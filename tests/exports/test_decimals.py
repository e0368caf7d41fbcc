# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.exports.decimals import PADDING, fixed, rounded


def lines(text: np.ndarray) -> list[str]:
    return [bytes(row).translate(None, PADDING).decode() for row in text]


@given(st.lists(st.integers(-(10**16), 10**16), max_size=20), st.integers(0, 9))
def test_fixed_is_the_exact_decimal(scaled: list[int], decimals: int) -> None:
    written = lines(fixed(np.array(scaled, np.int64), decimals))
    assert [Decimal(text) for text in written] == [Decimal(value).scaleb(-decimals) for value in scaled]
    assert all(text.lstrip("-")[0].isdigit() for text in written)
    assert all(len(text.partition(".")[2]) == decimals for text in written)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20), st.integers(0, 6))
def test_rounded_is_within_half_a_last_place(values: list[float], decimals: int) -> None:
    written = lines(rounded(np.array(values), decimals))
    for text, value in zip(written, values, strict=True):
        assert abs(float(text) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6) + abs(value) * 1e-15


@given(st.lists(st.floats(width=32), max_size=20))
def test_single_precision_comes_back_exactly(values: list[float]) -> None:
    written = lines(rounded(np.array(values, float), None))
    assert np.array_equal(np.array(written, "<f4"), np.array(values, "<f4"), equal_nan=True)


def test_what_has_no_fixed_form_is_written_all_the_same() -> None:
    assert lines(rounded(np.array([np.nan, np.inf, 1e300]), 3)) == ["nan", "inf", "1e+300"]
