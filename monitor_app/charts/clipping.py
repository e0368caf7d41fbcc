# SPDX-License-Identifier: Apache-2.0
"""Curves cut at the edge of the plot, by geometry: an SVG file knows no clipping painter. No Qt."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Spot(NamedTuple):
    """A place on paper."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle on paper; bottom is the larger y."""

    left: float
    top: float
    right: float
    bottom: float


def clipped(curve: Sequence[Spot], box: Box) -> list[list[Spot]]:
    """The parts of a curve that lie in the box. A spot that is not finite interrupts it."""
    parts: list[list[Spot]] = []
    for start, end in pairwise(curve):
        if not _finite((*start, *end)):
            continue
        inside = _segment(start, end, box)
        if inside is None:
            continue
        if parts and parts[-1][-1] == inside[0]:
            parts[-1].append(inside[1])
        else:
            parts.append(list(inside))
    return parts


def _segment(start: Spot, end: Spot, box: Box) -> tuple[Spot, Spot] | None:
    """Liang and Barsky 1984: the part of a straight line that each edge leaves."""
    first, last = 0.0, 1.0
    along_x, along_y = end.x - start.x, end.y - start.y
    for along, room in (
        (-along_x, start.x - box.left),
        (along_x, box.right - start.x),
        (-along_y, start.y - box.top),
        (along_y, box.bottom - start.y),
    ):
        if along == 0:
            if room < 0:
                return None
        elif along < 0:
            first = max(first, room / along)
        else:
            last = min(last, room / along)
    if first > last:
        return None
    return _at(start, end, first), _at(start, end, last)


def _at(start: Spot, end: Spot, share: float) -> Spot:
    if share in {0.0, 1.0}:
        return end if share else start
    return Spot(start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))


def _finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)
