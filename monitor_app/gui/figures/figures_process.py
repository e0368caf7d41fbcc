# SPDX-License-Identifier: Apache-2.0
"""Computes figures and findings, in a process of its own beside the window: SESSION..."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.analysis.campaign import campaign_of
from monitor_app.analysis.figures import charts_of
from monitor_app.analysis.figures.groups import session_names
from monitor_app.analysis.figures.options import Options
from monitor_app.analysis.findings import findings_of
from monitor_app.core.errors import MonitorError
from monitor_app.gui.figures.chart_json import Figures, encode
from monitor_app.gui.figures.finding_words import finding_text
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.analysis.cells import Campaign

BACKGROUND = 10
"""Niceness: a recording that goes on comes first."""
PAPER_BATCHES = (1, 16)


def main(arguments: list[str]) -> int:
    """One line of JSON on stdout; or one sentence on stderr and exit code 1."""
    os.nice(BACKGROUND)
    try:
        campaigns = [_campaign(Path(each)) for each in arguments]
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(encode(figures_of(campaigns)) + "\n")
    return 0


def figures_of(campaigns: Sequence[Campaign]) -> Figures:
    """All charts of the sessions together, and the findings of the first."""
    names = session_names(campaigns)
    batches = headline_batches(campaigns)
    net, gross = (charts_of(campaigns, Options(headline_batches=batches, gross=gross)) for gross in (False, True))
    return Figures(
        titles=tuple(name or campaign.title for name, campaign in zip(names, campaigns, strict=True)),
        charts=tuple(net),
        gross=tuple(gross),
        findings=tuple(finding_text(finding) for finding in findings_of(campaigns[0])),
    )


def headline_batches(campaigns: Sequence[Campaign]) -> tuple[int, ...]:
    """Those of the paper, or where the larger was not run, the smallest and largest up to it that were."""
    sizes = sorted({size for campaign in campaigns for size in campaign.batch_sizes})
    if not sizes or set(PAPER_BATCHES) <= set(sizes):
        return PAPER_BATCHES
    few = [size for size in sizes if size <= PAPER_BATCHES[1]] or sizes[:1]
    return tuple(dict.fromkeys((few[0], few[-1])))


def _campaign(path: Path) -> Campaign:
    with SessionReader(path) as reader:
        return campaign_of(reader)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
