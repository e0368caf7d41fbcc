# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""What the two layers around the marks of a chart have in common: room, sizes, text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

if TYPE_CHECKING:
    from monitor_app.gui.figures.chart_view import ChartView

LEFT_PX, TOP_PX, RIGHT_PX = 66, 18, 18
BOTTOM_PX, TITLE_PX = 46, 20
"""Room around the marks; below, of numbers in one line and of the title under them."""
RIGHT, CENTRE, LEFT = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignLeft
MIDDLE, TOP = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignTop


class Layer(pg.GraphicsObject):
    """Painted in pixels of the scene, and not seen by the mouse."""

    def __init__(self, view: ChartView, z: float) -> None:
        super().__init__()
        self.view = view
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def boundingRect(self) -> QRectF:
        return QRectF(self.view.sceneRect())


def write(painter: QPainter, room: QRectF, where: Qt.AlignmentFlag, text: str, colour: str) -> None:
    """One line of text in a colour."""
    painter.setPen(QColor(colour))
    painter.drawText(room, where, text)
