# SPDX-License-Identifier: Apache-2.0
"""Which point lies under a place of the screen. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.gui.figures.placing import BAR, bar_slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.charts.model import Chart
    from monitor_app.gui.figures.placing import Floats, Placed

NEAR_PX = 9.0
"""A point is under the pointer this far from its rim."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where coordinates lie in pixels; y counts downwards on the screen."""

    left: float
    bottom: float
    x_low: float
    y_low: float
    x_px: float
    y_px: float
    """Pixels for each coordinate."""

    def across(self, x: Floats) -> Floats:
        """Pixels of coordinates."""
        return self.left + (x - self.x_low) * self.x_px

    def down(self, y: Floats) -> Floats:
        """Pixels of coordinates."""
        return self.bottom - (y - self.y_low) * self.y_px


def nearest(chart: Chart, placed: Sequence[Placed], screen: Screen, x: float, y: float) -> tuple[Placed, int] | None:
    """The point under a place in pixels; of several that with the nearest centre: a small ball before a large."""
    best: tuple[float, Placed, int] | None = None
    half_px = BAR / bar_slots(chart) / 2 * screen.x_px
    for each in reversed(placed):
        dx, dy = screen.across(each.x) - x, screen.down(each.y) - y
        if chart.bars:
            far = np.where((np.abs(dx) <= half_px) & (dy <= NEAR_PX), np.abs(dx), np.inf)
        else:
            far = np.hypot(dx, dy)
            far = np.where(far - each.size_px / 2 <= NEAR_PX, far, np.inf)
        k = int(np.argmin(far))
        if np.isfinite(far[k]) and (best is None or far[k] < best[0]):
            best = float(far[k]), each, k
    return best[1:] if best else None
