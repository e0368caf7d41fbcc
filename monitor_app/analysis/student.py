# SPDX-License-Identifier: Apache-2.0
"""Student's t, for means of few values."""

from __future__ import annotations

import math
from functools import lru_cache

_STEPS = 80
_MOST = 1e4
_NORMAL = 2_000
"""Degrees of freedom from which on half a thousandth too wide is near enough; the series has half as many terms."""


@lru_cache(maxsize=256)
def t_975(freedom: int) -> float:
    """97.5 % point for so many degrees of freedom, at least 1: half of an interval of 95 %, in standard errors."""
    low, high = 0.0, _MOST
    freedom = min(freedom, _NORMAL)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _inside(middle, freedom) < 0.95 else (low, middle)
    return high


def _inside(t: float, freedom: int) -> float:
    """Probability of -t to t, by the finite series for whole degrees of freedom (Abramowitz, Stegun 26.7.3, 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine2 = math.cos(angle) ** 2
    if freedom % 2:
        term = total = math.cos(angle) if freedom > 1 else 0.0
        for k in range(3, freedom - 1, 2):
            term *= (k - 1) / k * cosine2
            total += term
        return 2 / math.pi * (angle + math.sin(angle) * total)
    term = total = 1.0
    for k in range(2, freedom - 1, 2):
        term *= (k - 1) / k * cosine2
        total += term
    return math.sin(angle) * total
