# SPDX-License-Identifier: Apache-2.0
"""Where the names of points stand so that each can be read, and which point it belongs to is plain. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.charts.clipping import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Truths = NDArray[np.bool_]

_ANGLES = np.radians([0, 30, -30, 180, 150, -150, 90, -90, 60, -60, 120, -120, 15, -15, 165, -165])
"""Anticlockwise from the right, as people prefer a name: beside the point first."""
_RINGS = (0.0, 0.7, 1.6, 2.8, 4.2, 6.0, 8.5, 12.0, 16.0)
"""Distances from the edge of the point, in heights of the name."""
_TOUCHED, _STRUCK, _CROSSED, _FAR, _AWKWARD, _MISTAKEN = 4.0, 1.2, 3.0, 0.55, 0.04, 6.0
"""What a covered bubble, a bar or line through the name, another's name under the leading line, a ring further out, a
less preferred side, and a bubble of another name that is nearer than the own one cost."""
_LED = 0.5
"""A leading line lessens what it costs to be nearer to another bubble."""
_PASSES = 2
"""How often each name looks for a better place after all have one."""
_APART = 0.45
"""Least distance between two names on one line, in heights."""
_DOTS = np.linspace(0.1, 0.95, 12)
"""Along a leading line, as fractions of it."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A mark on the canvas; a radius of 0 is a point."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name for a mark, with its size in pixels."""

    bubble: Bubble
    width: float
    height: float
    rank: int = 0
    """Those of lower rank choose first."""
    own: frozenset[int] = frozenset()
    """Places, among all bubbles, of those that the name may be taken to belong to."""
    near: bool = False
    """Better without a place than away from the mark, or nearer to another one."""


@dataclass(frozen=True, slots=True)
class Label:
    """Where a name stands; ``apart`` when a line must lead to its mark."""

    box: Box
    apart: bool


def place_labels(
    wanted: Sequence[Wanted], bubbles: Sequence[Bubble], bars: Sequence[Box], bounds: Box, taken: Sequence[Box] = ()
) -> list[Label | None]:
    """A place for each name within the bounds that covers no other name and no centre of a mark; None without one.

    The most crowded mark chooses first, each the cheapest place that is left: near, on the side where names are
    looked for, nearer to its own mark than to another's, off bubbles, and off error bars and lines, which are given
    as ``bars``. What is ``taken`` is treated as other names are. Then each chooses again among what the others leave.
    """
    marks = np.array([(b.x, b.y, b.radius) for b in bubbles], np.float64).reshape(-1, 3)
    struck = np.array(bars, np.float64).reshape(-1, 4)
    occupied = np.array(taken, np.float64).reshape(-1, 4)
    found: list[Label | None] = [None] * len(wanted)
    for k in _crowded_first(wanted, marks) * (1 + _PASSES):
        others = [(label, wanted[j].bubble) for j, label in enumerate(found) if label is not None and j != k]
        boxes = np.array([label.box for label, _ in others], np.float64).reshape(-1, 4)
        leaders = [_dots(bubble, np.array([label.box])) for label, bubble in others if label.apart]
        around = _Around(marks, np.vstack((struck, *leaders)), np.vstack((occupied, boxes)), bounds)
        found[k] = _cheapest(wanted[k], around)
    return found


@dataclass(frozen=True, slots=True)
class _Around:
    """What a name has around it: marks (x, y, radius), what strikes it through, and other names."""

    marks: Floats
    struck: Floats
    names: Floats
    bounds: Box


def _cheapest(wanted: Wanted, around: _Around) -> Label | None:
    boxes, rings, sides = _candidates(wanted)
    apart = _APART * wanted.height * np.array([-1, 0, 1, 0])
    free = (
        _inside(boxes, around.bounds)
        & ~_meet(boxes + apart, around.names).any(axis=1)
        & ~_over_centres(boxes, around.marks, wanted.height)
    )
    mistaken = _nearer_to_others(boxes, around.marks, wanted)
    if wanted.near:
        free &= (rings <= 1) & ~mistaken
    if not free.any():
        return None
    boxes, rings, sides, mistaken = boxes[free], rings[free], sides[free], mistaken[free]
    led = (rings > 1) | mistaken
    cost = (
        _FAR * rings
        + _AWKWARD * sides
        + _TOUCHED * _depths(boxes, around.marks).sum(axis=1)
        + _STRUCK * _meet(boxes, around.struck).sum(axis=1)
        + _MISTAKEN * np.where(rings > 1, _LED, 1.0) * mistaken
        + _CROSSED * led * _leads_across(wanted, boxes, around.names, around.marks)
    )
    best = int(np.argmin(cost))
    return Label(Box(*boxes[best].tolist()), bool(led[best]))


def spread(places: Sequence[float], gap: float, first: float, last: float) -> list[float]:
    """Places in the order given by their values, at least ``gap`` apart, within first to last, and moved little.

    Neighbours that would touch become a group around the mean of where they belong. Where there is no room for all
    they stand closer than ``gap``.
    """
    if not places:
        return []
    gap = min(gap, (last - first) / max(len(places) - 1, 1))
    order = sorted(range(len(places)), key=lambda k: places[k])
    groups: list[tuple[float, int]] = []
    for k in order:
        groups.append((places[k], 1))
        while len(groups) > 1 and _touch(groups[-2], groups[-1], gap):
            (one, m), (other, n) = groups[-2:]
            # The middle of a group is the mean of where its members belong: that moves them least, in squares.
            groups[-2:] = [((one * m + other * n) / (m + n), m + n)]
    moved = [0.0] * len(places)
    flat = [centre + (j - (n - 1) / 2) * gap for centre, n in groups for j in range(n)]
    for j, k in enumerate(order):
        moved[k] = flat[j]
    return _pushed_in(moved, order, gap, first, last)


def _touch(one: tuple[float, int], other: tuple[float, int], gap: float) -> bool:
    return other[0] - one[0] < gap * (one[1] + other[1]) / 2


def _pushed_in(places: list[float], order: list[int], gap: float, first: float, last: float) -> list[float]:
    edge = first
    for k in order:
        places[k] = max(places[k], edge)
        edge = places[k] + gap
    edge = last
    for k in reversed(order):
        places[k] = min(places[k], edge)
        edge = places[k] - gap
    return places


def _crowded_first(wanted: Sequence[Wanted], marks: Floats) -> list[int]:
    def neighbours(each: Wanted) -> int:
        near = np.hypot(marks[:, 0] - each.bubble.x, marks[:, 1] - each.bubble.y) - marks[:, 2]
        return int((near < each.width).sum())

    return sorted(range(len(wanted)), key=lambda k: (wanted[k].rank, -neighbours(wanted[k])))


def _candidates(wanted: Wanted) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4), the ring of each and the rank of its side."""
    bubble, height = wanted.bubble, wanted.height
    rings = np.repeat(np.array(_RINGS), len(_ANGLES))
    angles = np.tile(_ANGLES, len(_RINGS))
    reach = bubble.radius + (0.25 + rings) * height
    # The point of the box that faces the bubble is put on the ring: its middle on the sides, its edge above and below.
    x = bubble.x + reach * np.cos(angles) + wanted.width / 2 * np.clip(np.cos(angles) * 1.6, -1, 1)
    y = bubble.y - reach * np.sin(angles) - height / 2 * np.clip(np.sin(angles) * 1.6, -1, 1)
    boxes = np.column_stack((x - wanted.width / 2, y - height / 2, x + wanted.width / 2, y + height / 2))
    return boxes, rings, np.tile(np.arange(len(_ANGLES), dtype=np.float64), len(_RINGS))


