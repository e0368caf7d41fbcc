# SPDX-License-Identifier: Apache-2.0
"""A layer of the stack, painted from a PlotState."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QPainter

from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from monitor_app.gui.plot.plot_state import PlotState


class Layer:
    """Paints a PlotState, straight onto what is shown: no item of a scene stands behind it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._state: PlotState | None = None

    def set_state(self, state: PlotState) -> None:
        """What the next painting is of."""
        self._state = state

    @property
    def state(self) -> PlotState:
        assert self._state is not None
        return self._state

    def paint_layer(self, painter: QPainter) -> None:
        """Paint the state that was set, if any."""
        if self._state is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(ui_font(SMALL_PX))
        self.paint_state(painter)

    def paint_state(self, painter: QPainter) -> None:
        """Without antialiasing, in the small font."""
        raise NotImplementedError
