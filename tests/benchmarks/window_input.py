# SPDX-License-Identifier: Apache-2.0
"""The mouse and the keys of random_actions.py: events of the window system, one gesture at a time, as from one hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QInputMethodEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QMessageBox, QWidget
from shiboken6 import isValid

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QWindow

NO, SHIFT, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
MODIFIERS = (NO, NO, NO, SHIFT, CTRL)
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
BUTTONS = (LEFT, LEFT, LEFT, LEFT, RIGHT, RIGHT, MIDDLE)
KEYS = (
    *(getattr(Qt.Key, f"Key_{name}") for name in "123456789"),
    *(getattr(Qt.Key, f"Key_{name}") for name in ("Tab", "Backtab", "Return", "Escape", "Space", "Delete", "A", "J")),
)
TEXTS = ("", "1", "0.5", "-3", "1e9", "abc", "peak", "12:30", "5 s", "<b>&amp;</b>", "ü 漢字", "9" * 40, "resnet")


class Hand:
    """QTest turns the event loop within each call, so that the next gesture could begin inside of this one.

    A second button would then be pressed while the first is held, for which Qt lets nothing be clicked, or a window be
    closed between the press and the release of a key, for which it crashes. ``busy`` is true meanwhile, unless the
    gesture has opened a dialog or a menu that is now to be answered.
    """

    def __init__(self) -> None:
        self._within: list[tuple[QWidget | None, QWidget | None]] = []
        """For each gesture that has not ended: the popup and the dialog that there were at its beginning."""
        self._held: tuple[QWindow, Qt.MouseButton, QPoint] | None = None

    @property
    def busy(self) -> bool:
        """Whether a gesture is under way that waits for nothing."""
        known = [each for both in self._within for each in both]
        open_now = [each for each in _foremost() if each is not None]
        return bool(self._within) and all(each in known for each in open_now)

    def let_go(self) -> None:
        """Release what is held, as a user does before answering the dialog that has come up."""
        held, self._held = self._held, None
        if held is not None and isValid(held[0]):
            self._do(QTest.mouseRelease, held[0], held[1], NO, held[2])

    # -- gestures --------------------------------------------------------------------------------

    def key(self, window: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO) -> None:
        """Press and release; not where the press has closed the window."""
        for do in (QTest.keyPress, QTest.keyRelease):
            handle = _handle(window)
            if handle is not None:
                self._do(do, handle, key, modifiers)

    def text(self, field: QWidget, text: str) -> None:
        """Type into what has the focus; what no key of a plain keyboard gives comes as from an input method."""
        field.setFocus()
        for letter in text:
            if not isValid(field):
                return
            if letter.isascii():
                self._do(QTest.keyClicks, field, letter)
            else:
                event = QInputMethodEvent()
                event.setCommitString(letter)
                QApplication.sendEvent(field, event)

    def click(
        self, widget: QWidget, at: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifiers: Qt.KeyboardModifier = NO, *, double: bool = False,
    ) -> None:  # fmt: skip
        """Through the window system, as a real mouse, so that context menus come too."""
        if double:
            window, place = _place(widget, at)
            if window is not None:
                self._do(QTest.mouseDClick, window, button, modifiers, place)
            return
        self.press(widget, at, button, modifiers)
        self.release(widget, at, modifiers)

    def press(self, widget: QWidget, at: QPoint, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> None:
        window, place = _place(widget, at)
        if window is not None:
            self._held = window, button, place
            self._do(QTest.mousePress, window, button, modifiers, place)

    def move(self, widget: QWidget, at: QPoint) -> None:
        window, place = _place(widget, at)
        if window is not None and self._held is not None:
            self._do(QTest.mouseMove, window, place)

    def release(self, widget: QWidget, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        """Where something was pressed and has not been released since."""
        held, self._held = self._held, None
        if held is None or not isValid(held[0]):
            return
        window, place = _place(widget, at)
        if window is held[0]:
            self._do(QTest.mouseRelease, window, held[1], modifiers, place)
        else:
            self._do(QTest.mouseRelease, held[0], held[1], modifiers, held[2])

    def wheel(self, widget: QWidget, at: QPoint, steps: int, modifiers: Qt.KeyboardModifier) -> None:
        event = QWheelEvent(
            QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
            modifiers, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def _do(self, do: Any, *how: Any) -> None:
        self._within.append(_foremost())
        try:
            do(*how)
        finally:
            self._within.pop()


def _foremost() -> tuple[QWidget | None, QWidget | None]:
    return QApplication.activePopupWidget(), QApplication.activeModalWidget()


def _handle(widget: QWidget) -> QWindow | None:
    """None where the widget has gone with the last event, or is hidden."""
    if not isValid(widget) or not widget.window().isVisible():
        return None
    return widget.window().windowHandle()


def _place(widget: QWidget, at: QPoint) -> tuple[QWindow | None, QPoint]:
    handle = _handle(widget)
    return handle, widget.mapTo(widget.window(), at) if handle is not None else at


def text_of(action: QAction) -> str:
    """Without the mark of its mnemonic."""
    return action.text().replace("&", "")


def name_of(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, (QAbstractButton, QLabel, QLineEdit, QMessageBox)) else ""
    title = widget.windowTitle() if widget.isWindow() else ""
    return " ".join(filter(None, (type(widget).__name__, widget.objectName(), text[:30], title[:40])))
