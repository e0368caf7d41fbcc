# SPDX-License-Identifier: Apache-2.0
"""What the main window can undo: markers, signals, panes, table, panels, look, place in time. A line for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor_app.gui.menus import ONLY_TRACES, PANEL_COMMANDS
from monitor_app.gui.panels.run_table import RunTable, TableView
from monitor_app.gui.session.markers import step_of
from monitor_app.gui.undo import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from PySide6.QtGui import QAction
    from PySide6.QtWidgets import QSplitter

    from monitor_app.gui.appearance import Appearance
    from monitor_app.gui.layout import Parts
    from monitor_app.gui.markers.controller import MarkerController
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.undo import Undo
    from monitor_app.gui.views.controller import Choices, ViewController

    class Undoable(Protocol):
        """What of the window can be set."""

        undo: Undo
        appearance: Appearance
        parts: Parts
        markers: MarkerController
        signals: SignalSelection
        views: ViewController
        navigation: Navigation
        actions_by_name: dict[str, QAction]


Range = tuple[float, float] | None
"""Of the values of a pane; None while it fits them."""


def track_window(window: Undoable) -> None:
    """Undo what is set in the window from now on, as it stands."""
    undo, markers, signals, table = window.undo, window.markers, window.signals, window.parts.panel(RunTable)
    stack, actions, look = window.parts.stack, window.actions_by_name, window.appearance
    navigation, splitters = window.navigation, window.parts.splitters
    undo.track(
        Setting(lambda: markers.kept_markers, markers.restore, step_of),
        Setting(lambda: signals.chosen, signals.restore, _always("signals shown")),
        Setting(lambda: window.views.choices, window.views.restore, _step_of_views),
        Setting(lambda: _ranges(stack), lambda ranges: _set_ranges(stack, ranges), _always("range of values"),
                merges=True, drifts=_only_fitted),
        Setting(table.view_settings, table.set_view, _step_of_table, merges=True),
        Setting(lambda: _panels(actions), lambda shown: _set_panels(actions, shown), _step_of_panels),
        Setting(lambda: look.theme.name, look.choose_theme, _always("theme")),
        Setting(lambda: look.percent, look.set_text_percent, _always("text size"), merges=True),
        Setting(lambda: navigation.chosen, navigation.restore, _step_of_view, merges=True, drifts=_by_itself),
        Setting(lambda: _sizes(splitters), lambda sizes: _set_sizes(splitters, sizes), _always("sizes of the panels"),
                merges=True, drifts=_by_itself),
    )  # fmt: skip
    undo.attach(actions["Undo"], actions["Redo"])
    markers.kept.connect(undo.notice)
    signals.changed.connect(undo.notice)
    window.views.changed.connect(undo.notice)
    for action in actions.values():
        action.triggered.connect(undo.notice)
    for pane in stack.every:
        for asked in (pane.box.y_zoom_asked, pane.box.y_pan_asked, pane.box.y_reset_asked):
            asked.connect(undo.notice)
    navigation.moved.append(undo.notice)
    for splitter in splitters.values():
        splitter.splitterMoved.connect(undo.notice)


def _always(text: str) -> Callable[[object, object], str]:
    return lambda _before, _after: text


def _by_itself(_before: object, _after: object) -> bool:
    """Without a command it was not the user: a recording was followed, or the window became larger."""
    return True


def _step_of_view(before: TimeWindow, after: TimeWindow) -> str:
    if before.following != after.following:
        return "following" if after.following else "leaving of the newest samples"
    return "move in time" if math.isclose(before.width_s, after.width_s) else "zoom in time"


def _sizes(splitters: Mapping[str, QSplitter]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, tuple(splitter.sizes())) for name, splitter in splitters.items())


def _set_sizes(splitters: Mapping[str, QSplitter], sizes: tuple[tuple[str, tuple[int, ...]], ...]) -> None:
    for name, wanted in sizes:
        splitters[name].setSizes(wanted)


def _ranges(stack: PaneStack) -> tuple[Range, ...]:
    return tuple(None if pane.fits_itself else pane.y_range for pane in stack.every)


def _set_ranges(stack: PaneStack, ranges: tuple[Range, ...]) -> None:
    for pane, wanted in zip(stack.every, ranges, strict=True):
        if wanted is None:
            pane.fit_y()
        else:
            pane.set_exact_range(*wanted)
    for trace in stack.traces:
        trace.finish_drawing()


def _step_of_views(before: Choices, after: Choices) -> str:
    was, now = before.options, after.options
    if was.ranges != now.ranges:
        return "range of values"
    if was.log != now.log:
        return "scale of the values"
    if was.deadline_ms != now.deadline_ms:
        return "deadline"
    if was.style is not now.style:
        return "style of the curves"
    if was.heights != now.heights:
        return "heights of the panes"
    return "overlaying of the panes" if was.overlaid != now.overlaid else "choice of times"


def _only_fitted(before: tuple[Range, ...], after: tuple[Range, ...]) -> bool:
    """Whether ranges were given up at most, as they are where a pane shows other signals."""
    return all(new is None or new == old for old, new in zip(before, after, strict=True))


def _step_of_table(before: TableView, after: TableView) -> str:
    if before.columns != after.columns:
        return "columns of the table"
    if (before.words, before.end) != (after.words, after.end):
        return "filter of the table"
    return "order of the table"


def _panels(actions: Mapping[str, QAction]) -> dict[str, bool]:
    return {name: actions[name].isChecked() for name in (ONLY_TRACES, *PANEL_COMMANDS)}


def _set_panels(actions: Mapping[str, QAction], shown: Mapping[str, bool]) -> None:
    for name, on in shown.items():
        actions[name].setChecked(on)


def _step_of_panels(before: Mapping[str, bool], after: Mapping[str, bool]) -> str:
    if before[ONLY_TRACES] != after[ONLY_TRACES]:
        return "view of the traces alone"
    changed = [name for name in after if before[name] != after[name]]
    names = {"side": "sources and runs", "readouts": "read-outs", "overview": "overview", "table": "table of runs"}
    what = names.get(changed[0], changed[0]) if len(changed) == 1 else "panels"
    return f"{'showing' if after[changed[0]] else 'hiding'} of {what}"
