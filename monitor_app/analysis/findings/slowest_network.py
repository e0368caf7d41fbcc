# SPDX-License-Identifier: Apache-2.0
"""The paper's advice to choose the slowest network that meets the requirements, tested on energy instead of power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict
from monitor_app.analysis.statistics.regression import straight_line
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

LEAST_NETWORKS = 5


def slowest_network(table: Table, _: Margins) -> Finding:
    """Whether net energy per image grows with time per image; where it does, the advice is refuted."""
    large = table.headline(table.net_j.values)[1]
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Net energy of at least {LEAST_NETWORKS} networks of different speed is needed at one batch size."
    if table.batches.size:
        seconds, joules = table.seconds.values[:, large], table.net_j.values[:, large]
        # Net energies that are not above zero have no logarithm.
        known = np.isfinite(seconds) & (joules > 0)
        if known.sum() >= LEAST_NETWORKS and np.ptp(seconds[known]) > 0:
            exponent = straight_line(np.log(seconds[known]), np.log(joules[known])).slope_estimate()
            verdict = _verdict(exponent.low, exponent.high)
            statistics = (Statistic("Exponent of time in net energy per image", exponent, ""),)
            rows = np.flatnonzero(known)
            fast, slow = rows[seconds[rows].argmin()], rows[seconds[rows].argmax()]
            sentence = (
                f"At batch {table.batches[large]} net energy per image grows as time to the power of "
                f"{interval(exponent)}; {table.titles[slow]}, the slowest network, takes "
                f"{number(float(joules[slow] / joules[fast]))} times the energy of {table.titles[fast]}, the fastest."
            )
    return Finding(
        key="slowest-network",
        claim="As power is constant, a device on a battery may use the slowest network that meets its requirements.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin="Refuted by an exponent of time in net energy above 0; at constant power it is 1",
        caution=(
            f"{table.caution} The paper argues with power, but a battery stores energy: at a given number of images "
            "per second it supplies idle power all the time and, for each image, the net energy, which is power times "
            "time. So choose, among the networks that are accurate enough, the one with the least energy per image; "
            "at equal power that is the fastest."
        ).strip(),
        simulated=table.power_simulated,
    )


def _verdict(low: float, high: float) -> Verdict:
    if low > 0:
        return Verdict.DOES_NOT_HOLD
    return Verdict.HOLDS if high <= 0 else Verdict.INCONCLUSIVE
