# SPDX-License-Identifier: Apache-2.0
"""The markers of the session as a frozen value, and what undo and redo go back and forth between. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor_app.core.markers import Marker

MOST_UNDONE = 200


@dataclass(frozen=True, slots=True)
class MarkerSet:
    """All markers, by number, and the active one; every change returns another set."""

    markers: tuple[Marker, ...] = ()
    active: int | None = None
    """Its number."""

    @property
    def active_marker(self) -> Marker | None:
        return self.of(self.active)

    def of(self, number: int | None) -> Marker | None:
        """The marker of this number, if there is one."""
        return next((marker for marker in self.markers if marker.number == number), None)

    def laid(self, start_ns: int, end_ns: int | None, name: str = "") -> MarkerSet:
        """With another one, which is active; where one is in this very place already, that becomes active."""
        there = next((m for m in self.markers if (m.start_ns, m.end_ns) == (start_ns, end_ns)), None)
        if there is not None:
            return self.with_active(there.number)
        taken = {marker.number for marker in self.markers}
        number = next(n for n in range(1, len(taken) + 2) if n not in taken)
        return self.with_marker(Marker(number, start_ns, end_ns, name, number - 1))

    def with_marker(self, marker: Marker) -> MarkerSet:
        """With this one in place of the one of its number; it is active."""
        others = [each for each in self.markers if each.number != marker.number]
        return MarkerSet(tuple(sorted((*others, marker), key=lambda each: each.number)), marker.number)

    def without(self, number: int) -> MarkerSet:
        """Without the marker of this number; where it was active, none is."""
        kept = tuple(marker for marker in self.markers if marker.number != number)
        return MarkerSet(kept, None if self.active == number else self.active)

    def with_active(self, number: int | None) -> MarkerSet:
        return replace(self, active=number if self.of(number) is not None else None)


class MarkerHistory:
    """What is shown now, and what it was before each step. A drag is one step: it is shown, and then kept."""

    def __init__(self) -> None:
        self.begin(MarkerSet())

    def begin(self, markers: MarkerSet) -> None:
        """Another session: nothing to undo."""
        self.shown = self.kept = markers
        self._before: list[MarkerSet] = []
        self._after: list[MarkerSet] = []

    def show(self, markers: MarkerSet) -> None:
        """While a drag goes on. What changes only the active one is no step."""
        self.shown = markers
        if markers.markers == self.kept.markers:
            self.kept = markers

    def keep(self) -> bool:
        """What is shown is a step, if it differs; whether it did."""
        if self.shown.markers == self.kept.markers:
            return False
        self._before = [*self._before, self.kept][-MOST_UNDONE:]
        self._after = []
        self.kept = self.shown
        return True

    def undo(self) -> bool:
        """Back by one step; whether there was one."""
        return self._step(self._before, self._after)

    def redo(self) -> bool:
        """Forth by one step; whether there was one."""
        return self._step(self._after, self._before)

    def _step(self, taken_from: list[MarkerSet], put_to: list[MarkerSet]) -> bool:
        if not taken_from:
            return False
        put_to.append(self.kept)
        self.shown = self.kept = taken_from.pop()
        return True
