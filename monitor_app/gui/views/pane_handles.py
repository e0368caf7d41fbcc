# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Handles between the panes: a drag, or the keys Up and Down, make one pane higher and its neighbour lower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QEnterEvent

    from monitor_app.gui.plot.pane_stack import PaneStack

LEAST_PX = 40
"""Of a pane."""
KEY_PX = 12
GRIP_PX = (36, 3)


class PaneHandles(QObject):
    """One handle below each pane but the lowest."""

    heights_chosen = Signal(object)
    """Heights of the panes relative to each other, from top to bottom; None for the usual ones."""

    def __init__(self, stack: PaneStack) -> None:
        super().__init__(stack)
        self._stack = stack
        self.handles: list[PaneHandle] = []
        for pane in stack.every:
            pane.plot.geometryChanged.connect(self.place)
        self.place()

    def place(self) -> None:
        """Where the panes are now."""
        rows = self._stack.rows
        while len(self.handles) < len(rows) - 1:
            self.handles.append(PaneHandle(self._stack, self, len(self.handles)))
        for k, handle in enumerate(self.handles):
            handle.setVisible(k < len(rows) - 1)
            if k < len(rows) - 1:
                upper, lower = (row.plot.sceneBoundingRect() for row in rows[k : k + 2])
                gap = QRectF(upper.left(), upper.bottom(), upper.width(), max(lower.top() - upper.bottom(), 4.0))
                handle.setGeometry(self._stack.mapFromScene(gap).boundingRect())

    def move(self, row: int, by_px: float) -> None:
        """The boundary below this row, as far as the panes on both sides allow."""
        heights = [pane.plot.geometry().height() for pane in self._stack.rows]
        by_px = min(max(by_px, LEAST_PX - heights[row]), heights[row + 1] - LEAST_PX)
        if heights[row] + by_px < LEAST_PX:
            return
        heights[row] += by_px
        heights[row + 1] -= by_px
        self.heights_chosen.emit(tuple(max(round(height), 1) for height in heights))


class PaneHandle(QWidget):
    """The room between two panes."""

    def __init__(self, stack: PaneStack, handles: PaneHandles, row: int) -> None:
        super().__init__(stack)
        self._stack, self._handles, self._row = stack, handles, row
        self._grabbed_y: float | None = None
        self.setCursor(Qt.CursorShape.SplitVCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"boundary below pane {row + 1}")
        self.setAccessibleDescription("Drag it, or press Up and Down, to change the heights of the panes.")
        self.setToolTip("Drag: heights of the panes. Double click: the usual heights")

    def paintEvent(self, event: QPaintEvent) -> None:
        if not (self.underMouse() or self.hasFocus() or self._grabbed_y is not None):
            return
        theme = self._stack.theme
        painter = QPainter(self)
        width, height = GRIP_PX
        grip = QRectF(0, 0, width, height)
        grip.moveCenter(QPointF(self.rect().center()))
        painter.fillRect(grip, QColor(theme.current if self.hasFocus() else theme.dim))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed_y = event.position().y()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed_y is not None:
            self._handles.move(self._row, event.position().y() - self._grabbed_y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed_y = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._grabbed_y = None
        self._handles.heights_chosen.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -KEY_PX, Qt.Key.Key_Down: KEY_PX}.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
        else:
            self._handles.move(self._row, step)

    def event(self, event: QEvent) -> bool:
        """Up and Down are shortcuts of the window; here they are those of the handle."""
        arrows = {Qt.Key.Key_Up, Qt.Key.Key_Down}
        asked = event.type() == event.Type.ShortcutOverride
        if asked and isinstance(event, QKeyEvent) and event.key() in arrows:
            event.accept()
            return True
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
