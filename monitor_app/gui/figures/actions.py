# SPDX-License-Identifier: Apache-2.0
"""Menus and keys of the figures, as the main window has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from monitor_app.gui.actions import Command, Separator
from monitor_app.gui.context_menu import open_menu_of_focus

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.gui.undo import Undo


class FiguresCommands(Protocol):
    """What the window of the figures can do."""

    def save(self, suffix: str) -> None: ...
    def copy(self) -> None: ...
    def copy_values(self) -> None: ...
    @property
    def undo(self) -> Undo: ...
    def compare(self) -> None: ...
    def close(self) -> bool: ...
    def show_main(self) -> None: ...
    def next_line(self) -> None: ...
    def previous_line(self) -> None: ...
    def show_all_networks(self) -> None: ...
    def show_paper(self, on: bool) -> None: ...
    def show_budget(self, on: bool) -> None: ...
    def use_gross(self, on: bool) -> None: ...
    def use_macs(self, on: bool) -> None: ...
    def full_screen(self, on: bool) -> None: ...
    def show_keys(self) -> None: ...


def figure_commands(window: FiguresCommands, show_everything: Callable[[], object]) -> tuple[Command | Separator, ...]:
    """All commands of the figures, in the order of their menus."""
    return (
        Command("File", "Save as PNG…", lambda: window.save(".png"), ("Ctrl+P",), name="save .png"),
        Command("File", "Save as SVG…", lambda: window.save(".svg"), ("Ctrl+Shift+P",), name="save .svg"),
        Command("File", "Save values as CSV…", lambda: window.save(".csv"), ("Ctrl+E",), name="save .csv"),
        Separator("File"),
        Command("File", "Compare with…", window.compare, ("Ctrl+O",), name="compare"),
        Separator("File"),
        Command("File", "Close", window.close, ("Ctrl+W",)),
        Command("Edit", "Undo", window.undo.undo, ("Ctrl+Z",)),
        Command("Edit", "Redo", window.undo.redo, ("Ctrl+Shift+Z", "Ctrl+Y")),
        Separator("Edit"),
        Command("Edit", "Copy values as a table", window.copy_values, ("Ctrl+C",), name="copy values"),
        Command("Edit", "Copy picture of the figure", window.copy, ("Ctrl+Shift+C",), name="copy"),
        Separator("Edit"),
        Command("Edit", "Menu of what has the focus", open_menu_of_focus, ("Shift+F10", "Menu")),
        Command("View", "Back to the traces", window.show_main, ("F5",), name="show_main"),
        Command("View", "Next figure", window.next_line, ("Down", "PgDown")),
        Command("View", "Previous figure", window.previous_line, ("Up", "PgUp")),
        Command("View", "Show everything", show_everything, ("Ctrl+0", "*")),
        Command("View", "Show all networks", window.show_all_networks, ("A",)),
        Command("View", "The paper's values", window.show_paper, ("P",), checkable=True, name="show_paper"),
        Command("View", "Budget lines", window.show_budget, ("B",), checkable=True, checked=False, name="show_budget"),
        Command("View", "Energy of the whole board", window.use_gross, ("G",), checkable=True, checked=False,
                name="use_gross"),
        Command("View", "MACs in place of operations", window.use_macs, ("M",), checkable=True, checked=False,
                name="use_macs"),
        Command("View", "Full screen", window.full_screen, ("F11",), checkable=True, checked=False),
        Command("Help", "Keyboard and mouse shortcuts", window.show_keys, ("F1", "?")),
    )  # fmt: skip


GESTURES = (
    ("Wheel", "zoom at the pointer"),
    ("Shift + wheel", "pan sideways"),
    ("Ctrl + wheel, wheel on an axis", "zoom the values, or that axis"),
    ("Drag", "pan; a budget line moves"),
    ("Ctrl + drag, drag on an axis", "pan the values, or that axis"),
    ("Shift + drag", "zoom to a part"),
    ("Double click", "show everything"),
    ("Middle click", "fit the values"),
    ("Right click", "what can be done with a point, a name, a figure or a finding"),
    ("Click on a point", "show the trace it came from"),
    ("Click on a name at the right", "hide it, or show it again"),
    ("Ctrl + click on a name", "show it alone, or all again"),
)
