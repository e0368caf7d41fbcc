# SPDX-License-Identifier: Apache-2.0
"""The straight line through points by least squares: what all that is said of such a line is made from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StraightLine:
    """y = intercept + slope x."""

    intercept: float
    slope: float
    count: int
    """Points."""
    middle: float
    """Mean of x."""
    extent: float
    """Sum of squares of x about its mean."""
    squares: float
    """Sum of squares of what the line leaves of y."""
    explained: float
    """Share of the variance of y that the line explains, 0 to 1; 1 where y does not vary."""

    def at(self, x: Floats) -> Floats:
        """The line there."""
        return self.intercept + self.slope * x

    @property
    def deviation(self) -> float:
        """Standard deviation of the residuals, of three points at least."""
        return math.sqrt(self.squares / (self.count - 2))

    def spread(self, x: Floats) -> Floats:
        """Standard error of the line there, in deviations of the residuals."""
        found: Floats = np.sqrt(1 / self.count + (x - self.middle) ** 2 / self.extent)
        return found


def straight_line(x: Floats, y: Floats) -> StraightLine:
    """Of points of shape (n,), n at least 3, all of one weight, of which x is not the same in all."""
    middle = float(x.mean())
    from_middle = x - middle
    extent = float(from_middle @ from_middle)
    slope = float(from_middle @ y) / extent
    rest = y - y.mean() - slope * from_middle
    squares, total = float(rest @ rest), float(((y - y.mean()) ** 2).sum())
    intercept = float(y.mean()) - slope * middle
    return StraightLine(intercept, slope, len(x), middle, extent, squares, 1 - squares / total if total > 0 else 1.0)
