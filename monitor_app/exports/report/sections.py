# SPDX-License-Identifier: Apache-2.0
"""The sections of a report, from campaigns, charts and findings."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app import __version__
from monitor_app.analysis.compare.differences import session_names
from monitor_app.analysis.study import chart_behind
from monitor_app.charts.contents import is_simulated, notes_of
from monitor_app.core.formatting import NOT_KNOWN, interval, moment
from monitor_app.core.models.units import shared_unit
from monitor_app.exports.report.blocks import (
    Alert,
    Block,
    BulletList,
    CodeBlock,
    Document,
    FactTable,
    Figure,
    FindingBlock,
    Headlines,
    Paragraph,
    Section,
    Subtitle,
)
from monitor_app.exports.report.headline import headline, measured
from monitor_app.exports.report.loads import loads_of, stages_of
from monitor_app.exports.report.method import intervals, method_of, method_of_program
from monitor_app.exports.report.programs import program_of
from monitor_app.exports.report.requirements import counts, requirements
from monitor_app.exports.report.table import generating_table_of, notes_on_cells, table_of
from monitor_app.session.schema import NOTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.findings.finding import Finding
    from monitor_app.analysis.program_summary import ProgramSummary
    from monitor_app.analysis.require.session import SessionVerdicts
    from monitor_app.charts.model import Chart


_ELSEWHERE = frozenset(
    {
        "profile", "title", "boot_id", "board_boot_id", "clock", "shift_ns", "durable_commits", "completed_utc_ns",
        "python", NOTES,
    }
)  # fmt: skip
"""Keys of a session's metadata that the environment leaves out: shown elsewhere in the report, or for programs."""
_NAMES = {"board_host": "name of the board", "host": "recording computer", "system": "system of that computer"}
"""Where the networks ran on a board elsewhere, whose processor, cores and kernel are shown beside these."""
_SIMULATED = "This report contains simulated data. Each chart, number and row that it affects is marked SIMULATED."


@dataclass(frozen=True, slots=True)
class ReportContent:
    """One campaign, or several that are compared."""

    campaigns: tuple[Campaign, ...]
    charts: tuple[Chart, ...] = ()
    findings: tuple[tuple[Finding, ...], ...] = ()
    """Of each campaign, in their order; empty if none were tested."""
    verdicts: tuple[SessionVerdicts, ...] = ()
    """Of each campaign, on what its profile requires; empty if nothing was checked."""
    programs: tuple[ProgramSummary | None, ...] = ()
    """Of each campaign, the user's own program that its session holds besides."""
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
            or any(program.simulated for program in self.programs if program is not None)
            or any(is_simulated(chart) for chart in self.charts)
            or any(finding.simulated for found in self.findings for finding in found)
        )

    @property
    def measured_networks(self) -> bool:
        """Whether the report is about networks, and not about programs of the user's alone."""
        return any(campaign.cells for campaign in self.campaigns) or not any(self.programs)

    @property
    def heading(self) -> str:
        """The title of the report."""
        return self.title or " and ".join(campaign.title or campaign.board for campaign in self.campaigns) or "Report"

    @property
    def names(self) -> tuple[str, ...]:
        """A distinct name for each campaign."""
        return session_names(self.campaigns)


def document_of(content: ReportContent) -> Document:
    """The report, section by section in reading order."""
    required = tuple(requirements(content.names, content.verdicts))
    programs = tuple(_programs(content))
    unit = shared_unit(cell.unit for campaign in content.campaigns for cell in campaign.cells)
    method = method_of if content.measured_networks else method_of_program
    sections = (
        Section("summary", "Summary", tuple(_summary(content))),
        *((Section("requirements", "Requirements", required),) if required else ()),
        *((Section("program", "Own program", programs),) if programs else ()),
        Section("environment", "Environment", tuple(_each(content, _environment))),
        Section("method", "Method", tuple(_each(content, lambda campaign: iter((BulletList(method(campaign)),))))),
        Section("uncertainty", "Uncertainty", (BulletList(intervals(unit)),)),
        *(_on_networks(content) if content.measured_networks else ()),
        Section("reproduce", "How to reproduce", tuple(_reproduce(content))),
    )
    made = f", {moment(content.made_utc)}" if content.made_utc else ""
    subtitle = "  ·  ".join(dict.fromkeys(campaign.board for campaign in content.campaigns if campaign.board))
    return Document(content.heading, subtitle, content.simulated, sections, f"Made by {content.program}{made}")


def _on_networks(content: ReportContent) -> tuple[Section, ...]:
    figures = tuple(_figure(chart) for chart in content.charts)
    return (
        Section("figures", "Figures", figures or (Paragraph("No figures were made.", dim=True),)),
        Section("findings", "Findings", tuple(_findings(content, figures))),
        Section("cells", "All cells", tuple(_each(content, _cells))),
    )


def _summary(content: ReportContent) -> Iterator[Block]:
    if content.simulated:
        yield Alert((_SIMULATED,))
    if content.warnings:
        yield Alert(content.warnings)
    yield from _each(content, _headline if content.measured_networks else _place_and_time)
    if any(each.judgements for each in content.verdicts):
        yield Paragraph(f"Requirements of the profile: {counts(content.verdicts)}.")
    verdicts = [finding.verdict.value for found in content.findings for finding in found]
    if verdicts and content.measured_networks:
        counted = ", ".join(f"{verdict}: {verdicts.count(verdict)}" for verdict in dict.fromkeys(verdicts))
        yield Paragraph(f"Claims of the paper that were tested: {len(verdicts)}. Verdicts: {counted}.")


