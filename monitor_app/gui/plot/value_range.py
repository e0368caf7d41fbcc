# SPDX-License-Identifier: Apache-2.0
"""The y range that fits the data of a pane: with room, on round numbers, and with hysteresis. No Qt."""

from __future__ import annotations

import math

from monitor_app.charts.axis import round_step

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
