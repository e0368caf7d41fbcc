# SPDX-License-Identifier: Apache-2.0
"""How a quantity changes between batch sizes, with networks as blocks: paired differences and slopes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Verdict
from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.regression import mean_of
from monitor_app.core.estimate import FINDING_LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 3
LEAST_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Contrast:
    """The mean difference between two columns over the networks that ran at both."""

    first: int
    second: int
    networks: int
    difference: Estimate

    def beyond(self, margin: float, tests: int) -> bool:
        """Whether it is shown to lie outside the margin; ``tests`` such tests together err in 5 % (Bonferroni)."""
        degrees_of_freedom = self.networks - 1
        half = self.difference.high - self.difference.value
        error = half / t_quantile((1 + FINDING_LEVEL) / 2, degrees_of_freedom)
        wider = t_quantile(1 - (1 - FINDING_LEVEL) / 2 / tests / 2, degrees_of_freedom) * error
        return abs(self.difference.value) - wider > margin


def contrasts(values: Floats) -> tuple[Contrast, ...]:
    """Of each pair of columns of shape (n, b) that at least three networks ran at."""
    found = []
    for first, second in combinations(range(values.shape[1]), 2):
        differences = values[:, second] - values[:, first]
        known = differences[np.isfinite(differences)]
        if len(known) >= LEAST_NETWORKS:
            found.append(Contrast(first, second, len(known), mean_of(known)))
    return tuple(found)


def equivalent(pairs: tuple[Contrast, ...], margin: float) -> Verdict:
    """Two one-sided tests (Schuirmann 1987) of each pair; as all must pass, the error of the whole stays at 5 %."""
    if any(pair.beyond(margin, len(pairs)) for pair in pairs):
        return Verdict.DOES_NOT_HOLD
    if all(-margin <= pair.difference.low and pair.difference.high <= margin for pair in pairs):
        return Verdict.HOLDS
    return Verdict.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Trends:
    """A straight line for each network against the logarithm of its batch size, with one common deviation."""

    rows: NDArray[np.intp]
    """Networks with at least two batch sizes."""
    slopes: Floats
    """Per doubling of the batch size."""
    changes: Floats
    """From the smallest to the largest batch size of each network."""
    errors: Floats
    """Standard errors of the changes."""
    degrees_of_freedom: int

    def beyond(self, margin: float) -> NDArray[np.intp]:
        """Rows of the networks that are shown to change by more than the margin; one false in twenty campaigns."""
        probability = 1 - (1 - FINDING_LEVEL) / 4 / max(len(self.rows), 1)
        wider = self.errors * t_quantile(probability, self.degrees_of_freedom) if self.degrees_of_freedom else np.inf
        return self.rows[np.abs(self.changes) - wider > margin]

    def fraction_outside(self, margin: float) -> float:
        """Fraction of the networks whose estimated change lies outside the margin, whether shown or not."""
        return float((np.abs(self.changes) > margin).mean()) if len(self.rows) else 0.0


def trends(values: Floats, batches: NDArray[np.int64]) -> Trends:
    """Of values of shape (n, b) at batch sizes of shape (b,)."""
    doublings = np.log2(batches)
    rows, found, residual, degrees_of_freedom = [], [], 0.0, 0
    for row, series in enumerate(values):
        known = np.isfinite(series)
        if known.sum() < LEAST_BATCHES:
            continue
        x, y = doublings[known] - doublings[known].mean(), series[known] - series[known].mean()
        s_xx = float(x @ x)
        slope = float(x @ y) / s_xx
        residual += float(((y - slope * x) ** 2).sum())
        degrees_of_freedom += len(x) - 2
        reach = float(np.ptp(x))
        rows.append(row)
        found.append((slope, slope * reach, reach / math.sqrt(s_xx)))
    each = np.array(found, dtype=np.float64).reshape(-1, 3)
    deviation = math.sqrt(residual / degrees_of_freedom) if degrees_of_freedom else 0.0
    return Trends(np.array(rows, dtype=np.intp), each[:, 0], each[:, 1], deviation * each[:, 2], degrees_of_freedom)
