# SPDX-License-Identifier: Apache-2.0
"""The time window that is shown, and the commands that move it. No Qt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.gui.plot.time_window import TimeWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.gui.session.recording import Recording

PAN_STEP = 0.1
"""Fraction of the width that an arrow key moves."""
KEY_ZOOM = 2.0**0.5
ROOM = 0.03
"""Left free on both sides of a run that is shown."""


class Navigation:
    """``set_extent`` is called at each frame; ``moved`` is called when the mouse or a key has moved the view."""

    def __init__(self, *, live: bool, moved: Callable[[], None]) -> None:
        self._view = TimeWindow(following=live)
        self.moved = [moved]
        """All of these are called, in their order."""
        self.edge_s = 0.0
        self.live = live
        self.keep_width = True
        """Whether a view that follows keeps its width; else one of the whole session grows with it."""

    def set_extent(self, edge_s: float, *, live: bool) -> None:
        """The newest time there is, in s, and whether it grows."""
        self.edge_s, self.live = edge_s, live

    @property
    def view(self) -> TimeWindow:
        return self._view

    @view.setter
    def view(self, view: TimeWindow) -> None:
        self._view = view
        for told in self.moved:
            told()

    @property
    def chosen(self) -> TimeWindow:
        """What the user has chosen of the view, without what moves by itself while it follows the newest samples."""
        if not self._view.following:
            return self._view
        grows = not self.keep_width and self._view.start_s <= 0
        return TimeWindow(0.0, math.inf if grows else self._view.width_s, following=True)

    def restore(self, chosen: TimeWindow) -> None:
        """A view that was chosen before; one that followed shows the newest samples again."""
        if not chosen.following:
            self.view = chosen
        elif math.isinf(chosen.width_s):
            self.show_all()
        else:
            self.view = chosen.at_edge(self.edge_s, live=self.live)

    def glide(self, edge_s: float, pixels: int) -> None:
        """Move on with the newest samples, if the view follows them."""
        self._view = self._view.followed(edge_s, pixels, grows=not self.keep_width)

    def zoom(self, factor: float, at_s: float) -> None:
        self.view = self.view.zoomed(factor, at_s, self.edge_s)

    def pan(self, by_s: float) -> None:
        self.view = self.view.panned(by_s, self.edge_s, live=self.live)

    def show_between(self, start_s: float, end_s: float) -> None:
        self.view = self.view.between(start_s, end_s, self.edge_s, live=self.live)

    def show_run(self, recording: Recording, run_id: int) -> None:
        """All spans of a run, with some room on both sides."""
        spans = [span for span in recording.spans if span.run == run_id]
        if not spans:
            return
        start = recording.seconds(spans[0].start_ns)
        last_ns = spans[-1].end_ns
        end = recording.seconds(last_ns) if last_ns is not None else recording.edge_s
        room = ROOM * (end - start)
        self.show_between(start - room, end + room)

    def follow(self) -> None:
        self.view = self.view.at_edge(self.edge_s, live=self.live)

    def go_to_start(self) -> None:
        self.view = self.view.at_start()

    def show_all(self) -> None:
        self.view = self.view.fitted(self.edge_s, live=self.live)

    def zoom_in(self) -> None:
        self.zoom(1 / KEY_ZOOM, self._anchor_s)

    def zoom_out(self) -> None:
        self.zoom(KEY_ZOOM, self._anchor_s)

    @property
    def _anchor_s(self) -> float:
        return self.edge_s if self.view.following else self.view.start_s + self.view.width_s / 2

    def pan_earlier(self) -> None:
        self.pan(-PAN_STEP * self.view.width_s)

    def pan_later(self) -> None:
        self.pan(PAN_STEP * self.view.width_s)

    def page_earlier(self) -> None:
        self.pan(-self.view.width_s)

    def page_later(self) -> None:
        self.pan(self.view.width_s)
