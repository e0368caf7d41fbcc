# SPDX-License-Identifier: Apache-2.0
"""A level up to a knee and a straight line from there: y = floor + slope max(x - knee, 0)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.regression import about, akaike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.bootstrap import Estimate

    Floats = NDArray[np.float64]

LEAST = 4
"""Points; one more than coefficients, so that there is something left to tell an error by."""
_GRID = 512
_REFINEMENTS = 4
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """The fit with the least squares, and intervals from its linear approximation there."""

    floor: Estimate
    slope: Estimate
    knee: Estimate
    """In units of x."""
    deviation: float
    """Standard deviation of the residuals, with n - 3 degrees of freedom."""
    lead: float
    """AICc of the straight line less that of this."""


def fit_broken_line(x: Floats, y: Floats) -> BrokenLine | None:
    """Of points of shape (n,).

    None for fewer than four, where x has fewer than three values, or where y does not rise behind any knee.
    """
    values = np.unique(x)
    if len(x) < LEAST or len(values) < 3:
        return None
    # Two values above the knee, or its place and the slope cannot be told apart.
    low, high, knee = float(values[0]), float(values[-2]), float(values[0])
    for _ in range(_REFINEMENTS):
        knees = np.linspace(low, high, _GRID)[: None if high < values[-2] else -1]
        squares = _squares(x, y, knees)
        knee, step = float(knees[squares.argmin()]), float(knees[1] - knees[0])
        low, high = max(knee - step, float(values[0])), min(knee + step, float(values[-2]))
    above = np.maximum(x - knee, 0.0)
    slope = float((above - above.mean()) @ y / ((above - above.mean()) ** 2).sum())
    if slope <= 0:
        return None
    floor = float(y.mean() - slope * above.mean())
    freedom, least = len(x) - 3, float(((y - floor - slope * above) ** 2).sum())
    deviation = math.sqrt(least / freedom)
    jacobian = np.stack((np.ones_like(x), above, -slope * (x > knee)), axis=1)
    # At the first point the knee is none: the level there is not seen apart from the line.
    errors = deviation * np.sqrt(np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)), 0.0))
    total = max(float(((y - y.mean()) ** 2).sum()), _ROUNDING)
    straight = max(float(_squares(x, y, np.array([values[0]]))[0]), _ROUNDING * total)
    lead = akaike(straight, len(x), 2) - akaike(max(least, _ROUNDING * total), len(x), 3)
    return BrokenLine(
        floor=about(floor, float(errors[0]), freedom),
        slope=about(slope, float(errors[1]), freedom),
        knee=about(knee, float(errors[2]), freedom),
        deviation=deviation,
        lead=lead,
    )


def _squares(x: Floats, y: Floats, knees: Floats) -> Floats:
    """Residual squares of the best floor and slope for each knee, shape (k,)."""
    above = np.maximum(x - knees[:, np.newaxis], 0.0)
    from_mean, rest = above - above.mean(axis=1, keepdims=True), y - y.mean()
    squares: Floats = float(rest @ rest) - (from_mean @ rest) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(squares, 0.0)
