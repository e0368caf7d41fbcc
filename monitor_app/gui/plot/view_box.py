# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""What the mouse asks for on a pane, announced by signals and carried out elsewhere.

wheel                       zoom in time at the cursor         drag               pan in time
Shift+wheel                 pan in time                        Shift+drag         lay a pair of markers
Ctrl+wheel, wheel on axis   zoom in y                          Ctrl+drag, axis    pan in y
double click                lay a pair, or show all            middle click       fit y again
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, Signal

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsSceneMouseEvent, QGraphicsSceneWheelEvent

NOTCH = 120.0
ZOOM_PER_NOTCH = math.sqrt(2.0)
PAN_PER_NOTCH = 0.1
"""Fraction of the width."""


class TimeViewBox(pg.GraphicsWidget):
    """The room of the data of a pane, and which data are in it; it never moves by itself, and paints nothing.

    A pyqtgraph.ViewBox keeps the transforms of its items, of which there are none here, for a good part of a frame.
    """

    zoom_asked = Signal(float, float)
    """(factor, time in s that stays in place)"""
    pan_asked = Signal(float)
    """(seconds towards later)"""
    y_zoom_asked = Signal(float, float)
    """(factor, value that stays in place)"""
    y_pan_asked = Signal(float)
    """(fraction of the height towards larger values)"""
    y_reset_asked = Signal()
    double_clicked = Signal(QPointF)
    """(place in the stack)"""
    selected = Signal(float, float, bool)
    """(start, end in s, whether the drag has ended) while an interval is dragged"""
    clicked = Signal()
    y_changed = Signal()
    """Other values are at its edges."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._y = (0.0, 1.0), (0.0, 1.0)

    def set_x(self, low: float, high: float) -> None:
        """The times at the left and the right edge, in s."""
        self._x = low, high

    def set_y(self, low: float, high: float) -> None:
        """What is drawn at the lower and the upper edge."""
        self._y = low, high

    @property
    def x_range(self) -> tuple[float, float]:
        return self._x

    @property
    def y_range(self) -> tuple[float, float]:
        return self._y

    def mapSceneToView(self, at: QPointF) -> QPointF:
        """The time, and what is drawn, at a place in the stack."""
        rect, (left, right), (low, high) = self.sceneBoundingRect(), self._x, self._y
        x = (at.x() - rect.left()) / max(rect.width(), 1e-9) * (right - left)
        y = (rect.bottom() - at.y()) / max(rect.height(), 1e-9) * (high - low)
        return QPointF(left + x, low + y)

    def mapViewToScene(self, at: QPointF) -> QPointF:
        """The place in the stack of a time and of what is drawn there."""
        rect, (left, right), (low, high) = self.sceneBoundingRect(), self._x, self._y
        x, y = (at.x() - left) / (right - left), (at.y() - low) / (high - low)
        return QPointF(rect.left() + x * rect.width(), rect.bottom() - y * rect.height())

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        notches = ev.delta() / NOTCH
        modifiers = ev.modifiers()
        at = self.mapSceneToView(ev.scenePos())
        sideways = ev.orientation() == Qt.Orientation.Horizontal
        if axis == 1 or modifiers & Qt.KeyboardModifier.ControlModifier:
            self.y_zoom_asked.emit(ZOOM_PER_NOTCH**-notches, at.y())
        elif sideways or modifiers & Qt.KeyboardModifier.ShiftModifier:
            self.pan_asked.emit(-notches * PAN_PER_NOTCH * self._width_s)
        else:
            self.zoom_asked.emit(ZOOM_PER_NOTCH**-notches, at.x())
        ev.accept()

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if ev.button() not in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            ev.ignore()
            return
        ev.accept()
        moved = ev.scenePos() - ev.lastScenePos()
        modifiers = ev.modifiers()
        if axis == 1 or modifiers & Qt.KeyboardModifier.ControlModifier:
            self.y_pan_asked.emit(moved.y() / max(self.height(), 1.0))
        elif axis is None and modifiers & Qt.KeyboardModifier.ShiftModifier:
            ends = [self.mapSceneToView(p).x() for p in (ev.buttonDownScenePos(), ev.scenePos())]
            self.selected.emit(min(ends), max(ends), ev.isFinish())
        else:
            self.pan_asked.emit(-moved.x() * self._width_s / max(self.width(), 1.0))

    @property
    def _width_s(self) -> float:
        return self._x[1] - self._x[0]

    def mouseClickEvent(self, ev: Any) -> None:
        if ev.button() == Qt.MouseButton.MiddleButton:
            self.y_reset_asked.emit()
            ev.accept()
        elif ev.button() == Qt.MouseButton.LeftButton and not ev.double():
            self.clicked.emit()
            ev.accept()

    def mouseDoubleClickEvent(self, ev: QGraphicsSceneMouseEvent) -> None:
        self.double_clicked.emit(ev.scenePos())
        ev.accept()
