# SPDX-License-Identifier: Apache-2.0
"""Names beside their balls: they go with them while the picture moves, and find better places once it rests. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monitor_app.charts.clipping import Box
from monitor_app.charts.labels import Label, Wanted, place_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.charts.labels import Ball


class Name(NamedTuple):
    """A name of so many pixels, and what it belongs to."""

    text: str
    colour: str
    ball: Ball
    width: float
    height: float


class NamePlaces:
    """Looking for places takes longer than a frame may, so it is done once for a picture that rests."""

    def __init__(self) -> None:
        self._asked: tuple[object, ...] = ()
        self._texts: list[str] = []
        self._found: list[Label | None] = []
        self._balls: list[Ball] = []

    def find(
        self, names: Sequence[Name], balls: Sequence[Ball], taken: Sequence[Box], room: Box, *, moving: bool
    ) -> list[tuple[Name, Label]]:
        """Names that have a place, with it.

        Args:
            names: what is to be placed.
            balls: all there are, with a name or without.
            taken: what no name may cover.
            room: where names may stand.
            moving: the picture moves; names that have a place keep it relative to their balls.
        """
        asked = (tuple(names), tuple(balls), tuple(taken), room)
        texts = [name.text for name in names]
        if asked != self._asked:
            if moving and texts == self._texts:
                self._found = [
                    label and _moved(label, old, name.ball)
                    for label, old, name in zip(self._found, self._balls, names, strict=True)
                ]
            else:
                wanted = [Wanted(name.ball, name.width, name.height) for name in names]
                self._found = place_labels(wanted, balls, taken, room)
            self._asked = asked if not moving else ()
            self._texts, self._balls = texts, [name.ball for name in names]
        return [
            (name, label)
            for name, label in zip(names, self._found, strict=True)
            if label is not None and not any(meet(label.box, box) for box in taken)
        ]


def meet(one: Box, other: Box) -> bool:
    """Whether they overlap."""
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _moved(label: Label, old: Ball, new: Ball) -> Label:
    dx, dy = new.x - old.x, new.y - old.y
    box = label.box
    return Label(Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy), label.apart)
