# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""What the mouse does on a chart, as on a trace wherever the two can be alike.

wheel                       zoom at the pointer                drag               pan
Shift+wheel                 pan in x                           Shift+drag         zoom to what is framed
Ctrl+wheel, wheel on axis   zoom the values, or that axis      Ctrl+drag, axis    pan the values, or that axis
double click                show everything                    middle click       the values fit themselves again
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal

from monitor_app.gui.plot.view_box import NOTCH, PAN_PER_NOTCH, ZOOM_PER_NOTCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QGraphicsSceneMouseEvent, QGraphicsSceneWheelEvent

MOST_OUT = 6.0
"""Times as wide as everything: farther out there is nothing to see."""
MOST_IN = 1e-4
BOTH = (True, True)


class ChartBox(pg.ViewBox):
    """A view box that moves with the mouse and by nothing else."""

    clicked = Signal(QPointF)
    """(place in the scene)"""
    framed = Signal(object)
    """(QRectF of the scene while a stretch is framed, then None)"""
    dragged = Signal(object, QPointF)
    """(what was taken hold of, place in the scene)"""
    moved = Signal()

    def __init__(self, hold: Callable[[QPointF], object]) -> None:
        """``hold``: what lies under a place of the scene and can be dragged, or None."""
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.setMouseEnabled(False, False)
        self.disableAutoRange()
        self._hold = hold
        self._held: object = None
        self._all = QRectF(0, 0, 1, 1)

    def fit(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show these coordinates; they are everything."""
        self._all = QRectF(x[0], y[0], x[1] - x[0], y[1] - y[0])
        self.show_all()

    def show_all(self) -> None:
        self.show_rect(self._all)

    def fit_y(self) -> None:
        view = self.viewRect()
        self.show_rect(QRectF(view.left(), self._all.top(), view.width(), self._all.height()))

    def show_rect(self, rect: QRectF) -> None:
        """Coordinates; the height counts upwards."""
        self.setRange(xRange=(rect.left(), rect.right()), yRange=(rect.top(), rect.bottom()), padding=0)
        self.moved.emit()

    # -- mouse -----------------------------------------------------------------------------------

    def zoom(self, factor: float, at: QPointF, axes: tuple[bool, bool] = BOTH) -> None:
        """``factor`` times as wide, high or both, with ``at`` staying where it is."""
        view, whole = self.viewRect(), self._all
        x, width = _zoomed(view.left(), view.width(), at.x(), factor if axes[0] else 1.0, whole.width())
        y, height = _zoomed(view.top(), view.height(), at.y(), factor if axes[1] else 1.0, whole.height())
        self.show_rect(QRectF(x, y, width, height))

    def pan(self, x: float, y: float) -> None:
        """By shares of the width and the height; half of the picture always stays."""
        view, whole = self.viewRect(), self._all
        moved = view.translated(x * view.width(), y * view.height())
        middle = moved.center()
        if whole.left() <= middle.x() <= whole.right() or view.width() > whole.width():
            view.moveLeft(moved.left())
        if whole.top() <= middle.y() <= whole.bottom() or view.height() > whole.height():
            view.moveTop(moved.top())
        self.show_rect(view)

    def wheelEvent(self, ev: QGraphicsSceneWheelEvent, axis: int | None = None) -> None:
        notches, keys = ev.delta() / NOTCH, ev.modifiers()
        if ev.orientation() == Qt.Orientation.Horizontal or keys & Qt.KeyboardModifier.ShiftModifier:
            self.pan(-notches * PAN_PER_NOTCH, 0.0)
        else:
            self.zoom(ZOOM_PER_NOTCH**-notches, self.mapSceneToView(ev.scenePos()), _axes(keys, axis))
        ev.accept()

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        if ev.button() not in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            ev.ignore()
            return
        ev.accept()
        if ev.isStart():
            self._held = self._hold(ev.buttonDownScenePos()) if axis is None else None
        if self._held is not None:
            self.dragged.emit(self._held, ev.scenePos())
        elif axis is None and ev.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._frame(QRectF(ev.buttonDownScenePos(), ev.scenePos()).normalized(), done=ev.isFinish())
        else:
            moved, axes = ev.scenePos() - ev.lastScenePos(), _axes(ev.modifiers(), axis)
            self.pan(-moved.x() / max(self.width(), 1.0) * axes[0], moved.y() / max(self.height(), 1.0) * axes[1])
        if ev.isFinish():
            self._held = None

    def _frame(self, rect: QRectF, *, done: bool) -> None:
        self.framed.emit(None if done else rect)
        if done and rect.width() > 4 and rect.height() > 4:
            corners = self.mapSceneToView(rect.bottomLeft()), self.mapSceneToView(rect.topRight())
            self.show_rect(QRectF(*corners).normalized())

    def mouseClickEvent(self, ev: Any) -> None:
        if ev.button() == Qt.MouseButton.MiddleButton:
            self.fit_y()
            ev.accept()
        elif ev.button() == Qt.MouseButton.LeftButton and not ev.double():
            self.clicked.emit(ev.scenePos())
            ev.accept()

    def mouseDoubleClickEvent(self, ev: QGraphicsSceneMouseEvent) -> None:
        self.show_all()
        ev.accept()


def _axes(keys: Qt.KeyboardModifier, axis: int | None) -> tuple[bool, bool]:
    if axis is None and keys & Qt.KeyboardModifier.ControlModifier:
        return False, True
    return (axis in {None, 0}, axis in {None, 1})


def _zoomed(start: float, width: float, at: float, factor: float, whole: float) -> tuple[float, float]:
    wanted = min(max(width * factor, whole * MOST_IN), whole * MOST_OUT)
    return at - (at - start) * wanted / width, wanted
