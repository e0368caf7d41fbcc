# SPDX-License-Identifier: Apache-2.0
"""The paper's advice to choose the slowest network that will do, tested on energy instead of power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict
from monitor_app.analysis.findings.regression import fit_line
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

LEAST_NETWORKS = 5


def slowest_network(table: Table, _: Margins) -> Finding:
    """Whether net energy an image grows with the time an image: refuted where it does."""
    large = table.headline(table.net_j.values)[1]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Net energy of {LEAST_NETWORKS} networks of different speed is needed at one batch size."
    if table.batches.size:
        seconds, joules = table.seconds.values[:, large], table.net_j.values[:, large]
        # What is not above idle has no logarithm, and says nothing of how energy grows.
        known = np.isfinite(seconds) & (joules > 0)
        if known.sum() >= LEAST_NETWORKS and np.ptp(seconds[known]) > 0:
            exponent = fit_line(np.log(seconds[known]), np.log(joules[known])).slope
            verdict = _verdict(exponent.low, exponent.high)
            statistics = (Statistic("Exponent of time in net energy an image", exponent, ""),)
            rows = np.flatnonzero(known)
            fast, slow = rows[seconds[rows].argmin()], rows[seconds[rows].argmax()]
            sentence = (
                f"At batch {table.batches[large]} net energy an image grows as time to the power {interval(exponent)}; "
                f"{table.titles[slow]}, the slowest, takes {number(float(joules[slow] / joules[fast]))} times the "
                f"energy of {table.titles[fast]}, the fastest."
            )
    return Finding(
        key="slowest-network",
        claim="As power is constant, a battery is served as well by the slowest network that meets the requirements.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin="An exponent of time in net energy above 0 refutes it; with constant power it is 1",
        caution=(
            f"{table.caution} The paper argues from power where energy counts: at a given number of images a second a "
            "battery pays idle power all the time, and for each image net energy, which is power times time. So "
            "choose, of the networks that are accurate enough, the one with the least energy an image: at equal power "
            "the fastest."
        ).strip(),
        simulated=table.power_simulated,
    )


def _verdict(low: float, high: float) -> Verdict:
    if low > 0:
        return Verdict.DOES_NOT_HOLD
    return Verdict.HOLDS if high <= 0 else Verdict.NOT_ENOUGH_DATA
