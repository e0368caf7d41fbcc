# SPDX-License-Identifier: Apache-2.0
"""Everything that a report tells, before it is put into sections."""

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
    """Of each campaign, in their order; empty where none were tested."""
    warnings: tuple[str, ...] = ()
    """What sets compared campaigns apart that should not, each in one sentence."""
    title: str = ""
    """Empty: made of the titles of the campaigns."""
    commands: tuple[str, ...] = ()
    """Lines of a shell that measure the same again; empty: made of the files of the campaigns."""
    made_utc: str = ""
    """When the report was made, ISO 8601; empty: it does not say."""
    program: str = f"monitor-app {__version__}"

    @property
    def simulated(self) -> bool:
        """Anything in it."""
        return (
            any(campaign.simulated for campaign in self.campaigns)
            or any(is_simulated(chart) for chart in self.charts)
            or any(finding.simulated for found in self.findings for finding in found)
        )

    @property
    def heading(self) -> str:
        """For the first line and the title of the window."""
        return self.title or " and ".join(campaign.title or campaign.board for campaign in self.campaigns) or "Report"

    @property
    def names(self) -> tuple[str, ...]:
        """What tells the campaigns apart."""
        return session_names(self.campaigns)
