# SPDX-License-Identifier: Apache-2.0
"""A measured value with its interval: what analysis gives and everything else shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

RESULT_LEVEL = 0.95
"""Confidence level of the intervals of results: latency, power, energy, memory, accuracy and their comparison."""
FINDING_LEVEL = 0.90
"""Confidence level of the intervals of findings. A 90 % interval inside a margin is two one-sided tests at 5 %."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its confidence interval; ``low <= value <= high``."""

    value: float
    low: float
    high: float
    level: float = RESULT_LEVEL
    """Fraction of such intervals that hold the true value, 0 to 1; 1 for a value that is exact."""

    def scaled(self, factor: float) -> Estimate:
        """In another unit; ``factor`` is above 0."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.level)

    def exponential(self, most: float = math.inf) -> Estimate:
        """Of an estimate of a logarithm, which is capped at ``most`` first. Raises OverflowError above 709."""
        value, low, high = (math.exp(min(each, most)) for each in (self.value, self.low, self.high))
        return Estimate(value, low, high, self.level)


def exact(value: float) -> Estimate:
    """A value that was counted or computed, not measured: its interval has no width."""
    return Estimate(value, value, value, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """Accuracy by a metric of the user's own, with its interval at `RESULT_LEVEL` where it has one."""

    name: str
    """As the metric calls it: mIoU."""
    value: float
    low: float | None = None
    high: float | None = None
    items: int | None = None
    """That it was measured on; None where the metric does not tell."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A count of correct answers out of a number of images, with its interval at `RESULT_LEVEL`."""

    correct: int
    images: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """0 to 1."""
        return self.correct / self.images

    @property
    def estimate(self) -> Estimate:
        """The fraction of correct answers, 0 to 1."""
        return Estimate(self.value, self.low, self.high)
