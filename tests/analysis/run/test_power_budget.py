# SPDX-License-Identifier: Apache-2.0
"""The interval of power: what it contains, and that the scatter of batch times is no part of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from monitor_app.analysis.run.energy import COVERAGE_FACTOR, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings
from monitor_app.analysis.run.integration import mean_power

S, EPOCH_NS, RATE_HZ = 10**9, 1_700_000_000 * 10**9, 1000
EXACT = Instrument(None, 0.0, 0.0)
LOAD_W, IDLE_W, NOISE_W = 11.8, 1.3, 0.1


def at(seconds):
    return EPOCH_NS + np.round(np.asarray(seconds) * S).astype(np.int64)


def run_of(rng, latencies_s, *, load_w=LOAD_W, meter=EXACT, noise_w=NOISE_W):
    """A second idle, batches back to back at a constant power above idle or one each, and a second idle."""
    ends_s = 1 + np.cumsum(latencies_s)
    edges_s = np.concatenate(([1.0], ends_s))
    times_s = np.arange(round((ends_s[-1] + 1) * RATE_HZ)) / RATE_HZ
    batch = np.clip(np.searchsorted(edges_s, times_s, "right") - 1, 0, len(latencies_s) - 1)
    load = np.broadcast_to(load_w, len(latencies_s))[batch]
    watts = IDLE_W + np.where((times_s >= 1) & (times_s < ends_s[-1]), load, 0) + rng.normal(0, noise_w, len(times_s))
    power = Readings(at(times_s), watts)
    parts = times_s < 0.99, times_s > ends_s[-1] + 0.01
    before, after = (mean_power(Readings(power.times_ns[part], watts[part])) for part in parts)
    images = np.full(len(latencies_s), 8)
    return energy_of_run(power, Batches(at(edges_s[:-1]), at(ends_s), images), meter, before, after)


def watts_of(found, figure):
    return figure.j_per_image * found.images / found.seconds


@pytest.mark.parametrize("count", [3, 5, 10, 30])
def test_power_is_as_certain_with_batch_times_that_scatter(count):
    """A constant 11.8 W, times that scatter by a fifth: under half a percent, and right in 95 of 100 runs."""
    held, widths = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        found = run_of(rng, 2.0 / count * np.maximum(rng.normal(1, 0.2, count), 0.2))
        for figure, budget, true in ((found.net, found.net_w, LOAD_W), (found.gross, found.full_w, LOAD_W + IDLE_W)):
            half = COVERAGE_FACTOR * budget.combined
            held.append(abs(watts_of(found, figure) - true) <= half)
            widths.append(half / true)
    assert np.mean(held) >= 0.95
    assert np.max(widths) < 0.005


def test_the_energy_is_as_uncertain_as_the_times_are():
    rng = np.random.default_rng(1)
    found = run_of(rng, 0.06 * rng.normal(1, 0.2, 40))
    assert found.net.budget.spread / found.net.j_per_image > 0.02
    assert found.net_w.spread / LOAD_W < 0.002


@pytest.mark.parametrize("count", [3, 5, 10, 30])
def test_power_that_differs_from_batch_to_batch_is_uncertain_by_that(count):
    held = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        found = run_of(rng, np.full(count, 0.05), load_w=LOAD_W * rng.normal(1, 0.05, count), noise_w=0.01)
        held.append(abs(watts_of(found, found.net) - LOAD_W) <= COVERAGE_FACTOR * found.net_w.combined)
    assert np.mean(held) >= 0.93


def test_power_that_wanders_from_batch_to_batch_is_as_uncertain_as_its_mean():
    """Over many runs, of a load that is like the one of the batch before: independent ones would scatter by a third."""
    rho, count = 0.8, 200
    watts, spreads = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        steps, load_w = rng.normal(0, 0.5 * np.sqrt(1 - rho**2), count), np.empty(count)
        load_w[0] = rng.normal(0, 0.5)
        for k in range(1, count):
            load_w[k] = rho * load_w[k - 1] + steps[k]
        found = run_of(rng, np.full(count, 0.05), load_w=LOAD_W + load_w, noise_w=0.0)
        watts.append(watts_of(found, found.gross))
        spreads.append(found.full_w.spread)
    assert np.mean(spreads) == pytest.approx(np.std(watts), rel=0.3)


def test_each_cause_has_its_part():
    rng = np.random.default_rng(1)
    found = run_of(rng, np.full(20, 0.1), meter=Instrument(0.1, 0.02, 0.01 * S), noise_w=0.0)
    per_image_s = found.seconds / found.images
    for power, energy, watts in (
        (found.net_w, found.net.budget, LOAD_W),
        (found.full_w, found.gross.budget, LOAD_W + IDLE_W),
    ):
        assert power.gain == pytest.approx(0.02 * watts / math.sqrt(3), rel=1e-3)
        for cause in ("resolution", "noise", "idle_noise", "drift", "clock", "gain"):
            assert getattr(power, cause) == pytest.approx(getattr(energy, cause) / per_image_s)
    assert found.net_w.clock > 0
    assert found.net_w.idle == math.hypot(found.net_w.idle_noise, found.net_w.drift)


def test_a_gain_that_the_meter_states_covers_its_error():
    """A meter that is off by up to 5 %."""
    held = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        gain = 1 + rng.uniform(-0.05, 0.05)
        found = run_of(rng, np.full(10, 0.1), load_w=LOAD_W, meter=Instrument(None, 0.05, 0.0))
        half = COVERAGE_FACTOR * found.net_w.combined * gain
        held.append(abs(watts_of(found, found.net) * gain - LOAD_W) <= half)
    assert np.mean(held) >= 0.95


@pytest.mark.parametrize("pause_s", [0.0, 0.0003, 0.003])
@pytest.mark.parametrize("response_s", [0.0, 0.01, 0.1])
def test_what_a_slow_supply_shows_in_the_pauses_is_within_the_interval(response_s, pause_s):
    """Passes of 20 ms at 11.8 W, by the closed form of a first-order response."""
    rate_hz, batch_s, count = 10_000, 0.02, 100
    step = round((batch_s + pause_s) * rate_hz)
    first, n = rate_hz, round(batch_s * rate_hz)
    load = np.zeros(first + (count + 100) * step + rate_hz)
    # The work before the timed batches is like them, so that the response has settled
    for k in range(count + 100):
        load[first + k * step : first + k * step + n] = LOAD_W
    shown, decay = load.copy(), math.exp(-1 / (rate_hz * response_s)) if response_s else 0.0
    if response_s:
        shown = lfilter([1 - decay], [1, -decay], load)
    times_s = np.arange(len(load)) / rate_hz
    power = Readings(at(times_s), IDLE_W + shown)
    starts_s = (first + np.arange(100, 100 + count) * step) / rate_hz
    idle = mean_power(Readings(power.times_ns[: first - 10], power.values[: first - 10]))
    found = energy_of_run(power, Batches(at(starts_s), at(starts_s + batch_s), np.full(count, 1)), EXACT, idle, idle)
    off_w = LOAD_W - watts_of(found, found.net)
    assert off_w <= COVERAGE_FACTOR * found.net_w.combined
    assert (off_w > 0.05) == (response_s > 0 and pause_s > 0)
    # Half a sample at each edge is not known either
    assert COVERAGE_FACTOR * found.net_w.pauses <= 1.2 * (off_w + LOAD_W / rate_hz / batch_s)
    assert LOAD_W * batch_s - found.net.j_per_image <= found.net.expanded_j
