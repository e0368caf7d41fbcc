# SPDX-License-Identifier: Apache-2.0
"""What would make a verdict conclusive, in one sentence: about how much more has to be measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.analysis.statistics.binomial import clopper_pearson
from monitor_app.analysis.statistics.short_series import LEAST
from monitor_app.core.formatting import long_duration, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.analysis.require.evidence import Evidence, Measured
    from monitor_app.analysis.statistics.rare import Rare
    from monitor_app.core.estimate import Proportion

MOST = 1000.0
"""As many times what was measured is too much to propose."""
_STEP = 1.05
UNLESS = "unless the true value is the limit itself"
_TOO_NEAR = "The value lies so near the limit that no reasonable number of {} decides it: choose another limit."


def more_of_deadline(rare: Rare, limit: float, evidence: Evidence) -> str:
    """Batches that decide whether the fraction beyond a level is at most ``limit``, if as many are beyond it."""

    def decides(factor: float) -> bool:
        low, high = rare.interval(factor * rare.hits, factor * rare.trials)
        return high <= limit or low > limit

    factor = _least(decides)
    if factor is None:
        return _TOO_NEAR.format("batches")
    as_often = "if none of them takes longer" if rare.hits == 0 else "if as many of them take longer"
    return f"{_batches(factor, evidence)} would decide it {as_often}, {UNLESS}."


def more_batches(found: Measured, limit: float, evidence: Evidence, unit: str, scale: float) -> str:
    """Batches that decide whether a power or an energy is at most ``limit``; or why they cannot."""
    if not math.isfinite(found.passing):
        return f"At least {LEAST} batches have to be timed for an interval: time the run for longer."
    distance = abs(found.value - limit)
    if distance <= found.lasting:
        least = number(scale * found.lasting, unit)
        return (
            f"The uncertainty from {found.cause} and the like is ± {least} however long is measured, and the value is "
            f"{number(scale * distance, unit)} from the limit: a more accurate meter, or calibrating it, would decide "
            "it."
        )
    factor = max(found.passing**2 / (distance**2 - found.lasting**2), 1.0)
    if factor > MOST:
        return _TOO_NEAR.format("batches")
    return f"{_batches(factor, evidence)} would decide it, {UNLESS}."


def more_images(top1: Proportion, limit: float) -> str:
    """Labelled images that decide whether the fraction of right answers is at least ``limit``."""

    def decides(factor: float) -> bool:
        low, high = clopper_pearson(factor * top1.correct, factor * top1.images)
        return low >= limit or high < limit

    factor = _least(decides)
    if factor is None:
        return _TOO_NEAR.format("images")
    more = _about((factor - 1) * top1.images)
    return f"About {more:,} more labelled images would decide it if as many are answered right, {UNLESS}."


def _batches(factor: float, evidence: Evidence) -> str:
    count = len(evidence.latencies_s)
    more = _about((factor - 1) * count)
    seconds = more * evidence.timed_s / count
    return f"About {more:,} more batches ({long_duration(seconds)} at this rate)"


def _least(decides: Callable[[float], bool]) -> float | None:
    """The factor by which the evidence has to grow, to a few per cent; None where it is more than ``MOST``."""
    factor = _STEP
    while factor <= MOST:
        if decides(factor):
            return factor
        factor *= _STEP
    return None


def _about(count: float) -> int:
    """Rounded up to two digits, at least 1."""
    whole = max(math.ceil(count), 1)
    unit: int = 10 ** max(len(str(whole)) - 2, 0)
    return -(-whole // unit) * unit
