# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The axes of the panes: the y range that fits the data, and the steps between labels.

The numbers are painted as a picture (axis_picture.py), for a fraction of what a pyqtgraph.AxisItem takes to lay them
out anew for each frame of a view that moves; the axes here keep the room, the label, and what the mouse does on them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg

from monitor_app.charts.axis import round_step
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsSceneWheelEvent

    from monitor_app.gui.plot.view_box import TimeViewBox

TIME_AXIS_PX = 24
_AXIS_PX = 64
LABEL_AT_PX = 0
"""From the left edge to the label of an axis of values."""
GUTTER_PX = 108
"""Room on the right of the panes for the values of levels, latency and accuracy at their heights."""
BARE_GUTTER_PX = 20
"""The same where there are no runs, so that there are no such values."""
TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
TICK_ROOM_PX = 130
VALUE_ROOM_PX = 40


def axis_px() -> int:
    """Width of an axis of values: of its label and its numbers, at the size that the text has now."""
    return with_text(_AXIS_PX)


ROOM = 0.12
"""Fraction of the span of the data that is left free above it."""
KEPT_ROOM = 0.75
"""The range grows when less than this fraction of the room above is left."""
TOO_EMPTY = 0.5
"""The range shrinks only when the data fill less than this fraction of it."""


def settled_range(
    shown: tuple[float, float] | None, low: float, high: float, *, floor: float | None = None, room: float = ROOM
) -> tuple[float, float]:
    """The range to show for data between ``low`` and ``high``, given the range that is shown.

    ``floor``: the range begins there, whatever the data. ``room``: fraction of the span left free above.
    """
    wanted = round_range(low, high, floor, room)
    if shown is None:
        return wanted
    holds_all = shown[0] <= low and high + KEPT_ROOM * room * (high - wanted[0]) <= shown[1]
    filled = (high - min(low, wanted[0])) / max(shown[1] - shown[0], 1e-300)
    stays = holds_all and filled >= TOO_EMPTY
    return shown if stays else wanted


def round_range(low: float, high: float, floor: float | None = None, room: float = ROOM) -> tuple[float, float]:
    """Round numbers around the data; from zero where the minimum is at most half of the maximum."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    base = floor if floor is not None else 0.0 if 0 <= low <= 0.5 * high else low
    span = max(high - base, abs(high) * 1e-3, 1e-9)
    step = round_step(span / 8)
    top = math.ceil((high + room * span) / step) * step
    bottom = base if base in {0.0, floor} else math.floor((low - ROOM * span) / step) * step
    return bottom, top


def time_step(width_s: float, pixels: float) -> float:
    """Seconds between labels, so that each has room."""
    least = width_s * TICK_ROOM_PX / max(pixels, 1.0)
    if least <= 1:
        return round_step(max(least, 1e-9))
    return next((float(step) for step in TIME_STEPS_S if step >= least), 86_400.0 * (least // 86_400 + 1))


def value_step(low: float, high: float, pixels: float) -> float:
    """The distance of labels and grid lines on a y axis that is ``pixels`` high, with at least two of them on it."""
    step = round_step(max((high - low) * VALUE_ROOM_PX / max(pixels, 1.0), 1e-12))
    while _steps_in(low, high, step) < 2 and step > (high - low) / 8:
        step = round_step(0.35 * step)  # the next smaller one
    return step


def _steps_in(low: float, high: float, step: float) -> int:
    return math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) + 1


def value_text(value: float, step: float) -> str:
    """A value on the axis, with the decimals that the step needs."""
    return f"{value:.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"


class _Axis(pg.GraphicsWidget):
    """Room beside a pane; its numbers are painted elsewhere, and its wheel and drags go to the view box."""

    direction: int

    def __init__(self, box: TimeViewBox) -> None:
        super().__init__()
        self._box = box

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent) -> None:
        self._box.wheelEvent(ev, axis=self.direction)

    def mouseDragEvent(self, ev: Any) -> None:
        self._box.mouseDragEvent(ev, axis=self.direction)

    def mouseClickEvent(self, ev: Any) -> None:
        self._box.mouseClickEvent(ev)


class TimeAxis(_Axis):
    """Time since the start of the session."""

    direction = 0

    def show_if(self, *, lowest: bool) -> None:
        """Take room below the lowest pane only."""
        self.setVisible(lowest)
        self.setFixedHeight(TIME_AXIS_PX if lowest else 0)


class ValueAxis(_Axis):
    """The quantity of a pane, with its unit in the label."""

    direction = 1

    def __init__(self, box: TimeViewBox) -> None:
        super().__init__(box)
        self.fit_text()
        self.label = ""
        """Painted with the numbers (axis_picture.py)."""

    def fit_text(self) -> None:
        """As wide as text of the size of now needs."""
        self.setFixedWidth(axis_px())
