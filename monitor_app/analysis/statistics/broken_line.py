# SPDX-License-Identifier: Apache-2.0
"""A level up to a knee and a straight line from there: y = floor + slope max(x - knee, 0)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.regression import UPPER, about, akaike
from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 4
"""Points; one more than coefficients, so that there is something left to tell an error by."""
_GRID = 128
_REFINEMENTS = 5
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """The fit with the least squares; intervals of floor and slope from its linear approximation there."""

    floor: Estimate
    slope: Estimate
    knee: Estimate
    """In units of x; all places that an F test with one and n - 3 degrees of freedom does not exclude."""
    deviation: float
    """Standard deviation of the residuals, with n - 3 degrees of freedom."""
    lead: float
    """AICc of the straight line less that of this."""


def fit_broken_line(x: Floats, y: Floats, above_knee: int = 2) -> BrokenLine | None:
    """Of points of shape (n,), with at least so many values of x behind the knee, 2 or more.

    None for fewer than four, where x has too few values, or where y does not rise behind any knee.
    """
    values = np.unique(x)
    if len(x) < LEAST or len(values) <= above_knee:
        return None
    first, last = float(values[0]), float(values[-above_knee])
    low, high, knee = first, last, first
    for _ in range(_REFINEMENTS):
        knees = np.linspace(low, high, _GRID)[: None if high < last else -1]
        squares = _squares(x, y, knees)
        knee, step = float(knees[squares.argmin()]), float(knees[1] - knees[0])
        low, high = max(knee - step, first), min(knee + step, last)
    above = np.maximum(x - knee, 0.0)
    slope = float((above - above.mean()) @ y / ((above - above.mean()) ** 2).sum())
    if slope <= 0:
        return None
    floor = float(y.mean() - slope * above.mean())
    freedom, least = len(x) - 3, float(((y - floor - slope * above) ** 2).sum())
    deviation = math.sqrt(least / freedom)
    jacobian = np.stack((np.ones_like(x), above, -slope * (x > knee)), axis=1)
    errors = deviation * np.sqrt(np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)), 0.0))
    total = max(float(((y - y.mean()) ** 2).sum()), _ROUNDING)
    straight = max(float(_squares(x, y, np.array([values[0]]))[0]), _ROUNDING * total)
    lead = akaike(straight, len(x), 2) - akaike(max(least, _ROUNDING * total), len(x), 3)
    return BrokenLine(
        floor=about(floor, float(errors[0]), freedom),
        slope=about(slope, float(errors[1]), freedom),
        knee=_profile(x, y, knee, np.linspace(first, last, _GRID * 4)[:-1]),
        deviation=deviation,
        lead=lead,
    )


def _profile(x: Floats, y: Floats, knee: float, places: Floats) -> Estimate:
    """At the first value of x the knee is none: the level there is not seen apart from the line."""
    freedom = len(x) - 3
    limit = float(_squares(x, y, np.array([knee]))[0]) * (1 + t_quantile(UPPER, freedom) ** 2 / freedom)
    kept = places[_squares(x, y, places) <= limit]
    return Estimate(knee, min(knee, *kept[:1].tolist(), knee), max(knee, *kept[-1:].tolist(), knee))


def _squares(x: Floats, y: Floats, knees: Floats) -> Floats:
    """Residual squares of the best floor and slope for each knee, shape (k,)."""
    above = np.maximum(x - knees[:, np.newaxis], 0.0)
    from_mean, rest = above - above.mean(axis=1, keepdims=True), y - y.mean()
    squares: Floats = float(rest @ rest) - (from_mean @ rest) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(squares, 0.0)
