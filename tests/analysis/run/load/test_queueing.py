# SPDX-License-Identifier: Apache-2.0
"""Waiting in a queue against closed forms, and how often the intervals hold the truth."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_app.analysis.run.load.queueing import Queue, latency_estimates, waiting_estimate, waits_of

SERVICE_S = 0.01
QUEUES = 200


def poisson_run(rng, rate_hz, count, service_s):
    """Waiting times of one run that begins with an empty queue."""
    gaps_s = rng.exponential(1 / rate_hz, (1, count))
    return waits_of(gaps_s, np.broadcast_to(service_s, (1, count)))[0]


def served_by_events(arrivals, services):
    """The same by going through the events: an implementation of its own."""
    waiting, waits, free_at, later = deque(), [0.0] * len(arrivals), 0.0, 0
    while later < len(arrivals) or waiting:
        if not waiting:
            free_at = max(free_at, arrivals[later])
        while later < len(arrivals) and arrivals[later] <= free_at:
            waiting.append(later)
            later += 1
        first = waiting.popleft()
        waits[first] = free_at - arrivals[first]
        free_at += services[first]
    return waits


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 1000)), min_size=1, max_size=30))
def test_the_recursion_is_the_server_gone_through_event_by_event(requests):
    gaps = np.array([gap for gap, _ in requests], float)
    services = np.array([service for _, service in requests], float)
    expected = served_by_events(np.cumsum(gaps).tolist(), services.tolist())
    assert waits_of(gaps[None], services[None])[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("utilisation", [0.3, 0.8, 0.9])
def test_the_steady_state_is_that_of_an_m_d_1_queue(utilisation):
    queue = Queue(utilisation / SERVICE_S, np.full(10, SERVICE_S), np.zeros(10))
    assert queue.utilisation == pytest.approx(utilisation)
    assert queue.mean_wait_s == pytest.approx(utilisation * SERVICE_S / (2 * (1 - utilisation)))
    waits_s = poisson_run(np.random.default_rng(5), queue.rate_hz, 2_000_000, SERVICE_S)
    assert waits_s.mean() == pytest.approx(queue.mean_wait_s, rel=0.05)


def test_exponential_service_waits_twice_as_long_as_constant_service():
    busy_s = np.random.default_rng(1).exponential(SERVICE_S, 400_000)
    queue = Queue(0.8 / SERVICE_S, busy_s, np.zeros(len(busy_s)))
    assert queue.mean_wait_s == pytest.approx(0.8 * SERVICE_S / 0.2, rel=0.05)


@pytest.mark.parametrize(("count", "spread"), [(25, 0.0), (100, 0.1), (400, 0.0), (1500, 0.05)])
def test_the_interval_of_the_mean_wait_holds_that_of_the_steady_state(count, spread):
    """At 80 % of capacity; the tolerance is that of the count of runs that hold it, at 1 %."""
    queues = QUEUES if count < 1000 else QUEUES // 2
    rate_hz = 0.8 / SERVICE_S
    true_s = 0.8 * SERVICE_S * (1 + spread**2) / 0.4
    held = 0
    for seed in range(queues):
        rng = np.random.default_rng(seed)
        busy_s = np.maximum(rng.normal(SERVICE_S, spread * SERVICE_S, count), SERVICE_S / 10)
        waits_s = poisson_run(rng, rate_hz, count, busy_s)
        found = waiting_estimate(waits_s, Queue(rate_hz, busy_s, np.zeros(count)), draws=200, seed=seed + QUEUES)
        held += found.low <= true_s <= found.high
    assert held / queues >= 0.95 - 2.33 * math.sqrt(0.95 * 0.05 / queues)


def test_the_intervals_of_percentiles_hold_those_of_the_steady_state():
    count, queues, rate_hz = 300, 60, 0.8 / SERVICE_S
    long = poisson_run(np.random.default_rng(77), rate_hz, 1_500_000, SERVICE_S)[5000:] + SERVICE_S
    truths = [long.mean(), *np.quantile(long, (0.5, 0.9, 0.99))]
    held = np.zeros(4)
    for seed in range(queues):
        rng = np.random.default_rng(seed)
        latencies_s = poisson_run(rng, rate_hz, count, SERVICE_S) + SERVICE_S
        queue = Queue(rate_hz, np.full(count, SERVICE_S), np.zeros(count))
        found = latency_estimates(latencies_s, (0.5, 0.9, 0.99), queue, draws=200, seed=seed + QUEUES)
        held += [each.low <= true <= each.high for each, true in zip(found, truths, strict=True)]
    assert (held / queues >= 0.95 - 2.33 * math.sqrt(0.95 * 0.05 / queues)).all(), held


def test_too_near_to_the_capacity_nothing_is_claimed():
    queue = Queue(0.99 / SERVICE_S, np.full(100, SERVICE_S), np.zeros(100))
    found = waiting_estimate(np.full(100, 0.1), queue)
    assert (found.low, found.high) == (0.0, math.inf)
    assert latency_estimates(np.full(100, 0.1), (0.5,), queue) is None


def test_the_time_to_wake_up_belongs_to_the_waiting():
    start_s = np.full(500, 0.001)
    queue = Queue(10.0, np.full(500, SERVICE_S) + start_s, start_s)
    without = Queue(10.0, np.full(500, SERVICE_S) + start_s, np.zeros(500))
    assert queue.mean_wait_s - without.mean_wait_s == pytest.approx(0.001)
