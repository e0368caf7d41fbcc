# SPDX-License-Identifier: Apache-2.0
"""A pane: one quantity over the common time axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsGridLayout

from monitor_app.gui.plot.items import Placement
from monitor_app.gui.plot.plot_state import PaneState
from monitor_app.gui.plot.scales.axes import ROOM, TimeAxis, ValueAxis, axis_px
from monitor_app.gui.plot.scales.value_scale import Extent, Scale, fitted_range
from monitor_app.gui.plot.view_box import TimeViewBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor_app.gui.plot.items import Columns, Curve, Dots
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.theme import Theme

MARGIN_PX = 1.0
BELOW_LOG = "zero and below lie under a logarithmic axis"
OUTSIDE = "no value in view lies in this range"


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
        self._above_px, self._column, self._columns = MARGIN_PX, 0, 1
        self._place()
        self._floor, self._usual_room = floor, room
        self._range: tuple[float, float] | None = None
        self._data: Extent | None = None
        """Of the values last shown."""
        self.fits_itself = True
        self.scale = Scale.LINEAR
        self._wanted: tuple[float, float] | None = None
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
        self._above_px = pixels
        self._place()

    def set_column(self, column: int, columns: int) -> None:
        """Put the axis into this one of the columns of axes, counted from the data outwards."""
        if (column, columns) != (self._column, self._columns):
            self._column, self._columns = column, columns
            self._place()

    def fit_text(self) -> None:
        """Leave the axis the room that text of the size of now needs."""
        self.value_axis.fit_text()
        self._place()

    def _place(self) -> None:
        outside_px = (self._columns - 1 - self._column) * axis_px()
        self._layout.setContentsMargins(MARGIN_PX + outside_px, self._above_px, MARGIN_PX, MARGIN_PX)
        self._layout.setColumnSpacing(0, self._column * axis_px())

    def set_label(self, theme: Theme, label: str) -> None:
        self.value_axis.label = label

    def show_time(self, view: TimeWindow) -> None:
        self.box.set_x(view.start_s, view.end_s)

    # -- y ---------------------------------------------------------------------------------------

    @property
    def y_range(self) -> tuple[float, float]:
        return self._range or ((0.1, 1.0) if self.scale is Scale.LOG else (0.0, 1.0))

    def include(self, low: float, high: float, positive: float = math.inf) -> None:
        """Let the y range include these values, unless the user has set it; ``positive``: the smallest above zero."""
        if not low <= high:
            return
        self._data = Extent(low, high, positive)
        self._fit()

    @property
    def _room(self) -> float:
        """Fraction of the span of the data that is left free above them."""
        return self._usual_room

    def _fit(self) -> None:
        if self.fits_itself and self._data is not None:
            self._set_range(fitted_range(self.scale, self._range, self._data, floor=self._floor, room=self._room))

    def set_scale(self, scale: Scale) -> None:
        """Linear or logarithmic; a range that the user has set stays where that can be."""
        if scale is self.scale:
            return
        self.scale = scale
        shown, self._range = self._range, None
        if not self.fits_itself and shown is not None and (scale is Scale.LINEAR or shown[0] > 0):
            self._set_range(shown)
        else:
            self.fit_y()

    def set_look(self, scale: Scale, bounds: tuple[float, float] | None) -> None:
        """This scale, and exactly this range where there is one; what the user does to the range afterwards stays."""
        self.set_scale(scale)
        if bounds != self._wanted:
            self._wanted = bounds
            if bounds is not None:
                self.set_exact_range(*bounds)
            elif not self.fits_itself:
                self.fit_y()

    def set_exact_range(self, low: float, high: float) -> None:
        """Show exactly these values until the range is fitted again; ``low`` is above zero on a logarithmic axis."""
        self.fits_itself = False
        self._set_range((low, high))

    def fit_y(self) -> None:
        """Let the y range fit the data again, at once: where nothing is recorded no new data may ever come."""
        self.fits_itself = True
        self._range = None
        self._fit()

    def forget_data(self) -> None:
        """Nothing is shown any more; the y range fits what comes next, unless the user has typed one."""
        self._data = None
        self.fit_y()
        if self._wanted is not None:
            self.set_exact_range(*self._wanted)

    def _set_range(self, bounds: tuple[float, float]) -> None:
        if bounds != self._range:
            self._range = bounds
            self.box.set_y(*map(self.scale.plotted, bounds))
            self.box.y_changed.emit()

    def _zoom_y(self, factor: float, at: float) -> None:
        low, high = map(self.scale.plotted, self.y_range)
        self._set_plotted(at - (at - low) * factor, at + (high - at) * factor)

    def _pan_y(self, fraction: float) -> None:
        low, high = map(self.scale.plotted, self.y_range)
        by = fraction * (high - low)
        self._set_plotted(low + by, high + by)

    def _set_plotted(self, low: float, high: float) -> None:
        """A range that the user has set, as it is drawn."""
        bounds = self.scale.value_at(low), self.scale.value_at(high)
        if bounds[0] < bounds[1]:
            self.fits_itself = False
            self._set_range(bounds)

    # -- painting --------------------------------------------------------------------------------

    @property
    def items(self) -> Iterable[Curve | Columns | Dots]:
        """What is drawn in the pane, from the back to the front."""
        return ()

    def paint(self, painter: QPainter, ratio: float) -> None:
        """The data; ``ratio`` pixels of the screen or picture are one of the stack."""
        place = self.placement(ratio)
        painter.save()
        painter.setClipRect(self.rect, Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for item in self.items:
            item.paint(painter, place)
        painter.restore()

    def placement(self, ratio: float) -> Placement:
        """Where the data are now."""
        rect, (left, right), (low, high) = self.rect, self.box.x_range, self.box.y_range
        x_scale, y_scale = rect.width() / (right - left), -rect.height() / (high - low)
        room = QRectF(rect.left() * ratio, rect.top() * ratio, rect.width() * ratio, rect.height() * ratio).toRect()
        return Placement(x_scale, rect.left() - left * x_scale, y_scale, rect.bottom() - low * y_scale, room, ratio)

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
        return PaneState(
            self.rect,
            self.y_range,
            self.text_scale,
            scale=self.scale,
            note=self._note,
            column=self._column,
            label=self.value_axis.label,
        )

    @property
    def _note(self) -> str:
        """Why something is not seen."""
        data, (low, high) = self._data, self.y_range
        if data is not None and not self.fits_itself and (data.high < low or data.low > high):
            return OUTSIDE
        return BELOW_LOG if data is not None and self.scale is Scale.LOG and data.low <= 0 else ""