def _inside(boxes: Floats, bounds: Box) -> Truths:
    return np.asarray(
        (boxes[:, 0] >= bounds.left)
        & (boxes[:, 1] >= bounds.top)
        & (boxes[:, 2] <= bounds.right)
        & (boxes[:, 3] <= bounds.bottom)
    )


def _dots(bubble: Bubble, boxes: Floats) -> Floats:
    """Small boxes along the lines that lead from a mark to places of its name, shape (12 n, 4)."""
    start = np.array([bubble.x, bubble.y])
    ends = np.column_stack((np.clip(bubble.x, boxes[:, 0], boxes[:, 2]), np.clip(bubble.y, boxes[:, 1], boxes[:, 3])))
    spots = (start + _DOTS[None, :, None] * (ends - start)[:, None, :]).reshape(-1, 2)
    return np.hstack((spots - 1, spots + 1))


def _leads_across(wanted: Wanted, boxes: Floats, taken: Floats, marks: Floats) -> Floats:
    """How many kinds of things the lines to places of a name would run across: other names, other bubbles."""
    dots = _dots(wanted.bubble, boxes)
    others = _others(marks, wanted)
    names = _meet(dots, taken).any(axis=1)
    bubbles = (_distances(dots, others) < others[:, 2]).any(axis=1)
    shape = len(boxes), len(_DOTS)
    return np.asarray(names.reshape(shape).any(axis=1).astype(float) + bubbles.reshape(shape).any(axis=1), np.float64)


