# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The small parts that the side panels share."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QLabel, QLayout, QPushButton, QSizePolicy, QWidget

from monitor_app.core.plain_text import visible_lines
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.theme import CAPTION_PX, ui_font


class Label(QLabel):
    """Text that is shown as it is; Qt would take what looks like HTML for HTML."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(visible_lines(text))

    def setToolTip(self, text: str) -> None:
        super().setToolTip(plain_tip(text))


class SectionHeader(QLabel):
    """The name of a panel."""

    def __init__(self, text: str) -> None:
        super().__init__(text.upper())
        self.setObjectName("header")
        font = QFont(ui_font(CAPTION_PX))
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 1.0)
        self.setFont(font)


class WordButton(QPushButton):
    """A button without a frame."""

    def __init__(self, text: str = "", *, name: str = "word") -> None:
        super().__init__(text)
        self.setObjectName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)


class Elided(Label):
    """Dim text on one line, elided to the width there is; the tool tip shows all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("dim")
        self.whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str, tip: str = "") -> None:
        if text != self.whole:
            self.whole = text
            self._elide()
        self.setToolTip(tip or text)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self.whole, Qt.TextElideMode.ElideRight, self.width()))


class Shrinking(Elided):
    """As wide as its text where there is room; else elided, to ``least_px`` of it before others give more."""

    def __init__(self, least_px: int = 0) -> None:
        super().__init__()
        self._least_px = least_px
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_text(self, text: str, tip: str = "") -> None:
        changed = text != self.whole
        super().set_text(text, tip)
        if changed:
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self._whole_px, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._whole_px, self._least_px), super().minimumSizeHint().height())

    @property
    def _whole_px(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.whole) + 1


class MarkedName(Elided):
    """A name after a coloured mark."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("")
        self.setTextFormat(Qt.TextFormat.RichText)
        self._mark = self._colour = ""

    def show_name(self, mark: str, colour: str, name: str) -> None:
        if (mark, colour) != (self._mark, self._colour):
            self._mark, self._colour, self.whole = mark, colour, ""
        self.set_text(name)

    def _elide(self) -> None:
        metrics = self.fontMetrics()
        room = self.width() - metrics.horizontalAdvance(self._mark + 2 * " ")
        name = metrics.elidedText(visible_lines(self.whole), Qt.TextElideMode.ElideMiddle, room)
        QLabel.setText(self, f'<span style="color:{self._colour}">{self._mark}</span>&nbsp; {escape(name)}')


def dim_label(text: str = "") -> Label:
    """A label in the colour of units and captions."""
    label = Label(text)
    label.setObjectName("dim")
    return label


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
