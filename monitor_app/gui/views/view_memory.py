# SPDX-License-Identifier: Apache-2.0
"""The look of the panes in the settings, and back; what is not understood there is the usual look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from monitor_app.gui.plot.scales.plot_options import PlotOptions
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from monitor_app.gui.settings import Settings

STYLE, OVERLAID, LOG, RANGES, HEIGHTS = "curve_style", "overlaid", "log_axes", "value_ranges", "pane_heights"
DEADLINE = "deadline_ms"
MOST_PX = 10_000


def read_options(settings: Settings) -> PlotOptions:
    """As the last window was left."""
    style = settings.read(STYLE, "")
    log = frozenset(key for key in settings.read(LOG, []) if isinstance(key, str))
    ranges = {}
    for row in settings.read(RANGES, []):
        match row:
            case [str(key), int() | float() as low, int() | float() as high] if _is_range(low, high, key in log):
                ranges[key] = (float(low), float(high))
    heights = {}
    for row in settings.read(HEIGHTS, []):
        match row:
            case [str(key), [*sizes]] if sizes and all(_is_height(size) for size in sizes):
                heights[key] = tuple(sizes)
    deadline_ms = float(settings.read(DEADLINE, 0.0))
    return PlotOptions(
        CurveStyle(style) if style in {each.value for each in CurveStyle} else CurveStyle.ENVELOPE,
        settings.read(OVERLAID, False), log, ranges, heights,
        deadline_ms if math.isfinite(deadline_ms) and deadline_ms > 0 else None,
    )  # fmt: skip


def write_options(settings: Settings, options: PlotOptions) -> None:
    """For the next window."""
    settings.write(STYLE, options.style.value)
    settings.write(OVERLAID, options.overlaid)
    settings.write(LOG, sorted(options.log))
    settings.write(RANGES, [[key, *bounds] for key, bounds in options.ranges.items()])
    settings.write(HEIGHTS, [[key, list(sizes)] for key, sizes in options.heights.items()])
    settings.write(DEADLINE, options.deadline_ms or 0.0)


def _is_range(low: float, high: float, is_log: bool) -> bool:
    return math.isfinite(low) and math.isfinite(high) and low < high and (low > 0 or not is_log)


def _is_height(size: Any) -> bool:
    return isinstance(size, int) and 0 < size <= MOST_PX