def _programs(content: ReportContent) -> Iterator[Block]:
    for name, campaign, program in zip(content.names, content.campaigns, content.programs, strict=False):
        if program is None:
            continue
        if len(content.campaigns) > 1:
            yield Subtitle(name, campaign.simulated)
        yield from program_of(program)


def _headline(campaign: Campaign) -> Iterator[Block]:
    yield Paragraph(f"{_board_and_start(campaign)} {measured(campaign)}")
    yield Headlines(headline(campaign))
    yield from _notes(campaign)


def _place_and_time(campaign: Campaign) -> Iterator[Block]:
    yield Paragraph(_board_and_start(campaign))
    yield from _notes(campaign)


def _board_and_start(campaign: Campaign) -> str:
    began = f", started {moment(campaign.started_utc)}" if campaign.started_utc else ""
    where = f", {campaign.link.where}" if campaign.link is not None else ""
    return f"{campaign.board or 'Unnamed board'}{where}{began}."


def _notes(campaign: Campaign) -> Iterator[Block]:
    notes = campaign.meta.get(NOTES, "").strip()
    if notes:
        yield Paragraph("Notes on the session", dim=True)
        for line in filter(None, map(str.strip, notes.splitlines())):
            yield Paragraph(line)


def _environment(campaign: Campaign) -> Iterator[Block]:
    named = _NAMES if "board_host" in campaign.meta else {}
    metadata = {named.get(name, name): value for name, value in campaign.meta.items() if name not in _ELSEWHERE}
    conditions = dict.fromkeys(cell.conditions for cell in campaign.cells)
    modes = dict.fromkeys(each.power_mode or "unchanged" for each in conditions)
    clocks = dict.fromkeys(each.clocks or "unchanged" for each in conditions)
    yield FactTable(
        (
            ("session", campaign.path),
            ("board", campaign.board or NOT_KNOWN),
            ("power mode", ", ".join(modes) or NOT_KNOWN),
            ("clocks", ", ".join(clocks) or NOT_KNOWN),
            *metadata.items(),
            *campaign.environment.items(),
        )
    )
    weights = {cell.title: cell.weights_sha256 for cell in campaign.cells if cell.weights_sha256}
    if weights:
        yield Paragraph("SHA-256 of the weights", dim=True)
        yield FactTable(tuple(weights.items()))
    random = dict.fromkeys(cell.title for cell in campaign.cells if not cell.weights_sha256)
    if random:
        yield Paragraph(f"Networks whose weights are not identified: {', '.join(random)}.", dim=True)


def _findings(content: ReportContent, figures: tuple[Figure, ...]) -> Iterator[Block]:
    if not any(content.findings):
        yield Paragraph("No claims were tested.", dim=True)
        return
    of = {figure.chart.key: figure for figure in figures}
    for name, campaign, found in zip(content.names, content.campaigns, content.findings, strict=False):
        if len(content.campaigns) > 1:
            yield Subtitle(name, campaign.simulated)
        for finding in found:
            behind = chart_behind(finding, content.charts)
            yield _finding(finding, of.get(behind.key) if behind else None)


def _figure(chart: Chart) -> Figure:
    return Figure(
        chart,
        title=f"{chart.numbered}. {chart.title}." if chart.numbered else f"{chart.title}.",
        notes=tuple(notes_of(chart)),
        simulated=is_simulated(chart),
    )


def _finding(finding: Finding, figure: Figure | None) -> FindingBlock:
    statistics = tuple(
        (each.name, NOT_KNOWN if each.estimate is None else interval(each.estimate, each.unit))
        for each in finding.statistics
    )
    return FindingBlock(
        finding.key,
        finding.verdict,
        finding.title,
        finding.sentence,
        statistics,
        finding.margin,
        finding.caution,
        figure,
        finding.simulated,
    )


def _cells(campaign: Campaign) -> Iterator[Block]:
    yield table_of(campaign)
    generating = generating_table_of(campaign)
    if generating is not None:
        yield Paragraph("Models that generate: the time until the first token of a request, then each phase by itself.")
        yield generating
    yield from loads_of(campaign)
    yield from stages_of(campaign)
    notes = notes_on_cells(campaign)
    if notes:
        yield BulletList(notes, summary="Cells that were not measured, and notes on the others")


def _reproduce(content: ReportContent) -> Iterator[Block]:
    yield Paragraph("Save the profile below (it is also in the session file) and record it into a new session file.")
    yield CodeBlock("\n".join(content.commands or _commands(content)))
    for name, campaign in zip(content.names, content.campaigns, strict=True):
        text = campaign.meta.get("profile", "")
        if text:
            yield CodeBlock(text, summary=f"Profile of {name}")
        else:
            yield Paragraph(f"The session {name} holds no profile.", dim=True)


def _commands(content: ReportContent) -> tuple[str, ...]:
    files = " ".join(shlex.quote(campaign.path) for campaign in content.campaigns)
    if not content.measured_networks:
        return tuple(
            f"monitor-app run -n {len(program.repetitions)} PROFILE.toml --output SESSION.plm -- "
            f"{shlex.join(program.words)}"
            for program in content.programs
            if program is not None
        )
    return (
        "monitor-app record PROFILE.toml --output SESSION.plm",
        f"monitor-app analyze {files}",
    )


def _each(content: ReportContent, part: Callable[[Campaign], Iterator[Block]]) -> Iterator[Block]:
    """The part of every campaign, under the campaign's name where there are several."""
    for name, campaign in zip(content.names, content.campaigns, strict=True):
        if len(content.campaigns) > 1:
            yield Subtitle(name, campaign.simulated)
        yield from part(campaign)
