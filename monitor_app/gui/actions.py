# SPDX-License-Identifier: Apache-2.0
"""Commands as a table: each is an entry of a menu with its shortcuts, which a dialog lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from monitor_app.gui.keyboard import add_mnemonics
from monitor_app.gui.panels.parts import SectionHeader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QMainWindow, QMenu

AROUND_PX = QSize(20, 60)
"""Of the screen, left free around a dialog."""
MOST_PX = QSize(1280, 1600)
"""Wider, the eye loses the line."""


@dataclass(frozen=True, slots=True)
class Command:
    """An entry of a menu. ``do`` carries it out; where it is ``checkable``, ``do`` is given the new state."""

    menu: str
    """Its title; for a menu within a menu both, as in "View/Move"."""
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
    """A menu within a menu; its entries, texts with what they do, are asked for when it opens.

    Commands of this menu, as of "View/Values", stand above them.
    """

    menu: str
    text: str
    entries: Callable[[], Sequence[tuple[str, Callable[[], object]] | Chosen]]


Chosen: TypeAlias = "tuple[str, Callable[[], object], bool | None]"
"""An entry: its text, what it does, and whether it is checked; None where it is no choice."""
Entry: TypeAlias = "Command | Separator | SubMenu"


def add_commands(window: QMainWindow, commands: Sequence[Entry]) -> dict[str, QAction]:
    """Fill the menu bar; returns the actions by the names of their commands."""
    menus: dict[str, QMenu] = {}
    actions = {}
    for command in commands:
        menu = _menu(window, menus, command.menu)
        if isinstance(command, Separator):
            menu.addSeparator()
        elif isinstance(command, SubMenu):
            _fill_when_opened(_menu(window, menus, f"{command.menu}/{command.text}"), command)
        else:
            action = _action(window, command)
            menu.addAction(action)
            window.addAction(action)
            actions[command.name or command.text] = action
    add_mnemonics(window.menuBar())
    for menu in menus.values():
        menu.aboutToShow.connect(partial(add_mnemonics, menu))
    return actions


def _menu(window: QMainWindow, menus: dict[str, QMenu], path: str) -> QMenu:
    """The menu of this path, which stands where it was first asked for."""
    if path not in menus:
        above, _, title = path.rpartition("/")
        menus[path] = _menu(window, menus, above).addMenu(title) if above else window.menuBar().addMenu(title)
    return menus[path]


def _fill_when_opened(menu: QMenu, command: SubMenu) -> None:
    own = menu.actions()
    if own:
        own.append(menu.addSeparator())

    def fill() -> None:
        for action in menu.actions():
            if action not in own:
                menu.removeAction(action)
                action.deleteLater()
        for text, do, *checked in command.entries():
            action = menu.addAction(text.replace("&", "&&"))
            action.triggered.connect(lambda _=False, do=do: do())
            if checked and checked[0] is not None:
                action.setCheckable(True)
                action.setChecked(checked[0])
        if menu.isEmpty():
            menu.addAction("None").setEnabled(False)

    menu.aboutToShow.connect(fill)


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


def shortcut_groups(commands: Sequence[Entry]) -> dict[str, list[tuple[str, str]]]:
    """All shortcuts with what they do, by the menu of the bar in which they stand."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in commands:
        if isinstance(each, Command) and each.keys:
            rows = groups.setdefault(each.menu.split("/")[0], [])
            rows.append((" or ".join(each.keys), each.text.rstrip("…")))
    return groups


class ShortcutsDialog(QDialog):
    """Keys by their menus and the mouse, in two columns of like height, or in one where the screen is too narrow.

    It is scrolled where the screen is too low.
    """

    def __init__(self, parent: QWidget, commands: Sequence[Entry], mouse_actions: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard and mouse shortcuts")
        groups = {"Mouse": list(mouse_actions), **shortcut_groups(commands)}
        room = self.screen().availableGeometry().size().boundedTo(MOST_PX) - AROUND_PX
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        wanted = QSize()
        for columns in (_halves({name: len(rows) + 2 for name, rows in groups.items()}), (list(groups),)):
            inner = _page(groups, columns)
            area.setWidget(inner)  # in the dialog, so that it is measured in its style
            for label in inner.findChildren(QLabel):
                label.ensurePolished()
            inner.adjustSize()
            wanted = inner.size() + QSize(area.verticalScrollBar().sizeHint().width() + 2, 0)
            if wanted.width() <= room.width():
                break
        self.resize(wanted.boundedTo(room))


def _page(groups: dict[str, list[tuple[str, str]]], columns: Sequence[Sequence[str]]) -> QWidget:
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(24, 12, 24, 20)
    row.setSpacing(36)
    for names in columns:
        row.addLayout(_shortcut_grid({name: groups[name] for name in names}))
    return page


def _halves(heights: dict[str, int]) -> tuple[list[str], list[str]]:
    """Names in their order, for a right column that begins with the first and a left one with the others."""
    first, *others = heights
    left: list[str] = []
    while others and sum(heights[name] for name in (*left, others[0])) <= sum(heights.values()) / 2 + 1:
        left.append(others.pop(0))
    return left, [first, *others]


def _shortcut_grid(groups: dict[str, list[tuple[str, str]]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(2)
    for name, rows in groups.items():
        at = grid.rowCount()
        grid.setRowMinimumHeight(at, 10)
        grid.addWidget(SectionHeader(name), at + 1, 0, 1, 2)
        for row, (key, does) in enumerate(rows, start=at + 2):
            label = QLabel(key)
            label.setObjectName("dim")
            grid.addWidget(label, row, 0)
            grid.addWidget(QLabel(does), row, 1)
    grid.setRowStretch(grid.rowCount(), 1)
    return grid
