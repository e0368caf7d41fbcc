# SPDX-License-Identifier: Apache-2.0
"""Intervals for counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many, with its 95 % interval."""

    correct: int
    images: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.correct / self.images


def wilson(correct: int, images: int) -> Proportion | None:
    """The Wilson score interval (Wilson 1927) at 95 %, or None for no images."""
    if images == 0:
        return None
    share, z2 = correct / images, Z_95**2
    centre = (share + z2 / (2 * images)) / (1 + z2 / images)
    half = Z_95 / (1 + z2 / images) * math.sqrt(share * (1 - share) / images + z2 / (4 * images**2))
    # Rounding may not push an end past the share itself, as at none or all of the images.
    return Proportion(correct, images, max(min(centre - half, share), 0.0), min(max(centre + half, share), 1.0))
