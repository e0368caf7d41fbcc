# SPDX-License-Identifier: Apache-2.0
"""From values to places on paper, and the round numbers along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight scale: ``low`` lies at ``begin``, ``high`` at ``end``, which may be the smaller one."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def places(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same for many."""
        return np.asarray(self.begin + (values - self.low) / (self.high - self.low) * (self.end - self.begin))


@dataclass(frozen=True, slots=True)
class Tick:
    """A round value and how it is written."""

    value: float
    text: str


def ticks(low: float, high: float, most: int) -> list[Tick]:
    """At most ``most`` multiples of 1, 2 or 5 times a power of ten between low and high, all written alike."""
    if not high > low or most < 1:
        return []
    step = _round_step((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first + 1 > most:
        step = _round_step(step * 1.01)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    places = max(-math.floor(math.log10(step) + 1e-9), 0)
    return [Tick(k * step, f"{k * step:.{places}f}") for k in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """What a time axis counts in."""

    name: str
    seconds: float


def time_unit(duration_s: float) -> TimeUnit:
    """The unit in which a duration is a number people can take in."""
    units = (("us", 1e-6, 2e-3), ("ms", 1e-3, 2.0), ("s", 1.0, 900.0), ("min", 60.0, 14400.0))
    fitting = (TimeUnit(name, seconds) for name, seconds, up_to_s in units if duration_s < up_to_s)
    return next(fitting, TimeUnit("h", 3600.0))


def _round_step(at_least: float) -> float:
    power = 10.0 ** math.floor(math.log10(at_least))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= at_least * (1 - 1e-9))
