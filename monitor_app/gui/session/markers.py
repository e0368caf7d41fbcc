# SPDX-License-Identifier: Apache-2.0
"""The markers of the session as a frozen value, and what a drag shows of them before it ends. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor_app.core.markers import Marker


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


class MarkerDraft:
    """What is shown now, and what is kept. A drag is one step: it is shown, and kept at its end."""

    def __init__(self) -> None:
        self.begin(MarkerSet())

    def begin(self, markers: MarkerSet) -> None:
        """These from now on."""
        self.shown = self.kept = markers

    def show(self, markers: MarkerSet) -> None:
        """While a drag goes on. What changes only the active one is kept at once."""
        self.shown = markers
        if markers.markers == self.kept.markers:
            self.kept = markers

    def keep(self) -> bool:
        """What is shown is kept; whether it differs from what was."""
        changed = self.shown.markers != self.kept.markers
        self.kept = self.shown
        return changed

    def restore(self, markers: tuple[Marker, ...]) -> None:
        """As they were before a step, or after it; the one that differs is active."""
        others = [marker.number for marker in markers if marker not in self.kept.markers]
        active = others[0] if others else self.kept.active
        self.begin(MarkerSet(markers).with_active(active))


def step_of(before: tuple[Marker, ...], after: tuple[Marker, ...]) -> str:
    """What has been done to the markers, as a menu names it."""
    old, new = ({marker.number: marker for marker in markers} for markers in (before, after))
    if gone := sorted(old.keys() - new.keys()):
        return f"removal of marker {gone[0]}" if len(gone) == 1 else "removal of markers"
    if laid := sorted(new.keys() - old.keys()):
        return f"new marker {laid[0]}" if len(laid) == 1 else "new markers"
    changed = [number for number in new if new[number] != old[number]]
    if len(changed) != 1:
        return "change of markers"
    one, other = old[changed[0]], new[changed[0]]
    if (one.start_ns, one.end_ns) != (other.start_ns, other.end_ns):
        return f"move of marker {changed[0]}"
    return f"{'name' if one.name != other.name else 'colour'} of marker {changed[0]}"
