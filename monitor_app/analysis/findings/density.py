# SPDX-License-Identifier: Apache-2.0
"""Information density, top-1 for each million parameters: its ranking and its ratios (figure 10).

The networks are those of the paper and no sample of others, so what is uncertain is the measured accuracy alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.paper import DENSITIES, DENSITY_RATIOS
from monitor_app.analysis.findings.regression import percentiles
from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 5
DRAWS = 1000
_Z_90 = 1.6448536269514722


def density_ranking(table: Table, margins: Margins) -> Finding:
    """Spearman's rank correlation with the paper, drawn with the uncertainty of accuracy."""
    rows = np.array([row for row, name in enumerate(table.papers) if name in DENSITIES], dtype=np.intp)
    rows = rows[np.isfinite((table.top1.values / table.parameters_m)[rows])]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Accuracy and parameters of {LEAST_NETWORKS} networks of the paper are needed."
    if len(rows) >= LEAST_NETWORKS:
        published = np.array([DENSITIES[table.papers[row] or ""] for row in rows])
        correlation = rank_correlation(
            table.top1.values[rows], table.top1.errors[rows], table.parameters_m[rows], published
        )
        found = (table.top1.values / table.parameters_m)[rows]
        verdict = within(correlation, margins.rank, 1.0)
        statistics = (Statistic("Spearman's correlation with the paper", correlation, ""),)
        sentence = (
            f"The ranks of {len(rows)} networks correlate with the paper's by {interval(correlation)}; "
            f"{table.titles[rows[int(found.argmax())]]} is densest and {table.titles[rows[int(found.argmin())]]} least."
        )
    return Finding(
        key="density-ranking",
        claim="Top-1 for each million parameters ranks the networks from ENet, the densest, down to VGG-19.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="density",
        margin=f"A rank correlation of {margins.rank:g} or more",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def density_ratios(table: Table, margins: Margins) -> Finding:
    """ENet over AlexNet and over VGG-19 against the paper's 13.0 and 23.7."""
    verdicts, statistics = [], []
    for upper, lower, published in DENSITY_RATIOS:
        ratio = _ratio(table, upper, lower)
        statistics.append(Statistic(f"{upper} over {lower}", ratio, ""))
        low, high = published * (1 - margins.ratio), published * (1 + margins.ratio)
        verdict = Verdict.NOT_ENOUGH_DATA if ratio is None else within(ratio, low, high)
        if verdict is Verdict.DOES_NOT_HOLD:
            # Either alone refutes it, so each must be surer for both to err in one of twenty.
            surer = _ratio(table, upper, lower, Z_95)
            verdict = verdict if surer and within(surer, low, high) is verdict else Verdict.NOT_ENOUGH_DATA
        verdicts.append(verdict)
    found = [f"{s.name} is {interval(s.estimate)}" for s in statistics if s.estimate]
    return Finding(
        key="density-ratios",
        claim="ENet packs 13.0 times the information of AlexNet into a parameter, and 23.7 times that of VGG-19.",
        verdict=all_of(*verdicts),
        sentence=f"{', '.join(found)}." if found else "Accuracy of ENet and of AlexNet or VGG-19 is needed.",
        statistics=tuple(statistics),
        figure="density",
        margin=f"{margins.ratio:.0%} of the paper's ratios",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def rank_correlation(top1: Floats, errors: Floats, parameters_m: Floats, published: Floats) -> Estimate:
    """Spearman's correlation of the densities with published ones, all (n,), over `DRAWS` draws of the accuracy."""
    drawn = top1 + np.random.default_rng(0).standard_normal((DRAWS, len(top1))) * errors
    theirs = ranks(published[np.newaxis])
    found = _correlations(ranks(np.vstack((top1, drawn)) / parameters_m), theirs)
    return percentiles(float(found[0]), found[1:])


def ranks(values: Floats) -> Floats:
    """From 1 along the last axis, shape (r, n); equal ones share the mean of their ranks."""
    below = (values[:, np.newaxis, :] < values[:, :, np.newaxis]).sum(axis=2)
    equal = (values[:, np.newaxis, :] == values[:, :, np.newaxis]).sum(axis=2)
    return np.asarray(below + (equal + 1) / 2, dtype=np.float64)


def _correlations(first: Floats, second: Floats) -> Floats:
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    scale = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    # Where all are alike they rank nothing.
    found: Floats = np.divide((one * other).sum(axis=1), scale, out=np.zeros(len(scale)), where=scale > 0)
    return np.clip(found, -1.0, 1.0)


def _ratio(table: Table, upper: str, lower: str, quantile: float = _Z_90) -> Estimate | None:
    rows = [table.row(upper), table.row(lower)]
    if None in rows:
        return None
    over, under = ((table.top1.values[r], table.top1.errors[r], table.parameters_m[r]) for r in rows if r is not None)
    if not (over[0] > 0 and under[0] > 0 and over[2] > 0 and under[2] > 0):
        return None
    value = float(over[0] / over[2] / (under[0] / under[2]))
    spread = math.exp(quantile * math.hypot(over[1] / over[0], under[1] / under[0]))
    return Estimate(value, value / spread, value * spread)
