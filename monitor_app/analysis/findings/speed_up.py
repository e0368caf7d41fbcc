# SPDX-License-Identifier: Apache-2.0
"""AlexNet gains a factor of three from batches, the other networks little (figure 3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.paper import ALEXNET_SPEED_UP, ALEXNETS, LARGE_BATCH, LARGEST_BATCH, SMALL_BATCH
from monitor_app.analysis.findings.regression import exponential, mean_of
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_OTHERS = 3
_Z_90 = 1.6448536269514722


def speed_up(table: Table, margins: Margins) -> Finding:
    """Time an image at batch 1 over that at a network's largest batch; AlexNets at 64, the others at 16 or more."""
    gains, errors = _gains(table)
    alexnets = [row for name in ALEXNETS if (row := table.row(name)) is not None and _reaches(table, row)]
    others = [row for row in np.flatnonzero(np.isfinite(gains)).tolist() if table.papers[row] not in ALEXNETS]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = (
        f"AlexNet or BN-AlexNet at batch {SMALL_BATCH} and {LARGEST_BATCH} is needed, and {LEAST_OTHERS} others at "
        f"batch {SMALL_BATCH} and {LARGE_BATCH}."
    )
    if alexnets and len(others) >= LEAST_OTHERS:
        log, error = float(gains[alexnets].mean()), math.sqrt(float((errors[alexnets] ** 2).sum())) / len(alexnets)
        alexnet = exponential(Estimate(log, log - _Z_90 * error, log + _Z_90 * error))
        other = exponential(mean_of(gains[others]))
        verdict = all_of(
            within(alexnet, ALEXNET_SPEED_UP / margins.speed_up, ALEXNET_SPEED_UP * margins.speed_up),
            within(other, 0.0, margins.small_speed_up),
        )
        statistics = (
            Statistic(f"AlexNet, batch {SMALL_BATCH} over {LARGEST_BATCH}", alexnet, ""),
            Statistic("Geometric mean of the others", other, ""),
            *(Statistic(table.titles[row], _plain(math.exp(gains[row])), "") for row in (*alexnets, *others)),
        )
        sentence = (
            f"From batch {SMALL_BATCH} to {LARGEST_BATCH} an image takes AlexNet {interval(alexnet)} times less; the "
            f"other {len(others)} networks gain {interval(other)} up to their largest batch, "
            f"{table.titles[max(others, key=lambda row: gains[row])]} most."
        )
    return Finding(
        key="speed-up",
        claim="AlexNet takes a third of the time an image at batch 64; the other networks gain little from batches.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="time-batch",
        margin=(
            f"AlexNet {ALEXNET_SPEED_UP:g} to a factor of {margins.speed_up:g}, the others' mean below "
            f"{margins.small_speed_up:g}"
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


def _plain(value: float) -> Estimate:
    return Estimate(value, value, value)
