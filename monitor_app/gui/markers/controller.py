# SPDX-License-Identifier: Apache-2.0
"""The markers of the session: what keys, mouse and dialog do with them, what is painted, and where they are stored."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QShortcut

from monitor_app.core.errors import MonitorError
from monitor_app.gui.markers.dialog import MarkerDialog
from monitor_app.gui.plot.markers.boxes import boxes_of
from monitor_app.gui.plot.markers.shown import shown_markers
from monitor_app.gui.session.markers import MarkerDraft, MarkerSet
from monitor_app.session.marker_store import store_markers

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from monitor_app.core.markers import Marker
    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.plot.plot_state import StatBox
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.session.shown_signals import ShownSignals
    from monitor_app.gui.theme import Theme

PAIR_WIDTH = 0.2
"""Of a new pair, as a fraction of the view."""
ROOM = 0.1
"""On both sides of a pair that does not fit into the view, as a fraction of its width."""
NUMBERED = range(1, 10)
"""Markers that have a key."""
NOTHING_THERE = "Nothing was recorded in that interval."


class MarkerController(QObject):
    """``shown`` and ``theme`` return what the window shows now."""

    changed = Signal()
    """The active pair, or its edges."""
    left = Signal()
    """No marker is to be active."""
    note = Signal(str)
    alarm = Signal(str)
    kept = Signal()
    """A marker was laid, changed or removed, and a drag has ended."""

    def __init__(
        self, parent: QWidget, document: Document, bench: BenchController, navigation: Navigation, stack: PaneStack,
        shown: Callable[[], ShownSignals], theme: Callable[[], Theme],
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._parent = parent
        self._document, self._bench, self._navigation, self._stack = document, bench, navigation, stack
        self._shown, self._theme = shown, theme
        self._draft = MarkerDraft()
        self._hours = False
        """Whether energy is in Wh and charge in Ah."""
        self._refused = False
        """Whether the user knows that the markers of this session cannot be stored."""
        self._boxes: dict[Marker, tuple[StatBox | None, ...]] = {}
        self._turn = 0
        stack.selected.connect(self._drag_new)
        stack.selection_cleared.connect(self.deactivate)
        stack.interval_asked.connect(self.lay)
        stack.enter_pressed.connect(self.edit_active)
        layer = stack.marker_layer
        layer.dragged.connect(self._drag)
        layer.clicked.connect(self.activate)
        layer.edit_asked.connect(self.edit)
        layer.unit_asked.connect(self.switch_units)
        for number in NUMBERED:
            QShortcut(str(number), parent, partial(self.go_to, number))

    # -- the session -----------------------------------------------------------------------------

    def open(self) -> None:
        """Another session is shown: its markers are those that it holds."""
        recording = self._document.recording
        self._refused, self._boxes = False, {}
        self._draft.begin(MarkerSet(tuple(recording.reader.markers()) if recording is not None else ()))
        self.update()

    @property
    def span_s(self) -> tuple[float, float] | None:
        """Start and end of the active pair, in s since the start of the session."""
        recording, marker = self._document.recording, self._draft.shown.active_marker
        if recording is None or marker is None or marker.end_ns is None:
            return None
        return recording.seconds(marker.start_ns), recording.seconds(marker.end_ns)

    @property
    def markers(self) -> MarkerSet:
        return self._draft.shown

    @property
    def kept_markers(self) -> tuple[Marker, ...]:
        """Without what a drag only shows."""
        return self._draft.kept.markers

    # -- commands --------------------------------------------------------------------------------

    def lay_single(self, at_s: float | None = None) -> None:
        """At this time; else at the pointer, or at the middle of the view where the pointer is elsewhere."""
        recording = self._document.recording
        at_s = self._pointer_s if at_s is None else at_s
        if recording is None or not 0 <= at_s <= recording.edge_s:
            self.note.emit(NOTHING_THERE)
            return
        self._do(self.markers.laid(recording.host_ns(at_s), None))

    def lay_pair(self, at_s: float | None = None) -> None:
        """Around this time, around the pointer, or around the middle of the view."""
        half_s = PAIR_WIDTH / 2 * self._navigation.view.width_s
        at_s = self._pointer_s if at_s is None else at_s
        self.lay(at_s - half_s, at_s + half_s)

    def lay(self, start_s: float, end_s: float, name: str = "") -> None:
        """A pair around this interval, as far as it has been recorded."""
        laid = self._laid(start_s, end_s, name)
        if laid is None:
            self.deactivate()
            self.note.emit(NOTHING_THERE)
        else:
            self._do(laid)

    def edit_active(self) -> None:
        """Type the name and the times of the active marker."""
        if self.markers.active is not None:
            self.edit(self.markers.active)

    def remove_active(self) -> None:
        if self.markers.active is not None:
            self.remove(self.markers.active)

    def remove(self, number: int) -> None:
        """Remove the marker of this number."""
        self._do(self.markers.without(number))

    def set_colour(self, number: int, colour: int) -> None:
        """Give the marker of this number another one of the colours."""
        marker = self.markers.of(number)
        if marker is not None:
            self._do(self.markers.with_marker(replace(marker, colour=colour)))

    @property
    def colours(self) -> int:
        """How many there are."""
        return len(self._theme().markers)

    def activate(self, number: int) -> None:
        """The marker of this number, if there is one, is the one that keys and the panel mean."""
        self._show(self.markers.with_active(number))

    def zoom_to_active(self) -> None:
        """Show the active pair."""
        if self.span_s is not None:
            self._navigation.show_between(*self.span_s)

    def deactivate(self) -> None:
        """None is active; all stay where they are."""
        self.left.emit()
        self._show(self.markers.with_active(None))

    def go_to(self, number: int) -> None:
        """Make this one active and bring it into view."""
        recording, marker = self._document.recording, self.markers.of(number)
        if recording is None or marker is None:
            return
        self.activate(number)
        view, start_s = self._navigation.view, recording.seconds(marker.start_ns)
        end_s = start_s if marker.end_ns is None else recording.seconds(marker.end_ns)
        if view.start_s <= start_s and end_s <= view.end_s:
            return
        room_s = max((view.width_s - (end_s - start_s)) / 2, ROOM * (end_s - start_s))
        self._navigation.show_between(start_s - room_s, end_s + room_s)

    def restore(self, markers: tuple[Marker, ...]) -> None:
        """As they were before a step, or after it."""
        self._draft.restore(markers)
        self._store()
        self._announce()

    def switch_units(self) -> None:
        """Between J and Wh, and between C and Ah."""
        self._hours = not self._hours
        self._boxes = {}
        self.update()

    # -- changes ---------------------------------------------------------------------------------

    @property
    def _pointer_s(self) -> float:
        """Where the pointer is elsewhere, the middle of what is in view and recorded."""
        at_s, view = self._stack.pointer_s, self._navigation.view
        if at_s is not None:
            return at_s
        return (max(view.start_s, 0.0) + min(view.end_s, self._navigation.edge_s)) / 2

    def _laid(self, start_s: float, end_s: float, name: str = "") -> MarkerSet | None:
        recording = self._document.recording
        if recording is None:
            return None
        start_s, end_s = max(start_s, 0.0), min(end_s, recording.edge_s)
        if end_s <= start_s:
            return None
        return self._draft.kept.laid(recording.host_ns(start_s), recording.host_ns(end_s), name)

    def _drag_new(self, start_s: float, end_s: float, ended: bool) -> None:
        """A pair is being drawn."""
        laid = self._laid(start_s, end_s)
        self._show(laid if laid is not None else self._draft.kept.with_active(None))
        if ended:
            self._keep()
            if laid is None:
                self.note.emit(NOTHING_THERE)

    def _drag(self, number: int, start_s: float, end_s: float, ended: bool) -> None:
        """An edge or a whole marker is being moved."""
        recording, marker = self._document.recording, self._draft.kept.of(number)
        if recording is None or marker is None:
            return
        length_ns = 0 if marker.end_ns is None else marker.end_ns - marker.start_ns
        start_ns, end_ns = recording.host_ns(start_s), recording.host_ns(end_s)
        first_ns, last_ns = recording.host_ns(0.0), recording.newest_ns
        if abs(end_ns - start_ns - length_ns) <= 1:  # moved as a whole, which keeps its length to the nanosecond
            start_ns = min(max(start_ns, first_ns), max(last_ns - length_ns, first_ns))
            end_ns = start_ns + length_ns
        start_ns, end_ns = max(start_ns, first_ns), min(end_ns, last_ns)
        if start_ns <= end_ns:
            moved = replace(marker, start_ns=start_ns, end_ns=None if marker.end_ns is None else end_ns)
            self._show(self._draft.kept.with_marker(moved))
        if ended:
            self._keep()

    def edit(self, number: int) -> None:
        """Type the name and the times of the marker of this number."""
        recording, marker = self._document.recording, self.markers.of(number)
        if recording is None or marker is None:
            return
        dialog = MarkerDialog(self._parent, marker, self._theme(), recording.host_ns(0.0), recording.newest_ns)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(lambda typed: self._do(self.markers.with_marker(typed)))
        dialog.open()

    def _do(self, markers: MarkerSet) -> None:
        self._show(markers)
        self._keep()

    def _show(self, markers: MarkerSet) -> None:
        self._draft.show(markers)
        self._announce()

    def _announce(self) -> None:
        try:
            self.update()
            self.changed.emit()
        except MonitorError as error:
            self._document.give_up(error)

    def _keep(self) -> None:
        if self._draft.keep():
            self._store()
            self.kept.emit()

    def _store(self) -> None:
        """Through the bench while it records, which alone writes the file; else in the file."""
        recording, markers = self._document.recording, self._draft.shown.markers
        if recording is None:
            return
        if self._bench.live:
            self._bench.set_markers(markers)
            return
        try:
            store_markers(recording.reader.path, markers)
        except MonitorError as error:
            if not self._refused:
                self.alarm.emit(f"Markers are not stored: {error}")
            self._refused = True

    # -- what is painted -------------------------------------------------------------------------

    def update(self) -> None:
        """Bring the banners and the boxes up to date: that of the active pair, and of the others one at a time."""
        recording, shown = self._document.recording, self._draft.shown
        if recording is None or recording.origin_ns is None:
            self._stack.show_markers(())
            return
        self._measure(shown)
        self._stack.show_markers(
            shown_markers(recording, shown.markers, shown.active, self._boxes, self._theme(), self._stack.times)
        )

    def _measure(self, shown: MarkerSet) -> None:
        recording = self._document.recording
        assert recording is not None
        pairs = [marker for marker in shown.markers if marker.end_ns is not None]
        self._boxes = {marker: self._boxes[marker] for marker in pairs if marker in self._boxes}
        due = [marker for marker in pairs if marker.number == shown.active]
        others = [m for m in pairs if m not in self._boxes and m not in due] or pairs
        if others:
            self._turn += 1
            due.append(others[self._turn % len(others)])
        for marker in dict.fromkeys(due):
            assert marker.end_ns is not None
            span_s = recording.seconds(marker.start_ns), recording.seconds(marker.end_ns)
            self._boxes[marker] = boxes_of(recording, self._shown(), *span_s, self._theme(), hours=self._hours)
