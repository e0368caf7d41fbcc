# SPDX-License-Identifier: Apache-2.0
"""A point for each batch: when it ended and how long it took."""

from __future__ import annotations

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
BREADTH = 0.5
"""Points are kept for this fraction of the width beyond each side."""
NEAR_PX = 7
"""A click this near to a point is on it."""
REDRAW_S = 0.1
"""New points may wait this long, since setting them takes a good part of a frame."""


class LatencyPane(Pane):
    """Timed batches in full colour; those of the warm-up and of the accuracy pass pale."""

    def __init__(self) -> None:
        super().__init__(floor=0.0)
        self._pale = Dots(2)
        self._timed = Dots(2)
        self._drawn: tuple[int, float, float, float] | None = None
        self._drawn_at_s = 0.0
        self._batches: BatchLog | None = None

    @property
    def items(self) -> tuple[Dots, ...]:
        return self._pale, self._timed

    def set_theme(self, theme: Theme) -> None:
        self._timed.set_colour(theme.latency)
        self._pale.set_colour(mixed(theme.latency, theme.ground, 0.4))
        self.set_label(theme, "latency (ms)")

    def set_scale(self, scale: Scale) -> None:
        if scale is not self.scale:  # which is set at every frame
            super().set_scale(scale)
            self._drawn = None

    def clear(self) -> None:
        self._drawn = None
        for item in (self._pale, self._timed):
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
        for item, chosen in ((self._timed, rows[timed]), (self._pale, rows[~timed])):
            x, y = chosen["end_s"], chosen["latency_ms"]
            kept = extremes(x, y, start, end - start, pixels)
            item.set_data(x[kept], self.scale.plotted_all(y[kept]))
        inside = rows["latency_ms"][(rows["end_s"] >= view.start_s) & (rows["end_s"] <= view.end_s)]
        if len(inside):
            self.include(float(np.min(inside)), float(np.max(inside)), positive_of(float(np.min(inside)), inside))
        return True

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
