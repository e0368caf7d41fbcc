# SPDX-License-Identifier: Apache-2.0
"""Memory has a floor and then follows the parameters (figure 6), and a knee in the batch size (figure 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.paper import FLOOR_TO_MB, MEMORY_SLOPE
from monitor_app.analysis.findings.regression import mean_of
from monitor_app.analysis.statistics.broken_line import BrokenLine, fit_broken_line
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6
LEAST_SMALL = 3
"""Networks that must lie where the paper has a floor, for it to be missed."""
LEAST_ABOVE = 3
"""Networks behind the knee, or there is no slope to speak of."""
GROWN = 1.1
"""Factor from the smallest to the largest batch below which memory has not grown."""
LEAST_KNEES = 3
LEAST_BATCHES = 4


def memory_and_parameters(table: Table, margins: Margins) -> Finding:
    """A floor and a slope behind a knee at the smaller headline batch, the slope against 1.30."""
    small, _ = table.headline(table.memory_mb)
    memory = table.memory_mb[:, small] if table.batches.size else np.empty(0)
    known = np.isfinite(memory) & np.isfinite(table.parameters_mb) if memory.size else np.empty(0, dtype=bool)
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Memory and parameters of {LEAST_NETWORKS} networks are needed at one batch size."
    if known.sum() >= LEAST_NETWORKS:
        found = fit_broken_line(table.parameters_mb[known], memory[known], LEAST_ABOVE)
        verdict = _slope_verdict(found, table.parameters_mb[known], margins)
        sentence = "Memory does not grow with the parameters of these networks, of which too few may be large."
        if found is not None:
            sentence = (
                f"At batch {table.batches[small]} memory stays at {interval(found.floor, 'MB')} up to "
                f"{interval(found.knee, 'MB')} of parameters, then grows by {interval(found.slope, 'MB')} a MB."
            )
            statistics = (
                Statistic("Floor", found.floor, "MB"),
                Statistic("Knee", found.knee, "MB of parameters"),
                Statistic("Slope behind the knee", found.slope, "MB/MB"),
                Statistic("AICc of a straight line less that of this", _plain(found.lead), ""),
            )
    low, high = MEMORY_SLOPE * (1 - margins.memory_slope), MEMORY_SLOPE * (1 + margins.memory_slope)
    return Finding(
        key="memory-parameters",
        claim=f"Memory has a floor, and above it takes {MEMORY_SLOPE:.2f} MB for each MB of parameters.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="memory-parameters",
        margin=(
            f"A floor that is seen, and a slope of {number(low)} to {number(high)}; refuted by another slope, or where "
            f"the floor ends below {margins.floor * FLOOR_TO_MB:g} MB of parameters"
        ),
        caution=table.caution,
        simulated=table.times_simulated,
    )


def memory_knee(table: Table, margins: Margins) -> Finding:
    """Growth by image between the two smallest batches, as a share of that between the two largest."""
    shares, knees = [], []
    for row, memory in enumerate(table.memory_mb):
        known = np.isfinite(memory)
        if known.sum() < LEAST_BATCHES:
            continue
        batches, used = table.batches[known].astype(np.float64), memory[known]
        growth = np.diff(used) / np.diff(batches)
        if growth[-1] > 0 and used[-1] > GROWN * used[0]:
            shares.append(float(growth[0] / growth[-1]))
            knees.append((table.titles[row], fit_broken_line(batches, used)))
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"{LEAST_KNEES} networks whose memory grows are needed at {LEAST_BATCHES} batch sizes."
    if len(shares) >= LEAST_KNEES:
        share = mean_of(np.array(shares))
        verdict = within(share, -math.inf, margins.flat)
        statistics = (
            Statistic("Growth before the knee, as a share of that behind it", _percent(share), "%"),
            *(Statistic(f"Knee of {title}", fit.knee if fit else None, "images a batch") for title, fit in knees),
        )
        places = [fit.knee.value for _, fit in knees if fit is not None]
        where = f"; the knee lies between batch {number(min(places))} and {number(max(places))}" if places else ""
        sentence = (
            f"For each image between their two smallest batches the memory of {len(shares)} networks grows by "
            f"{interval(share, '%', 100)} of what it grows by between their two largest{where}."
        )
    return Finding(
        key="memory-knee",
        claim="Memory is flat up to a batch size and grows linearly from there.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="memory-batch",
        margin=f"Less than {margins.flat:.0%} of the later growth before the knee",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def _slope_verdict(found: BrokenLine | None, parameters_mb: Floats, margins: Margins) -> Verdict:
    if found is None:
        return Verdict.NOT_ENOUGH_DATA
    low, high = MEMORY_SLOPE * (1 - margins.memory_slope), MEMORY_SLOPE * (1 + margins.memory_slope)
    return all_of(within(found.slope, low, high), _floor_verdict(found, parameters_mb, margins))


def _floor_verdict(found: BrokenLine, parameters_mb: Floats, margins: Margins) -> Verdict:
    """That a straight line does as well refutes nothing: large networks alone lie on one. Small ones must, too."""
    if found.lead >= margins.evidence and found.knee.low > parameters_mb.min():
        return Verdict.HOLDS
    end_mb = margins.floor * FLOOR_TO_MB
    small = (parameters_mb < end_mb).sum() >= LEAST_SMALL
    return Verdict.DOES_NOT_HOLD if small and found.knee.high < end_mb else Verdict.NOT_ENOUGH_DATA


def _percent(share: Estimate) -> Estimate:
    return Estimate(100 * share.value, 100 * share.low, 100 * share.high)


def _plain(value: float) -> Estimate:
    return Estimate(value, value, value)
