# SPDX-License-Identifier: Apache-2.0
"""A delay that was put in is the delay that is found, on the simulated board and on ideal ones."""

from __future__ import annotations

import numpy as np
import pytest

from monitor_app.analysis.run import delay
from monitor_app.analysis.run.delay import find_delay
from monitor_app.emulators.board.boards import TX1, Edge, LoadState, follow, power

START_NS = 5_000_000_000_000


def train(rng: np.random.Generator, pulses: int = 12) -> np.ndarray:
    """Times in s of busy, idle, busy, ..., idle."""
    return 1.0 + np.cumsum(rng.uniform(0.15, 0.6, 2 * pulses))


def seen(
    edges_s: np.ndarray, rate_hz: float, delay_s: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Times and power of the simulated TX1 as a source sees it that is so late."""
    times_s = np.arange(delay_s + rng.uniform(0, 1 / rate_hz), edges_s[-1] + 2.0, 1 / rate_hz)
    edges = [Edge(float(t), k % 2 == 0) for k, t in enumerate(edges_s)]
    load, *_ = follow(TX1, LoadState(), edges, times_s - delay_s)
    watts = power(TX1, load, times_s - delay_s) + rng.normal(0, 0.05, len(times_s))
    return times_s, watts


def ns(times_s: np.ndarray) -> np.ndarray:
    return START_NS + np.round(times_s * 1e9).astype(np.int64)


@pytest.mark.parametrize("rate_hz", [20_000, 1_000, 100, 25])
@pytest.mark.parametrize("delay_s", [-0.1, 0.0, 0.0123, 1.0])
def test_the_delay_of_a_source_is_found_within_its_bound(rate_hz, delay_s):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        edges_s = train(rng)
        times_s, watts = seen(edges_s, rate_hz, max(delay_s, 0.0), rng)
        shift_s = min(delay_s, 0.0)
        found = find_delay(ns(edges_s), ns(times_s + shift_s), watts)
        assert found is not None
        assert abs(found.delay_ns * 1e-9 - delay_s) <= found.bound_ns * 1e-9
        assert found.bound_ns * 1e-9 <= 0.6 / rate_hz + 0.002
        assert found.correlation > 0.98


def test_what_averages_over_its_interval_is_later_by_half_of_it():
    rng = np.random.default_rng(7)
    edges_s = train(rng)
    times_s, watts = seen(edges_s, 5_000, 0.0, rng)
    whole = len(times_s) // 500 * 500
    ends, means = times_s[:whole].reshape(-1, 500)[:, -1], watts[:whole].reshape(-1, 500).mean(axis=1)
    found = find_delay(ns(edges_s), ns(ends), means)
    assert found is not None
    assert abs(found.delay_ns * 1e-9 - 0.05) <= found.bound_ns * 1e-9


def test_power_that_does_not_follow_the_train_has_no_delay():
    rng = np.random.default_rng(1)
    edges_s = train(rng)
    times_s = np.arange(0, edges_s[-1] + 2, 0.005)
    assert find_delay(ns(edges_s), ns(times_s), rng.normal(5, 1, len(times_s))) is None
    assert find_delay(ns(edges_s), ns(times_s), np.full(len(times_s), 5.0)) is None
    other = train(np.random.default_rng(2))
    late_s, watts = seen(other, 1_000, 0.0, rng)
    found = find_delay(ns(edges_s), ns(late_s), watts)
    assert found is None or found.correlation < 0.8


def test_noise_is_refused_before_a_model_is_refined(monkeypatch):
    """A refinement finds no valley in noise and goes on until it is stopped."""
    rng = np.random.default_rng(1)
    edges_s = train(rng)
    times_s = np.linspace(0, edges_s[-1] + 2, 12_000)
    monkeypatch.setattr(delay, "_refined", lambda *_: pytest.fail("refined"))
    assert find_delay(ns(edges_s), ns(times_s), rng.normal(5, 1, len(times_s))) is None


def test_too_few_samples_or_edges_say_nothing():
    times = START_NS + np.arange(10, dtype=np.int64)
    assert find_delay(times[:4], times, np.arange(10.0)) is None
    assert find_delay(times[:0], np.arange(100, dtype=np.int64), np.arange(100.0)) is None
