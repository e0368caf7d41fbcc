# SPDX-License-Identifier: Apache-2.0
"""Numbers in the sentences of findings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.core.estimate import Estimate

_NOTHING = 1e-9
"""Rounding, in whatever unit."""


def number(value: float) -> str:
    """Three digits that count, never as a power of ten: 0.0123, 1.23, 123, 12345."""
    if not math.isfinite(value):
        return f"{value:g}"
    if abs(value) < _NOTHING:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(places, 9)}f}"


def interval(estimate: Estimate, unit: str = "", scale: float = 1.0) -> str:
    """Value and interval: 1.23 W (1.20 to 1.26)."""
    value, low, high = (number(scale * each) for each in (estimate.value, estimate.low, estimate.high))
    return f"{value}{' ' * bool(unit)}{unit} ({low} to {high})"


def names(titles: Sequence[str], most: int = 6) -> str:
    """A, B and C; the rest counted where there are many."""
    if len(titles) > most:
        titles = [*titles[: most - 1], f"{len(titles) - most + 1} more"]
    return " and ".join(filter(None, (", ".join(titles[:-1]), titles[-1])))
