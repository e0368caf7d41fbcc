# SPDX-License-Identifier: Apache-2.0
"""The menus of the main window, and what the mouse does on its panes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from monitor_app.gui.actions import Command, Entry, Separator, SubMenu
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_table import RunTable

if TYPE_CHECKING:
    from monitor_app.gui.bench_controller import BenchController
    from monitor_app.gui.help.menu import Help
    from monitor_app.gui.layout import Parts
    from monitor_app.gui.marker_controller import MarkerController
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.quiet import QuietMode
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.session_files.sessions import Sessions


class WindowCommands(Protocol):
    """What only the window as a whole can do."""

    def export_picture(self) -> None: ...
    def export_samples(self) -> None: ...
    def close(self) -> bool: ...
    def record_or_stop(self) -> None: ...
    def start_or_stop(self) -> None: ...
    def add_mark(self) -> None: ...
    def zoom_to_selection(self) -> None: ...
    def show_figures(self) -> None: ...
    def show_only_traces(self, on: bool) -> None: ...
    def show_full_screen(self, on: bool) -> None: ...
    def choose_theme(self, name: str) -> None: ...
    def change_text_size(self, step: int) -> None: ...
    def show_shortcuts(self) -> None: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def help(self) -> Help: ...


ONLY_TRACES = "Show only the traces"
QUIET = "Paint nothing while batches are timed"
PANEL_COMMANDS = ("side", "readouts", "overview", "table")
"""Names of the commands that show and hide what surrounds the panes."""

MOUSE_ACTIONS = (
    ("Wheel", "zoom in time at the cursor"),
    ("Shift + wheel", "pan in time"),
    ("Ctrl + wheel, wheel on an axis", "zoom the values"),
    ("Drag", "pan in time; a live view stops following"),
    ("Ctrl + drag, drag on an axis", "pan the values"),
    ("Shift + drag", "lay a pair of markers and measure between them"),
    ("Drag an edge or a banner", "move an edge, or the whole marker"),
    ("Double click on a banner", "name the marker, type its times"),
    ("Double click on a run or a batch", "lay a pair around it"),
    ("Click on an energy or a charge", "switch J and Wh, C and Ah"),
    ("1 to 9", "make that marker active and bring it into view"),
    ("Double click elsewhere", "show the whole session"),
    ("Middle click", "fit the values again"),
    ("Double click on a row of the table", "show that run"),
    ("Right click on a run, on a head of the table", "copy; show and hide columns"),
    ("Click on the statistics above a pane", "copy them as a table"),
    ("Click on a signal", "show only this signal"),
    ("Ctrl + click on a signal, or its +", "show or hide this signal"),
)


def menu_commands(
    window: WindowCommands,
    document: Document,
    bench: BenchController,
    navigation: Navigation,
    signals: SignalSelection,
    markers: MarkerController,
    parts: Parts,
    quiet: QuietMode,
) -> tuple[Entry, ...]:
    """All commands of the window, in the order of its menus."""
    return (
        Command("File", "Open session…", document.open, ("Ctrl+O",)),
        SubMenu("File", "Recent sessions", window.sessions.recent_entries),
        Command("File", "Unsaved recordings…", window.sessions.show_unsaved),
        Command("File", "Save session…", document.save, ("Ctrl+S",)),
        Separator("File"),
        Command("File", "Export picture of the view…", window.export_picture, ("Ctrl+P",)),
        Command("File", "Export samples in view…", window.export_samples, ("Ctrl+E",)),
        Separator("File"),
        Command("File", "Quit", window.close, ("Ctrl+Q",)),
        Command("Edit", "Undo", markers.undo, ("Ctrl+Z",)),
        Command("Edit", "Redo", markers.redo, ("Ctrl+Shift+Z", "Ctrl+Y")),
        Command("Bench", "Record, or stop recording", window.record_or_stop, ("Ctrl+R",)),
        Command("Bench", "Run or stop the plan", window.start_or_stop, ("Space",)),
        Command("Bench", "Skip run", bench.skip_run, ("N",)),
        Command("Bench", "Add a mark", window.add_mark, ("M",)),
        Separator("Bench"),
        Command("Bench", QUIET, quiet.want, checkable=True, checked=quiet.wanted, name="quiet"),
        Command("View", "Follow the newest samples", navigation.follow, ("End", "Shift+Space")),
        Command("View", "Go to the beginning", navigation.go_to_start, ("Home",)),
        Command("View", "Show the whole session", navigation.show_all, ("Ctrl+0", "*")),
        Command("View", "Zoom in", navigation.zoom_in, ("Up", "+", "=")),
        Command("View", "Zoom out", navigation.zoom_out, ("Down", "-")),
        Command("View", "Pan to earlier", navigation.pan_earlier, ("Left",)),
        Command("View", "Pan to later", navigation.pan_later, ("Right",)),
        Command("View", "One page earlier", navigation.page_earlier, ("Shift+Left",)),
        Command("View", "One page later", navigation.page_later, ("Shift+Right",)),
        Command("View", "Filter the runs", parts.panel(RunTable).find_runs, ("Ctrl+F",)),
        Separator("View"),
        Command("View", "Show only power", lambda: signals.show_quantity("W"), ("P",)),
        Command("View", "Show only current", lambda: signals.show_quantity("A"), ("C",)),
        Command("View", "Show only voltage", lambda: signals.show_quantity("V"), ("V",)),
        Command("View", "Show or hide power", lambda: signals.toggle_quantity("W"), ("Shift+P",)),
        Command("View", "Show or hide current", lambda: signals.toggle_quantity("A"), ("Shift+C",)),
        Command("View", "Show or hide voltage", lambda: signals.toggle_quantity("V"), ("Shift+V",)),
        Command("Markers", "Lay a pair", markers.lay_pair, ("D",)),
        Command("Markers", "Lay a single marker", markers.lay_single, ("S",)),
        Command("Markers", "Name and times…", markers.edit_active, ("Return", "Enter")),
        Command("Markers", "Remove the active marker", markers.remove_active, ("Del", "Backspace")),
        Command("Markers", "Zoom to the active pair", window.zoom_to_selection, ("Z",)),
        Command("Markers", "Leave the active marker", markers.deactivate, ("Esc",)),
        Separator("Markers"),
        Command("Markers", "Switch J and Wh, C and Ah", markers.switch_units, ("U",)),
        Command("Analysis", "Figures and findings", window.show_figures, ("F5",)),
        Command("Window", "Sources and runs", parts.side.setVisible, ("F6",), checkable=True, name="side"),
        Command("Window", "Read-outs", parts.panel(Readouts).setVisible, ("F7",), checkable=True, name="readouts"),
        Command("Window", "Overview", parts.overview.setVisible, ("F8",), checkable=True, name="overview"),
        Command("Window", "Table of runs", parts.panel(RunTable).set_wanted, ("F9",), checkable=True, name="table"),
        Command("Window", ONLY_TRACES, window.show_only_traces, ("F10",), checkable=True, checked=False),
        Command("Window", "Full screen", window.show_full_screen, ("F11",), checkable=True, checked=False),
        Separator("Window"),
        Command("Window", "Dark theme", lambda: window.choose_theme("dark")),
        Command("Window", "Light theme", lambda: window.choose_theme("light")),
        Separator("Window"),
        Command("Window", "Larger text", lambda: window.change_text_size(1), ("Ctrl++", "Ctrl+=")),
        Command("Window", "Smaller text", lambda: window.change_text_size(-1), ("Ctrl+-",)),
        Command("Window", "Text of the usual size", lambda: window.change_text_size(0), ("Ctrl+Alt+0",)),
        Command("Help", "Keyboard and mouse shortcuts", window.show_shortcuts, ("F1", "?")),
        Command("Help", "User guide", window.help.show_guide),
        Separator("Help"),
        Command("Help", "Show log", window.help.show_log),
        Command("Help", "Save report bundle…", window.help.save_bundle),
        Separator("Help"),
        Command("Help", "About monitor-app", window.help.show_about),
    )
