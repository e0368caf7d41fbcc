# SPDX-License-Identifier: Apache-2.0
"""The part of the session that is on screen, and how mouse and keys change it. No Qt.

Times are seconds since the first sample. ``edge_s`` is the newest time there is; ``live`` says that it moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MIN_WIDTH_S = 100e-6
FIRST_WIDTH_S = 30.0
NEAR_EDGE = 0.08
"""Zooming with the cursor within this fraction of the right edge keeps following."""
SNAP = 1e-9


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A frozen value; every change returns another one."""

    start_s: float = 0.0
    width_s: float = FIRST_WIDTH_S
    following: bool = False

    @property
    def end_s(self) -> float:
        return self.start_s + self.width_s

    def followed(self, edge_s: float, pixels: int, *, grows: bool = False) -> TimeWindow:
        """Moved by whole pixels so that the newest sample is in view; unchanged while it is.

        A view from the start that ``grows`` becomes wider instead of moving.
        """
        if not self.following or self.start_s <= edge_s <= self.end_s:
            return self
        if grows and self.start_s <= 0 and edge_s > self.end_s:
            return self.fitted(edge_s, live=True)
        pixel_s = self.width_s / max(pixels, 1)
        return replace(self, start_s=math.ceil(edge_s / pixel_s) * pixel_s - self.width_s)

    def at_edge(self, edge_s: float, *, live: bool) -> TimeWindow:
        """With the newest sample at the right edge, following it if the session is live."""
        return replace(self, start_s=max(edge_s - self.width_s, 0.0), following=live)

    def at_start(self) -> TimeWindow:
        return replace(self, start_s=0.0, following=False)

    def fitted(self, edge_s: float, *, live: bool) -> TimeWindow:
        """The whole session; a live one with room to grow, so that the view keeps following."""
        room = 1.25 if live else 1.0
        return TimeWindow(0.0, max(edge_s * room, MIN_WIDTH_S), live)

    def zoomed(self, factor: float, at_s: float, edge_s: float) -> TimeWindow:
        """``factor`` times as wide, with the time ``at_s`` staying where it is on the screen.

        A view that follows keeps the newest sample in place instead where the cursor is next to it or the view widens,
        and stops following where the newest is no longer in view.
        """
        width = min(max(self.width_s * factor, MIN_WIDTH_S), max(4 * edge_s, FIRST_WIDTH_S))
        fraction = (at_s - self.start_s) / self.width_s
        moved = replace(self, start_s=at_s - fraction * width, width_s=width)
        if not self.following:
            return moved
        if width >= self.width_s or at_s >= edge_s - NEAR_EDGE * self.width_s:
            return moved.at_edge(edge_s, live=True)
        return replace(moved, following=moved.start_s <= edge_s <= moved.end_s)

    def panned(self, by_s: float, edge_s: float, *, live: bool) -> TimeWindow:
        """Moved towards later by ``by_s``; a live session is followed again once its newest is reached."""
        start = self.start_s + by_s
        if live and by_s > 0 and start + self.width_s >= edge_s:
            return replace(self, start_s=max(edge_s - self.width_s, min(start, 0.0)), following=True)
        start = min(max(start, -self.width_s / 2), edge_s - self.width_s / 2)
        return replace(self, start_s=start, following=self.following and abs(by_s) < SNAP)

    def between(self, start_s: float, end_s: float, edge_s: float, *, live: bool) -> TimeWindow:
        """Exactly this interval."""
        width = max(end_s - start_s, MIN_WIDTH_S)
        return TimeWindow(start_s, width, live and start_s + width >= edge_s)


def live_edge_ns(newest_ns: int, now_ns: int, *, live: bool, lag_ns: int = 120_000_000) -> int:
    """Where the right edge of a followed view is.

    Commits come every 50 ms, frames more often: behind the clock by a little more than a commit the view
    glides instead of jumping. When nothing arrives, the edge stays with the newest sample.
    """
    glide = now_ns - lag_ns
    return glide if live and newest_ns - 200_000_000 <= glide <= newest_ns + 2_000_000 else newest_ns
