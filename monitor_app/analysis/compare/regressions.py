# SPDX-License-Identifier: Apache-2.0
"""Whether a candidate got worse than its baseline: energy, latency, memory and accuracy of each network.

A check fails where the candidate is worse by more than its limit and noise does not explain that it is worse at all.
Both are asked for: a change within the limit is tolerated however sure it is, and one beyond it proves nothing while
noise makes changes of that size. Many networks are many chances for noise, so the second is asked of all checks
together (Holm 1979, "A simple sequentially rejective multiple test procedure"): where nothing has changed, at most one
comparison in twenty has a failed check, whatever the number of networks. docs/compare.md tells users.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from monitor_app.analysis.compare.change import Change, beyond_noise, change_of_ratio, drop_of_accuracy
from monitor_app.analysis.compare.differences import differences
from monitor_app.analysis.compare.pairs import Pair, accuracy_pairs, pairs
from monitor_app.analysis.compare.sentences import missing_sentence, unmeasured_sentence, verdict_sentence
from monitor_app.core.errors import MonitorError
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.core.estimate import Proportion

__all__ = ["regressions", "differences", "Limits", "Check", "Compared", "Verdict", "CompareError", "parse_percent"]


class CompareError(MonitorError):
    """A comparison that cannot be made as it was asked for."""


class Compared(str, Enum):
    """What is compared."""

    ENERGY = "energy"
    """Per image, of the whole board; net of idle where only that is in both."""
    LATENCY = "latency"
    """Median time of a batch over its images."""
    MEMORY = "memory"
    ACCURACY = "accuracy"
    """Top-1, once for a network."""


class Verdict(str, Enum):
    """How a check ended."""

    PASSED = "passed"
    """Shown to be within the limit: so is the upper end of the one-sided 95 % interval."""
    FAILED = "failed"
    """Worse by more than the limit, and beyond noise."""
    UNCLEAR = "unclear"
    """Neither; or there is nothing to compare with."""
    MISSING = "missing"
    """Measured in the baseline and not in the candidate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """By how much the candidate may be worse; None: not asked. At least 0."""

    energy: float | None = None
    """A share: 0.03 for 3 %."""
    latency: float | None = None
    memory: float | None = None
    accuracy: float | None = None
    """Points of top-1: 0.5 for from 70.0 % to 69.5 %."""

    def __post_init__(self) -> None:
        for limit in (self.energy, self.latency, self.memory, self.accuracy):
            if limit is not None and not (math.isfinite(limit) and limit >= 0):
                raise CompareError(f"A limit of {limit} cannot be kept: give 0 or more, the most that may get worse.")

    def of(self, quantity: Compared) -> float | None:
        """The limit of one quantity."""
        return {
            Compared.ENERGY: self.energy,
            Compared.LATENCY: self.latency,
            Compared.MEMORY: self.memory,
            Compared.ACCURACY: self.accuracy,
        }[quantity]


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity of one network in both sessions."""

    network: str
    """As the registry names it."""
    label: str
    """For people, unlike those of the other checks of the quantity: ResNet-50 b16, fp16."""
    batch: int | None
    """None: of the network at every batch size."""
    quantity: Compared
    limit: float
    """As in `Limits`."""
    baseline: Estimate | None
    """s or J an image, bytes, or a share of the images; with its 95 % interval."""
    candidate: Estimate | None
    ratio: Estimate | None
    """Candidate over baseline, with its 95 % interval; None where one of them is missing or not above 0."""
    verdict: Verdict
    sentence: str

    @property
    def fails(self) -> bool:
        """A job with this check must not pass."""
        return self.verdict in {Verdict.FAILED, Verdict.MISSING}


def regressions(baseline: Campaign, candidate: Campaign, limits: Limits) -> tuple[Check, ...]:
    """Every check that the limits ask for, by quantity, then in the order of the baseline's cells.

    What only the candidate has is not compared. Raises CompareError where no limit is given, and where a quantity has
    a limit that no cell of the baseline has: a job that checks nothing must not pass.
    """
    asked = [(quantity, limit) for quantity in Compared if (limit := limits.of(quantity)) is not None]
    if not asked:
        raise CompareError("Nothing is to be compared: give a limit, such as --max-energy +3%.")
    begun: list[tuple[Check, Change | None]] = []
    for quantity, limit in asked:
        of_networks = quantity is Compared.ACCURACY
        both = accuracy_pairs(baseline, candidate) if of_networks else pairs(baseline, candidate)
        found = [_begun(quantity, limit, pair) for pair in both if _is_comparable(quantity, pair)]
        if all(check.baseline is None for check, _ in found):
            raise CompareError(
                f"The baseline {baseline.title} has no {quantity.value} of any network: measure it there, or leave "
                f"out --max-{quantity.value}."
            )
        begun += found
    return _decided(begun)


def parse_percent(text: str) -> float:
    """A limit as it is typed: +3%, 3 % or 0.5% as a share, 0.03 and so on. Raises CompareError."""
    number, sign, rest = text.strip().partition("%")
    try:
        percent = float(number) if sign and not rest and "_" not in number else math.nan
    except ValueError:
        percent = math.nan
    if not (math.isfinite(percent) and percent >= 0):
        raise CompareError(f"{text!r} is no limit: give the most that may get worse as a percentage, such as +3%.")
    return percent / 100


def _begun(quantity: Compared, limit: float, pair: Pair) -> tuple[Check, Change | None]:
    """A check without a verdict and the change to judge, or with its final one where there is none."""
    old, new = _values(quantity, pair)
    batch = None if quantity is Compared.ACCURACY else pair.baseline.batch_size
    check = Check(pair.baseline.network, pair.label, batch, quantity, limit, old, new, None, Verdict.UNCLEAR, "")
    if old is None:
        return replace(check, sentence=unmeasured_sentence(check)), None
    if new is None:
        sentence = missing_sentence(check, _why_missing(quantity, pair))
        return replace(check, verdict=Verdict.MISSING, sentence=sentence), None
    change = _drop(pair) if quantity is Compared.ACCURACY else change_of_ratio(old, new)
    return replace(check, ratio=change.ratio), change


def _drop(pair: Pair) -> Change:
    assert pair.candidate is not None
    assert pair.baseline.top1 is not None
    assert pair.candidate.top1 is not None
    return drop_of_accuracy(pair.baseline.top1, pair.candidate.top1)


def _is_comparable(quantity: Compared, pair: Pair) -> bool:
    """Not so where neither has it: what did not fit then and does not now is no loss."""
    return any(value is not None for value in _values(quantity, pair))


def _decided(begun: list[tuple[Check, Change | None]]) -> tuple[Check, ...]:
    real = iter(beyond_noise([change for _, change in begun if change is not None]))
    decided: list[Check] = []
    for check, change in begun:
        if change is None:
            decided.append(check)
            continue
        verdict = _verdict(check, change, real=next(real))
        decided.append(replace(check, verdict=verdict, sentence=verdict_sentence(check, change, verdict.value)))
    return tuple(decided)


def _verdict(check: Check, change: Change, *, real: bool) -> Verdict:
    allowed = check.limit / 100 if check.quantity is Compared.ACCURACY else math.log1p(check.limit)
    if change.worse > allowed and real:
        return Verdict.FAILED
    return Verdict.PASSED if change.at_most <= allowed else Verdict.UNCLEAR


def _values(quantity: Compared, pair: Pair) -> tuple[Estimate | None, Estimate | None]:
    """Of both, in the same convention; what is counted in another way counts as not measured."""
    old, new = pair.baseline, pair.candidate
    if quantity is Compared.LATENCY:
        return old.seconds_per_image, None if new is None else new.seconds_per_image
    if quantity is Compared.ACCURACY:
        return _share(old.top1), None if new is None else _share(new.top1)
    if quantity is Compared.MEMORY:
        comparable = new is not None and new.memory_kind == old.memory_kind
        return _exact(old.memory_bytes), _exact(new.memory_bytes) if new and comparable else None
    if new is None:
        return old.gross_j_per_image or old.net_j_per_image, None
    if old.gross_j_per_image and new.gross_j_per_image:
        return old.gross_j_per_image, new.gross_j_per_image
    if old.net_j_per_image and new.net_j_per_image:
        return old.net_j_per_image, new.net_j_per_image
    mixed = old.gross_j_per_image or old.net_j_per_image
    return mixed, None if mixed else new.gross_j_per_image or new.net_j_per_image


def _why_missing(quantity: Compared, pair: Pair) -> str:
    if pair.candidate is None:
        return ""
    kinds = pair.baseline.memory_kind, pair.candidate.memory_kind
    if quantity is Compared.MEMORY and all(kinds):
        return f"it is that of {kinds[0]} in the baseline and of {kinds[1]} now"
    return pair.candidate.message


def _share(top1: Proportion | None) -> Estimate | None:
    return None if top1 is None else Estimate(top1.value, top1.low, top1.high)


def _exact(value: int | None) -> Estimate | None:
    return None if value is None else Estimate(value, value, value)
