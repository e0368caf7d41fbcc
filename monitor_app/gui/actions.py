# SPDX-License-Identifier: Apache-2.0
"""Menus, tool bar and keys as one table."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QMainWindow


@dataclass(frozen=True, slots=True)
class Command:
    """``method`` of the window, or of a part of it, carries it out; a checkable one is given the new state."""

    menu: str
    text: str
    method: str
    keys: tuple[str, ...] = ()
    checkable: bool = False
    checked: bool = True
    part: str = ""
    """Given to the method where several commands share one."""


SEPARATOR = ""
COMMANDS = (
    Command("File", "Open session…", "sessions.open", ("Ctrl+O",)),
    Command("File", "Save session…", "sessions.save", ("Ctrl+S",)),
    Command("File", SEPARATOR, ""),
    Command("File", "Export picture of the view…", "exports.export_view", ("Ctrl+P",)),
    Command("File", "Export samples in view…", "exports.export_samples", ("Ctrl+E",)),
    Command("File", SEPARATOR, ""),
    Command("File", "Quit", "close", ("Ctrl+Q",)),
    Command("Bench", "Start or stop runs", "desk.start_or_stop", ("Space",)),
    Command("Bench", "Skip run", "desk.skip_run", ("N",)),
    Command("Bench", "Mark this moment", "desk.add_mark", ("M",)),
    Command("View", "Follow the newest", "navigation.follow", ("End", "Shift+Space")),
    Command("View", "Go to the beginning", "navigation.go_to_start", ("Home",)),
    Command("View", "Show all", "navigation.show_all", ("Ctrl+0", "*")),
    Command("View", "Zoom in", "navigation.zoom_in", ("Up", "+", "=")),
    Command("View", "Zoom out", "navigation.zoom_out", ("Down", "-")),
    Command("View", "Earlier", "navigation.pan_earlier", ("Left",)),
    Command("View", "Later", "navigation.pan_later", ("Right",)),
    Command("View", "A page earlier", "navigation.page_earlier", ("Shift+Left",)),
    Command("View", "A page later", "navigation.page_later", ("Shift+Right",)),
    Command("View", "Zoom to the selection", "zoom_to_selection", ("Z",)),
    Command("View", "Clear the selection", "clear_selection", ("Esc",)),
    Command("View", SEPARATOR, ""),
    Command("View", "Power", "selected.show_quantity", ("P",), part="W"),
    Command("View", "Current", "selected.show_quantity", ("C",), part="A"),
    Command("View", "Voltage", "selected.show_quantity", ("V",), part="V"),
    Command("View", "Power as well, or no more", "selected.toggle_quantity", ("Shift+P",), part="W"),
    Command("View", "Current as well, or no more", "selected.toggle_quantity", ("Shift+C",), part="A"),
    Command("View", "Voltage as well, or no more", "selected.toggle_quantity", ("Shift+V",), part="V"),
    Command("Analysis", "Figures and findings", "figures.show", ("F5",)),
    Command("Window", "Sources and runs", "show_part", ("F6",), checkable=True, part="side"),
    Command("Window", "Read-outs", "show_part", ("F7",), checkable=True, part="readouts"),
    Command("Window", "Overview", "show_part", ("F8",), checkable=True, part="overview"),
    Command("Window", "Table of runs", "show_part", ("F9",), checkable=True, part="table"),
    Command("Window", "Only the traces", "only_traces", ("F10",), checkable=True, checked=False),
    Command("Window", "Full screen", "full_screen", ("F11",), checkable=True, checked=False),
    Command("Window", SEPARATOR, ""),
    Command("Window", "Dark", "use_theme", part="dark"),
    Command("Window", "Light", "use_theme", part="light"),
    Command("Help", "Keys and gestures", "show_keys", ("F1", "?")),
)
GESTURES = (
    ("Wheel", "zoom in time at the pointer"),
    ("Shift + wheel", "pan in time"),
    ("Ctrl + wheel, wheel on an axis", "zoom the values"),
    ("Drag", "pan in time; a live view stops following"),
    ("Ctrl + drag, drag on an axis", "pan the values"),
    ("Shift + drag", "select a stretch and measure it"),
    ("Double click", "show everything"),
    ("Middle click", "let the values fit themselves again"),
    ("Double click on a run", "show that run"),
    ("Click on a signal", "show it alone"),
    ("Ctrl + click on a signal, or its +", "show it with the others, or no more"),
)


def add_commands(window: QMainWindow, commands: Sequence[Command] = COMMANDS) -> dict[str, QAction]:
    """Fill the menu bar; the actions by method and part."""
    menus = {name: window.menuBar().addMenu(name) for name in dict.fromkeys(c.menu for c in commands)}
    actions = {}
    for command in commands:
        if command.text == SEPARATOR:
            menus[command.menu].addSeparator()
            continue
        action = _action(window, command)
        menus[command.menu].addAction(action)
        window.addAction(action)
        actions[command.method + (f" {command.part}" if command.part else "")] = action
    return actions


def _action(window: QMainWindow, command: Command) -> QAction:
    action = QAction(command.text, window)
    action.setShortcuts([QKeySequence(key) for key in command.keys])
    action.setCheckable(command.checkable)
    action.setChecked(command.checkable and command.checked)
    method = attrgetter(command.method)(window)
    given = (command.part,) if command.part else ()
    if command.checkable:
        action.toggled.connect(lambda on: method(*given, on))
    else:
        action.triggered.connect(lambda _=False: method(*given))
    return action


def key_table(commands: Sequence[Command] = COMMANDS) -> list[tuple[str, str]]:
    """All keys with what they do."""
    return [(" or ".join(c.keys), c.text.rstrip("…")) for c in commands if c.keys]
