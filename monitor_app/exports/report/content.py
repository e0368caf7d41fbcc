# SPDX-License-Identifier: Apache-2.0
"""Everything that a report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app import __version__
from monitor_app.analysis.compare.differences import session_names
from monitor_app.charts.contents import is_simulated

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.findings.finding import Finding
    from monitor_app.charts.model import Chart


@dataclass(frozen=True, slots=True)
class ReportContent:
    """One campaign, or several that are compared."""

    campaigns: tuple[Campaign, ...]
    charts: tuple[Chart, ...] = ()
    findings: tuple[tuple[Finding, ...], ...] = ()
    """Of each campaign, in their order; empty if none were tested."""
    warnings: tuple[str, ...] = ()
    """Unwanted differences between compared campaigns, one sentence each."""
    title: str = ""
    """If empty, the titles of the campaigns are used."""
    commands: tuple[str, ...] = ()
    """Shell commands that repeat the measurement; if empty, they are made from the files of the campaigns."""
    made_utc: str = ""
    """Time of the report, ISO 8601; if empty, it is left out."""
    program: str = f"monitor-app {__version__}"

    @property
    def simulated(self) -> bool:
        """Whether anything in it is simulated."""
        return (
            any(campaign.simulated for campaign in self.campaigns)
            or any(is_simulated(chart) for chart in self.charts)
            or any(finding.simulated for found in self.findings for finding in found)
        )

    @property
    def heading(self) -> str:
        """The title of the report."""
        return self.title or " and ".join(campaign.title or campaign.board for campaign in self.campaigns) or "Report"

    @property
    def names(self) -> tuple[str, ...]:
        """A distinct name for each campaign."""
        return session_names(self.campaigns)
