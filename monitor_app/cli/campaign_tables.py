# SPDX-License-Identifier: Apache-2.0
"""Campaigns, findings and checks printed in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monitor_app.analysis.compare.check import Verdict as CheckVerdict
from monitor_app.analysis.findings import Verdict
from monitor_app.cli.tables import NAME_WIDTH, SIMULATED, console, print_table
from monitor_app.core.formatting import DOES_NOT_FIT, NOT_MEASURED, NOTHING, fixed, interval, moment, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.campaign.cells import Campaign, Cell
    from monitor_app.analysis.compare.check import Check
    from monitor_app.analysis.findings import Finding

_STYLES = {
    Verdict.HOLDS.value: "green",
    Verdict.DOES_NOT_HOLD.value: "red",
    Verdict.NOT_ENOUGH_DATA.value: "yellow",
    CheckVerdict.PASSED.value: "green",
    CheckVerdict.FAILED.value: "red",
    CheckVerdict.MISSING.value: "red",
    CheckVerdict.UNCLEAR.value: "yellow",
}

_VERDICT_WIDTH = 16
_UNDER_CLAIM = (0, 0, 0, _VERDICT_WIDTH)


def print_campaign(campaign: Campaign, findings: Sequence[Finding]) -> None:
    """The cells of a session, and the verdict on each claim of the paper."""
    out = console()
    title = Text(f"{campaign.path}  {campaign.title}", style="bold")
    if campaign.simulated:
        title.append(f"  {SIMULATED}", style="bold red")
    out.print(title)
    out.print(" on ".join(part for part in (moment(campaign.started_utc), campaign.board) if part))
    if campaign.cells:
        print_table(out, _cells_table(campaign.cells))
        for cell in campaign.cells:
            if cell.fits is None and cell.message:
                out.print(Text(f"{cell.label}: {cell.message}", style="dim", overflow="fold"))
    for finding in findings:
        out.print()
        verdict = Text(f"{finding.verdict.value:{_VERDICT_WIDTH}}", style=_STYLES[finding.verdict.value])
        out.print(verdict + Text(finding.claim, style="bold"))
        out.print(Padding(Text(finding.sentence, overflow="fold"), _UNDER_CLAIM))
        if finding.caution:
            out.print(Padding(Text(finding.caution, style="dim", overflow="fold"), _UNDER_CLAIM))


def print_checks(checks: Sequence[Check]) -> None:
    """The verdict on each check, failed ones first."""
    out = console()
    for check in sorted(checks, key=lambda each: not each.fails):
        out.print(Text(f"{check.verdict.value:8}", style=_STYLES[check.verdict.value]) + Text(f"  {check.sentence}"))
    failed = sum(check.fails for check in checks)
    out.print(Text(f"{failed} of {len(checks)} checks failed.", style="bold red" if failed else "bold"))


def print_flags(flags: Sequence[str]) -> None:
    """Differences between the compared sessions that should not be there."""
    for flag in flags:
        console().print(Text(f"! {flag}", style="red"))


def _cells_table(cells: Sequence[Cell]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("network", overflow="fold", min_width=NAME_WIDTH)
    for name in ("ms/image", "net W", "mJ/image", "memory MB", "top-1 %"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in cells:
        if not cell.fits:
            table.add_row(cell.label, Text(DOES_NOT_FIT if cell.fits is False else NOT_MEASURED, style="dim"))
            continue
        table.add_row(
            cell.label,
            *(
                interval(estimate, scale=scale) if estimate else NOTHING
                for estimate, scale in ((cell.seconds_per_image, 1e3), (cell.net_w, 1.0), (cell.net_j_per_image, 1e3))
            ),
            fixed(None if cell.memory_bytes is None else cell.memory_bytes / 1e6, 0),
            percent(cell.top1) if cell.top1 else NOT_MEASURED,
        )
    return table
