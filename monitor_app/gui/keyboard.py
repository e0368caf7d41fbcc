# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The window without a mouse: who has the keys, a ring around it, and mnemonics in the menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QDialog,
    QLabel,
    QMenu,
    QMenuBar,
    QMessageBox,
    QPushButton,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from monitor_app.gui.theme import Theme

OWN_KEYS = "own_keys"
"""Property of a widget: keys that are its own while it has the focus, and no shortcuts of the window then."""
BUTTON_KEYS = ("Space", "Return", "Enter")
LIST_KEYS = (*BUTTON_KEYS, "Up", "Down", "Home", "End")
RING_PX = 2


class KeyboardAccess(QObject):
    """Leaves the focused widget its keys, which may be shortcuts of the window, and shows which one it is.

    Made when the window has all its actions. ``home`` has the focus until the user presses Tab, so that Space is the
    shortcut and not a press of the first button.
    """

    def __init__(self, window: QWidget, home: QWidget, theme: Callable[[], Theme]) -> None:
        super().__init__(window)
        self._window, self._home, self._theme = window, home, theme
        self._shortcuts = {action: action.shortcuts() for action in window.actions() if action.shortcuts()}
        self._taken: frozenset[str] = frozenset()
        self.ring: FocusRing | None = None
        home.setFocus()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        here = new is not None and new.window() is self._window
        self._take(keys_of(new) if here and new is not None else frozenset())
        self._unring()
        by_mouse = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        # A window that opens gives the focus away as well, and no key was pressed for it
        within = here and old is not None and old.window() is self._window
        if new is not None and within and not by_mouse:
            self.ring = FocusRing(new, self._theme().current)

    def _take(self, keys: frozenset[str]) -> None:
        if keys == self._taken:
            return
        self._taken = keys
        for action, shortcuts in self._shortcuts.items():
            left = [shortcut for shortcut in shortcuts if shortcut.toString() not in keys]
            if left != action.shortcuts():
                action.setShortcuts(left)

    def _unring(self) -> None:
        ring, self.ring = self.ring, None
        if ring is not None and ring.alive:
            ring.hide()
            ring.deleteLater()


def keys_of(widget: QWidget) -> frozenset[str]:
    """The keys that are its own while it has the focus."""
    own = widget.property(OWN_KEYS)
    if own:
        return frozenset(own)
    return frozenset(BUTTON_KEYS) if isinstance(widget, QAbstractButton) else frozenset()


class FocusRing(QWidget):
    """A frame around a widget, beside it in its parent, so that it moves and is hidden with it."""

    def __init__(self, widget: QWidget, colour: str) -> None:
        super().__init__(widget.parentWidget() or widget)
        self._widget, self._colour = widget, colour
        self.alive = True
        self.destroyed.connect(self._forget)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        widget.installEventFilter(self)
        self._place()
        self.show()

    def _forget(self) -> None:
        self.alive = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Move, QEvent.Type.Resize}:
            self._place()
        elif event.type() in {QEvent.Type.Hide, QEvent.Type.Show}:
            self.setVisible(event.type() == QEvent.Type.Show)
        return False

    def _place(self) -> None:
        around = self._widget.geometry().adjusted(-RING_PX, -RING_PX, RING_PX, RING_PX)
        parent = self.parentWidget()
        self.setGeometry(around.intersected(parent.rect()) if parent is not None else around)
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        pen = QPen(QColor(self._colour), RING_PX)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))


def name_fields(dialog: QDialog) -> None:
    """Give each field of a form the name of its label, and each button without a letter one."""
    for label in dialog.findChildren(QLabel):
        field = label.buddy()
        if field is not None and not field.accessibleName():
            field.setAccessibleName(label.text().replace("&", ""))
    buttons = [button for button in dialog.findChildren(QPushButton) if button.text()]
    letters = [*(label.text() for label in dialog.findChildren(QLabel) if label.buddy() is not None)]
    marked = with_mnemonics([*letters, *(button.text() for button in buttons)])[len(letters) :]
    for button, text in zip(buttons, marked, strict=True):
        if text != button.text():
            button.setText(text)


def letter_buttons(box: QMessageBox) -> None:
    """A letter of its own for each button of a question."""
    letter_after("", box.buttons())


def letter_after(taken: str, buttons: Iterable[QAbstractButton]) -> None:
    """A letter of its own for each of these; none of those that are ``taken`` in the same window."""
    buttons = list(buttons)
    texts = with_mnemonics([*(f"&{letter}" for letter in taken), *(button.text() for button in buttons)])[len(taken) :]
    for button, text in zip(buttons, texts, strict=True):
        if text != button.text():
            button.setText(text)


def letters_in(window: QWidget) -> str:
    """The letters that menus and buttons of a window have, also those that are not shown now."""
    bars = [bar for bar in window.findChildren(QMenuBar) if bar.window() is window]
    texts = [*(action.text() for bar in bars for action in bar.actions())]
    texts += [button.text() for button in window.findChildren(QPushButton) if button.window() is window]
    return "".join(map(mnemonic_of, texts))


# -- menus ---------------------------------------------------------------------------------------


def add_mnemonics(menu: QMenu | QMenuBar) -> None:
    """A letter of its own for each entry that has none: the first of a word if it is free."""
    actions = [action for action in menu.actions() if action.text() and not action.isSeparator()]
    texts = [action.text() for action in actions]
    for action, text in zip(actions, with_mnemonics(texts), strict=True):
        if text != action.text():
            action.setText(text)


def with_mnemonics(texts: Iterable[str]) -> list[str]:
    """The texts, each with an ampersand before a letter of its own as long as there are letters."""
    texts = list(texts)
    taken = {letter for text in texts if (letter := mnemonic_of(text))}
    marked = []
    for text in texts:
        k = None if mnemonic_of(text) else _free_letter(text, taken)
        if k is not None:
            taken.add(text[k].lower())
            text = f"{text[:k]}&{text[k:]}"
        marked.append(text)
    return marked


def mnemonic_of(text: str) -> str:
    """The letter after the ampersand of a text; empty where there is none."""
    return QKeySequence.mnemonic(text).toString().removeprefix("Alt+").lower()


def _free_letter(text: str, taken: set[str]) -> int | None:
    """The place of a letter that is not taken: the first of a word, else any."""
    first = [k for k in range(len(text)) if text[k].isalpha() and (k == 0 or text[k - 1] == " ")]
    rest = [k for k in range(len(text)) if text[k].isalpha()]
    return next((k for k in (*first, *rest) if text[k].isascii() and text[k].lower() not in taken), None)
