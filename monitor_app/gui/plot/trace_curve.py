# SPDX-License-Identifier: Apache-2.0
"""One sampled signal in a pane: a line for the mean over a column a pixel from minimum to maximum."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg

from monitor_app.gui.plot.columns import TraceLines, trace_lines
from monitor_app.gui.plot.envelope_cache import EnvelopeCache
from monitor_app.gui.plot.items import Columns, Curve, Dots
from monitor_app.gui.plot.scales.value_scale import Extent, Scale, positive_of
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.plot.view_box import TimeViewBox
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.gui.theme import Theme

MARGIN = 0.1
"""Fraction of the width that is read beyond each side, so that a small pan reads nothing."""
DOT_PX = 7
"""Single samples become dots where they are at least this far apart."""
ALONE, TOGETHER = 0.45, 0.3
"""Opacity of the columns; less where other signals share the pane."""
REST_FACTOR = 10.0
"""A curve is read again only after this multiple of the time its last reading took: polled samples are slow to read."""
LINES_Z = 100
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


class TraceCurve:
    """The items of one signal; reads the session only when the view needs what has not been drawn."""

    def __init__(self, box: TimeViewBox, shown: ShownSignal) -> None:
        self.shown = shown
        self.colour = ""
        self.lines: TraceLines | None = None
        self._box = box
        self._columns = Columns()
        self._mean = Curve(skipFiniteCheck=True)
        self._dots = Dots(4)
        self._items = (self._columns, self._mean, self._dots)
        for item in self._items:
            box.addItem(item, ignoreBounds=True)
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

    def leave(self) -> None:
        """Take the items out of the pane."""
        for item in self._items:
            self._box.removeItem(item)

    def set_colours(self, theme: Theme, *, alone: bool) -> None:
        """Set the colours; columns are paler where other signals share the pane."""
        wanted = (theme.name, alone)
        if wanted != self._coloured:
            self._coloured = wanted
            self.colour = colour = theme.of_trace(self.shown.signal.quantity, self.shown.slot)
            self._columns.set_colour(mixed(colour, theme.ground, ALONE if alone else TOGETHER))
            self._mean.setPen(pg.mkPen(colour, width=1))
            self._dots.set_colour(colour)

    def set_depth(self, depth: int, rank: int) -> None:
        """Columns of depth 0 are behind all others; the line of rank 0 is in front of all others."""
        self._columns.setZValue(depth)
        for item in (self._mean, self._dots):
            item.setZValue(LINES_Z - rank)

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
        drawn = self.lines
        if drawn is None or len(drawn.mean_y) == 0:
            return None
        low, high = self._band(drawn)
        least = float((low if len(low) else drawn.mean_y).min())
        most = float((high if len(high) else drawn.mean_y).max())
        positive = positive_of(least, drawn.mean_y) if self._scale is Scale.LOG else np.inf
        return Extent(least, most, positive)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def _rested_s(self) -> float:
        """Seconds since the last reading, or 0 while it is too soon for another one."""
        waited_s = time.monotonic() - self._read.at_s if self._read is not None else LONGEST_REST_S
        return waited_s if waited_s >= self._rest_s else 0.0

    def out_of_place(self, view: TimeWindow, pixels: int) -> bool:
        """Whether what is drawn is of another interval, or of another number of pixels."""
        read = self._read
        if read is None:
            return True
        same = (read.pixels, read.width_s) == (pixels, view.width_s)
        inside = read.start_s <= view.start_s and view.end_s <= read.end_s
        return not (same and inside) and self._rested_s > 0

    def out_of_date(self, recording: Recording, view: TimeWindow) -> float:
        """Seconds since the last reading where there may be something new since then; 0 where there is not."""
        read = self._read
        if read is None or read.edge_s == recording.edge_s or view.end_s <= read.edge_s:
            return 0.0
        return self._rested_s

    def draw(self, recording: Recording, view: TimeWindow, pixels: int, ratio: float) -> None:
        """Read what the view needs and set the items; ``ratio`` columns are side by side in a pixel of the view."""
        began_s = time.thread_time()
        self._draw(recording, view, pixels, ratio)
        took_s = time.thread_time() - began_s
        self._rest_s = min(REST_FACTOR * took_s, LONGEST_REST_S) if took_s > QUICK_S else 0.0

    def _draw(self, recording: Recording, view: TimeWindow, pixels: int, ratio: float) -> None:
        margin_s = MARGIN * view.width_s
        start_s, end_s = view.start_s - margin_s, view.end_s + margin_s
        self._read = _Read(pixels, view.width_s, start_s, end_s, recording.edge_s, time.monotonic())
        if min(end_s, recording.edge_s) <= max(start_s, 0.0):
            self._clear()
            return
        signal = self.shown.signal
        envelope = self._envelopes.read(
            recording.reader,
            signal.id,
            recording.host_ns(max(start_s, 0.0)),
            recording.host_ns(min(end_s, recording.edge_s)),
            rate_hz=recording.rate_hz(signal.source),
            pixel_ns=view.width_s * 1e9 / pixels,
        )
        if len(envelope) == 0:
            self._clear()
            return
        drawn = trace_lines(envelope, recording.origin_ns or 0)
        self.lines = drawn
        low, high = (self._scale.plotted_all(ends) for ends in self._band(drawn))
        mean = self._scale.plotted_all(drawn.mean_y)
        if len(low):
            self._columns.set_data(drawn.mean_x, low, high, ratio)
        else:
            self._columns.clear()
        self._mean.setData(drawn.mean_x, mean, connect=drawn.joined if drawn.has_gaps else "all")
        spread = drawn.samples_per_column == 1 and len(drawn.mean_x) * DOT_PX * ratio < pixels
        self._dots.set_data(*((drawn.mean_x, mean) if spread else (np.empty(0), np.empty(0))))

    def _clear(self) -> None:
        self.lines = None
        for item in self._items:
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
