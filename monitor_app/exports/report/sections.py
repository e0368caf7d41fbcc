# SPDX-License-Identifier: Apache-2.0
"""From what was measured to the chapters of a report."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from monitor_app.analysis.study import chart_behind
from monitor_app.core.formatting import moment
from monitor_app.exports.report.blocks import (
    Block,
    Code,
    Document,
    Facts,
    Flags,
    Numbers,
    Picture,
    Points,
    Section,
    Subtitle,
    Tested,
    Text,
)
from monitor_app.exports.report.headline import headline, measured
from monitor_app.exports.report.method import INTERVALS, method_of
from monitor_app.exports.report.table import remarks_of, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.exports.report.content import ReportContent

_APART = frozenset({"profile", "title", "boot_id", "shift_ns", "durable_commits", "completed_utc_ns", "python"})
"""Of what the session says of itself, what stands elsewhere in the report, or is for programs."""
_SIMULATED = (
    "Something in this report was not measured on a real thing. Each chart, each number and each row that it concerns "
    "is marked SIMULATED."
)


def document_of(content: ReportContent) -> Document:
    """The report in the order in which it is read."""
    pictures = tuple(Picture(chart, number) for number, chart in enumerate(content.charts, 1))
    sections = (
        Section("summary", "Summary", tuple(_summary(content))),
        Section("environment", "Environment", tuple(_each(content, _environment))),
        Section("method", "Method", tuple(_each(content, lambda campaign: iter((Points(method_of(campaign)),))))),
        Section("uncertainty", "Uncertainty", (Points(INTERVALS),)),
        Section("figures", "Figures", pictures or (Text("No figures were made.", dim=True),)),
        Section("findings", "Findings", tuple(_findings(content, pictures))),
        Section("cells", "All cells", tuple(_each(content, _cells))),
        Section("reproduce", "How to reproduce", tuple(_reproduce(content))),
    )
    made = f", {moment(content.made_utc)}" if content.made_utc else ""
    subtitle = "  ·  ".join(dict.fromkeys(campaign.board for campaign in content.campaigns if campaign.board))
    return Document(content.heading, subtitle, content.simulated, sections, f"Made by {content.program}{made}")


def _summary(content: ReportContent) -> Iterator[Block]:
    if content.simulated:
        yield Flags((_SIMULATED,))
    if content.warnings:
        yield Flags(content.warnings)
    yield from _each(content, _headline)
    verdicts = [finding.verdict.value for found in content.findings for finding in found]
    if verdicts:
        counted = ", ".join(f"{verdict}: {verdicts.count(verdict)}" for verdict in dict.fromkeys(verdicts))
        yield Text(f"Of {len(verdicts)} claims of the paper that were tested, {counted}.")


def _headline(campaign: Campaign) -> Iterator[Block]:
    began = f", started {moment(campaign.started_utc)}" if campaign.started_utc else ""
    yield Text(f"{campaign.board or 'An unnamed board'}{began}. {measured(campaign)}")
    yield Numbers(headline(campaign))


def _environment(campaign: Campaign) -> Iterator[Block]:
    said = {name: value for name, value in campaign.meta.items() if name not in _APART}
    conditions = dict.fromkeys(cell.conditions for cell in campaign.cells)
    modes = dict.fromkeys(each.power_mode or "as found" for each in conditions)
    clocks = dict.fromkeys(each.clocks or "as found" for each in conditions)
    yield Facts(
        (
            ("session", campaign.path),
            ("board", campaign.board or "not known"),
            ("power mode", ", ".join(modes) or "not known"),
            ("clocks", ", ".join(clocks) or "not known"),
            *said.items(),
            *campaign.environment.items(),
        )
    )
    weights = {cell.title: cell.weights_sha256 for cell in campaign.cells if cell.weights_sha256}
    if weights:
        yield Text("SHA-256 of the weights", dim=True)
        yield Facts(tuple(weights.items()))
    random = dict.fromkeys(cell.title for cell in campaign.cells if not cell.weights_sha256)
    if random:
        yield Text(f"Without known weights: {', '.join(random)}.", dim=True)


def _findings(content: ReportContent, pictures: tuple[Picture, ...]) -> Iterator[Block]:
    if not any(content.findings):
        yield Text("No claims were tested.", dim=True)
        return
    of = {picture.chart.key: picture for picture in pictures}
    for name, campaign, found in zip(content.names, content.campaigns, content.findings, strict=False):
        if len(content.campaigns) > 1:
            yield Subtitle(name, campaign.simulated)
        for finding in found:
            behind = chart_behind(finding, content.charts)
            yield Tested(finding, of.get(behind.key) if behind else None)


def _cells(campaign: Campaign) -> Iterator[Block]:
    yield table_of(campaign)
    remarks = remarks_of(campaign)
    if remarks:
        yield Points(remarks, fold="What was not measured, and what to know of the rest")


def _reproduce(content: ReportContent) -> Iterator[Block]:
    yield Text("Save the profile below, which the session file holds too, and give the new session a name of its own.")
    yield Code("\n".join(content.commands or _commands(content)))
    for name, campaign in zip(content.names, content.campaigns, strict=True):
        text = campaign.meta.get("profile", "")
        if text:
            yield Code(text, fold=f"Profile of {name}")
        else:
            yield Text(f"The session of {name} holds no profile.", dim=True)


def _commands(content: ReportContent) -> tuple[str, ...]:
    files = " ".join(shlex.quote(campaign.path) for campaign in content.campaigns)
    return (
        "monitor-app record PROFILE.toml --output SESSION.plm",
        f"monitor-app analyze {files}",
    )


def _each(content: ReportContent, part: Callable[[Campaign], Iterator[Block]]) -> Iterator[Block]:
    """The same for every campaign, under its name where there are several."""
    for name, campaign in zip(content.names, content.campaigns, strict=True):
        if len(content.campaigns) > 1:
            yield Subtitle(name, campaign.simulated)
        yield from part(campaign)
