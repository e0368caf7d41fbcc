# SPDX-License-Identifier: Apache-2.0
"""Memory is constant and then grows, with the parameters (figure 6) and with the batch size (figure 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.campaign.memory_model import LEAST_NETWORKS, fit_memory
from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, against_paper, all_of, within
from monitor_app.analysis.statistics.regression import BrokenLine, fit_broken_line, mean_of
from monitor_app.core.canziani2016 import FLOOR_ENDS_MB, MEMORY_SLOPE
from monitor_app.core.estimate import exact
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_SMALL = 3
"""Networks that must be as small as those of the paper's floor before its absence is a finding."""
GROWN = 1.1
"""Memory that grows by less than this factor from the smallest to the largest batch counts as constant."""
LEAST_KNEES = 3
LEAST_BATCHES = 4


def memory_and_parameters(table: Table, margins: Margins) -> Finding:
    """A floor and a slope above a knee at the smaller headline batch size, compared with the paper's slope of 1.30."""
    small, _ = table.headline(table.memory_mb)
    memory = table.memory_mb[:, small] if table.batches.size else np.empty(0)
    known = np.isfinite(memory) & np.isfinite(table.parameters_mb) if memory.size else np.empty(0, dtype=bool)
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Memory and parameters of at least {LEAST_NETWORKS} networks are needed at one batch size."
    if known.sum() >= LEAST_NETWORKS:
        found = fit_memory(table.parameters_mb, memory)
        verdict = _slope_verdict(found, table.parameters_mb[known], margins)
        sentence = "Memory does not grow with the parameters of these networks; there may be too few large ones."
        if found is not None:
            sentence = (
                f"At batch {table.batches[small]} memory stays at {interval(found.floor, 'MB')} up to "
                f"{interval(found.knee, 'MB')} of parameters, then grows by {interval(found.slope, 'MB')} per MB, "
                f"{against_paper(found.slope.value, MEMORY_SLOPE)}."
            )
            statistics = (
                Statistic("Floor", found.floor, "MB"),
                Statistic("Knee", found.knee, "MB of parameters"),
                Statistic("Slope above the knee", found.slope, "MB/MB"),
                Statistic("AICc of a straight line minus that of the broken line", exact(found.lead), ""),
            )
    low, high = MEMORY_SLOPE * (1 - margins.memory_slope), MEMORY_SLOPE * (1 + margins.memory_slope)
    return Finding(
        key="memory-parameters",
        claim=f"Memory has a floor, and above it grows by {MEMORY_SLOPE:.2f} MB for each MB of parameters.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="memory-parameters",
        margin=(
            f"A floor, and a slope of {number(low)} to {number(high)}. Refuted by another slope, or a floor that ends "
            f"below {margins.floor * FLOOR_ENDS_MB:g} MB of parameters"
        ),
        caution=table.caution,
        simulated=table.times_simulated,
    )


def memory_knee(table: Table, margins: Margins) -> Finding:
    """Growth per image between the two smallest batches, as a fraction of that between the two largest."""
    fractions, knees = [], []
    for row, memory in enumerate(table.memory_mb):
        known = np.isfinite(memory)
        if known.sum() < LEAST_BATCHES:
            continue
        batches, used = table.batches[known].astype(np.float64), memory[known]
        growth = np.diff(used) / np.diff(batches)
        if growth[-1] > 0 and used[-1] > GROWN * used[0]:
            fractions.append(float(growth[0] / growth[-1]))
            knees.append((table.titles[row], fit_broken_line(batches, used)))
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"At least {LEAST_KNEES} networks whose memory grows are needed at {LEAST_BATCHES} batch sizes."
    if len(fractions) >= LEAST_KNEES:
        fraction = mean_of(np.array(fractions))
        verdict = within(fraction, -math.inf, margins.flat)
        statistics = (
            Statistic("Growth below the knee, relative to that above it", fraction.scaled(100), "%"),
            *(Statistic(f"Knee of {title}", fit.knee if fit else None, "images per batch") for title, fit in knees),
        )
        places = [fit.knee.value for _, fit in knees if fit is not None]
        where = f"; the knee lies between batch {number(min(places))} and {number(max(places))}" if places else ""
        sentence = (
            f"The memory of {len(fractions)} networks grows per image, between their two smallest batches, by "
            f"{interval(fraction, '%', 100)} of its growth between their two largest{where}."
        )
    return Finding(
        key="memory-knee",
        claim="Memory is flat up to a batch size and grows linearly from there.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="memory-batch",
        margin=f"Growth below the knee is less than {margins.flat:.0%} of that above it",
        caution=table.caution,
        simulated=table.times_simulated,
    )


def _slope_verdict(found: BrokenLine | None, parameters_mb: Floats, margins: Margins) -> Verdict:
    if found is None:
        return Verdict.NOT_ENOUGH_DATA
    low, high = MEMORY_SLOPE * (1 - margins.memory_slope), MEMORY_SLOPE * (1 + margins.memory_slope)
    return all_of(within(found.slope, low, high), _floor_verdict(found, parameters_mb, margins))


def _floor_verdict(found: BrokenLine, parameters_mb: Floats, margins: Margins) -> Verdict:
    """A straight line that fits as well refutes nothing while only large networks lie on it; small ones must, too."""
    if found.lead >= margins.evidence and found.knee.low > parameters_mb.min():
        return Verdict.HOLDS
    end_mb = margins.floor * FLOOR_ENDS_MB
    if (parameters_mb < end_mb).sum() < LEAST_SMALL:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.DOES_NOT_HOLD if found.knee.high < end_mb else Verdict.INCONCLUSIVE
