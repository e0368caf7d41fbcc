# SPDX-License-Identifier: Apache-2.0
"""The exact interval of a fraction of trials (Clopper and Pearson 1934, Biometrika 26:404), without scipy.

The window shows verdicts from it while a session is recorded, and does without scipy.
"""

from __future__ import annotations

import math
from functools import lru_cache

from monitor_app.core.estimate import RESULT_LEVEL

TAIL = (1 - RESULT_LEVEL) / 2
"""Probability on each side of a 95 % interval: that of a wrong verdict at a limit."""
_STEPS = 200
"""Terms of the continued fraction; it needs about the root of the number of trials, and few where it is used."""
_SMALL, _EPSILON = 1e-300, 1e-14
_NEAR, _TINY = 1e-8, 1e-13


def clopper_pearson(count: float, trials: float) -> tuple[float, float]:
    """Both ends of the 95 % interval of a fraction; each side is missed in at most 2.5 % of the cases.

    Args:
        count: of 0 to ``trials``. Neither need be whole: correlated trials count as fewer independent ones (Korn and
            Graubard 1998, Survey Methodology 24:193).
        trials: above 0.
    """
    low = 0.0 if count <= 0 else beta_quantile(TAIL, count, trials - count + 1)
    high = 1.0 if count >= trials else beta_quantile(1 - TAIL, count + 1, trials - count)
    return low, high


def surely_at_most(count: float, trials: float, limit: float) -> bool:
    """Whether the upper end of that interval is at most ``limit``, 0 to 1; quicker than the end itself."""
    return count < trials and beta_below(limit, count + 1, trials - count) >= 1 - TAIL


def surely_at_least(count: float, trials: float, limit: float) -> bool:
    """Whether the lower end of that interval is at least ``limit``."""
    return count > 0 and beta_below(limit, count, trials - count + 1) <= TAIL


@lru_cache(maxsize=4096)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """The quantile of the beta distribution, a and b above 0: by Newton's method, kept inside a bracket by bisection.

    Its relative error is below 1e-6, or its absolute one below 1e-12.
    """
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(_STEPS):
        error = beta_below(x, a, b) - probability
        low, high = (low, x) if error > 0 else (x, high)
        slope = _density(x, a, b)
        step = x - error / slope if slope > 0 else -1.0
        before, x = x, step if low < step < high else (low + high) / 2
        if abs(x - before) <= _NEAR * x + _TINY:
            break
    return x


def beta_below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a and b above 0.

    The continued fraction of DiDonato and Morris (Abramowitz and Stegun 1964, 26.5.8) by the method of Lentz.
    """
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_below(1 - x, b, a)
    return _density(x, a, b) * x * (1 - x) * _fraction(x, a, b) / a


def _density(x: float, a: float, b: float) -> float:
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(min(scale + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x), 700.0))


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, max(_STEPS, round(5 * math.sqrt(a + b)))):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 / _kept(1 + term * d)
            c = _kept(1 + term / c)
            step = d * c
            found *= step
        if abs(step - 1) < _EPSILON:
            break
    return found


def _kept(value: float) -> float:
    """Away from a division by zero."""
    return value if abs(value) > _SMALL else _SMALL
