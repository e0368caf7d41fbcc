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

_ANGLES = np.radians([
    *(0, 30, -30, 180, 150, -150, 90, -90, 60, -60, 120, -120),
    *(15, -15, 165, -165, 45, -45, 135, -135, 75, -75, 105, -105),
])  # fmt: skip
"""Anticlockwise from the right, as people prefer a name: beside the point first; then those between."""
_RINGS = (0.0, 0.7, 1.6, 2.8, 4.2, 6.0, 8.5, 12.0, 16.0)
"""Distances from the edge of the point, in heights of the name."""
_TOUCHED, _FAR, _AWKWARD, _MISTAKEN = 12.0, 0.7, 0.04, 6.0
"""What a covered bubble, a ring further out, a less preferred side, and a nearer bubble of another name cost."""
_BARRED, _LINED = 20.0, 0.3
"""What an error bar and a piece of a line of the chart through the name cost: a bar looks as if the name were crossed
out, and across a dotted line it can be read."""
_CROSSED, _TANGLED, _OVER = 20.0, 2.0, 5.0
"""What a leading line costs across another name, across another such line, and over another bubble."""
_LED = 0.5
"""A leading line lessens what it costs to be nearer to another bubble."""
_COVERED = 1e6
"""Another name under a name: more than all else."""
_MOST, _STARTS, _PASSES = 32, 14, 6
"""Places that a name chooses from, outcomes of either order that are compared, and rounds of choosing in each."""
_APART = 0.45
"""Least distance between two names on one line, in heights."""


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
    wanted: Sequence[Wanted],
    bubbles: Sequence[Bubble],
    bars: Sequence[Box],
    lines: Sequence[Box],
    bounds: Box,
    taken: Sequence[Box] = (),
) -> list[Label | None]:
    """A place for each name within the bounds that covers no other name and no centre of a mark; None without one.

    Each has the cheapest place: near, on the side where names are looked for, nearer to its own mark than to another's,
    off bubbles, off error bars, and rather off the pieces of lines. What is ``taken`` is treated as other names are.
    Names choose in turn, each among what the others leave, until none finds a better place. The outcome depends on who
    begins, so it is the best of several, in the first of which the most crowded mark does.
    """
    if not wanted:
        return []
    marks = np.array([(b.x, b.y, b.radius) for b in bubbles], np.float64).reshape(-1, 3)
    barred, lined, occupied = (np.array(boxes, np.float64).reshape(-1, 4) for boxes in (bars, lines, taken))
    around = _Around(marks, barred, lined, occupied, bounds)
    places = [_places(each, around) for each in wanted]
    order, between = _crowded_first(wanted, marks), _between(places)
    starts = [way[k:] + way[:k] for way in (order, order[::-1]) for k in range(min(len(order), _STARTS))]
    orders = [sorted(start, key=lambda k: wanted[k].rank) for start in starts]
    found = min((_settled(places, between, each) for each in orders), key=lambda settled: settled[0])[1]
    return [
        None if best is None else Label(Box(*each.boxes[best].tolist()), bool(each.led[best]))
        for each, best in zip(places, found, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Around:
    """What names have around them: marks (x, y, radius), error bars, pieces of lines, and what is taken."""

    marks: Floats
    bars: Floats
    lines: Floats
    taken: Floats
    bounds: Box


@dataclass(frozen=True, slots=True)
class _Places:
    """Where one name may stand."""

    boxes: Floats
    rooms: Floats
    """With what is kept free of other names."""
    leaders: Floats
    """Lines from the mark: both ends."""
    led: Truths
    """Whether that line is drawn."""
    cost: Floats
    """Wherever other names stand."""


def _places(wanted: Wanted, around: _Around) -> _Places:
    """The cheapest ones of those that are free."""
    marks = around.marks
    boxes, rings, sides = _candidates(wanted)
    rooms = boxes + _APART * wanted.height * np.array([-1, 0, 1, 0])
    free = (
        _inside(boxes, around.bounds)
        & ~_meet(rooms, around.taken).any(axis=1)
        & ~_over_centres(boxes, marks, wanted.height)
    )
    boxes, rooms, rings, sides = boxes[free], rooms[free], rings[free], sides[free]
    mistaken = _nearer_to_others(boxes, marks, wanted)
    led = (rings > 1) | mistaken
    leaders = _leaders(wanted.bubble, boxes)
    cost = (
        _FAR * rings
        + _AWKWARD * sides
        + _TOUCHED * _depths(boxes, marks).sum(axis=1)
        + _BARRED * _meet(boxes, around.bars).sum(axis=1)
        + _LINED * _meet(boxes, around.lines).sum(axis=1)
        + _MISTAKEN * np.where(rings > 1, _LED, 1.0) * mistaken
    )
    cost[led] += _CROSSED * _run_through(leaders[led], around.taken).sum(axis=1)
    cost[led] += _OVER * _run_over(leaders[led], _others(marks, wanted)).sum(axis=1)
    allowed = np.flatnonzero(~(led & wanted.near))
    best = allowed[np.argsort(cost[allowed], kind="stable")[:_MOST]]
    return _Places(boxes[best], rooms[best], leaders[best], led[best], cost[best])


def _between(places: Sequence[_Places]) -> Floats:
    """What a place of one name and one of another cost each of the two, those of all names in a row, shape (n, n).

    It is the same for both, so whatever name finds a better place, the whole picture becomes better.
    """
    boxes, rooms, leaders = (
        np.concatenate([getattr(each, field) for each in places]) for field in ("boxes", "rooms", "leaders")
    )
    led = np.flatnonzero(np.concatenate([each.led for each in places]))
    crossed = _CROSSED * _run_through(leaders[led], boxes)
    cost = _COVERED * _meet(rooms, boxes)
    cost[led] += crossed
    cost[:, led] += crossed.T
    cost[np.ix_(led, led)] += _TANGLED * _tangled(leaders[led], leaders[led])
    for own in _parts(places):
        cost[own, own] = 0
    return np.asarray(cost, np.float64)


def _settled(places: Sequence[_Places], between: Floats, order: Sequence[int]) -> tuple[float, list[int | None]]:
    """The place of each name after all have chosen in that order until none moves, and what that costs."""
    parts, others = _parts(places), np.zeros(len(between))
    found: list[int | None] = [None] * len(places)
    for _ in range(_PASSES):
        before = found.copy()
        for k in order:
            if (old := found[k]) is not None:
                others -= between[parts[k].start + old]
            cost = places[k].cost + others[parts[k]]
            found[k] = best = int(cost.argmin()) if cost.min(initial=np.inf) < _COVERED else None
            if best is not None:
                others += between[parts[k].start + best]
        if found == before:
            break
    # What two names cost each other is in what the others cost either of them.
    total = sum(
        _COVERED if best is None else places[k].cost[best] + others[parts[k]][best] / 2 for k, best in enumerate(found)
    )
    return float(total), found


def _parts(places: Sequence[_Places]) -> list[slice]:
    """Where those of each name lie in the row of all."""
    ends = np.cumsum([len(each.cost) for each in places]).tolist()
    return [slice(end - len(each.cost), end) for each, end in zip(places, ends, strict=True)]


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


def _leaders(bubble: Bubble, boxes: Floats) -> Floats:
    """The lines that lead from a mark to places of its name: both ends, shape (n, 4)."""
    x, y = np.clip(bubble.x, boxes[:, 0], boxes[:, 2]), np.clip(bubble.y, boxes[:, 1], boxes[:, 3])
    return np.column_stack((np.full(len(boxes), bubble.x), np.full(len(boxes), bubble.y), x, y))


def _run_through(lines: Floats, boxes: Floats) -> Truths:
    """Which lines have a part within which boxes, shape (lines, boxes)."""
    enters, leaves = 0.0, 1.0
    for start, along, near, far in zip(lines.T, _along(lines).T, boxes.T, boxes.T[2:], strict=False):
        ends = (near - start[:, None]) / along[:, None], (far - start[:, None]) / along[:, None]
        enters, leaves = np.maximum(enters, np.minimum(*ends)), np.minimum(leaves, np.maximum(*ends))
    return np.asarray(enters < leaves)


def _run_over(lines: Floats, marks: Floats) -> Truths:
    """Which lines have a part within which bubbles, shape (lines, marks)."""
    along_x, along_y = _along(lines).T[:, :, None]
    to_x, to_y = marks[:, 0] - lines[:, 0, None], marks[:, 1] - lines[:, 1, None]
    nearest = np.minimum(np.maximum((to_x * along_x + to_y * along_y) / (along_x**2 + along_y**2), 0), 1)
    return np.asarray(np.hypot(to_x - nearest * along_x, to_y - nearest * along_y) < marks[:, 2])


def _tangled(lines: Floats, others: Floats) -> Truths:
    """Which lines cross which others, shape (lines, others)."""
    return np.asarray(_parted(lines, others) & _parted(others, lines).T)


def _parted(lines: Floats, others: Floats) -> Truths:
    """The ends of which others lie on either side of which lines, as if these had no ends, shape (lines, others)."""
    x, y, to_x, to_y = lines.T[:, :, None]
    across, up = to_x - x, to_y - y
    one, other = (across * (spot[1] - y) > up * (spot[0] - x) for spot in (others.T[:2], others.T[2:]))
    return np.asarray(one != other)


def _along(lines: Floats) -> Floats:
    """From one end to the other; never quite level or upright, so that it can be divided by."""
    along: Floats = lines[:, 2:] - lines[:, :2]
    return np.where(np.abs(along) < 1e-9, 1e-9, along)


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
    x, y = marks[:, 0], marks[:, 1]
    left, top, right, bottom = boxes.T[:, :, None]
    away: Floats = np.hypot(np.minimum(np.maximum(x, left), right) - x, np.minimum(np.maximum(y, top), bottom) - y)
    return away


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
