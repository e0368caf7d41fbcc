# SPDX-License-Identifier: Apache-2.0
"""How much a value got worse, with its uncertainty, and which of many such changes noise does not explain.

Intervals are combined end by end (Zou and Donner 2008, Statistics in Medicine 27:1693, "Construction of confidence
limits about effect measures"): the lower end of a change comes from the end of each interval that makes it small. For
symmetric intervals of logarithms that is the log-normal interval of a ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR
from monitor_app.analysis.statistics.intervals import Z_95
from monitor_app.analysis.statistics.mcnemar import Discordance
from monitor_app.core.estimate import RESULT_LEVEL, Estimate, exact
from monitor_app.core.runs import RIGHT, WRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.core.estimate import Proportion
    from monitor_app.core.runs import ImageAnswers

_NORMAL = NormalDist()
Z_ONE_SIDED = _NORMAL.inv_cdf(RESULT_LEVEL)


@dataclass(frozen=True, slots=True)
class Change:
    """From baseline to candidate; positive is worse. A logarithm of a ratio, or a difference of fractions."""

    worse: float
    low: float
    """The ends of its 95 % interval; both are the change itself where it is exact."""
    high: float
    at_most: float
    """Upper end of the one-sided 95 % interval."""
    p_value: float
    """One-sided: the probability of a change at least this much worse if there is none."""
    ratio: Estimate | None = None
    """Candidate over baseline, where both are above 0."""
    basis: str = ""
    """What the comparison rests on, for a sentence, or empty."""


def change_of_ratio(baseline: Estimate, candidate: Estimate) -> Change:
    """Of quantities of which more is worse. The interval is unbounded where a value is not above 0."""
    if min(baseline.value, candidate.value) <= 0:
        return Change(0.0, -math.inf, math.inf, math.inf, 1.0)
    worse = _ln(candidate.value, baseline.value)
    down = math.hypot(_ln(candidate.value, candidate.low), _ln(baseline.high, baseline.value))
    up = math.hypot(_ln(candidate.high, candidate.value), _ln(baseline.value, baseline.low))
    ratio = Estimate(candidate.value / baseline.value, math.exp(worse - down), _exp(worse + up))
    return _change(worse, down, up, ratio)


def without_gain(estimate: Estimate, gain: float) -> Estimate:
    """The interval of a quantity without the gain of its meter, a relative standard uncertainty.

    The gain of one meter is the same error in both sessions, so it cancels in their ratio.
    """
    common = COVERAGE_FACTOR * gain * abs(estimate.value)
    below, above = (
        math.sqrt(max(half - common, 0.0)) * math.sqrt(half + common) if math.isfinite(half) else half
        for half in (estimate.value - estimate.low, estimate.high - estimate.value)
    )
    return Estimate(estimate.value, estimate.value - below, estimate.value + above, estimate.level)


def drop_of_accuracy(baseline: Proportion, candidate: Proportion) -> Change:
    """Of accuracies on different images, or on images whose answers were only counted; less is worse.

    Both fractions have their intervals (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    """
    worse = baseline.value - candidate.value
    ratio = change_of_ratio(baseline.estimate, candidate.estimate).ratio
    down = math.hypot(baseline.value - baseline.low, candidate.high - candidate.value)
    up = math.hypot(baseline.high - baseline.value, candidate.value - candidate.low)
    return _change(worse, down, up, ratio)


def drop_on_same_images(baseline: ImageAnswers, candidate: ImageAnswers) -> Change | None:
    """Of accuracies on the same images, by McNemar's exact test; None where they are not the same images.

    Where no image is answered differently, there is nothing that chance would have to explain: the change is exactly 0.
    """
    if baseline.images_sha256 != candidate.images_sha256 or len(baseline.top1) != len(candidate.top1):
        return None
    before, after = (np.frombuffer(each.top1.encode(), np.uint8) for each in (baseline, candidate))
    right, wrong = ord(RIGHT), ord(WRONG)
    kept = int(((before == right) & (after == right)).sum())
    lost = int(((before == right) & (after == wrong)).sum())
    gained = int(((before == wrong) & (after == right)).sum())
    images = kept + lost + gained + int(((before == wrong) & (after == wrong)).sum())
    if not images:
        return None
    found = Discordance(lost, gained, images)
    basis = f"on the same {images} images, {lost} lost and {gained} gained"
    if lost + gained == 0:
        return Change(0.0, 0.0, 0.0, 0.0, 1.0, basis=basis)
    low, high = found.drop_interval(Z_95)
    at_most = found.drop_interval(Z_ONE_SIDED)[1]
    worse = found.drop
    ratio = exact((kept + gained) / (kept + lost)) if kept + gained and kept + lost else None
    return Change(worse, min(low, worse), max(high, worse), max(at_most, worse), found.chance(), ratio, basis)


def _change(worse: float, down: float, up: float, ratio: Estimate | None) -> Change:
    """From the distances to the ends of its interval, at least 0; infinite where an end is not known."""
    certain = 0.0 if worse > 0 else 1.0
    p_value = _NORMAL.cdf(-worse / down * Z_95) if down else certain
    return Change(worse, worse - down, worse + up, worse + up * Z_ONE_SIDED / Z_95, p_value, ratio)


def beyond_noise(changes: Sequence[Change]) -> list[bool]:
    """For each change, whether it is worse beyond noise.

    If none is, then no change is called worse in 95 % of comparisons, whatever their number and correlation
    (Holm 1979).
    """
    found = [False] * len(changes)
    order = sorted(range(len(changes)), key=lambda index: changes[index].p_value)
    for done, index in enumerate(order):
        if changes[index].p_value > (1 - RESULT_LEVEL) / (len(changes) - done):
            break
        found[index] = True
    return found


def _ln(above: float, below: float) -> float:
    """Logarithm of the ratio of two values; infinite where the lower end of an interval is not above 0."""
    return math.log(above / below) if below > 0 else math.inf


def _exp(power: float) -> float:
    return math.exp(power) if power < 700 else math.inf
