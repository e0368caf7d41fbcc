# SPDX-License-Identifier: Apache-2.0
"""The pane with the sampled signal: a line for the mean over a column a pixel from minimum to maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg

from monitor_app.core.samples import Quantity
from monitor_app.gui.columns import Picture, picture
from monitor_app.gui.envelope_cache import EnvelopeCache
from monitor_app.gui.pane import Pane
from monitor_app.gui.plot_items import Curve, Dots
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from monitor_app.gui.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.gui.view_window import ViewWindow
    from monitor_app.session.rows import SignalRow

MARGIN = 0.1
"""Share of the width read beyond each side, so that a small pan reads nothing."""
DOT_PX = 7
"""Single samples become dots once they are so far apart."""
NAMES_ROOM = 0.2
"""Left free above the trace for the names of the runs."""
NAMES = {Quantity.POWER: "power", Quantity.CURRENT: "current", Quantity.VOLTAGE: "voltage"}


@dataclass(frozen=True, slots=True)
class _Read:
    """What is on screen was read for this."""

    signal_id: int
    pixels: int
    width_s: float
    start_s: float
    end_s: float
    edge_s: float

    def serves(self, signal_id: int, pixels: int, view: ViewWindow, edge_s: float) -> bool:
        same = (self.signal_id, self.pixels, self.width_s) == (signal_id, pixels, view.width_s)
        inside = self.start_s <= view.start_s and view.end_s <= self.end_s
        unchanged = self.edge_s == edge_s or view.end_s <= self.edge_s
        return same and inside and unchanged


class TracePane(Pane):
    """Shows one signal; reads the session only when what is drawn does not serve any more."""

    def __init__(self) -> None:
        super().__init__(room=NAMES_ROOM)
        self._columns = Curve(connect="pairs", skipFiniteCheck=True)
        self._mean = Curve(skipFiniteCheck=True)
        self._dots = Dots(4)
        for item in (self._columns, self._mean, self._dots):
            self.box.addItem(item, ignoreBounds=True)
        self._envelopes = EnvelopeCache()
        self._read: _Read | None = None
        self.picture: Picture | None = None
        self._theme: Theme | None = None
        self._shown: SignalRow | None = None

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        quantity = self._shown.quantity if self._shown else Quantity.POWER
        colour = theme.of_quantity(quantity)
        self._columns.setPen(pg.mkPen(mixed(colour, theme.ground, 0.45), width=1))
        self._mean.setPen(pg.mkPen(colour, width=1))
        self._dots.set_colour(colour)
        unit = "°C" if quantity is Quantity.TEMPERATURE else quantity.value
        name = self._shown.name if self._shown else NAMES[quantity]
        self.set_label(theme, f"{name}  ({unit})")

    def clear(self) -> None:
        """Forget the session that was shown."""
        self._envelopes.clear()
        self._read = self.picture = self._shown = None
        for item in (self._columns, self._mean, self._dots):
            item.clear()
        self.fit_y()

    def refresh(self, recording: Recording, signal: SignalRow | None, view: ViewWindow) -> None:
        """Bring the picture up to date; reads only when it must."""
        if signal is None or recording.origin_ns is None:
            return
        if self._shown != signal:
            self.clear()
            self._shown = signal
            if self._theme is not None:
                self.set_theme(self._theme)
        pixels = max(round(self.rect.width()), 1)
        if self._read is None or not self._read.serves(signal.id, pixels, view, recording.edge_s):
            self._draw(recording, signal, view, pixels)

    def _draw(self, recording: Recording, signal: SignalRow, view: ViewWindow, pixels: int) -> None:
        margin_s = MARGIN * view.width_s
        start_s, end_s = view.start_s - margin_s, view.end_s + margin_s
        held_s = min(end_s, recording.edge_s) - max(start_s, 0.0)
        if held_s <= 0:
            self._read, self.picture = None, None
            for item in (self._columns, self._mean, self._dots):
                item.clear()
            return
        envelope = self._envelopes.read(
            recording.reader,
            signal.id,
            recording.host_ns(max(start_s, 0.0)),
            recording.host_ns(min(end_s, recording.edge_s)),
            rate_hz=recording.rate_hz(signal.source),
            pixel_ns=view.width_s * 1e9 / pixels,
        )
        drawn = picture(envelope, recording.origin_ns or 0)
        self._read = _Read(signal.id, pixels, view.width_s, start_s, end_s, recording.edge_s)
        self.picture = drawn
        self._columns.setData(drawn.column_x, drawn.column_y)
        self._mean.setData(drawn.mean_x, drawn.mean_y, connect=drawn.joined if drawn.has_holes else "all")
        spread = drawn.samples_per_column == 1 and len(drawn.mean_x) * DOT_PX < pixels
        self._dots.set_data(*((drawn.mean_x, drawn.mean_y) if spread else (np.empty(0), np.empty(0))))
        self.hold(drawn.low, drawn.high)

    def group_at(self, time_s: float) -> tuple[float, float, float] | None:
        """Mean, minimum and maximum of the group at a time; None in a hole."""
        drawn = self.picture
        if drawn is None or len(drawn.mean_x) == 0:
            return None
        k = int(np.argmin(np.abs(drawn.mean_x - time_s)))
        step = float(np.median(np.diff(drawn.mean_x))) if len(drawn.mean_x) > 1 else 0.0
        if abs(float(drawn.mean_x[k]) - time_s) > step:
            return None
        mean = float(drawn.mean_y[k])
        if len(drawn.column_y) == 0:
            return mean, mean, mean
        return mean, float(drawn.column_y[2 * k]), float(drawn.column_y[2 * k + 1])
