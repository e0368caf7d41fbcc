# SPDX-License-Identifier: Apache-2.0
"""Net power does not depend on the batch size (claim of figure 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.equivalence import LEAST_NETWORKS, Contrast, Trends, contrasts, equivalent, trends
from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, compared_with, effect
from monitor_app.analysis.statistics.regression import mean_of
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table


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
