# SPDX-License-Identifier: Apache-2.0
"""Campaigns on the command line: findings, reports, and checks against a baseline."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from monitor_app.analysis.campaign.assembly import campaign_of
from monitor_app.analysis.compare.differences import differences
from monitor_app.analysis.compare.regressions import regressions
from monitor_app.cli.tables import print_campaign, print_checks, print_flags
from monitor_app.cli.terminal import Terminal
from monitor_app.core.models.units import worded
from monitor_app.fleet.studies import study
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.analysis.compare.check import Check, Limits
    from monitor_app.analysis.findings import Finding
    from monitor_app.analysis.program_summary import ProgramSummary
    from monitor_app.analysis.study import Study


def analyze(files: Sequence[Path], *, as_json: bool) -> dict[str, Any] | None:
    """Print the cells and findings of each session, or return them as a JSON document."""
    found = read_study(files)
    each = zip(found.campaigns, found.findings, strict=True)
    flags = differences(found.campaigns)
    if as_json:
        return dict(_json_value({"sessions": [_campaign_json(*one) for one in each], "differences": list(flags)}))
    for campaign, findings in each:
        print_campaign(campaign, findings)
    print_flags(flags)
    return None


def check(
    baseline: Path, file: Path, limits: Limits, junit: Path | None, *, as_json: bool
) -> tuple[bool, dict[str, Any] | None]:
    """Check that no network of ``file`` is worse than in the baseline by more than the limits and the noise.

    Returns whether all checks passed, and the JSON document where one was asked for.
    """
    old, new = (_campaign(each) for each in (baseline, file))
    checks, flags = regressions(old, new, limits), differences([old, new])
    if junit is not None:
        from monitor_app.exports.junit import write_junit

        write_junit(checks, junit, flags=flags)
    good = not any(each.fails for each in checks)
    if as_json:
        document = {"passed": good, "checks": [_check_json(each) for each in checks], "differences": list(flags)}
        return good, _json_value(document)
    print_checks(checks)
    print_flags(flags)
    return good, None


def write_report(files: Sequence[Path], output: Path) -> None:
    """Write an HTML page, or a PDF where the suffix is .pdf. Raises ExportError."""
    from monitor_app.exports.report import write_report as write
    from monitor_app.exports.report.sections import ReportContent

    found = read_study(files)
    content = ReportContent(
        campaigns=found.campaigns,
        charts=found.charts(),
        findings=found.findings,
        verdicts=found.verdicts,
        programs=tuple(map(_program, files)),
        warnings=differences(found.campaigns),
        made_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    write(content, output)


def read_study(files: Sequence[Path]) -> Study:
    """Read and analyse sessions, with a bar of progress on a terminal."""
    with progress_bar("reading") as progress:
        task = progress.add_task("", total=1.0)
        return study(files, lambda share: progress.update(task, completed=share))


def _program(file: Path) -> ProgramSummary | None:
    """Read by itself: what is kept of a study holds no arrays, and this has the energy of each span."""
    from monitor_app.analysis.program_summary import program_summary

    with SessionReader(file) as reader:
        return program_summary(reader)


def _campaign(file: Path) -> Campaign:
    with SessionReader(file) as reader:
        return campaign_of(reader)


def progress_bar(words: str) -> Progress:
    """On stderr, where that is a terminal."""
    return Progress(
        TextColumn(words, markup=False), BarColumn(), TimeRemainingColumn(), console=Terminal(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )  # fmt: skip


def _campaign_json(campaign: Campaign, findings: Sequence[Finding]) -> dict[str, Any]:
    """As docs/campaign.md describes it."""
    document = asdict(campaign)
    for cell in document["cells"]:
        # One character an image, the same in every cell of a network: it is in the session file.
        cell.pop("answers")
        for key in ("seconds_per_image", "gross_j_per_image", "net_j_per_image"):
            cell[worded(key, cell["unit"])] = cell.pop(key)
    document["findings"] = [_finding_json(finding) for finding in findings]
    return document


def _json_value(value: Any) -> Any:
    """JSON has no infinity: an unknown end of an interval becomes null."""
    if isinstance(value, dict):
        return {key: _json_value(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "verdict": finding.verdict.value, "headline": finding.headline}


def _check_json(check: Check) -> dict[str, Any]:
    return {
        **asdict(check),
        "quantity": check.quantity.value,
        "verdict": check.verdict.value,
        "fails": check.fails,
    }
