# SPDX-License-Identifier: Apache-2.0
"""Intervals of counts, and the quantiles that intervals are made of.

scipy is imported where a quantile is computed: a recording and the window need none, and start without it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.estimate import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_90 = 1.6448536269514722
"""95 % point of the normal distribution: 90 % lie within it on both sides."""
Z_95 = 1.959963984540054
"""97.5 % point of the normal distribution: 95 % lie within it on both sides."""


def wilson(correct: int, images: int) -> Proportion | None:
    """The Wilson score interval (Wilson 1927) at 95 %, or None for no images."""
    if images == 0:
        return None
    low, high = wilson_bounds(np.array([correct / images]), np.array([images]))
    return Proportion(correct, images, float(low[0]), float(high[0]))


def wilson_bounds(
    fraction: NDArray[np.float64], images: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the same interval for many fractions (0 to 1) at once; ``images`` at least 1. All of one shape."""
    z2 = Z_95**2
    centre = (fraction + z2 / (2 * images)) / (1 + z2 / images)
    half = Z_95 / (1 + z2 / images) * np.sqrt(fraction * (1 - fraction) / images + z2 / (4 * images**2))
    # Rounding must not put an end on the wrong side of the fraction itself.
    return np.clip(centre - half, 0.0, fraction), np.clip(centre + half, fraction, 1.0)


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Of Student's t with at least 1 degree of freedom, for a probability between 0 and 1."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, probability))


@lru_cache(maxsize=4096)
def chi_square_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Of chi-square with at least 1 degree of freedom, for a probability between 0 and 1."""
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(degrees_of_freedom / 2, probability))
