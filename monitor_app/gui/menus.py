# SPDX-License-Identifier: Apache-2.0
"""The menus of the main window, and what the mouse does on its panes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from monitor_app.gui.actions import Command, Entry, Separator, SubMenu
from monitor_app.gui.context_menu import open_menu_of_focus
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.requirement_strip import RequirementStrip
from monitor_app.gui.panels.run_table import RunTable

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from monitor_app.gui.appearance import Appearance
    from monitor_app.gui.batch_controller import BatchController
    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.bench.quiet import QuietMode
    from monitor_app.gui.bench.resume_offer import ResumeOffer
    from monitor_app.gui.figures.window import FiguresController
    from monitor_app.gui.help.menu import Help
    from monitor_app.gui.help.tour import Tour
    from monitor_app.gui.inferences.controller import InferencesController
    from monitor_app.gui.layout import Parts
    from monitor_app.gui.markers.controller import MarkerController
    from monitor_app.gui.new.new_bench import NewBench
    from monitor_app.gui.notes_controller import NotesController
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.session_files.sessions import Sessions
    from monitor_app.gui.undo import Undo
    from monitor_app.gui.view_output import ViewOutput
    from monitor_app.gui.views.controller import ViewController


class WindowCommands(Protocol):
    """What only the window as a whole can do."""

    def close(self) -> bool: ...
    def record_or_stop(self) -> None: ...
    def start_or_stop(self) -> None: ...
    def add_mark(self) -> None: ...
    def follow(self) -> None: ...
    def showFullScreen(self) -> None: ...  # noqa: N802 (Qt names these methods)
    def showNormal(self) -> None: ...  # noqa: N802
    @property
    def actions_by_name(self) -> dict[str, QAction]: ...
    @property
    def figures(self) -> FiguresController: ...
    def show_shortcuts(self) -> None: ...
    @property
    def appearance(self) -> Appearance: ...
    @property
    def batches(self) -> BatchController: ...
    @property
    def inferences(self) -> InferencesController: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def notes(self) -> NotesController: ...
    @property
    def tour(self) -> Tour: ...
    @property
    def views(self) -> ViewController: ...
    @property
    def help(self) -> Help: ...
    @property
    def new_bench(self) -> NewBench: ...
    @property
    def resume_offer(self) -> ResumeOffer: ...
    @property
    def undo(self) -> Undo: ...
    @property
    def output(self) -> ViewOutput: ...


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
    ("Point at a batch, zoomed in", "its time, energy, power and answer"),
    ("Middle click", "fit the values again"),
    ("Drag between two panes", "change their heights; double click: the usual ones"),
    ("Double click on a row of the table", "show that run"),
    ("Right click on a run, on a head of the table", "copy; show and hide columns"),
    ("Right click on anything else, or its menu key", "what can be done with it"),
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
        Command("File", "New…", window.new_bench.show, ("Ctrl+N",)),
        Command("File", "Open profile…", window.new_bench.open_profile),
        Separator("File"),
        Command("File", "Open session…", document.open, ("Ctrl+O",)),
        Command("File", "Open in a new window…", window.sessions.open_in_new_window, ("Ctrl+Shift+O",)),
        SubMenu("File", "Recent sessions", window.sessions.recent_entries),
        Command("File", "Unsaved recordings…", window.sessions.show_unsaved),
        Command("File", "Save session…", document.save, ("Ctrl+S",)),
        Command("File", "Rename session…", document.rename, ("F2",)),
        Command("File", "Notes on the session…", window.notes.show, ("Ctrl+I",)),
        Command("File", "Close session", document.close_session, ("Ctrl+W",)),
        Separator("File"),
        Command("File", "Export picture of the view…", window.output.export_picture, ("Ctrl+P",)),
        Command("File", "Export samples in view…", window.output.export_samples, ("Ctrl+E",)),
        Separator("File"),
        Command("File", "New window", window.sessions.open_window, ("Ctrl+Shift+N",)),
        Command("File", "Quit", window.close, ("Ctrl+Q",)),
        Command("Edit", "Undo", window.undo.undo, ("Ctrl+Z",)),
        Command("Edit", "Redo", window.undo.redo, ("Ctrl+Shift+Z", "Ctrl+Y")),
        Separator("Edit"),
        Command("Edit", "Copy statistics of the view", window.output.copy_statistics, ("Ctrl+C",)),
        Command("Edit", "Copy picture of the view", window.output.copy_picture, ("Ctrl+Shift+C",)),
        Command("Edit", "Copy samples in view", window.output.copy_samples),
        Separator("Edit"),
        Command("Edit", "Filter the runs", parts.panel(RunTable).find_runs, ("Ctrl+F",)),
        Command("Edit", "Menu of what has the focus", open_menu_of_focus, ("Shift+F10", "Menu")),
        Command("Bench", "Record, or stop recording", window.record_or_stop, ("Ctrl+R",)),
        Command("Bench", "Run or stop the plan", window.start_or_stop, ("Space",)),
        Command("Bench", "Resume the plan", window.resume_offer.resume, ("Ctrl+Shift+R",)),
        Command("Bench", "Skip run", bench.skip_run, ("N",)),
        Command("Bench", "Add a mark", window.add_mark, ("M",)),
        Separator("Bench"),
        Command("Bench", QUIET, quiet.want, checkable=True, checked=quiet.wanted, name="quiet"),
        Command("View", "Follow the newest samples", window.follow, ("End", "Shift+Space")),
        Command("View", "Show the whole session", navigation.show_all, ("Ctrl+0", "*")),
        Command("View", "Zoom in", navigation.zoom_in, ("Up", "+", "=")),
        Command("View", "Zoom out", navigation.zoom_out, ("Down", "-")),
        Command("View/Move", "Go to the beginning", navigation.go_to_start, ("Home",)),
        Command("View/Move", "Pan to earlier", navigation.pan_earlier, ("Left",)),
        Command("View/Move", "Pan to later", navigation.pan_later, ("Right",)),
        Command("View/Move", "One page earlier", navigation.page_earlier, ("Shift+Left",)),
        Command("View/Move", "One page later", navigation.page_later, ("Shift+Right",)),
        Command("View/Move", "Next batch", window.batches.next, ("]",)),
        Command("View/Move", "Previous batch", window.batches.previous, ("[",)),
        Separator("View"),
        Command("View/Signals", "Show only power", lambda: signals.show_quantity("W"), ("P",)),
        Command("View/Signals", "Show only current", lambda: signals.show_quantity("A"), ("C",)),
        Command("View/Signals", "Show only voltage", lambda: signals.show_quantity("V"), ("V",)),
        Command("View/Signals", "Show or hide power", lambda: signals.toggle_quantity("W"), ("Shift+P",)),
        Command("View/Signals", "Show or hide current", lambda: signals.toggle_quantity("A"), ("Shift+C",)),
        Command("View/Signals", "Show or hide voltage", lambda: signals.toggle_quantity("V"), ("Shift+V",)),
        Command("View/Values", "Linear or logarithmic values", window.views.switch_scale, ("L",)),
        Command("View/Values", "Range of values…", window.views.ask_range, ("Y",)),
        SubMenu("View", "Values", window.views.value_entries),
        SubMenu("View", "Curves", window.views.curve_entries),
        Command("View/Times", "Time since the start, or by the clock", window.views.switch_clock, ("T",)),
        SubMenu("View", "Times", window.views.time_entries),
        Command("View/Panes", "Panes stacked or overlaid", window.views.switch_overlay, ("O",)),
        SubMenu("View", "Panes", window.views.pane_layout_entries),
        Command("Markers", "Lay a pair", markers.lay_pair, ("D",)),
        Command("Markers", "Lay a single marker", markers.lay_single, ("S",)),
        Command("Markers", "Name and times…", markers.edit_active, ("Return", "Enter"), of_focus=True),
        Command("Markers", "Remove the active marker", markers.remove_active, ("Del", "Backspace")),
        Command("Markers", "Zoom to the active pair", markers.zoom_to_active, ("Z",)),
        Command("Markers", "Leave the active marker", markers.deactivate, ("Esc",)),
        Command("Markers", "Analyse the active pair…", window.inferences.analyse_active_pair, ("A",)),
        Separator("Markers"),
        Command("Markers", "Switch J and Wh, C and Ah", markers.switch_units, ("U",)),
        Command("Analysis", "Figures and findings", window.figures.show, ("F5",)),
        Command("Analysis", "Spans of my program…", window.inferences.analyse_work, ("Shift+F5",)),
        Command("Window", "Sources and runs", parts.side.setVisible, ("F6",), checkable=True, name="side"),
        Command("Window", "Read-outs", partial(_show_readouts, parts), ("F7",), checkable=True, name="readouts"),
        Command("Window", "Overview", parts.overview.setVisible, ("F8",), checkable=True, name="overview"),
        Command("Window", "Table of runs", parts.panel(RunTable).set_wanted, ("F9",), checkable=True, name="table"),
        Command("Window", ONLY_TRACES, partial(_show_only_traces, window), ("F10",), checkable=True, checked=False),
        Command("Window", "Full screen", partial(_show_full_screen, window), ("F11",), checkable=True, checked=False),
        Separator("Window"),
        Command("Window", "Dark theme", window.appearance.choose_dark, checkable=True, checked=False),
        Command("Window", "Light theme", window.appearance.choose_light, checkable=True, checked=False),
        Separator("Window"),
        Command("Window", "Larger text", lambda: window.appearance.change_text_size(1), ("Ctrl++", "Ctrl+=")),
        Command("Window", "Smaller text", lambda: window.appearance.change_text_size(-1), ("Ctrl+-",)),
        Command("Window", "Text of the usual size", lambda: window.appearance.change_text_size(0), ("Ctrl+Alt+0",)),
        Command("Help", "Keyboard and mouse shortcuts", window.show_shortcuts, ("F1", "?")),
        Command("Help", "User guide", window.help.show_guide),
        Command("Help", "Take the tour", window.tour.start),
        Separator("Help"),
        Command("Help", "Show log", window.help.show_log),
        Command("Help", "Save report bundle…", window.help.save_bundle),
        Separator("Help"),
        Command("Help", "About monitor-app", window.help.show_about),
    )


def _show_readouts(parts: Parts, on: bool) -> None:
    parts.panel(Readouts).setVisible(on)
    parts.panel(RequirementStrip).set_wanted(on)


def _show_only_traces(window: WindowCommands, on: bool) -> None:
    for name in PANEL_COMMANDS:
        window.actions_by_name[name].setChecked(not on)


def _show_full_screen(window: WindowCommands, on: bool) -> None:
    if on:
        window.showFullScreen()
    else:
        window.showNormal()
