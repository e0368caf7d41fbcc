# SPDX-License-Identifier: Apache-2.0
"""Menus and keys of the figures, as the main window has its own."""

from __future__ import annotations

from monitor_app.gui.actions import SEPARATOR, Command

COMMANDS = (
    Command("File", "Save as PNG…", "save", ("Ctrl+P",), part=".png"),
    Command("File", "Save as SVG…", "save", ("Ctrl+Shift+P",), part=".svg"),
    Command("File", "Save values as CSV…", "save", ("Ctrl+E",), part=".csv"),
    Command("File", SEPARATOR, ""),
    Command("File", "Compare with…", "compare", ("Ctrl+O",)),
    Command("File", SEPARATOR, ""),
    Command("File", "Close", "close", ("Ctrl+W",)),
    Command("View", "Back to the traces", "show_main", ("F5",)),
    Command("View", "Next figure", "next_line", ("Down", "PgDown")),
    Command("View", "Previous figure", "previous_line", ("Up", "PgUp")),
    Command("View", "Show everything", "view.show_all", ("Ctrl+0", "*")),
    Command("View", "Show all networks", "show_all_networks", ("A",)),
    Command("View", "The paper's values", "show_paper", ("P",), checkable=True),
    Command("View", "Budget lines", "show_budget", ("B",), checkable=True, checked=False),
    Command("View", "Energy of the whole board", "use_gross", ("G",), checkable=True, checked=False),
    Command("View", "Full screen", "full_screen", ("F11",), checkable=True, checked=False),
    Command("Help", "Keys and gestures", "show_keys", ("F1", "?")),
)
GESTURES = (
    ("Wheel", "zoom at the pointer"),
    ("Shift + wheel", "pan sideways"),
    ("Ctrl + wheel, wheel on an axis", "zoom the values, or that axis"),
    ("Drag", "pan; a budget line moves"),
    ("Ctrl + drag, drag on an axis", "pan the values, or that axis"),
    ("Shift + drag", "zoom to a part"),
    ("Double click", "show everything"),
    ("Middle click", "fit the values"),
    ("Click on a point", "show the trace it came from"),
    ("Click on a name at the right", "hide it, or show it again"),
    ("Ctrl + click on a name", "show it alone, or all again"),
)
