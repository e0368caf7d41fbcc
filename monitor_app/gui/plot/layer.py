# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A layer of the stack, painted from a PlotState."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from monitor_app.gui.plot.plot_state import PlotState


class Layer(pg.GraphicsObject):
    """Paints a PlotState; the state is set before each painting."""

    def __init__(self, z: float) -> None:
        super().__init__()
        self._state: PlotState | None = None
        self.setZValue(z)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def set_state(self, state: PlotState) -> None:
        if self._state is None or state.area != self._state.area:
            self.prepareGeometryChange()
        self._state = state

    @property
    def state(self) -> PlotState:
        assert self._state is not None
        return self._state

    def boundingRect(self) -> QRectF:
        return QRectF(self._state.area) if self._state is not None else QRectF()

    def paint(self, painter: QPainter, *_: Any) -> None:
        if self._state is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setFont(ui_font(SMALL_PX))
            self.paint_state(painter)

    def paint_state(self, painter: QPainter) -> None:
        """Without antialiasing, in the small font."""
        raise NotImplementedError
