# SPDX-License-Identifier: Apache-2.0
"""How often something rare happens in a series whose neighbours resemble each other, with an exact interval.

Ten slow batches in one burst are one observation, not ten. The exact interval of a binomial count is therefore that of
fewer trials: both counts are divided by the design effect, the ratio of the variance of the count to that of
independent trials (Korn and Graubard 1998, Survey Methodology 24:193). It is twice the integrated autocorrelation time
of the series of hits and others. Three things keep it from being too small where there are few hits:

- It is at least that of exceeding a lower level, of the ``LOWER`` largest values: values that are correlated cluster
  there as well, and there are enough of them to see it.
- With fewer than ``FEW`` independent hits it is at least the longest burst of hits, and at least ``unseen``, the length
  of the bursts that are to be expected where none has been seen. Nothing in a series of ten thousand quick batches says
  how long an interruption lasts that has not happened yet, so this has to be assumed.
- Where it is more than assumed, Student's factor for the number of independent hits widens the interval.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.binomial import TAIL, clopper_pearson, surely_at_least, surely_at_most
from monitor_app.analysis.statistics.bootstrap import correlation_time
from monitor_app.analysis.statistics.short_series import student_quantile
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LOWER = 100
"""Largest values of a series that show how those beyond a level cluster, where fewer are beyond that level."""
FEW = 10
"""Independent hits below which a series says too little about its bursts."""
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Rare:
    """How hits are spread over a series."""

    hits: int
    trials: int
    clustering: float
    """Design effect as the series shows it, at least 1."""
    longest: int
    """Hits without another value between them."""
    unseen: float
    """Length of bursts that are assumed where too few have been seen, at least 1."""

    def design_effect(self, hits: float | None = None) -> float:
        """Trials that count as one independent one; for ``hits``, if there were so many, clustered like these."""
        hits = self.hits if hits is None else hits
        independent = hits / self.clustering
        if independent >= FEW:
            return self.clustering * _student(independent)
        assumed = max(self.clustering, self.unseen, self.longest)
        return assumed * _student(FEW) if assumed > self.unseen else assumed

    def decides(self, limit: float, factor: float) -> bool:
        """Whether ``factor`` times as many hits and trials would show on which side of ``limit`` their fraction is."""
        hits, trials = factor * self.hits, factor * self.trials
        effect = min(self.design_effect(hits), trials)
        side = surely_at_most if hits < limit * trials else surely_at_least
        return side(hits / effect, trials / effect, limit)

    @property
    def fraction(self) -> Estimate:
        """Hits in all trials, at least one trial."""
        value, effect = self.hits / self.trials, min(self.design_effect(), self.trials)
        low, high = clopper_pearson(self.hits / effect, self.trials / effect)
        return Estimate(value, min(low, value), max(high, value))


def beyond(values: Floats, level: float, unseen: float = 1.0) -> Rare:
    """How the values above a level are spread over a series of shape (n,), n at least 1."""
    hits = values > level
    count = len(values)
    lower = min(level, float(np.partition(values, max(count - 1 - LOWER, 0))[max(count - 1 - LOWER, 0)]))
    times = (correlation_time(each.astype(np.float64)) for each in (hits, values > lower))
    return Rare(int(hits.sum()), count, max(2 * max(times), 1.0), _longest(hits), max(unseen, 1.0))


def quantile(values: Floats, probability: float, unseen: float = 1.0, limit: float | None = None) -> Estimate:
    """A quantile of a series of shape (n,), n at least 1, between two of its values; an end may be infinite.

    ``limit``: what it is held against. Values beyond it may come in longer bursts than those beyond the quantile.

    The ends are the levels at which the fraction beyond has an interval that just holds ``1 - probability``: for
    independent values the order statistics of the binomial distribution (David and Nagaraja 2003, "Order Statistics",
    7.1).
    """
    count, fraction = len(values), 1 - probability
    ordered = np.sort(values)[::-1]
    value = float(np.quantile(values, probability))
    effect = beyond(values, value, unseen).design_effect(fraction * count)
    if limit is not None:  # as many as there are, not as there would be: those that have not come say nothing of bursts
        effect = max(effect, beyond(values, limit, unseen).design_effect())
    effect = min(effect, count)
    hits, trials = range(count + 1), count / effect
    above = bisect.bisect_left(hits, 1, key=lambda each: not surely_at_most(each / effect, trials, fraction)) - 1
    below = bisect.bisect_left(hits, 1, key=lambda each: surely_at_least(each / effect, trials, fraction))
    high = float(ordered[above]) if above >= 0 else math.inf
    low = float(ordered[below - 1]) if below <= count else -math.inf
    return Estimate(value, min(low, value), max(high, value))


def _student(independent: float) -> float:
    return (student_quantile(1 - TAIL, max(round(independent), 2) - 1) / _NORMAL) ** 2


def _longest(hits: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], hits, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0
