# SPDX-License-Identifier: Apache-2.0
"""By how much something got worse, how sure that is, and which of many such changes noise does not explain.

Intervals are combined end by end (Zou and Donner 2008, Statistics in Medicine 27:1693, "Construction of confidence
limits about effect measures"): the lower end of a change comes from the end of each interval that makes it small. For
symmetric intervals of logarithms that is the log-normal interval of a ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from monitor_app.analysis.statistics.bootstrap import CONFIDENCE
from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.core.estimate import Proportion

_NORMAL = NormalDist()
Z_ONE_SIDED = _NORMAL.inv_cdf(CONFIDENCE)


@dataclass(frozen=True, slots=True)
class Change:
    """From baseline to candidate; positive is worse. A logarithm of a ratio, or a difference of shares."""

    worse: float
    low: float
    """Ends of its 95 % interval, or what it is itself where it is exact."""
    high: float
    at_most: float
    """Upper end of the one-sided 95 % interval."""
    chance: float
    """Of a change at least so much worse where there is none: a one-sided p-value."""
    ratio: Estimate | None = None
    """Candidate over baseline, where both are above 0."""


def change_of_ratio(baseline: Estimate, candidate: Estimate) -> Change:
    """More is worse. Nothing can be said where a value is not above 0."""
    if min(baseline.value, candidate.value) <= 0:
        return Change(0.0, -math.inf, math.inf, math.inf, 1.0)
    worse = _ln(candidate.value, baseline.value)
    down = math.hypot(_ln(candidate.value, candidate.low), _ln(baseline.high, baseline.value))
    up = math.hypot(_ln(candidate.high, candidate.value), _ln(baseline.value, baseline.low))
    ratio = Estimate(candidate.value / baseline.value, math.exp(worse - down), _exp(worse + up))
    return _change(worse, down, up, ratio)


def drop_of_share(baseline: Proportion, candidate: Proportion) -> Change:
    """Fewer right answers are worse.

    The same number of images is taken for the same images: what is lost on them is lost, exactly. It may still be
    chance which of the images on the brink fell to which side; if all that changed became wrong, which is where
    chance explains least, k of them do so by themselves once in 2**k (the sign test). Of other images both shares have
    their intervals (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    """
    worse = baseline.value - candidate.value
    ratio = change_of_ratio(_estimate(baseline), _estimate(candidate)).ratio
    if baseline.images == candidate.images:
        lost = baseline.correct - candidate.correct
        return Change(worse, worse, worse, worse, 0.5**lost if lost > 0 else 1.0, ratio)
    down = math.hypot(baseline.value - baseline.low, candidate.high - candidate.value)
    up = math.hypot(baseline.high - baseline.value, candidate.value - candidate.low)
    return _change(worse, down, up, ratio)


def _change(worse: float, down: float, up: float, ratio: Estimate | None) -> Change:
    """From the distances to the ends of its interval, at least 0; infinite where an end is not known."""
    exact = 0.0 if worse > 0 else 1.0
    chance = _NORMAL.cdf(-worse / down * Z_95) if down else exact
    return Change(worse, worse - down, worse + up, worse + up * Z_ONE_SIDED / Z_95, chance, ratio)


def _estimate(share: Proportion) -> Estimate:
    return Estimate(share.value, share.low, share.high)


def beyond_noise(changes: Sequence[Change]) -> list[bool]:
    """For each, whether it is worse at all, beyond noise.

    Where none is, not even one is called so in 95 % of comparisons, however many there are and however they hang
    together (Holm 1979).
    """
    found = [False] * len(changes)
    order = sorted(range(len(changes)), key=lambda index: changes[index].chance)
    for done, index in enumerate(order):
        if changes[index].chance > (1 - CONFIDENCE) / (len(changes) - done):
            break
        found[index] = True
    return found


def _ln(above: float, below: float) -> float:
    """Logarithm of the ratio of two values; infinite where the lower end of an interval is not above 0."""
    return math.log(above / below) if below > 0 else math.inf


def _exp(power: float) -> float:
    return math.exp(power) if power < 700 else math.inf
