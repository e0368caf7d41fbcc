# SPDX-License-Identifier: Apache-2.0
"""Larger batches make AlexNet three times as fast per image, and the other networks little faster (figure 3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, against_paper, all_of, within
from monitor_app.analysis.statistics.intervals import Z_90
from monitor_app.analysis.statistics.regression import mean_of
from monitor_app.core.canziani2016 import ALEXNET_SPEED_UP, ALEXNETS, LARGE_BATCH, LARGEST_BATCH, SMALL_BATCH
from monitor_app.core.estimate import FINDING_LEVEL, Estimate, exact
from monitor_app.core.formatting import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_OTHERS = 3
_MOST_LOG = 700.0
"""Logarithms are capped here, since the exponential of larger ones overflows."""


def speed_up(table: Table, margins: Margins) -> Finding:
    """Time per image at batch 1 over that at the largest batch: 64 for AlexNets, at least 16 for the others."""
    gains, errors = _gains(table)
    alexnets = [row for name in ALEXNETS if (row := table.row(name)) is not None and _reaches(table, row)]
    others = [row for row in np.flatnonzero(np.isfinite(gains)).tolist() if table.papers[row] not in ALEXNETS]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = (
        f"AlexNet or BN-AlexNet at batch {SMALL_BATCH} and {LARGEST_BATCH} is needed, and at least {LEAST_OTHERS} "
        f"other networks at batch {SMALL_BATCH} and {LARGE_BATCH}."
    )
    if alexnets and len(others) >= LEAST_OTHERS:
        log, error = float(gains[alexnets].mean()), math.sqrt(float((errors[alexnets] ** 2).sum())) / len(alexnets)
        half = Z_90 * error
        alexnet = Estimate(log, log - half, log + half, FINDING_LEVEL).exponential(_MOST_LOG)
        other = mean_of(gains[others]).exponential(_MOST_LOG)
        verdict = all_of(
            within(alexnet, ALEXNET_SPEED_UP / margins.speed_up, ALEXNET_SPEED_UP * margins.speed_up),
            within(other, 0.0, margins.small_speed_up),
        )
        statistics = (
            Statistic(f"AlexNet, batch {SMALL_BATCH} over {LARGEST_BATCH}", alexnet, ""),
            Statistic("Geometric mean of the others", other, ""),
            *(Statistic(table.titles[row], exact(math.exp(gains[row])), "") for row in (*alexnets, *others)),
        )
        sentence = (
            f"From batch {SMALL_BATCH} to {LARGEST_BATCH} AlexNet's time per image falls by a factor of "
            f"{interval(alexnet)}, {against_paper(alexnet.value, ALEXNET_SPEED_UP)}. That of the other {len(others)} "
            f"networks falls by a factor of {interval(other)} "
            f"(geometric mean) up to their largest batch, most for "
            f"{table.titles[max(others, key=lambda row: gains[row])]}."
        )
    return Finding(
        key="speed-up",
        claim="At batch 64 AlexNet takes a third of its time per image; the other networks gain little from batching.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="time-batch",
        margin=(
            f"A speed-up of AlexNet of {ALEXNET_SPEED_UP:g} within a factor of {margins.speed_up:g}, and a mean of the "
            f"others below {margins.small_speed_up:g}"
        ),
        caution=table.caution,
        simulated=table.times_simulated,
    )


def _gains(table: Table) -> tuple[Floats, Floats]:
    """Logarithm of each network's gain and its standard uncertainty, shape (n,), where it ran at 1 and 16 or more."""
    count = len(table.titles)
    gains, errors = np.full(count, np.nan), np.full(count, np.nan)
    batches = table.batches.tolist()
    if SMALL_BATCH not in batches:
        return gains, errors
    one = batches.index(SMALL_BATCH)
    relative = table.seconds.errors / table.seconds.values
    for row in np.flatnonzero(np.isfinite(table.seconds.values[:, one])).tolist():
        last = int(np.flatnonzero(np.isfinite(table.seconds.values[row]))[-1])
        if batches[last] >= LARGE_BATCH:
            gains[row] = math.log(table.seconds.values[row, one] / table.seconds.values[row, last])
            errors[row] = math.hypot(relative[row, one], relative[row, last])
    return gains, errors


def _reaches(table: Table, row: int) -> bool:
    known = table.batches[np.isfinite(table.seconds.values[row])].tolist()
    return SMALL_BATCH in known and known[-1] == LARGEST_BATCH
