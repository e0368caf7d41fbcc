# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Curves and dots that do not ask where their data lie: the view is set by us, never by them.

pyqtgraph's own items work out their bounds from the data again and again, for a view that would fit itself, and its
scatter plot masks and maps every point for each paint; with three panes that is a third of a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPen

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter


class _Unbounded:
    """As large as the view, whatever the data."""

    def boundingRect(self) -> QRectF:
        box = self.getViewBox()  # type: ignore[attr-defined]
        return QRectF(box.viewRect()) if box is not None else QRectF()

    def dataBounds(self, *_: Any, **__: Any) -> tuple[None, None]:
        return None, None

    def pixelPadding(self) -> float:
        return 0.0


class Curve(_Unbounded, pg.PlotCurveItem):
    """A line or separate strokes, one pixel wide."""


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
        size = self._size_px * painter.device().devicePixelRatioF()
        painter.setPen(QPen(self._colour, size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap))
        painter.drawPoints(points)
        painter.restore()
