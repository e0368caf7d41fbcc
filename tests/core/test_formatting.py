# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: minus and micro signs)
from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.core.estimate import Estimate, Proportion
from monitor_app.core.formatting import (
    NOT_MEASURED,
    NOTHING,
    decimals_of,
    engineering,
    exact_interval,
    five_digits,
    interval,
    listed,
    moment,
    number,
    percent,
    percent_range,
    plus_minus,
    precise,
    short_fraction,
    three_digits,
    without_interval,
)


@pytest.mark.parametrize(
    ("estimate", "scale", "text"),
    [
        (Estimate(11.8, 11.56, 12.04), 1, "11.80 ± 0.24"),
        (Estimate(0.0511, 0.0501, 0.0521), 1e3, "51.1 ± 1.0"),
        (Estimate(5.0, 4.0, 8.0), 1, "5.0 (4.0 to 8.0)"),
        (Estimate(12345.0, 11345.0, 13345.0), 1, "12,345 ± 1,000"),
        (Estimate(2.5, 2.5, 2.5), 1, "2.5"),
        (Estimate(2.0, 1.0, math.inf), 1, "2 (interval not known)"),
        (Estimate(0.0, -0.012, 0.012), 1, "0.000 ± 0.012"),
        (Estimate(30.65, 30.65 - 6e-10, 30.65 + 6e-10), 1, "30.65"),
        (Estimate(1.0, 0.90004, 1.09996), 1, "1.00 ± 0.10"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_supports(estimate: Estimate, scale: float, text: str) -> None:
    assert interval(estimate, scale=scale) == text


def test_the_parts_of_an_estimate_have_the_same_digits() -> None:
    assert interval(None, "W") == NOT_MEASURED
    assert interval(Estimate(5.0, 4.0, 8.0), "W") == "5.0 (4.0 to 8.0) W"
    assert interval(Estimate(2.0, 1.0, math.inf), "W") == "2 W (interval not known)"
    assert plus_minus(11.8, 0.24) == interval(Estimate(11.8, 11.56, 12.04))
    assert plus_minus(11.8, 0.0) == "11.8"
    assert plus_minus(None, 1.0) == without_interval(None) == NOTHING
    assert without_interval(Estimate(0.0511, 0.0501, 0.0521), 1e3) == "51.1"
    assert without_interval(Estimate(2.5, 2.5, math.inf)) == "2.5"


def test_a_fraction_of_many_images_is_short() -> None:
    assert short_fraction(Proportion(14, 20, 0.48, 0.85)) == ("14/20", percent_range(Proportion(14, 20, 0.48, 0.85)))
    assert short_fraction(Proportion(34350, 50000, 0.683, 0.691)) == ("68.7 %", "± 0.4 %")


@example(3.2864e-6, 0.00195)
@given(st.floats(1e-6, 1e6), st.floats(1e-5, 1.0))
def test_what_is_shown_is_within_a_twentieth_of_the_half_width(value: float, fraction: float) -> None:
    half = value * fraction
    shown = without_interval(Estimate(value, value - half, value + half))
    # Or by what is beyond the ninth decimal, the last that is shown.
    assert abs(float(shown.replace(",", "")) - value) <= max(half / 2 * 0.1001, 0.501e-9)


def test_a_number_without_an_interval_has_four_digits() -> None:
    assert [number(value) for value in (0.0, 0.012345, 1.5, 1234.56, 98765.4, 9.9996, -2.5)] == [
        "0", "0.01235", "1.5", "1,235", "98,765", "10", "\N{MINUS SIGN}2.5",
    ]  # fmt: skip
    assert number(None) == NOT_MEASURED
    assert number(12.5, "W") == "12.5 W"
    assert decimals_of(1.5) == 3


def test_values_that_share_a_unit_have_five_digits_each() -> None:
    assert [five_digits(v) for v in (12.3456789, 123456.0, 0.00123456, 0.0, None)] == [
        "12.346", "123,456", "0.0012346", "0.0000", NOTHING,
    ]  # fmt: skip


def test_a_readout_keeps_its_digits() -> None:
    assert [three_digits(v) for v in (230.4, 23.14, 2.314, 0.0123, 0.0, 99.96, None)] == [
        "230", "23.1", "2.31", "0.01", "0.00", "100", NOTHING,
    ]  # fmt: skip
    assert engineering(0.0012, "A", exact=True) == "1.200 mA"


def test_other_texts() -> None:
    fraction = wilson(18, 20)
    assert fraction is not None
    assert percent(fraction) == "90 (70 to 97)"
    assert percent_range(fraction) == "70\N{EN DASH}97 %"
    assert moment("2026-01-02T03:04:05+00:00") == "2026-01-02 03:04:05 UTC"
    assert moment("yesterday") == "yesterday"
    assert listed(["A", "B", "C"]) == "A, B and C"
    assert listed(["A", "B", "C", "D"], most=3) == "A, B and 2 more"
    assert listed([]) == ""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.46961, "W", "12.470 W"), (0.0012034, "Ah", "1.2034 mAh"), (31_296.6, "J", "31.297 kJ"), (0.0, "W", "0 W"),
        (-0.5, "A", "−500.00 mA"), (41.23456, "°C", "41.235 °C"), (2e-9, "A", "2.0000 nA"), (math.nan, "W", NOTHING),
    ],
)  # fmt: skip
def test_a_statistic_has_five_digits(value: float, unit: str, text: str) -> None:
    assert precise(value, unit) == text


@pytest.mark.parametrize(
    ("interval_ns", "text"),
    [
        (31_296_600_000, "31.2966 s"), (87_000_000_000, "87.0000 s"), (1_234_567_800_000, "1,234.5678 s"),
        (19_600_000, "19.6000 ms"), (240_125, "240.125 µs"), (7, "7 ns"), (0, "0 ns"),
    ],
)  # fmt: skip
def test_a_measured_time_is_never_in_minutes(interval_ns: int, text: str) -> None:
    assert exact_interval(interval_ns) == text
