# SPDX-License-Identifier: Apache-2.0
"""The menus of the panes, the overview, the plan and the selection: entries for what lies under the pointer."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QCursor

from monitor_app.core.formatting import span_of_time
from monitor_app.gui.clipboard import copy
from monitor_app.gui.context.target import Kind, Target, target_at
from monitor_app.gui.context_menu import LINE, Group, Item, Title, menu_of, pop_up
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.session.tables import batch_table, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from PySide6.QtWidgets import QMenu, QWidget

    from monitor_app.gui.context_menu import Entry
    from monitor_app.gui.inferences.controller import InferencesController
    from monitor_app.gui.layout import Parts
    from monitor_app.gui.markers.controller import MarkerController
    from monitor_app.gui.plot.annotations import Interval
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.plot.pane import Pane
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignal
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.undo import Undo
    from monitor_app.gui.view_output import ViewOutput
    from monitor_app.gui.views.controller import ViewController

    class PlotWindow(Protocol):
        """What the menus need of the window."""

        parts: Parts
        markers: MarkerController
        navigation: Navigation
        signals: SignalSelection
        undo: Undo
        views: ViewController
        inferences: InferencesController
        output: ViewOutput

        @property
        def recording(self) -> Recording | None: ...
        @property
        def live(self) -> bool: ...
        def follow(self) -> None: ...
        def show_run(self, run_id: int) -> None: ...


ZOOM = 2.0
"""Of a zoom from a menu."""
ROOM = 0.5
"""On both sides of a batch that is shown, as a fraction of its length."""


def settings(choices: Iterable[tuple[str, Callable[[], object], bool | None]]) -> Iterator[Entry]:
    """Entries for settings: text, what sets it, and whether it is on where it can be."""
    return (Item(text, do, checked=checked) for text, do, checked in choices)


class PlotMenus(QObject):
    """Opens them; what they do is a command of the window, so it is undone like one."""

    def __init__(self, window: PlotWindow) -> None:
        stack, overview = window.parts.stack, window.parts.overview
        super().__init__(stack)
        self._window = window
        self.pane_entries: list[Callable[[Pane], Iterable[Entry]]] = [
            lambda pane: settings(window.views.pane_entries(pane)),
        ]  # fmt: skip
        """What can be set of a pane, in its menu and in that of its axis: a further setting is appended."""
        self.time_entries: list[Callable[[], Iterable[Entry]]] = [
            self._navigation_entries, lambda: settings(window.views.time_entries()),
        ]  # fmt: skip
        """The same of the time axis."""
        stack.menu_asked.connect(self._open)
        overview.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        overview.customContextMenuRequested.connect(
            lambda at: self._pop_up(overview, self._time_entries(), overview.mapToGlobal(at))
        )
        plan, selection = window.parts.panel(RunPanel).lines, window.parts.panel(SelectionPanel)
        for widget, entries in ((plan, self._plan_entries), (selection, self._selection_entries)):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(
                lambda at, widget=widget, entries=entries: self._pop_up(widget, entries(at), widget.mapToGlobal(at))
            )

    # -- opening ---------------------------------------------------------------------------------

    def target(self, at: QPointF) -> Target:
        """What lies at a place of the stack."""
        stack = self._window.parts.stack
        batch = stack.latency.batch_at(at) if stack.latency in stack.panes else None
        return target_at(stack.state(), stack.marker_layer.placed, at, batch)

    def menu(self, target: Target) -> QMenu:
        """The menu of a target."""
        return menu_of(self._window.parts.stack, self.entries(target), self._window.undo.notice)

    def _open(self, at: QPointF, with_keys: bool) -> None:
        """By the mouse there, or by a key: then for the active marker, or for what is under the pointer."""
        if self._window.recording is None:
            return
        stack = self._window.parts.stack
        if not with_keys:
            pop_up(self.menu(self.target(at)), _on_screen(stack, at))
            return
        active = self._window.markers.markers.active
        placed = next((each for each in stack.marker_layer.placed if each.marker.number == active), None)
        if placed is not None:
            target = Target(Kind.MARKER, placed.marker.start_s, marker=active)
            pop_up(self.menu(target), _on_screen(stack, placed.banner.bottomLeft()))
            return
        pointer = QPointF(stack.mapFromGlobal(QCursor.pos()))
        place = pointer if stack.state().area.contains(pointer) else stack.trace.rect.center()
        pop_up(self.menu(self.target(place)), _on_screen(stack, place))

    def _pop_up(self, widget: QWidget, entries: Iterable[Entry], at: QPoint) -> None:
        if self._window.recording is not None:
            pop_up(menu_of(widget, entries, self._window.undo.notice), at)

    # -- entries ---------------------------------------------------------------------------------

    def entries(self, target: Target) -> Iterable[Entry]:
        """What can be done with a target, the nearest first."""
        pane = self._window.parts.stack.panes[target.pane]
        set_here = chain.from_iterable(entries_of(pane) for entries_of in self.pane_entries)
        if target.kind is Kind.MARKER and target.marker is not None:
            return self._marker_entries(target.marker)
        if target.kind is Kind.VALUE_AXIS:
            return (*set_here, LINE, *self._zoom_entries(pane))
        if target.kind is Kind.TIME_AXIS:
            return self._time_entries()
        return (
            *self._batch_entries(target), LINE, *self._trace_entries(target), LINE, *self._lay_entries(target), LINE,
            *self._run_entries(target.run), LINE, *set_here, LINE, *self._copy_entries(),
        )  # fmt: skip

    def _lay_entries(self, target: Target) -> Iterator[Entry]:
        markers = self._window.markers
        yield Item("Lay a pair of markers here", partial(markers.lay_pair, target.seconds), "D")
        yield Item("Lay a single marker here", partial(markers.lay_single, target.seconds), "S")

    def _trace_entries(self, target: Target) -> Iterator[Entry]:
        each = self._shown(target)
        if each is None:
            return
        window, signal = self._window, each.signal
        yield Title(self._name(each))
        alone = len(window.signals.shown.all) == 1
        yield Item("Show only this signal", partial(window.signals.show, signal.id), able=not alone)
        yield Item("Hide this signal", partial(window.signals.toggle, signal.id), able=not alone)
        yield Item("Copy its statistics in view", lambda: window.output.copy_statistics(signals=[each]))
        yield Item("Copy its samples in view", partial(window.output.copy_samples, signal))

    def _run_entries(self, run: Interval | None) -> Iterator[Entry]:
        if run is None or run.run_id is None:
            return
        window, run_id = self._window, run.run_id
        yield Title(run.name)
        yield Item("Show this run alone", partial(window.show_run, run_id))
        yield Item("Lay a pair around this run", partial(window.markers.lay, run.start_s, run.end_s, run.name),
                   "Double click")  # fmt: skip
        yield Item("Copy its row of the table", partial(window.parts.panel(RunTable).copy_run, run_id))

    def _batch_entries(self, target: Target) -> Iterator[Entry]:
        if target.batch is None:
            return
        window, (start_s, end_s) = self._window, target.batch
        room_s = ROOM * (end_s - start_s)
        yield Title(f"Batch of {span_of_time(end_s - start_s)}")
        yield Item("Lay a pair around this batch", partial(window.markers.lay, start_s, end_s), "Double click")
        yield Item("Zoom to this batch", partial(window.navigation.show_between, start_s - room_s, end_s + room_s))
        yield Item("Copy its numbers", partial(self._copy_batch, start_s, end_s))

    def _marker_entries(self, number: int) -> Iterator[Entry]:
        window, marker, recording = self._window, self._window.markers.markers.of(number), self._window.recording
        if marker is None or recording is None:
            return
        markers = window.markers
        yield Title(f"Marker {number}" + (f"  {marker.name}" if marker.name else ""))
        yield Item("Name and times…", partial(markers.edit, number), "Enter")
        yield Group("Colour", tuple(
            Item(f"Colour {k + 1}", partial(markers.set_colour, number, k), checked=marker.colour % count == k)
            for count in [markers.colours] for k in range(count)
        ))  # fmt: skip
        if marker.end_ns is not None:
            span_s = recording.seconds(marker.start_ns), recording.seconds(marker.end_ns)
            yield Item("Zoom to this pair", partial(window.navigation.show_between, *span_s), "Z")
            yield Item("Analyse this pair…", partial(self._analyse, number), "A")
            yield LINE
            yield Item("Copy its statistics", partial(window.output.copy_statistics, span_s))
            yield Item("Copy its batches", partial(self._copy_batches, *span_s), able=recording.has_runs)
            yield Item("Export its samples…", partial(window.output.export_samples, span_s))
        yield LINE
        yield Item("Remove this marker", partial(markers.remove, number), "Del")

    def _plan_entries(self, at: QPoint) -> Iterator[Entry]:
        """Of the run of the plan there: what can be done with it now."""
        panel = self._window.parts.panel(RunPanel)
        line = panel.lines.line_at(at)
        if line is None:
            return
        yield Title(line.title)
        if line.run_id is not None:
            run_id = line.run_id
            yield Item("Show this run alone", partial(self._window.show_run, run_id))
            yield Item("Copy its row of the table", partial(self._window.parts.panel(RunTable).copy_run, run_id))
        yield Item("Copy its name", partial(copy, line.title))
        if line.tone == "active" and not panel.skip.isHidden() and panel.skip.isEnabled():
            yield LINE
            yield Item("Skip run", panel.skip.click, "N")
            yield Item("Stop plan", panel.start_stop.click, "Space")

    def _selection_entries(self, at: QPoint) -> Iterator[Entry]:
        """Of the number there, of all of them, and of the pair that they belong to."""
        panel, recording = self._window.parts.panel(SelectionPanel), self._window.recording
        if recording is None:
            return
        text, simulated = panel.text_at(at), recording.simulated
        if text:
            yield Item(f"Copy {text}", partial(copy, marked(text, simulated=simulated)))
        yield Item("Copy all of them as a table", lambda: copy(panel.table(simulated=simulated)))
        active = self._window.markers.markers.active
        if active is not None:
            yield LINE
            yield from self._marker_entries(active)

    def _zoom_entries(self, pane: Pane) -> Iterator[Entry]:
        middle = sum(pane.y_range) / 2
        yield Item("Zoom in", partial(pane.box.y_zoom_asked.emit, 1 / ZOOM, middle), "Wheel")
        yield Item("Zoom out", partial(pane.box.y_zoom_asked.emit, ZOOM, middle))

    def _time_entries(self) -> Iterator[Entry]:
        for entries_of in self.time_entries:
            yield from entries_of()
            yield LINE

    def _navigation_entries(self) -> Iterator[Entry]:
        window = self._window
        yield Item("Show the whole session", window.navigation.show_all, "Ctrl+0")
        yield Item("Go to the beginning", window.navigation.go_to_start, "Home")
        if window.live:
            yield Item("Follow the newest samples", window.follow, "End")
        yield LINE
        yield Item("Zoom in", window.navigation.zoom_in, "Up")
        yield Item("Zoom out", window.navigation.zoom_out, "Down")

    def _copy_entries(self) -> Iterator[Entry]:
        output = self._window.output
        yield Item("Copy statistics of the view", output.copy_statistics, "Ctrl+C")
        yield Item("Copy picture of the view", output.copy_picture, "Ctrl+Shift+C")
        yield LINE
        yield Item("Export picture of the view…", output.export_picture, "Ctrl+P")
        yield Item("Export samples in view…", output.export_samples, "Ctrl+E")

    def _analyse(self, number: int) -> None:
        self._window.markers.activate(number)
        self._window.inferences.analyse_active_pair()

    # -- what is meant ---------------------------------------------------------------------------

    def _shown(self, target: Target) -> ShownSignal | None:
        panes = self._window.signals.shown.panes
        if target.slot is None or target.pane >= len(panes):
            return None
        return next((each for each in panes[target.pane] if each.slot == target.slot), None)

    def _name(self, each: ShownSignal) -> str:
        recording = self._window.recording
        return recording.labels.get(each.signal.id, each.signal.name) if recording is not None else each.signal.name

    def _copy_batch(self, start_s: float, end_s: float) -> None:
        self._copy_batches((start_s + end_s) / 2, end_s)

    def _copy_batches(self, start_s: float, end_s: float) -> None:
        recording = self._window.recording
        if recording is not None:
            copy(batch_table(recording, start_s, end_s))


def _on_screen(stack: QWidget, at: QPointF) -> QPoint:
    return stack.mapToGlobal(at.toPoint())
