# SPDX-License-Identifier: Apache-2.0
"""The result of testing one claim of Canziani, Paszke and Culurciello (2016): a verdict and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor_app.core.estimate import Estimate


class Verdict(str, Enum):
    """Whether a claim holds on this board."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    NOT_ENOUGH_DATA = "not enough data"
    """Too little was measured, or the interval allows both."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number behind a verdict."""

    name: str
    estimate: Estimate | None
    """With its interval at `FINDING_LEVEL`, or exact where a number has none. None: not known."""
    unit: str
    """Empty for a plain number."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim, tested."""

    key: str
    """Its name in links: power-batch."""
    claim: str
    """What the paper says, in one sentence."""
    verdict: Verdict
    sentence: str
    """What was found, with numbers and intervals, or what is missing."""
    statistics: tuple[Statistic, ...]
    figure: str
    """Key of the chart behind it, without the batch size of charts that have one; then the largest is meant."""
    margin: str
    """The criterion of the verdict."""
    caution: str
    """What a reader must know besides the sentence, or empty."""
    simulated: bool
    """Some of its data is simulated."""


def within(estimate: Estimate, low: float, high: float) -> Verdict:
    """Whether an interval lies inside the margin from low to high, outside, or across one of its ends."""
    if low <= estimate.low and estimate.high <= high:
        return Verdict.HOLDS
    if estimate.low > high or estimate.high < low:
        return Verdict.DOES_NOT_HOLD
    return Verdict.NOT_ENOUGH_DATA


def all_of(*verdicts: Verdict) -> Verdict:
    """Of a claim that needs each of them: one that does not hold refutes it."""
    for verdict in (Verdict.DOES_NOT_HOLD, Verdict.NOT_ENOUGH_DATA):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS
