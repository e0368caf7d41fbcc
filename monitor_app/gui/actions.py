# SPDX-License-Identifier: Apache-2.0
"""Commands as a table: each is an entry of a menu with its shortcuts, which a dialog lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel

from monitor_app.gui.keyboard import add_mnemonics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QMainWindow, QMenu, QWidget


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of a menu. ``do`` carries it out; where it is ``checkable``, ``do`` is given the new state."""

    menu: str
    text: str
    do: Callable[..., object]
    keys: tuple[str, ...] = ()
    checkable: bool = False
    checked: bool = True
    name: str = ""
    """To find its action by; by default its text."""
    of_focus: bool = False
    """Whether its keys are those of the part with the focus, which acts on them: for keys that others need as well."""


@dataclass(frozen=True, slots=True)
class Separator:
    """A line between the entries of a menu."""

    menu: str


@dataclass(frozen=True, slots=True)
class SubMenu:
    """A menu within a menu; its entries, texts with what they do, are asked for when it opens."""

    menu: str
    text: str
    entries: Callable[[], Sequence[tuple[str, Callable[[], object]] | Chosen]]


Chosen: TypeAlias = "tuple[str, Callable[[], object], bool | None]"
"""An entry: its text, what it does, and whether it is checked; None where it is no choice."""
Entry: TypeAlias = "Command | Separator | SubMenu"


def add_commands(window: QMainWindow, commands: Sequence[Entry]) -> dict[str, QAction]:
    """Fill the menu bar; returns the actions by the names of their commands."""
    menus = {name: window.menuBar().addMenu(name) for name in dict.fromkeys(c.menu for c in commands)}
    actions = {}
    for command in commands:
        if isinstance(command, Separator):
            menus[command.menu].addSeparator()
            continue
        if isinstance(command, SubMenu):
            _add_submenu(menus[command.menu], command)
            continue
        action = _action(window, command)
        menus[command.menu].addAction(action)
        window.addAction(action)
        actions[command.name or command.text] = action
    add_mnemonics(window.menuBar())
    for menu in menus.values():
        menu.aboutToShow.connect(partial(add_mnemonics, menu))
    return actions


def _add_submenu(menu: QMenu, command: SubMenu) -> None:
    submenu = menu.addMenu(command.text)

    def fill() -> None:
        submenu.clear()
        for text, do, *checked in command.entries():
            action = submenu.addAction(text.replace("&", "&&"))
            action.triggered.connect(lambda _=False, do=do: do())
            if checked and checked[0] is not None:
                action.setCheckable(True)
                action.setChecked(checked[0])
        if submenu.isEmpty():
            submenu.addAction("None").setEnabled(False)
        add_mnemonics(submenu)

    submenu.aboutToShow.connect(fill)


def _action(window: QMainWindow, command: Command) -> QAction:
    action = QAction(command.text, window)
    if command.of_focus:
        action.setText(f"{command.text}\t{command.keys[0]}")
    else:
        action.setShortcuts([QKeySequence(key) for key in command.keys])
    action.setCheckable(command.checkable)
    action.setChecked(command.checkable and command.checked)
    if command.checkable:
        action.toggled.connect(command.do)
    else:
        action.triggered.connect(lambda _=False: command.do())
    return action


def shortcut_table(commands: Sequence[Entry]) -> list[tuple[str, str]]:
    """All shortcuts with what they do."""
    return [(" or ".join(c.keys), c.text.rstrip("…")) for c in commands if isinstance(c, Command) and c.keys]


class ShortcutsDialog(QDialog):
    """Keys on the left, the mouse on the right."""

    def __init__(self, parent: QWidget, commands: Sequence[Entry], mouse_actions: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard and mouse shortcuts")
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(2)
        for column, rows in ((0, shortcut_table(commands)), (3, mouse_actions)):
            for row, (key, does) in enumerate(rows):
                label = QLabel(key)
                label.setObjectName("dim")
                grid.addWidget(label, row, column)
                grid.addWidget(QLabel(does), row, column + 1)
        grid.setColumnMinimumWidth(2, 28)
