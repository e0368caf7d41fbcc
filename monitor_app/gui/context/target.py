# SPDX-License-Identifier: Apache-2.0
"""What of the panes lies at a place: a function of what is painted, without a widget."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.gui.plot.legend import LEGEND_PX, entry_at
from monitor_app.gui.plot.markers.layout import part_at
from monitor_app.gui.plot.scales.axes import axis_px

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF

    from monitor_app.gui.plot.annotations import Interval
    from monitor_app.gui.plot.markers.layout import PlacedMarker
    from monitor_app.gui.plot.plot_state import CurveState, PaneState, PlotState

NEAR_PX = 6
"""A line is under the pointer from this far."""


class Kind(Enum):
    """What can be pointed at."""

    MARKER = auto()
    TRACE = auto()
    BATCH = auto()
    PANE = auto()
    VALUE_AXIS = auto()
    TIME_AXIS = auto()


@dataclass(frozen=True, slots=True)
class Target:
    """One thing, and where it is."""

    kind: Kind
    seconds: float
    """Since the start of the session."""
    pane: int = 0
    """From above."""
    slot: int | None = None
    """Of a trace, in its pane."""
    marker: int | None = None
    """Its number."""
    run: Interval | None = None
    """The run whose ground is there."""
    batch: tuple[float, float] | None = None
    """Start and end of a batch, in s."""


def target_at(
    state: PlotState, placed: tuple[PlacedMarker, ...], at: QPointF, batch: tuple[float, float] | None = None
) -> Target:
    """What is foremost at a place; ``batch`` is that whose point is there."""
    rect = state.first.rect
    seconds = state.view.start_s + (at.x() - rect.left()) / max(rect.width(), 1.0) * state.view.width_s
    pane = _pane_at(state, at.y())
    found = part_at(placed, at, state.panes[0].rect.top(), state.panes[-1].rect.bottom())
    boxed = (each.marker.number for each in placed[::-1] if any(box.rect.contains(at) for box in each.boxes))
    marker = found[0] if found is not None else next(boxed, None)
    if marker is not None:
        return Target(Kind.MARKER, seconds, pane, marker=marker)
    if at.y() > state.panes[-1].rect.bottom():
        return Target(Kind.TIME_AXIS, seconds, pane)
    if rect.left() - axis_px() <= at.x() < rect.left():
        return Target(Kind.VALUE_AXIS, state.view.start_s, pane)
    run = next((run for run in state.annotations.runs if run.start_s <= seconds <= run.end_s), None)
    if batch is not None:
        return Target(Kind.BATCH, seconds, pane, run=run, batch=batch)
    slot = _slot_at(state, state.panes[pane], at, seconds)
    if slot is not None:
        return Target(Kind.TRACE, seconds, pane, slot=slot, run=run)
    return Target(Kind.PANE, seconds, pane, run=run)


def _pane_at(state: PlotState, y: float) -> int:
    """The pane there, to which the strip above it belongs."""
    return next((k for k, pane in enumerate(state.panes) if y <= pane.rect.bottom()), len(state.panes) - 1)


def _slot_at(state: PlotState, pane: PaneState, at: QPointF, seconds: float) -> int | None:
    """The trace whose line, or whose name in the legend, is there."""
    if pane.rect.top() - LEGEND_PX <= at.y() < pane.rect.top() and pane.legend:
        entry = entry_at(pane.rect.left(), pane.rect.width() + state.gutter_px - 10, pane.legend, at.x())
        return entry.slot if entry is not None else None
    if not pane.rect.contains(at):
        return None
    pixel_s = state.view.width_s / max(pane.rect.width(), 1.0)
    away = {curve.slot: _away_px(pane, curve, at.y(), seconds, pixel_s) for curve in pane.curves}
    nearest = min(away, key=lambda slot: away[slot], default=None)
    return nearest if nearest is not None and away[nearest] <= NEAR_PX else None


def _away_px(pane: PaneState, curve: CurveState, y: float, seconds: float, pixel_s: float) -> float:
    """From the columns and the line of a curve within a few pixels of a time; infinite in a gap."""
    lines = curve.lines
    if lines is None or len(lines.mean_x) == 0:
        return np.inf
    low, high = np.searchsorted(lines.mean_x, (seconds - NEAR_PX * pixel_s, seconds + NEAR_PX * pixel_s))
    if high == low:  # zoomed in, between two samples
        if not 0 < low < len(lines.mean_x) or not lines.joined[low - 1]:
            return np.inf
        low, high = low - 1, high + 1
    with_columns = len(lines.minimum) > 0
    least = float((lines.minimum if with_columns else lines.mean_y)[low:high].min())
    most = float((lines.maximum if with_columns else lines.mean_y)[low:high].max())
    above, below = pane.y_pixel(most), pane.y_pixel(least)
    return max(above - y, y - below, 0.0)
