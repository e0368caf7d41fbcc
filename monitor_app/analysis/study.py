# SPDX-License-Identifier: Apache-2.0
"""One or more sessions analysed: their cells, their figures, and the paper's claims tested on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.figures import charts_of
from monitor_app.analysis.figures.back_ends import several_settings
from monitor_app.analysis.figures.options import Options, headline_batches
from monitor_app.analysis.findings import findings_of, meter_findings
from monitor_app.analysis.findings.meter import meter_chart, traces_of
from monitor_app.analysis.require.session import required_by, verdicts_on
from monitor_app.analysis.run.signals import is_simulated
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.findings import Finding
    from monitor_app.analysis.require.session import SessionVerdicts
    from monitor_app.analysis.run.results import RunResult
    from monitor_app.charts.model import Chart


@dataclass(frozen=True, slots=True)
class Study:
    """One session, or several that are compared."""

    campaigns: tuple[Campaign, ...]
    findings: tuple[tuple[Finding, ...], ...]
    """Of each campaign."""
    meter: Chart
    """The errors that slower meters would have made on the runs of the first session."""
    verdicts: tuple[SessionVerdicts, ...] = ()
    """Of each campaign, on what its profile requires."""

    def charts(self, *, gross: bool = False, macs: bool = False) -> tuple[Chart, ...]:
        """All figures.

        Args:
            gross: energies are those of the whole board in place of those above idle.
            macs: axes show multiply-accumulates in place of the paper's operations.
        """
        sizes, several = headline_batches(self.campaigns), several_settings(self.campaigns)
        options = Options(headline_batches=sizes, gross=gross, macs=macs, back_ends=several)
        charts = (*charts_of(self.campaigns, options), self.meter)
        return tuple(sorted(charts, key=lambda chart: chart.number or 0))


@dataclass(frozen=True, slots=True)
class SessionAnalysis:
    """What a study needs of one session."""

    campaign: Campaign
    findings: tuple[Finding, ...]
    meter: Chart
    verdicts: SessionVerdicts


def analyse_session(file: Path, progress: Callable[[float], None] = lambda fraction: None) -> SessionAnalysis:
    """Read one session; ``progress`` as of `study`. Raises NotASessionError, NewerSessionError."""
    with SessionReader(file) as reader:
        known: dict[int, RunResult] = {}
        campaign = campaign_of(reader, known=known, progress=progress)
        doubted = {run_id for cell in campaign.cells if cell.doubts for run_id in cell.run_ids}
        traces, simulated = traces_of(reader, without=doubted), is_simulated(reader)
        verdicts = verdicts_on(reader, required_by(reader), known)
    findings = (*findings_of(campaign), *meter_findings(traces, simulated=simulated))
    return SessionAnalysis(campaign, findings, meter_chart(traces, simulated=simulated), verdicts)


def study(files: Sequence[Path], progress: Callable[[float], None] = lambda fraction: None) -> Study:
    """Read sessions, at least one, one after another. Raises NotASessionError, NewerSessionError.

    Args:
        files: sessions; their order is that of the figures.
        progress: called with the fraction that is done, 0 to 1.
    """
    found: list[SessionAnalysis] = []
    for count, file in enumerate(files):

        def report(fraction: float, before: int = count) -> None:
            progress((before + fraction) / len(files))

        found.append(analyse_session(file, report))
    return study_of(found)


def study_of(found: Sequence[SessionAnalysis]) -> Study:
    """Sessions, at least one, put together in this order."""
    return Study(
        tuple(each.campaign for each in found),
        tuple(each.findings for each in found),
        found[0].meter,
        tuple(each.verdicts for each in found),
    )


def chart_behind(finding: Finding, charts: Sequence[Chart]) -> Chart | None:
    """The figure that shows the data of a finding; the last one of a figure that is drawn for several batch sizes."""
    exact = [chart for chart in charts if chart.key == finding.figure]
    found = exact or [chart for chart in charts if chart.key.startswith(f"{finding.figure}-b")]
    return found[-1] if found else None
