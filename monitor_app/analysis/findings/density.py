# SPDX-License-Identifier: Apache-2.0
"""Information density, top-1 for each million parameters: its ranking and its ratios (figure 10).

The claim is about these networks and not about others like them, so only the measured accuracy is uncertain.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, against_paper, all_of, within
from monitor_app.analysis.statistics.bootstrap import percentile_interval
from monitor_app.analysis.statistics.intervals import Z_90, Z_95
from monitor_app.core.canziani2016 import DENSITIES, DENSITY_RATIOS
from monitor_app.core.estimate import FINDING_LEVEL, RESULT_LEVEL, Estimate
from monitor_app.core.formatting import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 5
DRAWS = 1000
_QUANTILES = {FINDING_LEVEL: Z_90, RESULT_LEVEL: Z_95}


def density_ranking(table: Table, margins: Margins) -> Finding:
    """Spearman's rank correlation with the paper, with the uncertainty of the measured accuracy."""
    rows = np.array([row for row, name in enumerate(table.papers) if name in DENSITIES], dtype=np.intp)
    rows = rows[np.isfinite((table.top1.values / table.parameters_m)[rows])]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Accuracy and parameters of at least {LEAST_NETWORKS} networks of the paper are needed."
    if len(rows) >= LEAST_NETWORKS:
        published = np.array([DENSITIES[table.papers[row] or ""] for row in rows])
        correlation = rank_correlation(
            table.top1.values[rows], table.top1.errors[rows], table.parameters_m[rows], published
        )
        found = (table.top1.values / table.parameters_m)[rows]
        verdict = within(correlation, margins.rank, 1.0)
        statistics = (Statistic("Spearman's correlation with the paper", correlation, ""),)
        sentence = (
            f"The ranking of {len(rows)} networks has a correlation of {interval(correlation)} with the paper's, "
            f"where 1 is the same order; "
            f"{table.titles[rows[int(found.argmax())]]} is the densest and {table.titles[rows[int(found.argmin())]]} "
            "the least dense."
        )
    return Finding(
        key="density-ranking",
        claim="Top-1 accuracy per million parameters ranks the networks from ENet, the densest, down to VGG-19.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="density",
        margin=f"A rank correlation of at least {margins.rank:g}",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def density_ratios(table: Table, margins: Margins) -> Finding:
    """The ratios of ENet to AlexNet and to VGG-19, compared with the paper's 13.0 and 23.7."""
    verdicts, statistics = [], []
    for upper, lower, published in DENSITY_RATIOS:
        ratio = _ratio(table, upper, lower)
        statistics.append(Statistic(f"{upper} over {lower}", ratio, ""))
        low, high = published * (1 - margins.ratio), published * (1 + margins.ratio)
        verdict = Verdict.NOT_ENOUGH_DATA if ratio is None else within(ratio, low, high)
        if verdict is Verdict.DOES_NOT_HOLD:
            # Either ratio alone refutes the claim, so each is tested at half the error rate (Bonferroni).
            wider = _ratio(table, upper, lower, RESULT_LEVEL)
            verdict = verdict if wider and within(wider, low, high) is verdict else Verdict.INCONCLUSIVE
        verdicts.append(verdict)
    found = [
        f"{s.name}: {interval(s.estimate)}, {against_paper(s.estimate.value, published)}"
        for s, (_, _, published) in zip(statistics, DENSITY_RATIOS, strict=True)
        if s.estimate
    ]
    return Finding(
        key="density-ratios",
        claim="ENet has 13.0 times the accuracy per parameter of AlexNet, and 23.7 times that of VGG-19.",
        verdict=all_of(*verdicts),
        sentence=f"Ratios of top-1 accuracy per parameter: {'; '.join(found)}."
        if found
        else "Accuracy of ENet and of AlexNet or VGG-19 is needed.",
        statistics=tuple(statistics),
        figure="density",
        margin=f"Both ratios within {margins.ratio:.0%} of the paper's",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def rank_correlation(top1: Floats, errors: Floats, parameters_m: Floats, published: Floats) -> Estimate:
    """Spearman's correlation of densities with the published ones, all (n,), over `DRAWS` draws of the accuracy."""
    drawn = top1 + np.random.default_rng(0).standard_normal((DRAWS, len(top1))) * errors
    theirs = ranks(published[np.newaxis])
    found = _correlations(ranks(np.vstack((top1, drawn)) / parameters_m), theirs)
    return percentile_interval(float(found[0]), found[1:])


def ranks(values: Floats) -> Floats:
    """From 1 along the last axis, shape (r, n); equal values get the mean of their ranks."""
    below = (values[:, np.newaxis, :] < values[:, :, np.newaxis]).sum(axis=2)
    equal = (values[:, np.newaxis, :] == values[:, :, np.newaxis]).sum(axis=2)
    return np.asarray(below + (equal + 1) / 2, dtype=np.float64)


def _correlations(first: Floats, second: Floats) -> Floats:
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    scale = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    # Values that are all equal have no ranking.
    found: Floats = np.divide((one * other).sum(axis=1), scale, out=np.zeros(len(scale)), where=scale > 0)
    return np.clip(found, -1.0, 1.0)


def _ratio(table: Table, upper: str, lower: str, level: float = FINDING_LEVEL) -> Estimate | None:
    rows = [table.row(upper), table.row(lower)]
    if None in rows:
        return None
    over, under = ((table.top1.values[r], table.top1.errors[r], table.parameters_m[r]) for r in rows if r is not None)
    if not (over[0] > 0 and under[0] > 0 and over[2] > 0 and under[2] > 0):
        return None
    value = float(over[0] / over[2] / (under[0] / under[2]))
    spread = math.exp(_QUANTILES[level] * math.hypot(over[1] / over[0], under[1] / under[0]))
    return Estimate(value, value / spread, value * spread, level)
