# SPDX-License-Identifier: Apache-2.0
"""Mean and percentiles of latencies with their intervals; None for percentiles that too few batches support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.bootstrap import (
    RESAMPLES,
    blocks_for,
    bootstrap,
    correlation_time,
    quantiles,
)
from monitor_app.analysis.statistics.short_series import mean_of, student_quantile
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Batches

    Floats = NDArray[np.float64]

PROBABILITIES = (0.50, 0.90, 0.95, 0.99)
LEAST_BLOCKS = 50
"""Batches from which on the interval of the mean is that of the block bootstrap as well: the wider end counts.

The bootstrap assumes no model, but of a short series it draws too few different blocks.
"""
LEAST_BEYOND = 10.0
"""Independent latencies that must lie beyond a percentile for it to be shown.

The number beyond the true percentile is nearly Poisson distributed: of 10 expected, 4 to 17 are found in 95 of 100
cases, so both ends of the interval still lie between the measured values. Below 4 the upper end would have to lie
beyond the slowest measured batch, where no resampling can find it.
"""
_S = 1e-9
NORMAL = 1.96
"""97.5 % of a normal distribution lie below this number of standard deviations."""


def latencies_s(batches: Batches) -> Floats:
    """The latency of each batch, shape (n,): from the arrival of its request to its answer.

    A request without an arrival of its own was issued as its pass began, so that it is the time of the pass. This is
    the one place that says so.
    """
    return (batches.end_ns - _arrivals_ns(batches)).astype(np.float64) * _S


def waiting_s(batches: Batches) -> Floats:
    """How long each request waited before its pass began, shape (n,)."""
    return (batches.start_ns - _arrivals_ns(batches)).astype(np.float64) * _S


def _arrivals_ns(batches: Batches) -> NDArray[np.int64]:
    return batches.start_ns if batches.arrival_ns is None else batches.arrival_ns


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Times of batches, in seconds: latencies, or the passes alone. None: too few batches."""

    count: int
    seconds: float
    """Of all batches together."""
    deviation_s: float
    """Standard deviation of the batches about their mean."""
    median_s: float
    """Of these batches; `p50` is the same as an estimate for all such batches, with its interval."""
    mean: Estimate | None
    """The time per batch; its ends are infinite where the batches are too few for an interval. None: no batch."""
    p50: Estimate | None
    p90: Estimate | None
    p95: Estimate | None
    p99: Estimate | None
    correlation_time: float
    """Integrated autocorrelation time of the ranks, in batches; 0.5 for independent latencies."""
    block: int
    """Batches that were resampled together for the intervals."""

    @property
    def effective_count(self) -> float:
        """Number of independent latencies that would determine the median as well."""
        return self.count / (2 * self.correlation_time)


def summarise_latency(
    latencies_s: Floats, *, resamples: int = RESAMPLES, prior: Floats | None = None, seed: int = 0
) -> LatencySummary:
    """The statistics of the latencies of consecutive batches, shape (n,), in the order in which they ran; n may be 0.

    Intervals have a level of 95 %. Those of percentiles are from a block bootstrap; that of the mean is from
    ``statistics.short_series``, with the ``prior`` of the correlation if it is known from other runs. Blocks are
    computed from ranks as well as from values, since a few very slow batches, which occur on any host, mask the
    correlation of the others in the values.
    """
    count = len(latencies_s)
    if count == 0:
        return LatencySummary(0, 0.0, 0.0, 0.0, None, None, None, None, None, 0.5, 1)
    blocks = max(blocks_for(latencies_s), blocks_for(ranks(latencies_s)), key=lambda each: each.length)
    of_quantiles = quantiles(*PROBABILITIES)

    def statistic(series: Floats) -> Floats:
        return np.column_stack((series.mean(axis=1), of_quantiles(series)))

    drawn, *percentiles = bootstrap(latencies_s, statistic, blocks=blocks, resamples=resamples, seed=seed)
    time = correlation_time(ranks(latencies_s))
    p50, p90, p95, p99 = (
        _percentile(found, effective_beyond(latencies_s, probability))
        for probability, found in zip(PROBABILITIES, percentiles, strict=True)
    )
    return LatencySummary(
        count, float(latencies_s.sum()), float(latencies_s.std(ddof=1)) if count > 1 else 0.0,
        float(np.median(latencies_s)),
        _mean(latencies_s, drawn, prior), p50, p90, p95, p99, time, blocks.length,
    )  # fmt: skip


def _mean(latencies_s: Floats, drawn: Estimate, prior: Floats | None) -> Estimate:
    """The mean with an interval that no latency below 0 is in; ``drawn`` is that of the bootstrap."""
    found = mean_of(latencies_s, prior)
    low, high = max(found.low, 0.0), found.high
    if len(latencies_s) >= LEAST_BLOCKS:
        low, high = min(low, drawn.low), max(high, drawn.high)
    return Estimate(found.value, low, high)


def _percentile(drawn: Estimate, beyond: float) -> Estimate | None:
    """A percentile with its interval, for this number of independent latencies beyond it; None for too few.

    What is drawn from a series scatters as if the series were the truth. That it is not makes the interval of a mean
    Student's, and the error of a quantile is that of a mean of few: of the latencies beyond it.
    """
    if beyond < LEAST_BEYOND:
        return None
    wider = student_quantile(0.975, round(beyond) - 1) / NORMAL
    low, high = (drawn.value + wider * (end - drawn.value) for end in (drawn.low, drawn.high))
    return Estimate(drawn.value, max(low, 0.0), high)


def effective_beyond(latencies_s: Floats, probability: float) -> float:
    """Number of independent latencies beyond a quantile of a series of shape (n,), n at least 1.

    The error of a quantile is that of the fraction of latencies beyond it (Bahadur 1966, Annals of Mathematical
    Statistics 37:577), so the autocorrelation of lying beyond it counts: ten slow batches in one burst are one
    observation, not ten. Where few lie beyond, it is uncertain; then that of all ranks, which is larger, is used.
    """
    beyond = (latencies_s > np.quantile(latencies_s, probability)).astype(np.float64)
    time = max(correlation_time(beyond), correlation_time(ranks(latencies_s)))
    # A hundred times 1 - 0.9 is a little less than ten.
    return round(len(latencies_s) * (1 - probability) / (2 * time), 9)


def ranks(series: Floats) -> Floats:
    """Rank of each value of a series of shape (n,), from 0; equal values get the mean of their ranks."""
    _, inverse, counts = np.unique(series, return_inverse=True, return_counts=True)
    places: Floats = np.cumsum(counts) - (counts + 1) / 2
    return places[inverse]
