# SPDX-License-Identifier: Apache-2.0
"""Computes figures and findings, in a process of its own beside the window: SESSION..."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.analysis.compare.differences import differences
from monitor_app.analysis.figures.groups import session_names
from monitor_app.analysis.study import Study, study
from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import NOTHING, interval
from monitor_app.gui.figures.job_messages import PROGRESS, VIEWS, Figures, FindingText, encode, view_name

if TYPE_CHECKING:
    from monitor_app.analysis.findings.finding import Finding, Statistic

RUNS_FRACTION = 0.9
"""Of the time, that reading the runs takes."""
BACKGROUND = 10
"""Niceness: a recording in progress has priority."""


def main(arguments: list[str]) -> int:
    """Lines with the fraction done and then one of JSON on stdout; or one sentence on stderr and exit code 1."""
    os.nice(BACKGROUND)
    try:
        found = study([Path(each) for each in arguments], _report)
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(encode(figures_of(found)) + "\n")
    return 0


def _report(fraction: float) -> None:
    """Reading the runs is all that takes long; the figures follow."""
    sys.stdout.write(f"{PROGRESS.decode()}{RUNS_FRACTION * fraction:.3f}\n")
    sys.stdout.flush()


def figures_of(found: Study) -> Figures:
    """All charts of the sessions together, and the findings of the first."""
    names = session_names(found.campaigns)
    return Figures(
        titles=tuple(name or campaign.title for name, campaign in zip(names, found.campaigns, strict=True)),
        views={view_name(**view): found.charts(**view) for view in VIEWS},
        findings=tuple(finding_text(finding) for finding in found.findings[0]),
        flags=differences(found.campaigns),
    )


def finding_text(finding: Finding) -> FindingText:
    """The finding as the window shows it."""
    return FindingText(
        key=finding.key,
        claim=finding.title,
        verdict=finding.verdict.value,
        sentence=finding.sentence,
        figures=tuple((statistic.name, statistic_words(statistic)) for statistic in finding.statistics),
        figure=finding.figure,
        margin=finding.margin,
        caution=finding.caution,
        simulated=finding.simulated,
        headline=finding.headline,
    )


def statistic_words(statistic: Statistic) -> str:
    """0.229 ± 0.019 G/ms; a dash where it is not known."""
    estimate = statistic.estimate
    if estimate is None or not math.isfinite(estimate.value):
        return NOTHING
    return interval(estimate, statistic.unit)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
