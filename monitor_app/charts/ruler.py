# SPDX-License-Identifier: Apache-2.0
"""From values to places along an axis of any scale, and what is written along it. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.charts.axis import Axis, Tick, ticks
from monitor_app.charts.model import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEW_DECADES = 3.0
"""Below that many, 2 and 5 are written too."""
_MOST_DECADES, _MOST_POWERS = 8, 12
_LOGARITHMIC = (Scale.LOG, Scale.LOG2)


@dataclass(frozen=True, slots=True)
class Ruler:
    """``axis`` is straight in logarithms where the scale is logarithmic."""

    scale: Scale
    axis: Axis
    marks: tuple[Tick, ...]
    """Values that are written."""
    minor: tuple[float, ...] = ()
    """Values that get a stroke only."""

    def place(self, value: float) -> float:
        """Beyond the paper for what a logarithm does not have."""
        return self.axis.place(straight(self.scale, value))

    def inside(self, value: float) -> float:
        """The same, at the nearest end for what lies outside."""
        first, last = sorted((self.axis.begin, self.axis.end))
        return min(max(self.place(value), first), last)


@dataclass(frozen=True, slots=True)
class Room:
    """What lies along an axis: values that must be on it, and ends of curves that may be."""

    needed: tuple[float, ...]
    welcome: tuple[float, ...] = ()
    from_zero: bool = False


def straight(scale: Scale, value: float) -> float:
    """The value in which the scale is straight; minus infinity for what a logarithm does not have."""
    if scale not in _LOGARITHMIC:
        return value
    if value <= 0:
        return -math.inf
    return math.log10(value) if scale is Scale.LOG else math.log2(value)


def shown(scale: Scale, value: float) -> bool:
    """Whether the scale has a place for it."""
    return math.isfinite(value) and math.isfinite(straight(scale, value))


def ruler(
    scale: Scale, room: Room, begin: float, end: float, *, padding: float, most: int, categories: Sequence[str] = ()
) -> Ruler:
    """An axis from begin to end that holds the room, with ``padding`` of its length free at either end.

    At most ``most`` values are written, except that every category is.
    """
    if scale is Scale.CATEGORY:
        axis = Axis(-0.6, max(len(categories), 1) - 0.4, begin, end)
        return Ruler(scale, axis, tuple(Tick(float(k), name) for k, name in enumerate(categories)))
    low, high = _extent(scale, room)
    free = (high - low) * padding / (1 - 2 * padding)
    below, above = low - free, high + free
    if scale is Scale.LINEAR:
        below = 0.0 if _starts_at_zero(low, high, room) else below
        above = 0.0 if room.from_zero and high <= 0 else above
        marks = tuple(Tick(each.value, number(each.value, each.text)) for each in ticks(below, above, most))
        return Ruler(scale, Axis(below, above, begin, end), marks)
    marks, minor = (_decades if scale is Scale.LOG else _powers)(below, above, most)
    return Ruler(scale, Axis(below, above, begin, end), marks, minor)


def number(value: float, text: str) -> str:
    """How a round value is written; ``text`` where that is short enough."""
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.0f}" if abs(value) >= 10_000 else text


def _starts_at_zero(low: float, high: float, room: Room) -> bool:
    return low >= 0 and (room.from_zero or low < 0.4 * high)


def _extent(scale: Scale, room: Room) -> tuple[float, float]:
    """In straight values. A curve widens it by no more than a quarter on either side."""
    needed = [straight(scale, value) for value in room.needed if shown(scale, value)]
    welcome = [straight(scale, value) for value in room.welcome if shown(scale, value)]
    if room.from_zero and scale is Scale.LINEAR:
        needed.append(0.0)
    if not needed:
        needed, welcome = welcome or [0.0, 1.0], []
    low, high = min(needed), max(needed)
    slack = (high - low) / 4
    low, high = (
        min([low, *(max(w, low - slack) for w in welcome)]),
        max([high, *(min(w, high + slack) for w in welcome)]),
    )
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    around = (abs(low) / 10 or 1.0) if scale is Scale.LINEAR else 0.5
    return low - around, high + around


def _decades(low: float, high: float, most: int) -> tuple[tuple[Tick, ...], tuple[float, ...]]:
    factors = (1, 2, 5) if high - low < _FEW_DECADES else (1,)
    step = max(1, math.ceil((high - low) / min(_MOST_DECADES, most)))
    decades = range(math.floor(low), math.ceil(high) + 1)
    written = [f * 10.0**k for k in decades if k % step == 0 for f in factors if low <= math.log10(f * 10.0**k) <= high]
    if len(written) < 3:
        places = ticks(10.0**low, 10.0**high, most)
        return tuple(Tick(each.value, number(each.value, each.text)) for each in places if each.value > 0), ()
    minor = [f * 10.0**k for k in decades for f in range(2, 10) if low <= math.log10(f * 10.0**k) <= high]
    few = minor if step == 1 else []
    return tuple(Tick(value, number(value, f"{value:g}")) for value in written), tuple(few)


def _powers(low: float, high: float, most: int) -> tuple[tuple[Tick, ...], tuple[float, ...]]:
    step = max(1, math.ceil((high - low) / min(_MOST_POWERS, most)))
    powers = [k for k in range(math.ceil(low), math.floor(high) + 1) if k % step == 0]
    return tuple(Tick(2.0**k, number(2.0**k, f"{2.0**k:g}")) for k in powers), ()
