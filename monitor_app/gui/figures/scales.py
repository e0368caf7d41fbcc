# SPDX-License-Identifier: Apache-2.0
"""How the values of an axis lie on the screen, and where its numbers stand. No Qt.

An axis is drawn in its own coordinate: the value itself, its decimal or its binary logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.charts.model import Scale
from monitor_app.gui.plot.axes import value_text
from monitor_app.gui.plot.value_range import round_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.charts.model import Axis

PAD = 0.07
"""Share of the span left free at both ends."""
FROM_ZERO = 0.4
"""Values that reach below this share of the largest are seen from zero on."""
_BASE = {Scale.LOG: 10.0, Scale.LOG2: 2.0}
_FEW = 8.0
"""Ratio of the ends of a logarithmic axis below which its numbers are evenly spaced values."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid with its number, at a coordinate."""

    at: float
    text: str


def coordinates(scale: Scale, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Where values lie, shape (n,); NaN for what a logarithmic axis cannot show."""
    given = np.asarray(values, np.float64)
    base = _BASE.get(scale)
    if base is None:
        return given
    found: NDArray[np.float64] = np.full(len(given), np.nan)
    shown = given > 0
    found[shown] = np.log(given[shown]) / math.log(base)
    return found


def coordinate(scale: Scale, value: float) -> float:
    """Where one value lies."""
    return float(coordinates(scale, [value])[0])


def value_at(scale: Scale, at: float) -> float:
    """The value at a coordinate."""
    base = _BASE.get(scale)
    return at if base is None else float(base**at)


def fitted(axis: Axis, lows: NDArray[np.float64], highs: NDArray[np.float64], *, bars: bool) -> tuple[float, float]:
    """The range of coordinates that shows intervals between these values, with room at both ends."""
    if axis.scale is Scale.CATEGORY:
        return -0.6, max(len(axis.categories), 1) - 0.4
    ends = np.concatenate((coordinates(axis.scale, lows), coordinates(axis.scale, highs)))
    ends = ends[np.isfinite(ends)]
    if not len(ends):
        return 0.0, 1.0
    low, high = float(ends.min()), float(ends.max())
    if axis.scale is not Scale.LINEAR:
        room = max((high - low) * PAD, 0.12)
        return low - room, high + room
    if 0 <= low <= FROM_ZERO * high or (bars and low >= 0):
        return 0.0, high * (1 + PAD) or 1.0
    room = max((high - low) * PAD, abs(high) * 1e-3, 1e-9)
    return low - room, high + room


def ticks(axis: Axis, low: float, high: float, pixels: float, room_px: float) -> tuple[Tick, ...]:
    """Grid lines between two coordinates, each with ``room_px`` for its number."""
    if high <= low or pixels <= 0:
        return ()
    if axis.scale is Scale.CATEGORY:
        names = axis.categories
        return tuple(Tick(float(k), names[k]) for k in range(max(math.ceil(low), 0), min(int(high) + 1, len(names))))
    if axis.scale is Scale.LINEAR:
        return _even(low, high, pixels, room_px)
    return _powers(axis.scale, low, high, pixels, room_px)


def _even(low: float, high: float, pixels: float, room_px: float) -> tuple[Tick, ...]:
    step = round_step(max((high - low) * room_px / pixels, 1e-12))
    return tuple(Tick(k * step, _plain(k * step, step)) for k in _whole(low / step, high / step))


def _powers(scale: Scale, low: float, high: float, pixels: float, room_px: float) -> tuple[Tick, ...]:
    """Powers of the base; of ten also 2 and 5 times one where there is room; evenly spaced values close by."""
    base = _BASE[scale]
    if base ** min(high - low, 300.0) < (_FEW if scale is Scale.LOG else 2.0):
        ends = value_at(scale, low), value_at(scale, high)
        return tuple(Tick(coordinate(scale, float(t.at)), t.text) for t in _even(*ends, pixels, room_px) if t.at > 0)
    each_px = pixels / (high - low)
    every = max(1, math.ceil(room_px / each_px - 1e-9))
    factors = (1, 2, 5) if scale is Scale.LOG and each_px * math.log10(2) >= 0.75 * room_px else (1,)
    found = []
    for power in range(math.floor(low), math.floor(high) + 1):
        if power % every == 0:
            found += [Tick(power + math.log(f) / math.log(base), power_text(f * base**power)) for f in factors]
    return tuple(tick for tick in found if low <= tick.at <= high)


def power_text(value: float) -> str:
    """A round value, without an exponent as long as that is short."""
    return f"{value:,.10g}" if 1e-4 <= value < 1e7 else f"{value:.3g}"


def _plain(value: float, step: float) -> str:
    if max(abs(value), step) >= 1e7:
        return f"{value:.3g}"
    return value_text(value, step).replace("-", "\N{MINUS SIGN}") if value else "0"


def _whole(low: float, high: float) -> range:
    return range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
