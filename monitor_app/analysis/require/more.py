# SPDX-License-Identifier: Apache-2.0
"""What would make a verdict conclusive, in one sentence: about how much more has to be measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.analysis.statistics.binomial import surely_at_least, surely_at_most
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
_ACCURATE = "a more accurate meter, or calibrating this one, would decide it"
_LASTING = {
    "resolution": ("the resolution of the meter", _ACCURATE),
    "idle_noise": ("the noise of the idle power", "a longer idle_s would decide it"),
    "drift": ("the drift of the idle power", "a longer settle_s would decide it"),
    "clock": ("the clock bound of the meter", "larger batches, or a sync line to the meter, would decide it"),
    "gain": ("the gain error that the meter states", _ACCURATE),
    "zero": ("the zero error that the meter states", _ACCURATE),
    "pauses": ("the energy between the batches", "batches without pauses between them would decide it"),
}
"""What stays however long is measured, in words, and what would make it smaller."""
UNLESS = "unless the true value is the limit itself"
_TOO_NEAR = "The value lies so near the limit that no reasonable number of {} decides it: choose another limit."


def more_of_deadline(rare: Rare, limit: float, evidence: Evidence) -> str:
    """Batches that decide whether the fraction beyond a level is at most ``limit``, if as many are beyond it."""
    factor = _least(lambda factor: rare.decides(limit, factor))
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
        what, remedy = _LASTING[found.cause]
        return (
            f"The uncertainty that stays however long is measured is ± {number(scale * found.lasting, unit)}, most of "
            f"it from {what}, and the value is {number(scale * distance, unit)} from the limit: {remedy}."
        )
    factor = max(found.passing**2 / (distance**2 - found.lasting**2), 1.0)
    if factor > MOST:
        return _TOO_NEAR.format("batches")
    return f"{_batches(factor, evidence)} would decide it, {UNLESS}."


def more_images(top1: Proportion, limit: float) -> str:
    """Labelled images that decide whether the fraction of right answers is at least ``limit``."""

    def decides(factor: float) -> bool:
        side = surely_at_least if top1.value > limit else surely_at_most
        return side(factor * top1.correct, factor * top1.images, limit)

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
    high = 1.0
    while not decides(high):
        high *= 2
        if high > MOST:
            return None
    low = high / 2
    while high > _STEP * low:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if decides(middle) else (middle, high)
    return max(high, 1.0)


def _about(count: float) -> int:
    """Rounded up to two digits, at least 1."""
    whole = max(math.ceil(count), 1)
    unit: int = 10 ** max(len(str(whole)) - 2, 0)
    return -(-whole // unit) * unit
