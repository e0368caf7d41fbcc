# SPDX-License-Identifier: Apache-2.0
"""How a quantity changes between batch sizes, with networks as blocks: paired differences and slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import CONFIDENCE, Verdict
from monitor_app.analysis.findings.regression import mean_of
from monitor_app.analysis.statistics.distributions import t_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 3
LEAST_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Contrast:
    """What changes on average over the networks that ran at both of two columns."""

    first: int
    second: int
    networks: int
    difference: Estimate

    def beyond(self, margin: float, tests: int) -> bool:
        """Shown to lie outside the margin, as one of so many tests that err together in 5 %."""
        half, freedom = self.difference.high - self.difference.value, self.networks - 1
        error = half / t_quantile((1 + CONFIDENCE) / 2, freedom)
        sure = t_quantile(1 - (1 - CONFIDENCE) / 2 / tests / 2, freedom) * error
        return abs(self.difference.value) - sure > margin


def contrasts(values: Floats) -> tuple[Contrast, ...]:
    """Of every two columns of (n, b) that three networks or more ran at."""
    found = []
    for first, second in combinations(range(values.shape[1]), 2):
        differences = values[:, second] - values[:, first]
        known = differences[np.isfinite(differences)]
        if len(known) >= LEAST_NETWORKS:
            found.append(Contrast(first, second, len(known), mean_of(known)))
    return tuple(found)


def equivalent(pairs: tuple[Contrast, ...], margin: float) -> Verdict:
    """Two one-sided tests (Schuirmann 1987) of each pair; all must pass, which keeps the error of the whole at 5 %."""
    if any(pair.beyond(margin, len(pairs)) for pair in pairs):
        return Verdict.DOES_NOT_HOLD
    if all(-margin <= pair.difference.low and pair.difference.high <= margin for pair in pairs):
        return Verdict.HOLDS
    return Verdict.NOT_ENOUGH_DATA


@dataclass(frozen=True, slots=True)
class Trends:
    """A straight line a network against the doublings of its batch, all with one deviation."""

    rows: NDArray[np.intp]
    """Networks with two batch sizes or more."""
    slopes: Floats
    """For each doubling."""
    changes: Floats
    """From the smallest to the largest batch of each."""
    errors: Floats
    """Standard errors of the changes."""
    freedom: int

    def beyond(self, margin: float) -> NDArray[np.intp]:
        """Rows whose own change is shown to lie outside the margin; one false in twenty campaigns."""
        share = 1 - (1 - CONFIDENCE) / 4 / max(len(self.rows), 1)
        sure = self.errors * t_quantile(share, self.freedom) if self.freedom else np.inf
        return self.rows[np.abs(self.changes) - sure > margin]

    def share_outside(self, margin: float) -> float:
        """Share of the networks whose own change lies outside the margin as it was found, shown or not."""
        return float((np.abs(self.changes) > margin).mean()) if len(self.rows) else 0.0


def trends(values: Floats, batches: NDArray[np.int64]) -> Trends:
    """Of values of shape (n, b) at batch sizes of shape (b,)."""
    doublings = np.log2(batches)
    rows, found, squares, freedom = [], [], 0.0, 0
    for row, series in enumerate(values):
        known = np.isfinite(series)
        if known.sum() < LEAST_BATCHES:
            continue
        x, y = doublings[known] - doublings[known].mean(), series[known] - series[known].mean()
        extent = float(x @ x)
        slope = float(x @ y) / extent
        squares += float(((y - slope * x) ** 2).sum())
        freedom += len(x) - 2
        reach = float(np.ptp(x))
        rows.append(row)
        found.append((slope, slope * reach, reach / math.sqrt(extent)))
    each = np.array(found, dtype=np.float64).reshape(-1, 3)
    deviation = math.sqrt(squares / freedom) if freedom else 0.0
    return Trends(np.array(rows, dtype=np.intp), each[:, 0], each[:, 1], deviation * each[:, 2], freedom)
