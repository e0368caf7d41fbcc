# SPDX-License-Identifier: Apache-2.0
"""A constant level up to a knee and a straight line from there: y = floor + slope max(x - knee, 0)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.regression import akaike, student
from monitor_app.core.estimate import FINDING_LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 4
"""Points; one more than coefficients, so that one degree of freedom is left for the error."""
_GRID = 128
_REFINEMENTS = 5
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """The least-squares fit; the intervals of floor and slope are those of its linear approximation there."""

    floor: Estimate
    slope: Estimate
    knee: Estimate
    """In units of x; the interval holds all that an F test with 1 and n - 3 degrees of freedom does not reject."""
    deviation: float
    """Standard deviation of the residuals, with n - 3 degrees of freedom."""
    lead: float
    """AICc of the straight line minus that of the broken line."""


def fit_broken_line(x: Floats, y: Floats, above_knee: int = 2) -> BrokenLine | None:
    """Through points of shape (n,), with at least ``above_knee`` values of x, 2 or more, behind the knee.

    None for fewer than four, where x has too few values, or where y does not rise behind any knee.
    """
    values = np.unique(x)
    if len(x) < LEAST or len(values) <= above_knee:
        return None
    first, last = float(values[0]), float(values[-above_knee])
    low, high, knee = first, last, first
    for _ in range(_REFINEMENTS):
        knees = np.linspace(low, high, _GRID)[: None if high < last else -1]
        residual = _residual_sums_of_squares(x, y, knees)
        knee, step = float(knees[residual.argmin()]), float(knees[1] - knees[0])
        low, high = max(knee - step, first), min(knee + step, last)
    above = np.maximum(x - knee, 0.0)
    slope = float((above - above.mean()) @ y / ((above - above.mean()) ** 2).sum())
    if slope <= 0:
        return None
    floor = float(y.mean() - slope * above.mean())
    degrees_of_freedom, least = len(x) - 3, float(((y - floor - slope * above) ** 2).sum())
    deviation = math.sqrt(least / degrees_of_freedom)
    jacobian = np.stack((np.ones_like(x), above, -slope * (x > knee)), axis=1)
    errors = deviation * np.sqrt(np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)), 0.0))
    total = max(float(((y - y.mean()) ** 2).sum()), _ROUNDING)
    straight = max(float(_residual_sums_of_squares(x, y, np.array([values[0]]))[0]), _ROUNDING * total)
    lead = akaike(straight, len(x), 2) - akaike(max(least, _ROUNDING * total), len(x), 3)
    return BrokenLine(
        floor=student(floor, float(errors[0]), degrees_of_freedom),
        slope=student(slope, float(errors[1]), degrees_of_freedom),
        knee=_profile(x, y, knee, np.linspace(first, last, _GRID * 4)[:-1]),
        deviation=deviation,
        lead=lead,
    )


def _profile(x: Floats, y: Floats, knee: float, places: Floats) -> Estimate:
    """The profile-likelihood interval. A knee at the first value of x is none: all points lie on the slope."""
    degrees_of_freedom = len(x) - 3
    quantile = t_quantile((1 + FINDING_LEVEL) / 2, degrees_of_freedom)
    least = float(_residual_sums_of_squares(x, y, np.array([knee]))[0])
    kept = places[_residual_sums_of_squares(x, y, places) <= least * (1 + quantile**2 / degrees_of_freedom)]
    low, high = min(knee, *kept[:1].tolist(), knee), max(knee, *kept[-1:].tolist(), knee)
    return Estimate(knee, low, high, FINDING_LEVEL)


def _residual_sums_of_squares(x: Floats, y: Floats, knees: Floats) -> Floats:
    """Of the best floor and slope for each knee, shape (k,)."""
    above = np.maximum(x - knees[:, np.newaxis], 0.0)
    from_mean, rest = above - above.mean(axis=1, keepdims=True), y - y.mean()
    squares: Floats = float(rest @ rest) - (from_mean @ rest) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(squares, 0.0)
