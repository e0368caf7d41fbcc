# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The signals of an instrument as lines to click; painted, for there may be forty of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from monitor_app.gui.keyboard import LIST_KEYS, OWN_KEYS
from monitor_app.gui.plain_tip import plain_tip
from monitor_app.gui.plot.legend import paint_mark
from monitor_app.gui.theme import BODY_PX, SMALL_PX, ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from monitor_app.gui.panels.source_cards import SignalLine
    from monitor_app.gui.theme import Theme

LINE_PX = 18
MARGIN_PX = 17
"""Left of the names: the mark of a signal that is shown, or a plus under the mouse."""
APART_PX = 10


class SignalList(QWidget):
    """A click shows only this signal; a click on the margin, or with Ctrl, shows it with the others or hides it."""

    chosen = Signal(int)
    """(id of the signal)"""
    toggled = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.lines: tuple[SignalLine, ...] = ()
        self._theme = theme
        self._under: int | None = None
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty(OWN_KEYS, list(LIST_KEYS))
        self.setAccessibleName("signals")
        self.setAccessibleDescription("Up and Down choose a signal, Return shows only it, Space shows or hides it.")

    def sizeHint(self) -> QSize:
        return QSize(120, LINE_PX * len(self.lines))

    def show_lines(self, lines: tuple[SignalLine, ...], theme: Theme) -> None:
        if (lines, theme) == (self.lines, self._theme):
            return
        if len(lines) != len(self.lines):
            self._under = None
            self.setFixedHeight(LINE_PX * len(lines))
        self.lines, self._theme = lines, theme
        self.setVisible(bool(lines))
        self.update()

    def middle_of(self, signal_id: int, *, on_margin: bool = False) -> QPointF:
        """Where to click for a signal."""
        k = next(k for k, line in enumerate(self.lines) if line.id == signal_id)
        return QPointF(MARGIN_PX / 2 if on_margin else MARGIN_PX + 12, (k + 0.5) * LINE_PX)

    # -- mouse -----------------------------------------------------------------------------------

    def line_at(self, at: QPointF) -> SignalLine | None:
        """The signal at a place, if there is one."""
        k = self._line_at(at)
        return self.lines[k] if k is not None else None

    def _line_at(self, at: QPointF) -> int | None:
        k = int(at.y() // LINE_PX)
        return k if 0 <= k < len(self.lines) else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._line_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def _hover(self, line: int | None) -> None:
        if line != self._under:
            self._under = line
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        line = self._line_at(event.position())
        if line is None or event.button() != Qt.MouseButton.LeftButton:
            return
        adds = event.position().x() < MARGIN_PX or event.modifiers() & Qt.KeyboardModifier.ControlModifier
        (self.toggled if adds else self.chosen).emit(self.lines[line].id)

    # -- keys ------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._hover(0)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        k, last = self._under or 0, len(self.lines) - 1
        moves = {Qt.Key.Key_Up: k - 1, Qt.Key.Key_Down: k + 1, Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        key = Qt.Key(event.key())
        if key in moves:
            self._hover(min(max(moves[key], 0), last))
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and k <= last:
            self.chosen.emit(self.lines[k].id)
        elif key == Qt.Key.Key_Space and k <= last:
            self.toggled.emit(self.lines[k].id)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            self._show_tip(event)  # type: ignore[arg-type]
            return True
        return super().event(event)

    def _show_tip(self, event: QHelpEvent) -> None:
        k = self._line_at(QPointF(event.pos()))
        if k is not None:
            line = self.lines[k]
            other = "hide it" if line.slot is not None else "show it with the others"
            QToolTip.showText(
                event.globalPos(),
                plain_tip(f"{line.name}  {line.detail}\nClick: show only this signal. + or Ctrl+click: {other}."),
                self,
            )

    # -- paint -----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for k, line in enumerate(self.lines):
            area = QRectF(0, k * LINE_PX, self.width(), LINE_PX)
            if k == self._under:
                painter.fillRect(area, QColor(self._theme.raised))
            self._paint_margin(painter, line, area, hovered=k == self._under)
            self._paint_texts(painter, line, area, hovered=k == self._under)

    def _paint_margin(self, painter: QPainter, line: SignalLine, area: QRectF, *, hovered: bool) -> None:
        middle = QPointF(6.5, area.center().y())
        if line.slot is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(line.colour))
            paint_mark(painter, middle, line.slot)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        elif hovered:
            painter.setPen(QPen(QColor(self._theme.text), 1))
            x, y = middle.x(), round(middle.y()) + 0.5
            painter.drawLine(QPointF(x - 3, y), QPointF(x + 3, y))
            painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))

    def _paint_texts(self, painter: QPainter, line: SignalLine, area: QRectF, *, hovered: bool) -> None:
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        small, body = QFontMetricsF(ui_font(SMALL_PX)), QFontMetricsF(ui_font(BODY_PX))
        painter.setFont(ui_font(SMALL_PX))
        painter.setPen(QColor(self._theme.dim))
        painter.drawText(area, right, line.detail)
        room = area.width() - MARGIN_PX - small.horizontalAdvance(line.detail) - APART_PX
        painter.setFont(ui_font(BODY_PX))
        painter.setPen(QColor(self._theme.text if hovered or line.slot is not None else self._theme.dim))
        baseline = area.top() + (LINE_PX + body.ascent() - body.descent()) / 2
        painter.drawText(QPointF(MARGIN_PX, baseline), body.elidedText(line.name, Qt.TextElideMode.ElideMiddle, room))
