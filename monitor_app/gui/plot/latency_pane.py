# SPDX-License-Identifier: Apache-2.0
"""A point for each batch: when it ended and how long it took."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF

from monitor_app.core.runs import Phase
from monitor_app.gui.plot.columns import extremes
from monitor_app.gui.plot.items import Dots
from monitor_app.gui.plot.pane import Pane
from monitor_app.gui.plot.scales.value_scale import positive_of
from monitor_app.gui.session.batch_log import PHASES
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from monitor_app.gui.plot.scales.value_scale import Scale
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.batch_log import BatchLog
    from monitor_app.gui.theme import Theme

TIMED = PHASES.index(Phase.TIMED)
MOST_ABOVE = 3.0
"""A deadline this many times as high as the highest batch in view is out of sight, so that the batches can be read."""
BREADTH = 0.5
"""Points are kept for this fraction of the width beyond each side."""
NEAR_PX = 7
"""A click this near to a point is on it."""
REDRAW_S = 0.1
"""New points may wait this long, since setting them takes a good part of a frame."""


class LatencyPane(Pane):
    """Timed batches in full colour; those of the warm-up and of the accuracy pass pale; missed deadlines marked."""

    def __init__(self) -> None:
        super().__init__(floor=0.0)
        self._pale = Dots(2)
        self._timed = Dots(2)
        self._missed = Dots(4)
        self.deadline_ms: float | None = None
        self._timed_s = self._missed_s = np.empty(0)
        """Ends of the timed batches that are drawn, and of those among them that missed the deadline."""
        self._drawn: tuple[int, float, float, float] | None = None
        self._drawn_at_s = 0.0
        self._batches: BatchLog | None = None

    @property
    def items(self) -> tuple[Dots, ...]:
        return self._pale, self._timed, self._missed

    def set_theme(self, theme: Theme) -> None:
        self._timed.set_colour(theme.latency)
        self._pale.set_colour(mixed(theme.latency, theme.ground, 0.4))
        self._missed.set_colour(theme.alarm)
        self.set_label(theme, "latency (ms)")

    def set_scale(self, scale: Scale) -> None:
        if scale is not self.scale:  # which is set at every frame
            super().set_scale(scale)
            self._drawn = None

    def set_deadline(self, deadline_ms: float | None) -> None:
        """Mark the timed batches that take longer; None marks none."""
        if deadline_ms != self.deadline_ms:
            self.deadline_ms = deadline_ms
            self._drawn = None

    def clear(self) -> None:
        self._drawn = None
        self._timed_s = self._missed_s = np.empty(0)
        for item in self.items:
            item.clear()
        self.forget_data()

    def refresh(self, batches: BatchLog, view: TimeWindow, *, moved: bool) -> bool:
        """Update the points when there are new ones, or the view has left those that are drawn; whether it did."""
        if self._drawn is not None:
            version, start, end, width = self._drawn
            serves = start <= view.start_s and view.end_s <= end and width == view.width_s
            waited_s = time.monotonic() - self._drawn_at_s
            # A frame that is painted in any case takes the new points with it.
            if serves and (version == batches.version or waited_s < (REDRAW_S if moved else 2 * REDRAW_S)):
                return False
        start, end = view.start_s - BREADTH * view.width_s, view.end_s + BREADTH * view.width_s
        self._drawn_at_s = time.monotonic()
        self._drawn = (batches.version, start, end, view.width_s)
        self._batches = batches
        rows = batches.between(start, end)
        pixels = round(self.rect.width() * (1 + 2 * BREADTH)) or 1
        timed = rows["phase"] == TIMED
        missed = timed & (rows["latency_ms"] > (math.inf if self.deadline_ms is None else self.deadline_ms))
        self._timed_s, self._missed_s = rows["end_s"][timed], rows["end_s"][missed]
        groups = ((self._timed, timed & ~missed), (self._pale, ~timed), (self._missed, missed))
        for item, chosen in ((item, rows[those]) for item, those in groups):
            x, y = chosen["end_s"], chosen["latency_ms"]
            kept = extremes(x, y, start, end - start, pixels)
            item.set_data(x[kept], self.scale.plotted_all(y[kept]))
        inside = rows["latency_ms"][(rows["end_s"] >= view.start_s) & (rows["end_s"] <= view.end_s)]
        if len(inside):
            low, high = float(np.min(inside)), float(np.max(inside))
            self.include(low, self._with_deadline(high), positive_of(low, inside))
        return True

    def _with_deadline(self, high: float) -> float:
        deadline_ms = self.deadline_ms
        return high if deadline_ms is None or deadline_ms > MOST_ABOVE * high else max(high, deadline_ms)

    def misses(self, view: TimeWindow) -> tuple[int, int] | None:
        """Of the timed batches in view, how many missed the deadline, and how many there are; None without one."""
        if self.deadline_ms is None:
            return None
        ends = view.start_s, view.end_s
        missed, timed = (int(np.diff(np.searchsorted(each, ends))[0]) for each in (self._missed_s, self._timed_s))
        return missed, timed

    def batch_at(self, at: QPointF) -> tuple[float, float] | None:
        """Start and end in s of the batch whose point is at this place in the stack; None where there is none."""
        if self._batches is None or not self.rect.contains(at):
            return None
        reach = self.box.mapSceneToView(at + QPointF(NEAR_PX, 0)).x() - self.box.mapSceneToView(at).x()
        here = self.box.mapSceneToView(at)
        rows = self._batches.between(here.x() - reach, here.x() + reach)
        if len(rows) == 0:
            return None
        low, high = map(self.scale.plotted, self.y_range)
        aside = (rows["end_s"] - here.x()) / reach * NEAR_PX
        above = (self.scale.plotted_all(rows["latency_ms"]) - here.y()) / (high - low) * self.rect.height()
        away = np.hypot(aside, above)
        nearest = rows[int(np.argmin(away))]
        if away.min() > NEAR_PX:
            return None
        return float(nearest["end_s"] - 1e-3 * (nearest["latency_ms"] - nearest["waited_ms"])), float(nearest["end_s"])
