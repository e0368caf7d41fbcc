# SPDX-License-Identifier: Apache-2.0
"""What a queue does to latencies, and how sure a mean is of requests that waited for each other.

Waiting times of a busy server are correlated over a hundred requests and more, skewed, and begin with an empty queue.
Intervals that estimate the correlation from the waiting times themselves are too narrow unless there are thousands of
them: at 80 % load and 400 requests they hold 79 of 100. But here everything that the waiting follows from is known: the
arrivals were drawn by us, from a Poisson process of a known rate, and the service times were measured. So the run is
repeated in the computer, many times, with arrivals drawn anew (a parametric bootstrap in the arrivals; Efron and
Tibshirani 1993, "An Introduction to the Bootstrap", 6.5) and blocks of the measured service times. How much the
statistic of such a run scatters about that of the steady state, as a ratio, gives the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.bootstrap import blocks_for, quantiles
from monitor_app.core.estimate import RESULT_LEVEL, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_UTILISATION = 0.97
"""Beyond it no run is long enough for a steady state to be seen."""
LEAST_DRAWS = 200
_AT_ONCE = 1 << 19
_CHAIN = 400
"""Requests in the steady state for each draw of the bootstrap, in four chains."""
_BURN_IN = 5000


@dataclass(frozen=True, slots=True)
class Queue:
    """A server that answered requests one at a time, in the order of their arrival; arrays of shape (n,)."""

    rate_hz: float
    """Of the Poisson arrivals."""
    busy_s: Floats
    """How long each request occupied the server: from its arrival, or the end of the one before, to its own end."""
    start_s: Floats
    """The part of it before its pass began: to wake up, to report."""

    @property
    def utilisation(self) -> float:
        """Offered work over what can be done; the queue grows without bound from 1 on."""
        return self.rate_hz * float(self.busy_s.mean())

    @property
    def mean_wait_s(self) -> float:
        """Of the steady state, from arrival to the begin of the pass, by the formula of Pollaczek and Khinchine.

        The utilisation is below 1.
        """
        queued_s = self.rate_hz * float((self.busy_s**2).mean()) / (2 * (1 - self.utilisation))
        return queued_s + float(self.start_s.mean())


def waits_of(gaps_s: Floats, busy_s: Floats) -> Floats:
    """Waiting times of requests that are served one at a time (Lindley 1952), shape (r, n).

    Args:
        gaps_s: between the arrival of each request and that of the one before, shape (r, n); the first is not used.
        busy_s: how long each occupies the server, shape (r, n).
    """
    steps = np.zeros(gaps_s.shape)
    steps[:, 1:] = busy_s[:, :-1] - gaps_s[:, 1:]
    walk = np.cumsum(steps, axis=1)
    found: Floats = walk - np.minimum.accumulate(walk, axis=1)
    return found


def waiting_estimate(waits_s: Floats, queue: Queue, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """The mean waiting time of the steady state with its 95 % interval, from that of a run of n requests.

    The upper end is infinite where a run of this length may well have had no waiting at all, or is too near to the
    capacity for a steady state.
    """
    value = float(waits_s.mean())
    if queue.utilisation > MOST_UTILISATION:
        return Estimate(value, 0.0, np.inf)
    drawn = _drawn(queue, len(waits_s), draws, seed, lambda waits, _: waits.mean(axis=1)[:, None])
    return _pivoted(value, drawn[:, 0], queue.mean_wait_s)


def latency_estimates(
    latencies_s: Floats, probabilities: Sequence[float], queue: Queue, *, draws: int = 1000, seed: int = 0
) -> tuple[Estimate, ...] | None:
    """The mean latency of the steady state and its percentiles, each with its 95 % interval.

    None where the load is too near to the capacity for a steady state.
    """
    if queue.utilisation > MOST_UTILISATION:
        return None
    of_quantiles = quantiles(*probabilities)

    def statistic(waits_s: Floats, passes_s: Floats) -> Floats:
        latencies = waits_s + passes_s
        return np.column_stack((latencies.mean(axis=1), of_quantiles(latencies)))

    drawn = _drawn(queue, len(latencies_s), draws, seed, statistic)
    [truth] = statistic(*_steady(queue, draws, seed + 1)).tolist()
    [found] = statistic(latencies_s[None], np.zeros((1, len(latencies_s)))).tolist()
    return tuple(_pivoted(*each) for each in zip(found, drawn.T, truth, strict=True))


def _drawn(queue: Queue, count: int, draws: int, seed: int, statistic: Callable[[Floats, Floats], Floats]) -> Floats:
    """The statistic of runs of ``count`` requests that begin with an empty queue, shape (draws, k)."""
    rng = np.random.default_rng(seed)
    draws = max(min(draws, 8_000_000 // count), min(draws, LEAST_DRAWS))
    rows, block = max(1, _AT_ONCE // count), blocks_for(queue.busy_s).length
    found = []
    for begin in range(0, draws, rows):
        shape = min(rows, draws - begin), count
        starts = rng.integers(len(queue.busy_s), size=(shape[0], -(-count // block), 1))
        places = (starts + np.arange(block)).reshape(shape[0], -1)[:, :count] % len(queue.busy_s)
        busy_s, start_s = queue.busy_s[places], queue.start_s[places]
        waits = waits_of(rng.exponential(1 / queue.rate_hz, shape), busy_s) + start_s
        found.append(statistic(waits, busy_s - start_s))
    return np.concatenate(found)


def _steady(queue: Queue, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Waiting times and passes of the steady state, each of shape (1, m)."""
    rng = np.random.default_rng(seed)
    shape = 4, _BURN_IN + _CHAIN * draws // 4
    places = (rng.integers(len(queue.busy_s), size=4)[:, None] + np.arange(shape[1])) % len(queue.busy_s)
    busy_s, start_s = queue.busy_s[places], queue.start_s[places]
    waits = waits_of(rng.exponential(1 / queue.rate_hz, shape), busy_s) + start_s
    return waits[:, _BURN_IN:].reshape(1, -1), (busy_s - start_s)[:, _BURN_IN:].reshape(1, -1)


def _pivoted(value: float, drawn: Floats, truth: float) -> Estimate:
    """From how statistics of runs scatter about that of the steady state, as a ratio."""
    if truth <= 0 or value <= 0:
        return Estimate(value, 0.0, np.inf)
    beyond = (1 - RESULT_LEVEL) / 2
    low, high = np.quantile(drawn / truth, (beyond, 1 - beyond))
    ends = value / float(high) if high > 0 else 0.0, value / float(low) if low > 0 else np.inf
    return Estimate(value, min(ends[0], value), max(ends[1], value))
