# SPDX-License-Identifier: Apache-2.0
"""The claims of Canziani, Paszke and Culurciello (2016), tested on any board; docs/findings.md explains each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.findings.density import density_ranking, density_ratios
from monitor_app.analysis.findings.energy_bound import energy_bounds_accuracy, energy_bounds_operations
from monitor_app.analysis.findings.finding import Finding, Margins, Statistic, Verdict
from monitor_app.analysis.findings.hyperbola import accuracy_and_time
from monitor_app.analysis.findings.memory import memory_and_parameters, memory_knee
from monitor_app.analysis.findings.operations_time import operations_and_time, steeper_with_batch
from monitor_app.analysis.findings.power_architecture import power_and_architecture, power_deviation
from monitor_app.analysis.findings.power_batch import power_and_batch
from monitor_app.analysis.findings.slowest_network import slowest_network
from monitor_app.analysis.findings.speed_up import speed_up
from monitor_app.analysis.findings.table import Table, table_of
from monitor_app.analysis.findings.trace import meter_findings

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign

__all__ = [
    "findings_of",
    "meter_findings",
    "Finding",
    "Verdict",
    "Statistic",
    "Margins",
    "Table",
    "table_of",
]

_CLAIMS = (
    power_and_batch,
    power_and_architecture,
    accuracy_and_time,
    energy_bounds_accuracy,
    energy_bounds_operations,
    operations_and_time,
    power_deviation,
    slowest_network,
    steeper_with_batch,
    speed_up,
    memory_and_parameters,
    memory_knee,
    density_ranking,
    density_ratios,
)


def findings_of(campaign: Campaign, margins: Margins = Margins()) -> tuple[Finding, ...]:  # noqa: B008
    """Every claim that cells can test: the paper's four main findings in their order, then its smaller claims.

    A claim for which too little was measured is there as well, with the verdict that says so.
    """
    table = table_of(campaign)
    return tuple(claim(table, margins) for claim in _CLAIMS)
