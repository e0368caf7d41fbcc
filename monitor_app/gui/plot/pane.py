# SPDX-License-Identifier: Apache-2.0
"""A pane: one quantity over the common time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QGraphicsGridLayout

from monitor_app.gui.plot.axes import ROOM, TimeAxis, ValueAxis, settled_range
from monitor_app.gui.plot.plot_state import PaneState
from monitor_app.gui.plot.view_box import TimeViewBox

if TYPE_CHECKING:
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.theme import Theme

MARGIN_PX = 1.0


class Pane:
    """Axes, a view box, and a y range that fits the data until the user changes it."""

    def __init__(self, floor: float | None = None, room: float = ROOM) -> None:
        self.box = TimeViewBox()
        self.value_axis, self.time_axis = ValueAxis(self.box), TimeAxis(self.box)
        self.plot = pg.GraphicsWidget()
        """What the stack lays out."""
        self._layout = QGraphicsGridLayout(self.plot)
        self._layout.setSpacing(0)
        for row, column, item in ((0, 0, self.value_axis), (0, 1, self.box), (1, 1, self.time_axis)):
            self._layout.addItem(item, row, column)
        self.leave_above(MARGIN_PX)
        self._floor, self._room = floor, room
        self._range: tuple[float, float] | None = None
        self._data: tuple[float, float] | None = None
        """Least and largest value last shown."""
        self.fits_itself = True
        self.text_scale = 1.0
        """What the numbers on the y axis are multiplied by: 1000 where they are read in milliwatts."""
        self._rect: QRectF | None = None
        # Read dozens of times in a frame, and changed only by the layout.
        for widget in (self.box, self.plot):
            widget.geometryChanged.connect(self._forget_rect)
        self.box.y_zoom_asked.connect(self._zoom_y)
        self.box.y_pan_asked.connect(self._pan_y)
        self.box.y_reset_asked.connect(self.fit_y)

    def leave_above(self, pixels: float) -> None:
        """Room for a legend above the data."""
        self._layout.setContentsMargins(MARGIN_PX, pixels, MARGIN_PX, MARGIN_PX)

    def set_label(self, theme: Theme, label: str) -> None:
        self.value_axis.set_label(theme, label)

    def show_time(self, view: TimeWindow) -> None:
        self.box.setXRange(view.start_s, view.end_s, padding=0)

    # -- y ---------------------------------------------------------------------------------------

    @property
    def y_range(self) -> tuple[float, float]:
        return self._range or (0.0, 1.0)

    def include(self, low: float, high: float) -> None:
        """Let the y range include these values, unless the user has set it."""
        if not low <= high:
            return
        self._data = (low, high)
        if self.fits_itself:
            self._set_range(settled_range(self._range, low, high, floor=self._floor, room=self._room))

    def set_exact_range(self, low: float, high: float) -> None:
        """Show exactly these values until the range is fitted again."""
        self.fits_itself = False
        self._set_range((low, high))

    def fit_y(self) -> None:
        """Let the y range fit the data again, at once: where nothing is recorded no new data may ever come."""
        self.fits_itself = True
        self._range = None
        if self._data is not None:
            self.include(*self._data)

    def forget_data(self) -> None:
        """Nothing is shown any more; the y range fits what comes next."""
        self._data = None
        self.fit_y()

    def _set_range(self, bounds: tuple[float, float]) -> None:
        if bounds != self._range:
            self._range = bounds
            self.box.setYRange(*bounds, padding=0)

    def _zoom_y(self, factor: float, at: float) -> None:
        self.fits_itself = False
        low, high = self.y_range
        self._set_range((at - (at - low) * factor, at + (high - at) * factor))

    def _pan_y(self, fraction: float) -> None:
        self.fits_itself = False
        low, high = self.y_range
        by = fraction * (high - low)
        self._set_range((low + by, high + by))

    # -- pixels ----------------------------------------------------------------------------------

    @property
    def rect(self) -> QRectF:
        """Where the data are, in pixels of the stack."""
        if self._rect is None:
            self._rect = QRectF(self.box.sceneBoundingRect())
        return self._rect

    def _forget_rect(self) -> None:
        self._rect = None

    def state(self) -> PaneState:
        """What is painted around the data of the pane."""
        return PaneState(self.rect, self.y_range, self.text_scale)
