# SPDX-License-Identifier: Apache-2.0
"""Linear and logarithmic y axes: where a value lies, the range that fits the data, and the labels. No Qt."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.formatting import PREFIXES
from monitor_app.gui.plot.scales.axes import KEPT_ROOM, ROOM, TOO_EMPTY, settled_range, value_step, value_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

BELOW_ALL = 1e-300
"""What is zero or less has no logarithm: it lies below every value that is shown."""
DECADES = 6
"""More of them below the largest value are noise about zero."""
BELOW_MEAN = 10.0
"""Single samples may lie this factor below the smallest mean without being out of view."""
LABEL_PX = 20
"""At least this far apart are the labels of a logarithmic axis."""
SMALLEST, LARGEST = 1e-15, 1e15
"""A logarithmic axis shows nothing beyond these."""
_MULTIPLES = ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 5), (1, 3), (1,))


class Scale(Enum):
    """Of a y axis: values are drawn at ``plotted``, of which equal differences are equal distances."""

    LINEAR = "linear"
    LOG = "log"

    def plotted(self, value: float) -> float:
        """Where a value is drawn."""
        return value if self is Scale.LINEAR else math.log10(max(value, BELOW_ALL))

    def plotted_all(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values are drawn."""
        return values if self is Scale.LINEAR else np.log10(np.maximum(values, BELOW_ALL))

    def value_at(self, plotted: float) -> float:
        """The value that is drawn there."""
        if self is Scale.LINEAR:
            return plotted
        return float(10.0 ** min(max(plotted, math.log10(SMALLEST)), math.log10(LARGEST)))


@dataclass(frozen=True, slots=True)
class Extent:
    """The values that a pane shows."""

    low: float
    high: float
    positive: float = math.inf
    """The smallest that a logarithmic axis shows; infinite where there is none."""


def positive_of(least: float, values: NDArray[np.float64]) -> float:
    """The smallest value that a logarithmic axis has to show, of means ``values`` and of ``least``, of all samples."""
    above = values[values > 0]
    if not len(above):
        return math.inf
    mean = float(above.min())
    return max(least, mean / BELOW_MEAN)


def fitted_range(
    scale: Scale, shown: tuple[float, float] | None, data: Extent, *, floor: float | None = None, room: float = ROOM
) -> tuple[float, float]:
    """The range to show for these data, given the range that is shown; it changes only when it has to."""
    if scale is Scale.LINEAR:
        return settled_range(shown, data.low, data.high, floor=floor, room=room)
    if data.high <= 0 or not math.isfinite(data.positive):
        return shown or (0.1, 1.0)
    low = min(max(data.positive, data.high / 10.0**DECADES), data.high)
    wanted = round_decades(low, data.high, room)
    if shown is None or shown[0] <= 0:
        return wanted
    span = math.log10(data.high / wanted[0])
    holds_all = shown[0] <= low and data.high * 10 ** (KEPT_ROOM * room * span) <= shown[1]
    filled = math.log10(data.high / low) / max(math.log10(shown[1] / shown[0]), 1e-12)
    return shown if holds_all and (filled >= TOO_EMPTY or wanted[0] <= shown[0]) else wanted


def round_decades(low: float, high: float, room: float) -> tuple[float, float]:
    """1, 2 or 5 of a power of ten below and above, with a fraction ``room`` of the height free above."""
    bottom = _round_down(low)
    top = _round_up(high * 10 ** (room * math.log10(max(high / bottom, 2.0))))
    return bottom, top if top > bottom * 1.5 else 2 * top


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return next(m for m in (5 * power, 2 * power, power) if m <= value * (1 + 1e-9))


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return next(m for m in (power, 2 * power, 5 * power, 10 * power) if m >= value * (1 - 1e-9))


# -- labels --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its label."""

    value: float
    text: str


@lru_cache(maxsize=64)
def ticks(scale: Scale, low: float, high: float, pixels: float, text_scale: float) -> tuple[Tick, ...]:
    """Of an axis ``pixels`` high; labels are the values times ``text_scale``, or have a prefix where they are small."""
    values = _log_values(low, high, pixels) if scale is Scale.LOG else ()
    if len(values) > 1:
        return tuple(Tick(value, _log_text(value, low, text_scale)) for value in values)
    step = value_step(low, high, pixels)
    rows = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return tuple(Tick(k * step, value_text(k * step * text_scale, step * text_scale)) for k in rows)


def _log_values(low: float, high: float, pixels: float) -> list[float]:
    """As many multiples of powers of ten as have room, at least two where the axis is a decade or more."""
    decades = math.log10(high / low)
    decade_px = pixels / max(decades, 1e-12)
    for multiples in _MULTIPLES:
        closest = math.log10(min(b / a for a, b in itertools.pairwise((*multiples, 10))))
        found = _multiples(low, high, multiples) if closest * decade_px >= LABEL_PX else []
        if len(found) > 1:
            return found
    if decades < 1:
        return []
    found = _multiples(low, high, (1,))[:: math.ceil(LABEL_PX / decade_px)]
    return found if len(found) > 1 else _multiples(low, high, (1, 3))


def _multiples(low: float, high: float, multiples: tuple[int, ...]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = (m * 10.0**k for k in powers for m in multiples)
    return [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]


def _log_text(value: float, low: float, text_scale: float) -> str:
    if low * text_scale >= 1e-3:
        return f"{float(f'{value * text_scale:.3g}'):,.10f}".rstrip("0").rstrip(".")
    factor, prefix = next(((f, p) for f, p in (*PREFIXES, (1e-9, "n")) if value >= f * (1 - 1e-9)), (1e-9, "n"))
    return f"{value / factor:.4g} {prefix}".rstrip()
