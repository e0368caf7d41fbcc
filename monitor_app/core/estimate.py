# SPDX-License-Identifier: Apache-2.0
"""A measured value with its interval: what analysis gives and everything else shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its interval; ``low <= value <= high``."""

    value: float
    low: float
    high: float


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
