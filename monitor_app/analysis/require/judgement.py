# SPDX-License-Identifier: Apache-2.0
"""PASS, FAIL or INCONCLUSIVE: whether a requirement is met, from the interval and not from the value.

The interval is that of 95 %, with 2.5 % on each side. A value that lies exactly at the limit meets it; it is failed in
at most 2.5 % of the cases, and passed in at most 2.5 %. So whichever of the two one takes for wrong there, no more
than one verdict in twenty is, and a value just beyond the limit is passed in at most 2.5 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.require.more import (
    more_batches,
    more_images,
    more_of_deadline,
)
from monitor_app.analysis.require.requirements import UNITS, Kind, ratio
from monitor_app.analysis.statistics.binomial import clopper_pearson
from monitor_app.analysis.statistics.rare import beyond, quantile
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import NOT_MEASURED, interval, number

if TYPE_CHECKING:
    from monitor_app.analysis.require.evidence import Evidence, Measured
    from monitor_app.analysis.require.requirements import Requirement

UNSEEN_S = 0.1
"""How long an interruption lasts, such as another process on the same core, until the run itself shows how long: fewer
misses than that in a row are not assumed to be independent."""
P99 = 0.99


class Verdict(str, Enum):
    """Whether a requirement is met."""

    PASS = "PASS"
    """The whole interval meets it."""
    FAIL = "FAIL"
    """No part of the interval meets it."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """The limit lies inside the interval, or nothing was measured."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One requirement held against one network at one batch size."""

    requirement: Requirement
    network: str
    label: str
    """Of network, batch size and conditions, for people."""
    batch_size: int
    run_ids: tuple[int, ...]
    verdict: Verdict
    value: Estimate | None
    """In SI units with its 95 % interval, whose ends may be infinite; None: not measured."""
    sentence: str
    """What was found."""
    more: str
    """What would make it conclusive, one sentence; empty where it is."""
    simulated: bool

    @property
    def measured(self) -> str:
        """The value with its interval, in the unit of the requirement."""
        if self.value is None:
            return NOT_MEASURED
        unit, scale = UNITS[self.requirement.kind]
        if math.isinf(self.value.high) and math.isfinite(self.value.low):
            return f"at least {number(scale * self.value.low, unit)}"
        return interval(self.value, unit, scale)


def judge(requirement: Requirement, evidence: Evidence) -> Judgement:
    """Hold one requirement against the evidence."""
    of = {
        Kind.MISSES: _misses,
        Kind.P99: _p99,
        Kind.ENERGY: _energy,
        Kind.POWER: _power,
        Kind.TOP1: _top1,
    }
    found = of[requirement.kind](requirement, evidence)
    by_power = requirement.kind in {Kind.ENERGY, Kind.POWER}
    return Judgement(
        requirement,
        evidence.network,
        evidence.label,
        evidence.batch_size,
        evidence.run_ids,
        found.verdict,
        found.value,
        found.sentence,
        found.more if found.verdict is Verdict.INCONCLUSIVE else "",
        evidence.times_simulated or (by_power and evidence.power_simulated),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: Verdict
    value: Estimate | None
    sentence: str
    more: str = ""


def _nothing(reason: str) -> _Found:
    return _Found(Verdict.INCONCLUSIVE, None, "Not measured.", reason)


def _at_most(value: Estimate, limit: float) -> Verdict:
    if value.high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if value.low > limit else Verdict.INCONCLUSIVE


def unseen_burst(evidence: Evidence) -> float:
    """Batches that are assumed to be slow together, until it is seen."""
    return max(round(UNSEEN_S / max(float(np.median(evidence.latencies_s)), 1e-9)), 1)


def _misses(requirement: Requirement, evidence: Evidence) -> _Found:
    if evidence.not_timed:
        return _nothing(evidence.not_timed)
    deadline_s = requirement.deadline_s or 0.0
    rare = beyond(evidence.latencies_s, deadline_s, unseen_burst(evidence))
    value, verdict = rare.fraction, _at_most(rare.fraction, requirement.limit)
    sentence = (
        f"{rare.hits:,} of {rare.trials:,} batches took longer than {number(1e3 * deadline_s)} ms, which is "
        f"{interval(value, '%', 100)}; at most {ratio(requirement.limit)} may."
    )
    more = more_of_deadline(rare, requirement.limit, evidence) if verdict is Verdict.INCONCLUSIVE else ""
    return _Found(verdict, value, sentence, more)


def _p99(requirement: Requirement, evidence: Evidence) -> _Found:
    if evidence.not_timed:
        return _nothing(evidence.not_timed)
    unseen = unseen_burst(evidence)
    value = quantile(evidence.latencies_s, P99, unseen, requirement.limit)
    verdict = _at_most(value, requirement.limit)
    count = len(evidence.latencies_s)
    if math.isfinite(value.high) and math.isfinite(value.low):
        words = f"p99 is {interval(value, 'ms', 1e3)}"
    elif math.isfinite(value.low):
        words = f"p99 is at least {number(1e3 * value.low)} ms, and {count:,} batches are too few for an upper end"
    else:
        words = f"{count:,} batches are too few for an interval of p99, {number(1e3 * value.value)} ms in these"
    more = ""
    if verdict is Verdict.INCONCLUSIVE:
        rare = beyond(evidence.latencies_s, requirement.limit, unseen)
        more = more_of_deadline(rare, 1 - P99, evidence)
    return _Found(verdict, value, f"{words}; it may be at most {number(1e3 * requirement.limit)} ms.", more)


def _energy(requirement: Requirement, evidence: Evidence) -> _Found:
    return _of_meter(requirement, evidence, evidence.energy, "energy of the whole board per image", "mJ", 1e3)


def _power(requirement: Requirement, evidence: Evidence) -> _Found:
    return _of_meter(requirement, evidence, evidence.power, "mean power of the whole board", "W", 1.0)


def _of_meter(
    requirement: Requirement, evidence: Evidence, found: Measured | None, what: str, unit: str, scale: float
) -> _Found:
    limit = requirement.limit
    if found is None:
        return _nothing(evidence.no_power)
    value = found.estimate
    sentence = f"The {what} is {interval(value, unit, scale)}; it may be at most {number(scale * limit)} {unit}."
    if evidence.no_power:
        return _Found(Verdict.INCONCLUSIVE, value, sentence, evidence.no_power)
    verdict = _at_most(value, limit)
    more = more_batches(found, limit, evidence, unit, scale) if verdict is Verdict.INCONCLUSIVE else ""
    return _Found(verdict, value, sentence, more)


def _top1(requirement: Requirement, evidence: Evidence) -> _Found:
    """By the exact interval: Wilson's, which is shown elsewhere, misses the truth too often on one side.

    Of twenty images a network with a true accuracy of 95 % has 17 or fewer right in 7.5 % of the cases, where the upper
    end of Wilson's interval is 94.8 %.
    """
    top1, limit = evidence.top1, requirement.limit
    if top1 is None:
        return _nothing(evidence.no_top1)
    low, high = clopper_pearson(top1.correct, top1.images)
    value = Estimate(top1.value, min(low, top1.value), max(high, top1.value))
    verdict = Verdict.INCONCLUSIVE
    if value.low >= limit:
        verdict = Verdict.PASS
    elif value.high < limit:
        verdict = Verdict.FAIL
    sentence = (
        f"{top1.correct:,} of {top1.images:,} images were answered right, which is {interval(value, '%', 100)}; at "
        f"least {ratio(limit)} must be."
    )
    more = more_images(top1, limit) if verdict is Verdict.INCONCLUSIVE else ""
    return _Found(verdict, value, sentence, more)
