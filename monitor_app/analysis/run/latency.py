# SPDX-License-Identifier: Apache-2.0
"""Mean and percentiles of latencies with their intervals, and none where too few batches stand behind it."""

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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]

SHARES = (0.50, 0.90, 0.95, 0.99)
LEAST_BEYOND = 10.0
"""Independent latencies that must lie beyond a percentile for it to be shown, and on which a mean must rest.

How many lie beyond the true percentile is near a Poisson number: of 10 expected, 4 to 17 are found in 95 of 100
cases, so both ends of the interval are still between the measured values. Below 4 the upper end would have to lie
beyond the slowest batch that was seen, and no resampling can find it. In simulation the interval of 95 % holds the true
p99 in 92 % of cases with 10 beyond it, in 88 % with 5, in 85 % with 3.
"""


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Time of a forward pass of one batch, in seconds. None: too few batches to say."""

    count: int
    seconds: float
    """Of all batches together."""
    deviation_s: float
    """Standard deviation of the batches about their mean."""
    median_s: float
    """Of these batches; `p50` is the same as an estimate of what such batches take, with its interval."""
    mean: Estimate | None
    p50: Estimate | None
    p90: Estimate | None
    p95: Estimate | None
    p99: Estimate | None
    correlation_time: float
    """Integrated autocorrelation time of the ranks, in batches; 0.5 for independent latencies."""
    block: int
    """Batches that were drawn together for the intervals."""

    @property
    def effective_count(self) -> float:
        """Independent latencies that would say as much of the middle of the distribution."""
        return self.count / (2 * self.correlation_time)


def summarise_latency(latencies_s: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> LatencySummary:
    """All figures of the latencies of consecutive batches, shape (n,), in the order in which they ran; n may be 0.

    Intervals are of 95 %, from a block bootstrap. Correlation is judged by ranks as well as by values, since a few
    very slow batches, which interrupt any host, hide in the values what the others have in common.
    """
    count = len(latencies_s)
    if count == 0:
        return LatencySummary(0, 0.0, 0.0, 0.0, None, None, None, None, None, 0.5, 1)
    blocks = max(blocks_for(latencies_s), blocks_for(ranks(latencies_s)), key=lambda each: each.length)
    of_quantiles = quantiles(*SHARES)

    def statistic(series: Floats) -> Floats:
        return np.column_stack((series.mean(axis=1), of_quantiles(series)))

    mean, *percentiles = bootstrap(latencies_s, statistic, blocks=blocks, resamples=resamples, seed=seed)
    time = correlation_time(ranks(latencies_s))
    mean_rests_on = count / (2 * max(time, correlation_time(latencies_s)))
    p50, p90, p95, p99 = (
        found if effective_beyond(latencies_s, share) >= LEAST_BEYOND else None
        for share, found in zip(SHARES, percentiles, strict=True)
    )
    return LatencySummary(
        count, float(latencies_s.sum()), float(latencies_s.std(ddof=1)) if count > 1 else 0.0,
        float(np.median(latencies_s)),
        mean if mean_rests_on >= LEAST_BEYOND else None, p50, p90, p95, p99, time, blocks.length,
    )  # fmt: skip


def effective_beyond(latencies_s: Floats, share: float) -> float:
    """How many independent latencies lie beyond a quantile (0 to 1) of a series of shape (n,), n at least 1.

    A quantile errs as the share of latencies beyond it does (Bahadur 1966, Annals of Mathematical Statistics 37:577),
    so what counts is the autocorrelation of being beyond: ten slow batches in one burst are one piece of evidence,
    not ten. Where few lie beyond, it is hardly seen; then that of all ranks, which is larger, is the safe one.
    """
    beyond = (latencies_s > np.quantile(latencies_s, share)).astype(np.float64)
    time = max(correlation_time(beyond), correlation_time(ranks(latencies_s)))
    # A hundred times 1 - 0.9 is a little less than ten.
    return round(len(latencies_s) * (1 - share) / (2 * time), 9)


def ranks(series: Floats) -> Floats:
    """Place of each value of a series of shape (n,) among all, from 0; equal values share the middle of theirs."""
    _, inverse, counts = np.unique(series, return_inverse=True, return_counts=True)
    places: Floats = np.cumsum(counts) - (counts + 1) / 2
    return places[inverse]
