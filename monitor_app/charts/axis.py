# SPDX-License-Identifier: Apache-2.0
"""From values to places on a canvas, for an axis of any scale, and the round numbers along it. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.charts.model import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    Span = tuple[float, float]
    """Straight values between which an axis lies."""

_FEW_DECADES = 3.0
"""Below that many, 2 and 5 are written too."""
_MOST_DECADES, _MOST_POWERS = 8, 12
_BASE = {Scale.LOG: 10.0, Scale.LOG2: 2.0}


@dataclass(frozen=True, slots=True)
class Axis:
    """A straight scale: ``low`` lies at ``begin``, ``high`` at ``end``, which may be the smaller one."""

    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def value(self, place: float) -> float:
        """The inverse."""
        return self.low + (place - self.begin) / (self.end - self.begin) * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Tick:
    """A round value and how it is written."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """An axis of a chart; ``axis`` is straight in logarithms where the scale is logarithmic."""

    scale: Scale
    axis: Axis
    ticks: tuple[Tick, ...]
    minor: tuple[float, ...] = ()
    """Values that get a stroke and no number."""

    def place(self, value: float) -> float:
        """Beyond the canvas for what a logarithm does not have."""
        return self.axis.place(straight(self.scale, value))

    def inside(self, value: float) -> float:
        """The same, at the nearest end for what lies outside."""
        first, last = sorted((self.axis.begin, self.axis.end))
        return min(max(self.place(value), first), last)

    def holds(self, value: float) -> bool:
        """Whether a value lies between the ends; a pixel beyond them counts as between."""
        first, last = sorted((self.axis.begin, self.axis.end))
        return first - 1 <= self.place(value) <= last + 1

    def value(self, place: float) -> float:
        """The value at a place."""
        return curved(self.scale, self.axis.value(place))


@dataclass(frozen=True, slots=True)
class Room:
    """What lies along an axis: values that must be on it, and ends of curves that may be."""

    needed: tuple[float, ...]
    welcome: tuple[float, ...] = ()
    from_zero: bool = False


def straight(scale: Scale, value: float) -> float:
    """The value in which the scale is straight; minus infinity for what a logarithm does not have."""
    if scale not in _BASE:
        return value
    if value <= 0:
        return -math.inf
    return math.log10(value) if scale is Scale.LOG else math.log2(value)


def curved(scale: Scale, at: float) -> float:
    """The inverse; ``at`` within a hundred decades of 1."""
    return float(_BASE[scale] ** min(max(at, -100.0), 100.0)) if scale in _BASE else at


def shown(scale: Scale, value: float) -> bool:
    """Whether the scale has a place for it."""
    return math.isfinite(value) and (value > 0 or scale not in _BASE)


def full_span(scale: Scale, room: Room, padding: float, categories: Sequence[str] = ()) -> Span:
    """The span that holds the room, with ``padding`` of its length free at either end."""
    if scale is Scale.CATEGORY:
        return -0.6, max(len(categories), 1) - 0.4
    low, high = _extent(scale, room)
    free = (high - low) * padding / (1 - 2 * padding)
    below, above = low - free, high + free
    if scale is Scale.LINEAR:
        below = 0.0 if _starts_at_zero(low, high, room) else below
        above = 0.0 if room.from_zero and high <= 0 else above
    return below, above


def chart_axis(
    scale: Scale, span: Span, begin: float, end: float, *, most: int, categories: Sequence[str] = ()
) -> ChartAxis:
    """An axis of that span from begin to end. At most ``most`` values are written, except that every category is."""
    low, high = span
    axis = Axis(low, high, begin, end)
    if scale is Scale.CATEGORY:
        names = (Tick(float(k), name) for k, name in enumerate(categories) if low <= k <= high)
        return ChartAxis(scale, axis, tuple(names))
    if scale is Scale.LINEAR:
        return ChartAxis(scale, axis, _even(low, high, most))
    return ChartAxis(scale, axis, *(_decades if scale is Scale.LOG else _powers)(low, high, most))


def ticks(low: float, high: float, most: int) -> list[Tick]:
    """At most ``most`` multiples of 1, 2 or 5 times a power of ten between low and high, all written alike."""
    if not high > low or most < 1:
        return []
    step = round_step((high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first + 1 > most:
        step = round_step(step * 1.01)
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    places = max(-math.floor(math.log10(step) + 1e-9), 0)
    return [Tick(k * step, f"{k * step:.{places}f}") for k in range(first, last + 1)]


def number(value: float, text: str) -> str:
    """How a round value is written; ``text`` where that is short enough."""
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.4g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.0f}" if abs(value) >= 10_000 else text


def round_step(at_least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below the value."""
    power = 10.0 ** math.floor(math.log10(at_least))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= at_least * (1 - 1e-9))


def _starts_at_zero(low: float, high: float, room: Room) -> bool:
    return low >= 0 and (room.from_zero or low < 0.4 * high)


def _extent(scale: Scale, room: Room) -> Span:
    """In straight values. A curve widens it by no more than a quarter on either side."""
    needed = [straight(scale, value) for value in room.needed if shown(scale, value)]
    welcome = [straight(scale, value) for value in room.welcome if shown(scale, value)]
    if room.from_zero and scale is Scale.LINEAR:
        needed.append(0.0)
    if not needed:
        needed, welcome = welcome or [0.0, 1.0], []
    low, high = min(needed), max(needed)
    slack = (high - low) / 4
    # No curve takes an axis of values that are not negative below zero.
    floor = 0.0 if scale is Scale.LINEAR and low >= 0 else -math.inf
    low, high = (
        min([low, *(max(w, low - slack, floor) for w in welcome)]),
        max([high, *(min(w, high + slack) for w in welcome)]),
    )
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    around = (abs(low) / 10 or 1.0) if scale is Scale.LINEAR else 0.5
    return low - around, high + around


def _even(low: float, high: float, most: int) -> tuple[Tick, ...]:
    return tuple(Tick(each.value, number(each.value, each.text)) for each in ticks(low, high, most))


def _decades(low: float, high: float, most: int) -> tuple[tuple[Tick, ...], tuple[float, ...]]:
    step = max(1, math.ceil((high - low) / min(_MOST_DECADES, most)))
    decades = range(math.floor(low), math.ceil(high) + 1)
    few = high - low < _FEW_DECADES
    written: list[float] = []
    for factors in ((1, 2, 5), (1,), (1, 3)) if few else ((1,),):
        at = [f * 10.0**k for k in decades if k % step == 0 for f in factors]
        found = [value for value in at if low <= math.log10(value) <= high]
        if len(found) <= most and len(found) > len(written):
            written = found
        if len(written) > 2:
            break
    if len(written) < 2 and few:
        return tuple(each for each in _even(10.0**low, 10.0**high, most) if each.value > 0), ()
    minor = [f * 10.0**k for k in decades for f in range(2, 10) if low <= math.log10(f * 10.0**k) <= high]
    return tuple(Tick(value, number(value, f"{value:g}")) for value in written), tuple(minor if step == 1 else [])


def _powers(low: float, high: float, most: int) -> tuple[tuple[Tick, ...], tuple[float, ...]]:
    step = max(1, math.ceil((high - low) / min(_MOST_POWERS, most)))
    powers = [k for k in range(math.ceil(low), math.floor(high) + 1) if k % step == 0]
    if len(powers) < 2 and high - low < 2:
        return tuple(each for each in _even(2.0**low, 2.0**high, most) if each.value > 0), ()
    return tuple(Tick(2.0**k, number(2.0**k, f"{2.0**k:g}")) for k in powers), ()
