# SPDX-License-Identifier: Apache-2.0
"""Whether a candidate got worse than its baseline: energy, latency, memory and accuracy of each network.

A check fails where the candidate is worse by more than its limit and noise does not explain that it is worse at all.
Both conditions are needed: a change within the limit is tolerated even if it is significant, and a change beyond it
proves nothing if noise makes changes of that size. Significance is tested for all checks together (Holm 1979, "A simple
sequentially rejective multiple test procedure"): where nothing has changed, at most one comparison in twenty has a
failed check, whatever the number of networks. docs/compare.md explains this to users.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.analysis.compare.change import (
    Change,
    beyond_noise,
    change_of_ratio,
    drop_of_accuracy,
    drop_on_same_images,
    without_gain,
)
from monitor_app.analysis.compare.check import Check, Compared, CompareError, Limits, Verdict
from monitor_app.analysis.compare.pairs import Pair, accuracy_pairs, pairs
from monitor_app.core.estimate import exact
from monitor_app.core.models.units import worded

if TYPE_CHECKING:
    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.core.estimate import Estimate, Proportion

PER_UNIT = frozenset({Compared.LATENCY, Compared.ENERGY})
_ONLY_COUNTS = "as if on different images, because a session has no answers to single images"
_ONE_METER = "by the same meter, whose gain error cancels"


def regressions(baseline: Campaign, candidate: Campaign, limits: Limits) -> tuple[Check, ...]:
    """Every check that has a limit, by quantity, then in the order of the baseline's cells.

    Cells that only the candidate has are not compared. Raises CompareError where no limit is given, and where no cell
    of the baseline has a quantity with a limit: a job that checks nothing must not pass.
    """
    asked = [(quantity, limit) for quantity in Compared if (limit := limits.of(quantity)) is not None]
    if not asked:
        raise CompareError("There is nothing to compare: give a limit, such as --max-energy +3%.")
    begun: list[tuple[Check, Change | None]] = []
    one_meter = bool(baseline.meter) and baseline.meter == candidate.meter
    for quantity, limit in asked:
        of_networks = quantity is Compared.ACCURACY
        both = accuracy_pairs(baseline, candidate) if of_networks else pairs(baseline, candidate)
        found = [_begun(quantity, limit, pair, one_meter=one_meter) for pair in both if _is_comparable(quantity, pair)]
        if all(check.baseline is None for check, _ in found):
            raise CompareError(
                f"The baseline {baseline.title} has no {quantity.value} of any network: measure it there, or leave "
                f"out --max-{quantity.value}."
            )
        begun += found
    return _decided(begun)


def _begun(quantity: Compared, limit: float, pair: Pair, *, one_meter: bool) -> tuple[Check, Change | None]:
    """A check and the change that its verdict depends on, or a check with its final verdict and None."""
    old, new = _values(quantity, pair)
    batch = None if quantity is Compared.ACCURACY else pair.baseline.batch_size
    unit = pair.baseline.unit
    check = Check(pair.baseline.network, pair.label, batch, quantity, limit, old, new, None, Verdict.UNCLEAR, "", unit)
    if old is None:
        return replace(check, sentence=unmeasured_sentence(check)), None
    if new is None:
        sentence = missing_sentence(check, _why_missing(quantity, pair))
        return replace(check, verdict=Verdict.MISSING, sentence=sentence), None
    if quantity is Compared.ACCURACY:
        change = _drop(pair)
    elif quantity is Compared.ENERGY and one_meter and pair.candidate is not None:
        gain = min(pair.baseline.gain, pair.candidate.gain)
        change = replace(change_of_ratio(without_gain(old, gain), without_gain(new, gain)), basis=_ONE_METER)
    else:
        change = change_of_ratio(old, new)
    return replace(check, ratio=change.ratio), change


def _drop(pair: Pair) -> Change:
    assert pair.candidate is not None
    assert pair.baseline.top1 is not None
    assert pair.candidate.top1 is not None
    before, after = pair.baseline.answers, pair.candidate.answers
    if before is None or after is None:
        return replace(drop_of_accuracy(pair.baseline.top1, pair.candidate.top1), basis=_ONLY_COUNTS)
    paired = drop_on_same_images(before, after)
    return paired or replace(drop_of_accuracy(pair.baseline.top1, pair.candidate.top1), basis="on different images")


def _is_comparable(quantity: Compared, pair: Pair) -> bool:
    """Whether either cell has the quantity; a network that fits into memory in neither session is not a regression."""
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
    """Of both cells, in the same convention; a quantity that is counted in another way is not comparable."""
    old, new = pair.baseline, pair.candidate
    if quantity in PER_UNIT and new is not None and new.unit != old.unit:
        new = None
    if quantity is Compared.LATENCY:
        return old.seconds_per_image, None if new is None else new.seconds_per_image
    if quantity is Compared.ACCURACY:
        return _fraction(old.top1), None if new is None else _fraction(new.top1)
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
    units = pair.baseline.unit, pair.candidate.unit
    if quantity in PER_UNIT and units[0] != units[1]:
        return f"it is per {units[0]} in the baseline and per {units[1]} now"
    kinds = pair.baseline.memory_kind, pair.candidate.memory_kind
    if quantity is Compared.MEMORY and all(kinds):
        return f"it is that of {kinds[0]} in the baseline and of {kinds[1]} now"
    return pair.candidate.message


def _fraction(top1: Proportion | None) -> Estimate | None:
    return None if top1 is None else top1.estimate


def _exact(value: int | None) -> Estimate | None:
    return None if value is None else exact(value)


_NAMES = {"energy": "energy per image", "latency": "time per image", "memory": "memory", "accuracy": "top-1"}
_UNITS = {
    "energy": ("J", (("J", 1.0), ("mJ", 1e-3), ("uJ", 1e-6))),
    "latency": ("s", (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))),
    "memory": ("B", (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))),
}
_ENDINGS = {
    "passed": "within the limit of {limit}",
    "failed": "over the limit of {limit}, and noise does not explain it",
    "unclear": "too noisy to decide whether that is over the limit of {limit}: measure longer",
}


def verdict_sentence(check: Check, change: Change, verdict: str) -> str:
    """Both values, the change with its interval, and the verdict."""
    assert check.baseline is not None
    assert check.candidate is not None
    quantity = check.quantity.value
    new, old = (value_text(quantity, value.value) for value in (check.candidate, check.baseline))
    ending = _ENDINGS[verdict].format(limit=limit_text(check))
    what = f"{check.label}: {_name(check)} {new}, was {old}"
    if quantity == "accuracy":
        worse, low, high = (f"{0.0 - 100 * each:+.2f}" for each in (change.worse, change.high, change.low))
        between = "" if low == high else f" ({low} to {high})"
        return f"{what}, {worse} points{between} {change.basis}: {ending.replace('measure longer', 'use more images')}."
    if check.ratio is None:
        return f"{what}: the ratio of values that are not above 0 is undefined, so use a meter that resolves them."
    basis = f" {change.basis}" if change.basis else ""
    by = [_percent(ratio) for ratio in (check.ratio.value, check.ratio.low, check.ratio.high)]
    return f"{what}, {by[0]} ({by[1]} to {by[2]}){basis}: {ending}."


def missing_sentence(check: Check, why: str) -> str:
    """Of a quantity that only the baseline has."""
    reason = f" ({why.rstrip('.')})" if why else ""
    return f"{check.label}: {_name(check)} was measured in the baseline but not now{reason}."


def unmeasured_sentence(check: Check) -> str:
    """Of a quantity that only the candidate has."""
    return (
        f"{check.label}: {_name(check)} was not measured in the baseline, so it cannot be compared: "
        "use a newer baseline."
    )


def _name(check: Check) -> str:
    return worded(_NAMES[check.quantity.value], check.unit)


def limit_text(check: Check) -> str:
    """+3 %, or 0.5 points."""
    return f"{check.limit:g} points" if check.quantity.value == "accuracy" else f"+{100 * check.limit:g} %"


def value_text(quantity: str, value: float) -> str:
    """Three or four digits, with a unit that fits."""
    if quantity == "accuracy":
        return f"{100 * value:.2f} %"
    unit, units = _UNITS[quantity]
    for name, factor in units:
        if abs(value) >= factor:
            return f"{value / factor:.4g} {name}"
    return f"{value:.4g} {unit}"


def _percent(ratio: float) -> str:
    percent = 100 * (ratio - 1)
    return f"{percent:+.1f} %" if abs(percent) < 1000 else f"x {ratio:.3g}"
