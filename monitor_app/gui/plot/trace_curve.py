# SPDX-License-Identifier: Apache-2.0
"""One sampled signal in a pane: a line for the mean over a column a pixel from minimum to maximum."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.gui.plot.columns import TraceLines, trace_lines
from monitor_app.gui.plot.envelope_cache import EnvelopeCache
from monitor_app.gui.plot.items import Columns, Curve, Dots
from monitor_app.gui.plot.scales.value_scale import Extent, Scale, positive_of
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.gui.theme import Theme

MARGIN, WIDENING_MARGIN = 0.1, 0.4
"""Fraction of the width that is read beyond each side, so that a small pan reads nothing; more while it widens."""
NARROWING = 1.6
"""While the view narrows, groups are read this much finer, so that they serve the next steps too."""
MOST_A_PIXEL = 6
"""With more groups in a pixel than this, drawing them takes longer than reading larger ones."""
SOON = 0.4
"""Fraction of the margin: with less of it left, the view leaves soon what has been read."""
DOT_PX = 7
"""Single samples become dots where they are at least this far apart."""
ALONE, TOGETHER = 0.45, 0.3
"""Opacity of the columns; less where other signals share the pane."""
REST_FACTOR = 10.0
"""A curve is read again only after this multiple of the time its last reading took: polled samples are slow to read."""
LONGEST_REST_S = 1.0
QUICK_S = 0.004
"""A curve that is read faster than this is read whenever there are new samples."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What the present drawing was read for."""

    pixels: int
    width_s: float
    start_s: float
    end_s: float
    edge_s: float
    at_s: float
    exact: bool = True
    """Whether what was read is just what such a view needs, as at rest."""
    group_s: float = 0.0
    """Duration of a group; 0 of single samples, and where there is nothing."""

    @property
    def margin_s(self) -> float:
        """What was read on each side of the view."""
        return (self.end_s - self.start_s - self.width_s) / 2

    def holds(self, view: TimeWindow) -> bool:
        """Whether it was read for all of the view; before the start of the session there is nothing."""
        return (self.start_s <= view.start_s or self.start_s <= 0) and view.end_s <= self.end_s

    def suits(self, view: TimeWindow, pixels: int) -> bool:
        """Whether each pixel has a group, and not too many."""
        if not self.group_s:
            return self.width_s >= view.width_s / MOST_A_PIXEL
        return self.group_s <= view.width_s / pixels * (1 + 1e-9) <= MOST_A_PIXEL * self.group_s

    def ends_soon(self, view: TimeWindow) -> bool:
        """Whether little is left of the margin on a side on which there is more to read."""
        room_s = SOON * MARGIN * view.width_s
        return (self.start_s > 0 and view.start_s - self.start_s < room_s) or (
            self.end_s < self.edge_s and self.end_s - view.end_s < room_s
        )


