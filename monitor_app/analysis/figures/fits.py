# SPDX-License-Identifier: Apache-2.0
"""Straight lines by least squares, with the band in which the true line lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.student import t_975

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 4
"""Points below which a line says nothing about a fifth one."""


@dataclass(frozen=True, slots=True)
class Fit:
    """y = slope * x + intercept."""

    slope: float
    intercept: float
    r2: float
    """Share of the variance of y that the line explains; 1 where y does not vary."""
    count: int
    mean_x: float
    sum_xx: float
    """Squared distances of x from its mean, added up."""
    residual_sd: float

    def at(self, x: Floats) -> Floats:
        """The line."""
        return self.slope * x + self.intercept

    def half_band(self, x: Floats) -> Floats:
        """Half the width of the 95 % band of the line (not of single points), for errors that are alike along it."""
        spread = np.sqrt(1 / self.count + (x - self.mean_x) ** 2 / self.sum_xx)
        half: Floats = t_975(self.count - 2) * self.residual_sd * spread
        return half


def fit(x: Floats, y: Floats) -> Fit | None:
    """The line through points of shape (n,), all of one weight; None for fewer than LEAST or where x does not vary."""
    if len(x) < LEAST:
        return None
    from_mean = x - x.mean()
    sum_xx = float(from_mean @ from_mean)
    if sum_xx <= len(x) * (8 * np.finfo(np.float64).eps * float(np.abs(x).max())) ** 2:
        return None
    slope = float(from_mean @ y) / sum_xx
    intercept = float(y.mean()) - slope * float(x.mean())
    residual = float(np.sum((y - slope * x - intercept) ** 2))
    total = float(np.sum((y - y.mean()) ** 2))
    r2 = 1 - residual / total if total > 0 else 1.0
    return Fit(slope, intercept, r2, len(x), float(x.mean()), sum_xx, math.sqrt(residual / (len(x) - 2)))
