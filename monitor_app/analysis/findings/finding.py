# SPDX-License-Identifier: Apache-2.0
"""The result of testing one claim of Canziani, Paszke and Culurciello (2016): a verdict, its numbers, its margins."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, number


class Verdict(str, Enum):
    """Whether a claim holds on this board."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    INCONCLUSIVE = "inconclusive"
    """Enough was measured to test it, and the interval allows both."""
    NOT_ENOUGH_DATA = "not enough data"
    """Too little was measured to test it."""

    @property
    def marked(self) -> str:
        """The word behind a sign of its own, so that verdicts are told apart without colour."""
        return f"{_SIGNS[self]} {self.value}"


_SIGNS = {
    Verdict.HOLDS: "●",
    Verdict.DOES_NOT_HOLD: "×",  # noqa: RUF001 (a sign and no letter)
    Verdict.INCONCLUSIVE: "±",
    Verdict.NOT_ENOUGH_DATA: "○",
}


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number behind a verdict."""

    name: str
    estimate: Estimate | None
    """With its interval at `FINDING_LEVEL`, or exact where a number has none. None: not known."""
    unit: str
    """Empty for a plain number."""


HEADLINES = {
    "power-batch": 1,
    "power-architecture": 1,
    "accuracy-time": 2,
    "energy-accuracy": 3,
    "energy-operations": 3,
    "operations-time": 4,
}
"""The paper's four main findings in the order of its abstract, by the keys of the claims that test them."""


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

    @property
    def headline(self) -> int | None:
        """Which of the paper's four main findings the claim belongs to, 1 to 4; None for its smaller claims."""
        return HEADLINES.get(self.key)

    @property
    def title(self) -> str:
        """The claim, named by the main finding that it belongs to: Main finding 1: Net power does not ..."""
        return self.claim if self.headline is None else f"Main finding {self.headline}: {self.claim}"


def within(estimate: Estimate, low: float, high: float) -> Verdict:
    """Whether an interval lies inside the margin from low to high, outside, or across one of its ends."""
    if low <= estimate.low and estimate.high <= high:
        return Verdict.HOLDS
    if estimate.low > high or estimate.high < low:
        return Verdict.DOES_NOT_HOLD
    return Verdict.INCONCLUSIVE


def effect(relative: Estimate) -> str:
    """A relative change in words: it rises by 4.5 % (4.4 to 4.6 %)."""
    if relative.low <= 0 <= relative.high:
        return f"no change is shown, {interval(relative, '%', 100)}"
    if relative.value > 0:
        return f"it rises by {interval(relative, '%', 100)}"
    fall = Estimate(-relative.value, -relative.high, -relative.low, relative.level)
    return f"it falls by {interval(fall, '%', 100)}"


def against_paper(found: float, published: float, unit: str = "") -> str:
    """The size of a difference in words: 19 % more than the paper's 1.3."""
    percent = round(100 * (found / published - 1))
    named = f"the paper's {number(published, unit)}"
    if not percent:
        return f"within 1 % of {named}"
    return f"{abs(percent)} % {'more' if percent > 0 else 'less'} than {named}"


def compared_with(margin: float, verdict: Verdict) -> str:
    """How a dependence compares with its margin, a fraction: by less than 10 %."""
    words = {Verdict.HOLDS: "by less than", Verdict.DOES_NOT_HOLD: "by more than"}
    return f"{words.get(verdict, 'by less or more than')} {100 * margin:g} %"


def all_of(*verdicts: Verdict) -> Verdict:
    """Of a claim that needs each of them: one that does not hold refutes it."""
    for verdict in (Verdict.DOES_NOT_HOLD, Verdict.NOT_ENOUGH_DATA, Verdict.INCONCLUSIVE):
        if verdict in verdicts:
            return verdict
    return Verdict.HOLDS


@dataclass(frozen=True, slots=True)
class Margins:
    """The criteria of the verdicts; docs/findings.md gives the reason for each.

    Each was set before any board was tested with it, except `above` and `floor`, which were set with the paper's own
    numbers known.
    """

    power: float = 0.10
    """Net power at two batch sizes may differ by this fraction of its mean. The paper's standard deviation between
    networks is 0.7 of 11.8 W, so two of them typically differ by 1 W; the paper calls that constant."""
    spread: float = 0.10
    """Standard deviation of net power between networks, as a fraction of its mean."""
    exceptions: float = 0.25
    """Fraction of networks whose power may depend on the batch size although the mean of all does not."""
    deviation: float = 2.0
    """Factor by which the relative standard deviation of net power may differ from the paper's 0.7 of 11.8 W."""
    evidence: float = 2.0
    """Least difference of AICc for one form to be preferred to another: a likelihood ratio of e."""
    bound: float = 2.0
    """Points of top-1 to which the bound by energy must be known."""
    above: float = 5.0
    """Points of top-1 by which a network may lie above that bound, which is fitted through the middle of the networks
    on the front: a fifth of the range from the paper's worst network to its best."""
    prediction: float = 2.0
    """Factor that a 90 % prediction interval from operations may span."""
    steeper: float = 1.05
    """Ratio of two slopes below which neither counts as steeper."""
    speed_up: float = 1.25
    """Factor by which AlexNet's speed-up may differ from 3."""
    small_speed_up: float = 2.0
    """Upper limit of the mean speed-up of the other networks."""
    memory_slope: float = 0.25
    """Relative difference from 1.30 that memory per byte of parameters may have."""
    floor: float = 0.5
    """Fraction of the paper's 100 MB of parameters up to which a floor must reach."""
    flat: float = 0.25
    """Growth of memory per image below the knee, as a fraction of that above it."""
    rank: float = 0.90
    """Spearman's correlation with the paper's ranking."""
    ratio: float = 0.10
    """Relative difference that a ratio of densities may have from the paper's."""
    bandwidth: float = 2.0
    """Factor by which the needed bandwidth may differ from 1.4 kHz."""
    meter: float = 0.02
    """Relative error of energy that a sufficient meter does not exceed in 95 % of the cases."""