class TraceCurve:
    """The items of one signal; reads the session only when the view needs what has not been drawn."""

    def __init__(self, shown: ShownSignal) -> None:
        self.shown = shown
        self.colour = ""
        self.lines: TraceLines | None = None
        self._columns = Columns()
        self._mean = Curve()
        self._dots = Dots(4)
        self._envelopes = EnvelopeCache()
        self._read: _Read | None = None
        self._rest_s = 0.0
        self._coloured: tuple[str, bool] | None = None
        self._style, self._scale = CurveStyle.ENVELOPE, Scale.LINEAR

    @property
    def style(self) -> CurveStyle:
        return self._style

    def set_look(self, style: CurveStyle, scale: Scale) -> None:
        """What is drawn around the mean, and on which axis."""
        if (style, scale) != (self._style, self._scale):
            self._style, self._scale = style, scale
            self._read = None

    @property
    def ground(self) -> Columns:
        """What is drawn around the mean."""
        return self._columns

    @property
    def line(self) -> tuple[Curve, Dots]:
        """The mean."""
        return self._mean, self._dots

    def set_colours(self, theme: Theme, *, alone: bool) -> None:
        """Set the colours; columns are paler where other signals share the pane."""
        wanted = (theme.name, alone)
        if wanted != self._coloured:
            self._coloured = wanted
            self.colour = colour = theme.of_trace(self.shown.signal.quantity, self.shown.slot)
            self._columns.set_colour(mixed(colour, theme.ground, ALONE if alone else TOGETHER))
            self._mean.set_colour(colour)
            self._dots.set_colour(colour)

    @property
    def spread(self) -> float:
        """Height of a typical column in SI units; 0 for single samples."""
        drawn = self.lines
        low, high = self._band(drawn) if drawn is not None else (np.empty(0), np.empty(0))
        return float(np.median(high - low)) if len(low) else 0.0

    def _band(self, drawn: TraceLines) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lower and the upper end of each column; empty where there is nothing around the mean."""
        if self._style is CurveStyle.MEAN:
            return drawn.minimum[:0], drawn.maximum[:0]
        if self._style is CurveStyle.DEVIATION and len(drawn.deviation):
            return drawn.mean_y - drawn.deviation, drawn.mean_y + drawn.deviation
        return drawn.minimum, drawn.maximum

    @property
    def extent(self) -> Extent | None:
        """Of what is drawn."""
        drawn, read = self.lines, self._read
        if drawn is None or read is None or len(drawn.mean_y) == 0:
            return None
        # What was read farther out, for the next steps of a view that widens, does not count yet.
        beside_s = read.margin_s - MARGIN * read.width_s
        inside = slice(*np.searchsorted(drawn.mean_x, (read.start_s + beside_s, read.end_s - beside_s)))
        mean = drawn.mean_y[inside]
        if not len(mean):
            return None
        low, high = (ends[inside] for ends in self._band(drawn))
        least, most = float((low if len(low) else mean).min()), float((high if len(high) else mean).max())
        positive = positive_of(least, mean) if self._scale is Scale.LOG else np.inf
        return Extent(least, most, positive)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def _rested_s(self) -> float:
        """Seconds since the last reading, or 0 while it is too soon for another one."""
        waited_s = time.monotonic() - self._read.at_s if self._read is not None else LONGEST_REST_S
        return waited_s if waited_s >= self._rest_s else 0.0

    def out_of_place(self, view: TimeWindow, pixels: int) -> bool:
        """Whether what is drawn cannot be shown in this view: it lacks a part, or its groups are too wide or narrow."""
        read = self._read
        if read is None:
            return True
        return not (read.holds(view) and read.suits(view, pixels)) and self._rested_s > 0

    def waits(self, recording: Recording, view: TimeWindow, pixels: int) -> float:
        """Seconds since the last reading where another one would show more, or will soon be needed; else 0."""
        read = self._read
        if read is None:
            return 0.0
        grown = read.edge_s != recording.edge_s and view.end_s > read.edge_s
        other = (read.pixels, read.width_s) != (pixels, view.width_s) or not read.exact
        return self._rested_s if grown or other or read.ends_soon(view) else 0.0

    def draw(self, recording: Recording, view: TimeWindow, pixels: int, ratio: float) -> None:
        """Read what the view needs and set the items; ``ratio`` columns are side by side in a pixel of the view."""
        began_s = time.thread_time()
        self._draw(recording, view, pixels, ratio)
        took_s = time.thread_time() - began_s
        self._rest_s = min(REST_FACTOR * took_s, LONGEST_REST_S) if took_s > QUICK_S else 0.0

    def _draw(self, recording: Recording, view: TimeWindow, pixels: int, ratio: float) -> None:
        before = self._read
        narrows = before is not None and view.width_s < before.width_s
        widens = before is not None and view.width_s > before.width_s
        margin_s = (WIDENING_MARGIN if widens else MARGIN) * view.width_s
        start_s, end_s = view.start_s - margin_s, view.end_s + margin_s
        read = _Read(pixels, view.width_s, start_s, end_s, recording.edge_s, time.monotonic(), not (narrows or widens))
        self._read = read
        if min(end_s, recording.edge_s) <= max(start_s, 0.0):
            self._clear()
            return
        signal = self.shown.signal
        rate_hz = recording.rate_hz(signal.source)
        envelope = self._envelopes.read(
            recording.reader,
            signal.id,
            recording.host_ns(max(start_s, 0.0)),
            recording.host_ns(min(end_s, recording.edge_s)),
            rate_hz=rate_hz,
            pixel_ns=view.width_s * 1e9 / pixels / (NARROWING if narrows else 1.0),
        )
        if len(envelope) == 0:
            self._clear()
            return
        width = envelope.samples_per_column
        self._read = replace(read, group_s=width / rate_hz if width > 1 and rate_hz else 0.0)
        drawn = trace_lines(envelope, recording.origin_ns or 0)
        self.lines = drawn
        low, high = (self._scale.plotted_all(ends) for ends in self._band(drawn))
        mean = self._scale.plotted_all(drawn.mean_y)
        if len(low):
            self._columns.set_data(drawn.mean_x, low, high)
        else:
            self._columns.clear()
        self._mean.set_data(drawn.mean_x, mean, drawn.joined if drawn.has_gaps else "all")
        spread = drawn.samples_per_column == 1 and len(drawn.mean_x) * DOT_PX * ratio < pixels
        self._dots.set_data(*((drawn.mean_x, mean) if spread else (np.empty(0), np.empty(0))))

    def _clear(self) -> None:
        self.lines = None
        for item in (self._columns, self._mean, self._dots):
            item.clear()

    # -- values ----------------------------------------------------------------------------------

    def group_at(self, time_s: float) -> tuple[float, float, float] | None:
        """Mean of the group at a time, and the ends of what is drawn around it; None in a gap."""
        drawn = self.lines
        if drawn is None or len(drawn.mean_x) == 0:
            return None
        k = int(np.argmin(np.abs(drawn.mean_x - time_s)))
        step = float(np.median(np.diff(drawn.mean_x))) if len(drawn.mean_x) > 1 else 0.0
        if abs(float(drawn.mean_x[k]) - time_s) > step:
            return None
        mean = float(drawn.mean_y[k])
        low, high = self._band(drawn)
        return (mean, float(low[k]), float(high[k])) if len(low) else (mean, mean, mean)
