# SPDX-License-Identifier: Apache-2.0
"""The sentences of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor_app.analysis.compare.change import Change
    from monitor_app.analysis.compare.check import Check

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
    what = f"{check.label}: {_NAMES[quantity]} {new}, was {old}"
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
    return f"{check.label}: {_NAMES[check.quantity.value]} was measured in the baseline but not now{reason}."


def unmeasured_sentence(check: Check) -> str:
    """Of a quantity that only the candidate has."""
    return (
        f"{check.label}: {_NAMES[check.quantity.value]} was not measured in the baseline, so it cannot be compared: "
        "use a newer baseline."
    )


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
