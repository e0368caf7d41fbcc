# SPDX-License-Identifier: Apache-2.0
"""How the user wants the panes to be drawn, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from monitor_app.gui.plot.scales.value_scale import Scale
from monitor_app.gui.session.curve_style import CurveStyle

if TYPE_CHECKING:
    from collections.abc import Mapping

LATENCY, ACCURACY = "latency", "accuracy"
"""Keys of the panes of the runs; that of a pane of signals is the unit of their quantity."""


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """Panes are named by their keys, so that a pane of power is drawn alike in every session."""

    style: CurveStyle = CurveStyle.ENVELOPE
    overlaid: bool = False
    """Signals of all quantities in one pane, each quantity with its own axis."""
    log: frozenset[str] = frozenset()
    """Keys of the panes with a logarithmic axis."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By key: smallest and largest value, in the unit of the pane."""
    heights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By arrangement: heights of the panes relative to each other, from top to bottom."""
    deadline_ms: float | None = None
    """Of a batch, drawn in the pane of latencies, where the profile of the session has none."""

    def scale_of(self, key: str) -> Scale:
        """Of the y axis of a pane."""
        return Scale.LOG if key in self.log else Scale.LINEAR

    def with_scale(self, key: str, scale: Scale) -> PlotOptions:
        """With this scale in one pane; a range that cannot be shown on it is forgotten."""
        log = self.log | {key} if scale is Scale.LOG else self.log - {key}
        known = self.ranges.get(key)
        options = replace(self, log=log)
        return options.with_range(key, None) if scale is Scale.LOG and known and known[0] <= 0 else options

    def with_range(self, key: str, bounds: tuple[float, float] | None) -> PlotOptions:
        """With exactly this range in one pane; None lets the range fit the data."""
        left = {other: each for other, each in self.ranges.items() if other != key}
        return replace(self, ranges=left if bounds is None else {**left, key: bounds})

    def with_heights(self, arrangement: str, heights: tuple[int, ...] | None) -> PlotOptions:
        """With these heights; None for the usual ones."""
        left = {other: each for other, each in self.heights.items() if other != arrangement}
        return replace(self, heights=left if heights is None else {**left, arrangement: heights})
