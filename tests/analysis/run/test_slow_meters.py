# SPDX-License-Identifier: Apache-2.0
"""Meters that are slow compared with a run: unbiased and right within their interval, or said to be too slow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monitor_app.analysis.run.inputs import Instrument
from tests.analysis.run.slow_meters import METERS, Meter, measured

SPANS_S, RUNS = (1.0, 2.0, 3.0, 5.0, 10.0), 8
NONE, ALL = 4, 5.2
"""Values a run below which three never lie wholly inside, and above which they do wherever sampling starts."""


@pytest.mark.parametrize("kind", METERS)
@pytest.mark.parametrize("rate_hz", [1, 2, 5, 10])
def test_net_energy_by_a_slow_meter_is_unbiased_and_in_its_interval_or_withheld(rate_hz, kind):
    held, relative, halves = [], [], []
    for span_s in SPANS_S:
        for seed in range(RUNS):
            seen = measured(np.random.default_rng([seed, rate_hz]), Meter(rate_hz, *METERS[kind]), span_s)
            if seen.found is None or math.isinf(seen.found.net.budget.measured):
                assert seen.found is None or "power and energy have no interval" in seen.found.doubts[0]
                assert rate_hz * span_s < ALL
                continue
            assert rate_hz * span_s >= NONE
            figure = seen.found.net
            error, half = figure.j_per_image - seen.net_j_per_image, 2 * figure.budget.measured
            held.append(abs(error) <= half)
            relative.append(error / seen.net_j_per_image)
            halves.append(half / seen.net_j_per_image)
    assert np.mean(held) >= 0.93
    # A trapezium to the first idle value takes 0.4 to 8 % at these rates and lengths.
    assert abs(np.mean(relative)) < 0.003
    assert abs(np.mean(relative)) < np.mean(halves)


def test_samples_that_are_missing_at_the_end_of_a_run_do_not_cut_it_short():
    """Half of the packets of a tenth of a second are lost: a line across such a gap took up to 2 %."""
    held = []
    for seed in range(50):
        seen = measured(np.random.default_rng(seed), Meter(50), 5.0, keep=0.5, packet=5)
        figure = seen.found.net
        held.append(abs(figure.j_per_image - seen.net_j_per_image) <= 2 * figure.budget.measured)
    assert np.mean(held) >= 0.93


def test_a_meter_that_is_too_slow_for_a_run_says_so_and_its_power_is_not_used():
    seen = measured(np.random.default_rng(1), Meter(2), 1.5)
    [doubt] = seen.found.doubts
    assert doubt == (
        "1 of the meter's values, one every 0.5 s, lies wholly within the timed batches, where 3 are needed: power and "
        "energy have no interval. Time batches for at least 2.5 s, or use a faster meter."
    )
    assert math.isinf(seen.found.net.uncertainty_j)
    assert math.isinf(seen.found.net_w.combined)
    assert seen.found.all_warnings[0] == doubt


def test_a_constant_error_is_in_gross_values_and_cancels_in_net_ones():
    """In closed form: the bound over the square root of three, times the time; nothing of what is above idle."""
    stated = Instrument(None, 0.0, 0.0, zero_w=0.3)
    found = measured(np.random.default_rng(1), Meter(50), 5.0, stated=stated).found
    seconds_per_image = found.seconds / found.images
    assert found.gross.budget.zero == pytest.approx(0.3 / math.sqrt(3) * seconds_per_image)
    assert found.full_w.zero == pytest.approx(0.3 / math.sqrt(3))
    assert (found.net.budget.zero, found.net_w.zero) == (0, 0)
    assert found.idle_uncertainty_w > 0.3 / math.sqrt(3)


def test_a_meter_that_is_off_by_its_zero_is_right_within_what_it_states():
    """Gross and net, with the zero anywhere within its bound; gross is not where the bound is left out."""
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        meter = Meter(50, zero_w=rng.uniform(-0.5, 0.5))
        for zero_w in (0.5, None):
            seen = measured(np.random.default_rng(seed), meter, 3.0, stated=Instrument(None, 0.0, 0.0, zero_w))
            pairs = ((seen.found.gross, seen.gross_j_per_image), (seen.found.net, seen.net_j_per_image))
            held.append([abs(figure.j_per_image - true) <= 2 * figure.budget.measured for figure, true in pairs])
    stated, unaware = np.array(held[::2]), np.array(held[1::2])
    assert (stated.mean(axis=0) >= 0.93).all()
    assert unaware[:, 0].mean() < 0.5
    assert unaware[:, 1].mean() >= 0.93
