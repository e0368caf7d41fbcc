# SPDX-License-Identifier: Apache-2.0
"""The simulated board against closed forms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.emulators.board.boards import TX1, Edge, LoadState, at_the_meter, follow, power

RATE_HZ = 50_000.0
QUIET = dataclasses.replace(TX1, activity_rms=0.0, ripple_w=0.0)


def times(start_s: float, seconds: float) -> np.ndarray:
    return start_s + np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def test_the_mean_power_is_1_30_w_idle_and_13_10_w_busy():
    # Ten seconds hold many periods of every component, so what is left of them is small.
    for load, expected_w in ((0.0, 1.30), (1.0, 13.10)):
        when = times(3.0, 10.0)
        current, voltage = at_the_meter(TX1, power(TX1, np.full(len(when), load), when))
        assert np.mean(current * voltage) == pytest.approx(expected_w, rel=2e-4)


def test_the_quiet_powers_are_exact():
    when = times(0.0, 0.01)
    assert power(QUIET, np.zeros(len(when)), when) == pytest.approx(1.30, abs=1e-12)
    assert power(QUIET, np.ones(len(when)), when) == pytest.approx(13.10, abs=1e-12)


@given(st.floats(0.0, 40.0))
def test_volts_times_amperes_is_the_power_behind_the_source_resistance(power_w):
    current, voltage = at_the_meter(TX1, np.array([power_w]))
    assert current * voltage == pytest.approx(power_w, rel=1e-12, abs=1e-12)
    assert voltage == pytest.approx(19.0 - 0.03 * current, rel=1e-12)


def test_the_current_is_the_smaller_root_of_the_quadratic():
    current, _ = at_the_meter(TX1, np.array([13.1]))
    assert current[0] == pytest.approx((19.0 - math.sqrt(19.0**2 - 4 * 0.03 * 13.1)) / 0.06, rel=1e-10)


def test_one_time_constant_after_an_edge_the_load_has_gone_63_percent():
    probes = np.array([0.999999, 1.0 + 0.040, 2.0 + 0.060])
    load, busy, _ = follow(TX1, LoadState(), [Edge(1.0, True), Edge(2.0, False)], probes)
    risen = 1.0 - math.exp(-1.0 / 0.040)
    assert load == pytest.approx([0.0, 1.0 - math.exp(-1.0), risen * math.exp(-1.0)], rel=1e-9)
    assert busy.tolist() == [False, True, False]


def test_an_edge_acts_on_the_sample_at_its_time():
    _, busy, _ = follow(TX1, LoadState(), [Edge(2.0, True)], np.array([1.0, 2.0, 3.0]))
    assert busy.tolist() == [False, True, True]


def test_the_load_varies_by_3_percent_rms_below_1500_hz():
    when = times(0.0, 4.0)
    varying = power(dataclasses.replace(TX1, ripple_w=0.0), np.ones(len(when)), when) - 13.10
    assert np.std(varying) == pytest.approx(0.03 * 11.8, rel=0.01)
    spectrum = np.abs(np.fft.rfft(varying * np.hanning(len(varying)))) ** 2
    frequency_hz = np.fft.rfftfreq(len(varying), 1.0 / RATE_HZ)
    assert spectrum[frequency_hz > 1_410.0].sum() < 1e-6 * spectrum.sum()
    assert frequency_hz[spectrum > 0.01 * spectrum.max()].max() == pytest.approx(1_400.0, abs=2.0)


@given(
    flips=st.lists(st.floats(0.0, 0.3), max_size=8),
    cuts=st.lists(st.integers(0, 1_000), max_size=6),
)
def test_any_split_into_calls_gives_the_same(flips, cuts):
    edges = [Edge(time_s, index % 2 == 0) for index, time_s in enumerate(sorted(flips))]
    when = np.arange(1_000) * 0.0003
    whole, whole_busy, whole_state = follow(TX1, LoadState(), edges, when)

    state, loads, busies, left = LoadState(), [], [], list(edges)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), 1_000], strict=True):
        part = when[start:end]
        due = [edge for edge in left if len(part) and edge.time_s <= part[-1]]
        left = left[len(due) :]
        load, busy, state = follow(TX1, state, due, part)
        loads.append(load)
        busies.append(busy)
    *_, state = follow(TX1, state, left, np.empty(0))

    assert np.concatenate(loads) == pytest.approx(whole, rel=1e-12, abs=1e-15)
    assert np.concatenate(busies).tolist() == whole_busy.tolist()
    assert state == whole_state


@given(st.integers(0, 500), st.floats(0.0, 1e6))
def test_the_power_of_a_time_does_not_depend_on_the_call(cut, start_s):
    when = times(start_s, 0.01)
    load = np.linspace(0.0, 1.0, len(when))
    split = np.concatenate((power(TX1, load[:cut], when[:cut]), power(TX1, load[cut:], when[cut:])))
    assert split == pytest.approx(power(TX1, load, when), abs=1e-6)


def test_a_network_that_draws_less_settles_at_its_own_load():
    times = np.array([0.5, 1.9, 2.9, 3.9])
    load, busy, _ = follow(TX1, LoadState(), [Edge(1.0, 0.9), Edge(2.0, 1.1), Edge(3.0, 0.0)], times)
    assert load == pytest.approx([0.0, 0.9, 1.1, 0.0], abs=1e-6)
    assert busy.tolist() == [False, True, True, False]
