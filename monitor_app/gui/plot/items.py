# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Curves, columns and dots that never compute the bounds of their data: the view is set by the stack alone.

pyqtgraph's own items work out their bounds from the data again and again, for a view that would fit itself, and its
scatter plot masks and maps every point for each paint; with three panes that is a third of a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPen, QTransform

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter


class _Unbounded:
    """Has the bounds of the view, whatever its data."""

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()  # type: ignore[attr-defined]
        return QRectF(box.viewRect()) if box is not None else QRectF()

    def dataBounds(self, *_: Any, **__: Any) -> tuple[None, None]:
        return None, None

    def pixelPadding(self) -> float:
        return 0.0


class Curve(_Unbounded, pg.PlotCurveItem):
    """A line, or separate segments, one pixel wide."""


class Dots(_Unbounded, pg.GraphicsObject):
    """Square dots of a size in pixels."""

    def __init__(self, size_px: int) -> None:
        super().__init__()
        self._size_px = size_px
        self._colour = QColor()
        self._x: NDArray[np.float64] = np.empty(0)
        self._y: NDArray[np.float64] = np.empty(0)

    def set_colour(self, colour: QColor | str) -> None:
        self._colour = QColor(colour)
        self.update()

    def set_data(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self._x, self._y = x, y
        self.update()

    def clear(self) -> None:
        self.set_data(np.empty(0), np.empty(0))

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, *_: Any) -> None:
        if len(self._x) == 0:
            return
        to_device = painter.transform()
        points = pg.functions.create_qpolygonf(len(self._x))
        pixels = pg.functions.ndarray_from_qpolygonf(points)
        pixels[:, 0] = self._x * to_device.m11() + to_device.dx()
        pixels[:, 1] = self._y * to_device.m22() + to_device.dy()
        painter.save()
        painter.resetTransform()
        painter.setPen(QPen(self._colour, self._size_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap))
        painter.drawPoints(points)
        painter.restore()


class Columns(_Unbounded, pg.GraphicsObject):
    """Vertical lines, one pixel wide, each from a minimum to a maximum.

    They are put together row by row as an image: lines that stand side by side, each drawn from its top to its
    bottom, take four times as long, for each of their pixels is far from the one before in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self._colour = QColor()
        self._x = self._low = self._high = np.empty(0)
        self._ratio = 1.0

    def set_colour(self, colour: QColor | str) -> None:
        self._colour = QColor(colour)
        self.update()

    def set_data(
        self, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], ratio: float = 1.0
    ) -> None:
        """Arrays of n; x rises. ``ratio`` columns are side by side in a pixel of the view."""
        self._x, self._low, self._high, self._ratio = x, low, high, ratio
        self.update()

    def clear(self) -> None:
        self.set_data(np.empty(0), np.empty(0), np.empty(0))

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, *_: Any) -> None:
        if len(self._x) == 0:
            return
        to_view, ratio = painter.transform(), self._ratio
        to_device = to_view * QTransform.fromScale(ratio, ratio)
        room = to_device.mapRect(self.boundingRect()).toAlignedRect()
        column = np.floor(self._x * to_device.m11() + to_device.dx()).astype(np.int64) - room.left()
        inside = slice(*np.searchsorted(column, (0, room.width())))
        top = self._high[inside] * to_device.m22() + to_device.dy() - room.top()
        bottom = self._low[inside] * to_device.m22() + to_device.dy() - room.top()
        pixels, row, left = columns_image(column[inside], top, bottom, room.height(), self._colour.rgba())
        if len(pixels) == 0:
            return
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        painter.save()
        painter.resetTransform()
        image.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF((room.left() + left) / ratio, (room.top() + row) / ratio), image)
        painter.restore()


def columns_image(
    column: NDArray[np.int64], top: NDArray[np.float64], bottom: NDArray[np.float64], height: int, colour: int
) -> tuple[NDArray[np.uint32], int, int]:
    """The pixels that hold all columns, and where they begin: row and column within a pane of ``height`` rows.

    ``column`` rises; ``top`` and ``bottom`` are pixels from above, and each column has at least one. Columns in the
    same place are one, from the top of the highest to the bottom of the lowest.
    """
    if len(column) == 0:
        return np.empty((0, 0), np.uint32), 0, 0
    left, width = int(column[0]), int(column[-1] - column[0]) + 1
    starts = np.flatnonzero(np.diff(column, prepend=left - 1))
    begin, end = np.full(width, height, np.int16), np.zeros(width, np.int16)
    place = column[starts] - left
    begin[place] = np.clip(np.floor(np.minimum.reduceat(top, starts)), 0, height)
    end[place] = np.clip(np.floor(np.maximum.reduceat(bottom, starts)) + 1, 0, height)
    low, high = int(begin.min()), int(end.max())
    if high <= low:
        return np.empty((0, 0), np.uint32), 0, 0
    pixels = np.zeros((high - low, width), np.uint32)
    # Rows that all columns have need no comparison.
    full_from = min(max(int(begin.max()), low), high)
    full_to = max(int(end.min()), full_from)
    pixels[full_from - low : full_to - low] = colour
    for first, last in ((low, full_from), (full_to, high)):
        rows = np.arange(first, last, dtype=np.int16)[:, None]
        np.multiply((rows >= begin) & (rows < end), np.uint32(colour), out=pixels[first - low : last - low])
    return pixels, low, left
