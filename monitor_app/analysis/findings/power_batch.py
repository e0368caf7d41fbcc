# SPDX-License-Identifier: Apache-2.0
"""Net power does not depend on the batch size (claim of figure 4).

Networks are the blocks: paired differences between batch sizes, and the slope of each network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, compared_with, effect
from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.regression import mean_of
from monitor_app.core.estimate import FINDING_LEVEL
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table
    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]


def power_and_batch(table: Table, margins: Margins) -> Finding:
    """Equivalence of the mean net power at each pair of batch sizes, paired by network."""
    watts, batches = table.net_w.values, table.batches
    pairs = contrasts(watts)
    mean_w = float(np.nanmean(watts)) if np.isfinite(watts).any() else 0.0
    margin_w = margins.power * mean_w
    followed = trends(watts, batches)
    statistics: tuple[Statistic, ...] = ()
    caution = table.caution
    if not pairs:
        verdict = Verdict.NOT_ENOUGH_DATA
        sentence = f"Net power of at least {LEAST_NETWORKS} networks is needed at two batch sizes."
    elif mean_w <= 0:
        verdict, sentence = (
            Verdict.NOT_ENOUGH_DATA,
            "Net power is not above zero, so relative differences are undefined.",
        )
    else:
        exceptions = followed.beyond(margin_w)
        verdict = equivalent(pairs, margin_w)
        if len(exceptions) > margins.exceptions * len(followed.rows):
            verdict = Verdict.DOES_NOT_HOLD
        elif followed.fraction_outside(margin_w) > margins.exceptions:
            # The changes of networks that change in opposite directions cancel in the mean.
            verdict = all_of(verdict, Verdict.INCONCLUSIVE)
        worst = max(pairs, key=lambda pair: max(-pair.difference.low, pair.difference.high))
        statistics = _statistics(table, worst, followed)
        sentence = (
            f"Mean net power is {number(mean_w)} W. It depends on the batch size "
            f"{compared_with(margins.power, verdict)}: {effect(worst.difference.scaled(1 / mean_w))}, or "
            f"{interval(worst.difference, 'W')}, from batch {batches[worst.first]} to {batches[worst.second]}, between "
            f"which it changes most on average over {worst.networks} networks."
        )
        if len(exceptions):
            titles = listed([table.titles[row] for row in exceptions], most=6)
            caution = f"{caution} The power of {titles} depends on the batch size.".strip()
    return Finding(
        key="power-batch",
        claim="Net power does not depend on the batch size.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="power-batch",
        margin=(
            f"A mean difference of at most {margins.power:.0%} of net power, {number(margin_w)} W, between any two "
            f"batch sizes, and at most {margins.exceptions:.0%} of the networks that change by more"
        ),
        caution=caution,
        simulated=table.power_simulated,
    )


def _statistics(table: Table, worst: Contrast, followed: Trends) -> tuple[Statistic, ...]:
    first, second = table.batches[[worst.first, worst.second]].tolist()
    found = [Statistic(f"Largest change, batch {first} to {second}", worst.difference, "W")]
    if len(followed.rows) >= LEAST_NETWORKS:
        several = table.net_w.values[followed.rows]
        ranges = np.nanmax(several, axis=1) - np.nanmin(several, axis=1)
        found += [
            Statistic("Slope per doubling of the batch size", mean_of(followed.slopes), "W"),
            Statistic("Change from the smallest to the largest batch size", mean_of(followed.changes), "W"),
            Statistic("Range (highest minus lowest) of a network, noise included", mean_of(ranges), "W"),
        ]
    return tuple(found)


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
