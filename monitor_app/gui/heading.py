# SPDX-License-Identifier: Apache-2.0
"""The small parts that the side panels share."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QLayout, QWidget

from monitor_app.gui.theme import CAPTION_PX, ui_font


class Heading(QLabel):
    """The name of a panel."""

    def __init__(self, text: str) -> None:
        super().__init__(text.upper())
        self.setObjectName("heading")
        font = QFont(ui_font(CAPTION_PX))
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 1.0)
        self.setFont(font)


def empty(layout: QLayout) -> None:
    """Remove and delete all that is in a layout."""
    while layout.count():
        item = layout.takeAt(0)
        widget, inner = item.widget(), item.layout()
        if isinstance(widget, QWidget):
            widget.hide()
            widget.deleteLater()
        if isinstance(inner, QLayout):
            empty(inner)
            inner.deleteLater()
