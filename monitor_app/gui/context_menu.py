# SPDX-License-Identifier: Apache-2.0
"""Entries of a context menu as values, and the menu that shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractScrollArea, QApplication, QMenu

from monitor_app.core.plain_text import visible_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtWidgets import QWidget

LINE = None
"""Between groups of entries."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry; ``keys`` are those of the window that do the same at the pointer."""

    text: str
    do: Callable[[], object]
    keys: str = ""
    checked: bool | None = None
    """Whether it is on; None where it cannot be."""
    able: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of a menu within the menu."""

    text: str
    items: tuple[Item | None, ...]


@dataclass(frozen=True, slots=True)
class Title:
    """What the entries below it are about."""

    text: str


Entry: TypeAlias = "Item | Group | Title | None"


def menu_of(parent: QWidget, entries: Iterable[Entry], done: Callable[[], object] | None = None) -> QMenu:
    """A menu with these entries, no line at an end or beside another; ``done`` is called after each of them."""
    menu = QMenu(parent)
    line_due = False
    for entry in entries:
        if entry is LINE:
            line_due = not menu.isEmpty()
            continue
        if line_due:
            menu.addSeparator()
            line_due = False
        _add(menu, entry, done)
    return menu


def _add(menu: QMenu, entry: Item | Group | Title, done: Callable[[], object] | None) -> None:
    if isinstance(entry, Group):
        inner = menu_of(menu, entry.items, done)
        inner.setTitle(_shown(entry.text))
        menu.addMenu(inner)
        return
    if isinstance(entry, Title):
        menu.addAction(_shown(entry.text)).setEnabled(False)
        return
    action = menu.addAction(_shown(entry.text) + (f"\t{entry.keys}" if entry.keys else ""))
    action.setEnabled(entry.able)
    if entry.checked is not None:
        action.setCheckable(True)
        action.setChecked(entry.checked)
    action.triggered.connect(lambda _=False: entry.do())
    if done is not None:
        action.triggered.connect(lambda _=False: done())


def _shown(text: str) -> str:
    """A name is no mnemonic, whatever is in it."""
    return visible_lines(text).replace("&", "&&")


def pop_up(menu: QMenu, at: QPoint) -> None:
    """Show a menu at a place of the screen, unless it is empty; it is deleted once it is closed."""
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if menu.isEmpty():
        menu.deleteLater()
    else:
        menu.popup(at)


def open_menu_of_focus() -> None:
    """The menu of what has the keyboard focus, as the right button would open it there."""
    widget = QApplication.focusWidget()
    if isinstance(widget, QAbstractScrollArea):
        at = widget.viewport().rect().center()
        if isinstance(widget, QAbstractItemView) and widget.currentIndex().isValid():
            widget.scrollTo(widget.currentIndex())
            at = widget.visualRect(widget.currentIndex()).center()
        widget = widget.viewport()
    elif widget is not None:
        at = widget.rect().center()
    if widget is not None:
        QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, at, widget.mapToGlobal(at)))