def _others(marks: Floats, wanted: Wanted) -> Floats:
    """Marks that the name does not belong to."""
    own = wanted.bubble
    others = (marks != (own.x, own.y, own.radius)).any(axis=1)
    others[list(wanted.own)] = False
    return np.asarray(marks[others], np.float64)


def _meet(boxes: Floats, others: Floats) -> Truths:
    """Which overlap, each with each, shape (n, m)."""
    return np.asarray(
        (boxes[:, None, 0] < others[None, :, 2])
        & (others[None, :, 0] < boxes[:, None, 2])
        & (boxes[:, None, 1] < others[None, :, 3])
        & (others[None, :, 1] < boxes[:, None, 3])
    )


def _distances(boxes: Floats, marks: Floats) -> Floats:
    """From each box to the centre of each mark, 0 within, shape (n, m)."""
    x = np.clip(marks[None, :, 0], boxes[:, None, 0], boxes[:, None, 2]) - marks[None, :, 0]
    y = np.clip(marks[None, :, 1], boxes[:, None, 1], boxes[:, None, 3]) - marks[None, :, 1]
    return np.hypot(x, y)


def _depths(boxes: Floats, marks: Floats) -> Floats:
    """How deep each box reaches into each bubble, 0 to 1, shape (n, m)."""
    depth: Floats = np.clip(1 - _distances(boxes, marks) / np.maximum(marks[None, :, 2], 1e-9), 0, 1)
    return depth


def _nearer_to_others(boxes: Floats, marks: Floats, wanted: Wanted) -> Truths:
    """Which places are nearer to the edge of a bubble of another name than to that of the own one."""
    bubble = wanted.bubble
    own = _distances(boxes, np.array([(bubble.x, bubble.y, bubble.radius)]))[:, 0] - bubble.radius
    others = _others(marks, wanted)
    nearest = (_distances(boxes, others) - others[:, 2]).min(axis=1, initial=np.inf)
    return np.asarray(nearest < np.maximum(own, 0) + 0.3 * wanted.height)


def _over_centres(boxes: Floats, marks: Floats, height: float) -> Truths:
    """Which boxes come so near to the middle of a mark that it could not be seen."""
    margin = 0.12 * height
    over = (
        (marks[None, :, 0] > boxes[:, None, 0] - margin)
        & (marks[None, :, 0] < boxes[:, None, 2] + margin)
        & (marks[None, :, 1] > boxes[:, None, 1] - margin)
        & (marks[None, :, 1] < boxes[:, None, 3] + margin)
    )
    return np.asarray(over.any(axis=1))
