# SPDX-License-Identifier: Apache-2.0
"""Where the names of points stand so that each can be read, and which point it belongs to is plain. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.charts.clipping import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ANGLES = np.radians([0, 30, -30, 180, 150, -150, 90, -90, 60, -60, 120, -120, 15, -15, 165, -165])
"""Anticlockwise from the right, as people prefer a name: beside the point first."""
_RINGS = (0.0, 0.7, 1.6, 2.8, 4.2)
"""Distances from the edge of the point, in heights of the name."""
_TOUCHED, _CROSSED, _FAR, _AWKWARD = 4.0, 3.0, 0.55, 0.04
"""What a covered ball, another's name under the leading line, a ring further out and a less preferred side cost."""
_APART = 0.45
"""Least distance between two names on one line, in heights."""


@dataclass(frozen=True, slots=True)
class Ball:
    """A mark on paper."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name of so many pixels for a mark."""

    ball: Ball
    width: float
    height: float
    rank: int = 0
    """Those of lower rank choose first."""


@dataclass(frozen=True, slots=True)
class Label:
    """Where a name stands; ``apart`` when a line must lead to its mark."""

    box: Box
    apart: bool


def place_labels(
    wanted: Sequence[Wanted], balls: Sequence[Ball], bars: Sequence[Box], bounds: Box
) -> list[Label | None]:
    """A place for each name within the bounds that covers no other name and no centre of a mark; None without one.

    The most crowded mark chooses first, each the cheapest place that is left: near, on the side where names are
    looked for, off balls and error bars.
    """
    marks = np.array([(b.x, b.y, b.radius) for b in balls], np.float64).reshape(-1, 3)
    covered = np.array(bars, np.float64).reshape(-1, 4)
    taken = np.empty((0, 4))
    found: list[Label | None] = [None] * len(wanted)
    for k in _crowded_first(wanted, marks):
        boxes, rings, sides = _candidates(wanted[k])
        inside = (
            (boxes[:, 0] >= bounds.left)
            & (boxes[:, 1] >= bounds.top)
            & (boxes[:, 2] <= bounds.right)
            & (boxes[:, 3] <= bounds.bottom)
        )
        apart = _APART * wanted[k].height * np.array([-1, 0, 1, 0])
        free = inside & ~_overlaps(boxes + apart, taken).any(axis=1) & ~_over_centres(boxes, marks, wanted[k].height)
        if not free.any():
            continue
        cost = (
            _FAR * rings
            + _AWKWARD * sides
            + _TOUCHED * _ball_overlaps(boxes, marks).sum(axis=1)
            + (_overlaps(boxes, covered) > 0).sum(axis=1)
            + _CROSSED * (rings > 1) * np.array([_leads_across(wanted[k].ball, box, taken) for box in boxes])
        )
        best = int(np.argmin(np.where(free, cost, math.inf)))
        found[k] = Label(Box(*boxes[best].tolist()), bool(rings[best] > 1))
        taken = np.vstack((taken, boxes[best]))
        if rings[best] > 1:
            covered = np.vstack((covered, _dots(wanted[k].ball, boxes[best])))
    return found


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
        near = np.hypot(marks[:, 0] - each.ball.x, marks[:, 1] - each.ball.y) - marks[:, 2]
        return int((near < each.width).sum())

    return sorted(range(len(wanted)), key=lambda k: (wanted[k].rank, -neighbours(wanted[k])))


def _candidates(wanted: Wanted) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4), the ring of each and the rank of its side."""
    ball, height = wanted.ball, wanted.height
    rings = np.repeat(np.array(_RINGS), len(_ANGLES))
    angles = np.tile(_ANGLES, len(_RINGS))
    reach = ball.radius + (0.25 + rings) * height
    # The point of the box that faces the ball is put on the ring: its middle on the sides, its edge above and below.
    x = ball.x + reach * np.cos(angles) + wanted.width / 2 * np.clip(np.cos(angles) * 1.6, -1, 1)
    y = ball.y - reach * np.sin(angles) - height / 2 * np.clip(np.sin(angles) * 1.6, -1, 1)
    boxes = np.column_stack((x - wanted.width / 2, y - height / 2, x + wanted.width / 2, y + height / 2))
    return boxes, rings, np.tile(np.arange(len(_ANGLES), dtype=np.float64), len(_RINGS))


def _dots(ball: Ball, box: Floats) -> Floats:
    """Small boxes along the line that leads from a mark to its name, shape (n, 4)."""
    end = np.array([np.clip(ball.x, box[0], box[2]), np.clip(ball.y, box[1], box[3])])
    start = np.array([ball.x, ball.y])
    spots = start + np.linspace(0.1, 0.95, 12)[:, None] * (end - start)
    return np.hstack((spots - 1, spots + 1))


def _leads_across(ball: Ball, box: Floats, taken: Floats) -> bool:
    return bool((_overlaps(_dots(ball, box), taken) > 0).any())


def _overlaps(boxes: Floats, others: Floats) -> Floats:
    """Common area of each with each, shape (n, m)."""
    wide = np.minimum(boxes[:, None, 2], others[None, :, 2]) - np.maximum(boxes[:, None, 0], others[None, :, 0])
    high = np.minimum(boxes[:, None, 3], others[None, :, 3]) - np.maximum(boxes[:, None, 1], others[None, :, 1])
    area: Floats = np.clip(wide, 0, None) * np.clip(high, 0, None)
    return area


def _ball_overlaps(boxes: Floats, marks: Floats) -> Floats:
    """How deep each box reaches into each ball, 0 to 1, shape (n, m)."""
    x = np.clip(marks[None, :, 0], boxes[:, None, 0], boxes[:, None, 2]) - marks[None, :, 0]
    y = np.clip(marks[None, :, 1], boxes[:, None, 1], boxes[:, None, 3]) - marks[None, :, 1]
    depth: Floats = np.clip(1 - np.hypot(x, y) / np.maximum(marks[None, :, 2], 1e-9), 0, 1)
    return depth


def _over_centres(boxes: Floats, marks: Floats, height: float) -> NDArray[np.bool_]:
    """Which boxes come so near to the middle of a mark that it could not be seen."""
    margin = 0.12 * height
    over = (
        (marks[None, :, 0] > boxes[:, None, 0] - margin)
        & (marks[None, :, 0] < boxes[:, None, 2] + margin)
        & (marks[None, :, 1] > boxes[:, None, 1] - margin)
        & (marks[None, :, 1] < boxes[:, None, 3] + margin)
    )
    return np.asarray(over.any(axis=1))
