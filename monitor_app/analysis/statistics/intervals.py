# SPDX-License-Identifier: Apache-2.0
"""Intervals for counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.estimate import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_95 = 1.959963984540054
"""97.5 % point of the normal distribution."""


def wilson(correct: int, images: int) -> Proportion | None:
    """The Wilson score interval (Wilson 1927) at 95 %, or None for no images."""
    if images == 0:
        return None
    low, high = wilson_bounds(np.array([correct / images]), np.array([images]))
    return Proportion(correct, images, float(low[0]), float(high[0]))


def wilson_bounds(
    share: NDArray[np.float64], images: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the same interval for many shares (0 to 1) at once; ``images`` at least 1. All of one shape."""
    z2 = Z_95**2
    centre = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = Z_95 / (1 + z2 / images) * np.sqrt(share * (1 - share) / images + z2 / (4 * images**2))
    # Rounding must not put an end on the wrong side of the share itself.
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)
