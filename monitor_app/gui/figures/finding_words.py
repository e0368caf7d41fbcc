# SPDX-License-Identifier: Apache-2.0
"""A finding as it is told in the window. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.core.formatting import NOTHING, interval
from monitor_app.gui.figures.job_messages import FindingText

if TYPE_CHECKING:
    from monitor_app.analysis.findings.finding import Finding, Statistic


def finding_text(finding: Finding) -> FindingText:
    """What its reader sees of it."""
    return FindingText(
        key=finding.key,
        claim=finding.claim,
        verdict=finding.verdict.value,
        sentence=finding.sentence,
        figures=tuple((statistic.name, statistic_words(statistic)) for statistic in finding.statistics),
        figure=finding.figure,
        margin=finding.margin,
        caution=finding.caution,
        simulated=finding.simulated,
    )


def statistic_words(statistic: Statistic) -> str:
    """0.229 ± 0.019 G/ms; a dash where it is not known."""
    estimate = statistic.estimate
    if estimate is None or not math.isfinite(estimate.value):
        return NOTHING
    return interval(estimate, statistic.unit)
