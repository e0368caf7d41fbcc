# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them: no more digits than the interval leaves, and the interval beside them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from monitor_app.core.estimate import Proportion

NOT_MEASURED, DOES_NOT_FIT = "not measured", "does not fit"
_DIGITS = 4
"""Of a number without an interval."""
_MOST_PLACES = 9
_ROUNDING = 1e-6
"""An interval below that share of the value is none."""
_EVEN = 0.1
"""Ends that are as far from the value but for this share are written as one number."""


def with_interval(estimate: Estimate, scale: float = 1.0) -> str:
    """12.3 ± 0.2, or 12.3 (11.9 to 14.0) where the ends are not alike; the value alone where there is no interval."""
    value, low, high = (scale * each for each in (estimate.value, estimate.low, estimate.high))
    low, high = min(low, high), max(low, high)
    below, above = value - low, high - value
    half = max(below, above)
    if not math.isfinite(half):
        return f"{number(value)} (interval not known)"
    if half <= _ROUNDING * abs(value):
        return number(value)
    places = max(0, min(1 - math.floor(math.log10(half)), _MOST_PLACES))
    if abs(above - below) <= _EVEN * half:
        return f"{value:,.{places}f} ± {half:,.{places}f}"
    return f"{value:,.{places}f} ({low:,.{places}f} to {high:,.{places}f})"


def number(value: float) -> str:
    """Four digits that count."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, min(_DIGITS - 1 - math.floor(math.log10(abs(value))), _MOST_PLACES))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: Proportion) -> str:
    """A share of 0 to 1 with its interval, in percent."""
    return with_interval(Estimate(share.value, share.low, share.high), 100)


def inverse(estimate: Estimate) -> Estimate:
    """Of something above zero, as of seconds an image the images a second; infinite where an end touches zero."""
    return Estimate(
        1 / estimate.value if estimate.value > 0 else math.inf,
        1 / estimate.high if estimate.high > 0 else math.inf,
        1 / estimate.low if estimate.low > 0 else math.inf,
    )


def megabytes(byte_count: int) -> str:
    """Whole ones of 10^6 bytes."""
    return f"{byte_count / 1e6:,.0f}"


def moment(utc: str) -> str:
    """A time in ISO 8601 as people write it; what is none as it is."""
    try:
        return f"{datetime.fromisoformat(utc):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return utc


def listed(parts: tuple[str, ...] | list[str]) -> str:
    """A, B and C."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1]))) if parts else ""
