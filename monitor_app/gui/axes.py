# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802, N803 (Qt names these methods)
"""The axes: quiet, on round numbers, and time as people say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen

from monitor_app.gui.theme import SMALL_PX, ui_font
from monitor_app.gui.value_range import round_step
from monitor_app.gui.wording import clock_time

if TYPE_CHECKING:
    from monitor_app.gui.theme import Theme

AXIS_WIDTH_PX = 58
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
TICK_ROOM_PX = 130
VALUE_ROOM_PX = 34


def time_step(width_s: float, pixels: float) -> float:
    """Seconds between labels, so that each has room."""
    least = width_s * TICK_ROOM_PX / max(pixels, 1.0)
    if least <= 1:
        return round_step(max(least, 1e-9))
    return next((float(step) for step in TIME_STEPS_S if step >= least), 86_400.0 * (least // 86_400 + 1))


def value_step(low: float, high: float, pixels: float) -> float:
    """The distance of labels and grid lines of a y axis of so many pixels."""
    return round_step(max((high - low) * VALUE_ROOM_PX / max(pixels, 1.0), 1e-12))


class TimeAxis(pg.AxisItem):
    """Time since the start of the session."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self.enableAutoSIPrefix(False)
        self.setHeight(24)

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        return [(time_step(maxVal - minVal, size), 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [clock_time(value, spacing) for value in values]

    def set_theme(self, theme: Theme) -> None:
        _dress(self, theme)


class ValueAxis(pg.AxisItem):
    """The quantity of a pane, with its unit in the label."""

    def __init__(self) -> None:
        super().__init__("left")
        self.enableAutoSIPrefix(False)
        self.setWidth(AXIS_WIDTH_PX)

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        return [(value_step(minVal, maxVal, size), 0.0)]

    def set_theme(self, theme: Theme, label: str) -> None:
        _dress(self, theme)
        self.setLabel(label, **{"color": theme.dim, "font-size": f"{SMALL_PX}px"})


def _dress(axis: pg.AxisItem, theme: Theme) -> None:
    font = ui_font(SMALL_PX)
    axis.setStyle(tickLength=0, tickTextOffset=8, tickFont=font, autoExpandTextSpace=False)
    axis.setPen(QPen(QColor(theme.ground)))
    axis.setTextPen(theme.dim)
