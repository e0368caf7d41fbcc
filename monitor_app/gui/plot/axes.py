# SPDX-License-Identifier: Apache-2.0

"""The axes of the panes, and the steps between their labels.

The numbers are painted with the grid (overlay.py), for a fraction of what an AxisItem takes to lay them out anew
for each frame of a view that moves; the items keep the room, the label and the wheel.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtGui import QColor, QPen

from monitor_app.gui.plot.value_range import round_step
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from monitor_app.gui.theme import Theme

AXIS_WIDTH_PX = 64
GUTTER_PX = 108
"""Room on the right of the panes for the values of levels, latency and accuracy at their heights."""
BARE_GUTTER_PX = 20
"""The same where there are no runs, so that there are no such values."""
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
TICK_ROOM_PX = 130
VALUE_ROOM_PX = 40


def time_step(width_s: float, pixels: float) -> float:
    """Seconds between labels, so that each has room."""
    least = width_s * TICK_ROOM_PX / max(pixels, 1.0)
    if least <= 1:
        return round_step(max(least, 1e-9))
    return next((float(step) for step in TIME_STEPS_S if step >= least), 86_400.0 * (least // 86_400 + 1))


def value_step(low: float, high: float, pixels: float) -> float:
    """The distance of labels and grid lines on a y axis that is ``pixels`` high."""
    return round_step(max((high - low) * VALUE_ROOM_PX / max(pixels, 1.0), 1e-12))


def value_text(value: float, step: float) -> str:
    """A value on the axis, with the decimals that the step needs."""
    return f"{value:.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"


class _Axis(pg.AxisItem):
    """Room beside a pane; its numbers are painted by the overlay."""

    def paint(self, painter: QPainter, *_: Any) -> None:
        pass

    def linkedViewChanged(self, *_: Any) -> None:  # noqa: N802 - pyqtgraph's name
        pass


class TimeAxis(_Axis):
    """Time since the start of the session."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self.enableAutoSIPrefix(False)
        self.setHeight(24)

    def set_theme(self, theme: Theme) -> None:
        _style(self, theme)


class ValueAxis(_Axis):
    """The quantity of a pane, with its unit in the label."""

    def __init__(self) -> None:
        super().__init__("left")
        self.enableAutoSIPrefix(False)
        self.setWidth(AXIS_WIDTH_PX)

    def set_theme(self, theme: Theme, label: str) -> None:
        _style(self, theme)
        self.setLabel(label, **{"color": theme.dim, "font-size": f"{SMALL_PX}px"})


def _style(axis: pg.AxisItem, theme: Theme) -> None:
    font = ui_font(SMALL_PX)
    axis.setStyle(tickLength=0, tickTextOffset=8, tickFont=font, autoExpandTextSpace=False)
    axis.setPen(QPen(QColor(theme.ground)))
    axis.setTextPen(theme.dim)
