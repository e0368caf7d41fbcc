# SPDX-License-Identifier: Apache-2.0
"""The energy of one batch, where it is known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from monitor_app.analysis.run.batch_energy import BatchEnergy, Idle, energy_of_batch
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings
from monitor_app.analysis.run.integration import mean_power

S = 1_000_000_000
EPOCH_NS = 7_000_000_000_000_000_123
EXACT = Instrument(None, None, None)


def at(seconds: object) -> np.ndarray:
    return EPOCH_NS + np.round(np.asarray(seconds, np.float64) * S).astype(np.int64)


def sampled(function, start=0.0, stop=2.0, rate_hz=10_000.0) -> Readings:
    times_s = start + np.arange(round((stop - start) * rate_hz) + 1) / rate_hz
    return Readings(at(times_s), np.asarray(function(times_s), np.float64))


def batch(start, end, images=1) -> Batches:
    return Batches(at([start]), at([end]), np.array([images], np.int64))


def constant(watts, start=0.0, stop=2.0) -> Readings:
    return sampled(lambda t: np.full(len(t), watts), start, stop)


def found(result: BatchEnergy | str) -> BatchEnergy:
    assert isinstance(result, BatchEnergy), result
    return result


def test_gross_and_net_of_a_ramp():
    idle = Idle(mean_power(constant(2.0, -2, -1)), mean_power(constant(4.0, 3, 4)))
    energy = found(energy_of_batch(sampled(lambda t: 10 + t), batch(0.5, 1.0), EXACT, idle))
    assert energy.gross_j == pytest.approx(0.5 * 10.75)
    idle_w = 2 + 2 * (0.75 + 1.5) / 5  # on the line between the baselines
    assert energy.net_j == pytest.approx(0.5 * (10.75 - idle_w))
    assert energy.mean_w == pytest.approx(10.75)
    assert energy.budget.drift > 0


def test_without_idle_power_there_is_no_net_energy():
    energy = found(energy_of_batch(constant(10.0), batch(0.5, 1.0), replace(EXACT, zero_w=0.3)))
    assert energy.net_j is None
    assert energy.budget.zero == pytest.approx(0.3 * 0.5 / math.sqrt(3))


def test_an_error_of_the_clocks_moves_both_ends_of_a_batch():
    """On a step at the start of the batch, the bound times the height of the step is gained or lost."""
    step = sampled(lambda t: np.where(t < 1.0, 2.0, 12.0))
    energy = found(energy_of_batch(step, batch(1.0, 1.5), replace(EXACT, clock_bound_ns=2_000_000)))
    assert energy.budget.clock == pytest.approx(10 * 2e-3 / math.sqrt(3), rel=0.05)
    assert not energy.clock_warning
    coarse = found(energy_of_batch(step, batch(1.0, 1.015), replace(EXACT, clock_bound_ns=2_000_000)))
    assert coarse.clock_warning


def test_what_was_not_measured_has_no_energy():
    slow = sampled(lambda t: np.full(len(t), 10.0), rate_hz=100.0)
    assert "value every 10 ms" in str(energy_of_batch(slow, batch(0.5, 0.55), EXACT))
    whole = constant(10.0)
    kept = (whole.times_ns < at(0.6)) | (whole.times_ns > at(0.7))
    gap = Readings(whole.times_ns[kept], whole.values[kept])
    assert energy_of_batch(gap, batch(0.5, 1.0), EXACT) == "Samples of the power are missing."
    assert isinstance(energy_of_batch(gap, batch(0.8, 1.0), EXACT), BatchEnergy)
    none = Readings(whole.times_ns[:0], whole.values[:0])
    assert isinstance(energy_of_batch(none, batch(0.5, 1.0), EXACT), str)


def test_the_interval_contains_the_true_energy():
    """White noise and a step of the meter, over many batches of 20 ms."""
    random = np.random.default_rng(1)
    power_w, idle_w, noise_w = 12.0, 1.3, 0.4

    def noisy(watts: float, start: float, stop: float) -> Readings:
        return sampled(lambda t: watts + noise_w * random.standard_normal(len(t)), start, stop)

    idle = Idle(mean_power(noisy(idle_w, -2, 0)), mean_power(noisy(idle_w, 12, 14)))
    true_j = (power_w - idle_w) * 0.02
    inside = []
    for k in range(200):
        start = 0.1 + 0.05 * k
        energy = found(
            energy_of_batch(noisy(power_w, start - 0.01, start + 0.03), batch(start, start + 0.02), EXACT, idle)
        )
        assert energy.net_j is not None
        inside.append(abs(energy.net_j - true_j) <= energy.expanded_j)
    assert 0.90 <= np.mean(inside) <= 1.0
    assert energy.expanded_j < 0.02 * true_j
