# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (minus signs)
"""Scales of the y axes and labels of the time axis, as values."""

from __future__ import annotations

import itertools
import math
import time
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.gui.plot.scales.axes import settled_range
from monitor_app.gui.plot.scales.plot_options import PlotOptions
from monitor_app.gui.plot.scales.time_labels import RELATIVE, TimeLabels, wall_clock
from monitor_app.gui.plot.scales.value_scale import LABEL_PX, Extent, Scale, fitted_range, positive_of, ticks

POSITIVE = st.floats(1e-6, 1e6)


@given(POSITIVE)
def test_a_value_is_where_it_is_drawn(value: float) -> None:
    for scale in Scale:
        assert scale.value_at(scale.plotted(value)) == pytest.approx(value)


def test_zero_and_below_lie_under_every_value() -> None:
    drawn = Scale.LOG.plotted_all(np.array([-1.0, 0.0, 1e-9, 1.0]))
    assert drawn[0] == drawn[1] < drawn[2] < drawn[3] == 0.0
    assert np.isfinite(drawn).all()


@given(POSITIVE, st.floats(1.0, 1e4))
def test_a_logarithmic_range_holds_the_data_and_settles(low: float, factor: float) -> None:
    data = Extent(low, low * factor, low)
    shown = fitted_range(Scale.LOG, None, data)
    assert 0 < shown[0] <= low * (1 + 1e-9)
    assert low * factor <= shown[1] * (1 + 1e-9)
    assert shown[0] < shown[1]
    assert fitted_range(Scale.LOG, shown, data) == shown


def test_noise_about_zero_does_not_take_the_axis() -> None:
    means = np.array([2.0, 1.0, -1e-9])
    positive = positive_of(-3e-9, means)
    assert positive == pytest.approx(0.1)
    bottom, top = fitted_range(Scale.LOG, None, Extent(-3e-9, 2.0, positive))
    assert bottom == pytest.approx(0.1)
    assert top >= 2.0
    assert positive_of(-1.0, np.array([0.0, -1.0])) == math.inf
    assert fitted_range(Scale.LOG, None, Extent(-2.0, -1.0)) == (0.1, 1.0)


def test_a_linear_range_is_as_it_was() -> None:
    assert fitted_range(Scale.LINEAR, None, Extent(1.3, 14.2)) == settled_range(None, 1.3, 14.2)


@pytest.mark.parametrize(
    ("low", "high", "pixels", "texts"),
    [
        (1.0, 10.0, 450.0, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]),
        (1.0, 20.0, 150.0, ["1", "2", "5", "10", "20"]),
        (1.0, 20.0, 60.0, ["1", "3", "10"]),
        (1e-6, 1.0, 60.0, ["1 µ", "100 µ", "10 m", "1"]),
        (12.0, 12.5, 120.0, ["12.0", "12.2", "12.4"]),
    ],
)  # fmt: skip
def test_labels_of_a_logarithmic_axis(low: float, high: float, pixels: float, texts: list[str]) -> None:
    assert [tick.text for tick in ticks(Scale.LOG, low, high, pixels, 1.0)] == texts


@given(POSITIVE, st.floats(1.0, 9.0), st.floats(60.0, 1000.0))
def test_labels_do_not_touch(low: float, decades: float, pixels: float) -> None:
    high = low * 10**decades
    values = [tick.value for tick in ticks(Scale.LOG, low, high, pixels, 1.0)]
    places = [math.log10(value / low) / decades * pixels for value in values]
    assert len(values) > 1
    assert all(b - a > LABEL_PX - 6 for a, b in itertools.pairwise(places))


# -- options -------------------------------------------------------------------------------------


def test_a_range_with_zero_is_forgotten_on_a_logarithmic_axis() -> None:
    options = PlotOptions().with_range("W", (0.0, 10.0)).with_range("A", (0.1, 1.0))
    log = options.with_scale("W", Scale.LOG).with_scale("A", Scale.LOG)
    assert (log.scale_of("W"), log.ranges) == (Scale.LOG, {"A": (0.1, 1.0)})
    assert log.with_scale("W", Scale.LINEAR).scale_of("W") is Scale.LINEAR


# -- times ---------------------------------------------------------------------------------------


def test_times_by_the_clock_are_round_there() -> None:
    labels = TimeLabels(date(2026, 11, 30), 9 * 3600 + 16 * 60 + 34.5, "UTC")
    assert labels.ticks(0.0, 12.0, 5.0) == [
        (pytest.approx(0.5), "09:16:35"), (pytest.approx(5.5), "09:16:40"), (pytest.approx(10.5), "09:16:45"),
    ]  # fmt: skip
    assert labels.text(0.0625, 0.0001) == "09:16:34.5625"
    assert labels.exact(0.0, 1.0) == "09:16:34 UTC"
    assert labels.dated(0.5, "09:16:35") == "30 Nov  09:16:35"


def test_midnight_is_the_new_date() -> None:
    labels = TimeLabels(date(2026, 11, 30), 86_400 - 3600.0, "UTC")
    assert [text for _, text in labels.ticks(0.0, 7200.0, 3600.0)] == ["23:00:00", "1 Dec", "01:00:00"]
    assert labels.text(3600.0 - 1e-9, 1e-3) == "00:00:00.000"


def test_without_a_clock_times_are_since_the_start() -> None:
    assert RELATIVE.ticks(0.0, 10.0, 5.0) == [(0.0, "0:00"), (5.0, "0:05"), (10.0, "0:10")]
    assert RELATIVE.dated(0.0, "0:00") == "0:00"


@pytest.mark.parametrize(("hours", "zone"), [(0, "UTC"), (2, "UTC+2"), (-3.5, "UTC−3:30"), (5.75, "UTC+5:45")])
def test_the_zone_is_that_of_the_computer(monkeypatch: pytest.MonkeyPatch, hours: float, zone: str) -> None:
    minutes = round(-60 * hours)
    monkeypatch.setenv("TZ", f"XXX{'-' if minutes < 0 else ''}{abs(minutes) // 60}:{abs(minutes) % 60:02}")
    time.tzset()
    try:
        labels = wall_clock(datetime(2026, 11, 30, 12, 0, 1, 500_000, tzinfo=timezone.utc))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert labels.zone == zone
    assert labels.day_s == pytest.approx((timedelta(hours=12 + hours, seconds=1.5)).total_seconds())
