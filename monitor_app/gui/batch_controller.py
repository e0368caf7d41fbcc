# SPDX-License-Identifier: Apache-2.0
"""The batch that is looked at: the one under the mouse, or the one that keys have stepped to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from monitor_app.core.errors import MonitorError
from monitor_app.gui.plot.batches.facts import BatchCards
from monitor_app.gui.plot.batches.spans import LEAST_PX, span_at, span_of
from monitor_app.gui.plot.time_window import MIN_WIDTH_S

if TYPE_CHECKING:
    from monitor_app.gui.plot.navigation import Navigation
    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.plot.plot_state import BatchCard
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.session.recording import Recording

WIDE_PX = 4 * LEAST_PX
"""A batch that keys step to is at least so wide."""
WIDTHS = 12.0
"""Of a batch that was too narrow, that the view then takes."""
ENERGY_PX, AT_ONCE, MOST_KEPT = 118.0, 3, 5000
"""Width of a span that has room for time and energy, and how many energies are computed at once and kept."""
LATE_S = 0.5
"""Samples of a batch may come this long after it; those that are not there then never will be."""
NO_BATCHES = "No batch has been recorded."
LAST, FIRST = "This is the last batch.", "This is the first batch."


class BatchController(QObject):
    """Shows the card of one batch in the panes; ``step`` moves the view."""

    note = Signal(str)

    def __init__(self, parent: QObject, document: Document, navigation: Navigation, stack: PaneStack) -> None:
        super().__init__(parent)
        self._document, self._navigation, self._stack = document, navigation, stack
        self.index: int | None = None
        """Of the batch that is looked at."""
        self._by_key = False
        """Whether a key has chosen it: the mouse has to point at another one to change that."""
        self._card: BatchCard | None = None
        self._cards: BatchCards | None = None
        """Of the session that is open."""
        self._measured = 0
        """Phases that had ended when they were made."""
        self._energies: dict[int, str] = {}
        stack.pointer_moved.connect(self.hover)
        document.about_to_close.connect(self._forget)

    def next(self) -> None:
        """The batch after the one that is looked at, or after the middle of the view."""
        self._step(1)

    def previous(self) -> None:
        self._step(-1)

    def hover(self) -> None:
        """The mouse has moved: look at the batch under it."""
        at_s = self._stack.pointer_s
        span = None if at_s is None else span_at(self._stack.batch_spans, at_s)
        if span is not None:
            self._by_key = False
            self._look_at(span.index)
        elif not self._by_key:
            self.leave()

    def leave(self) -> None:
        """Look at none."""
        self._by_key = False
        self._look_at(None)

    def _forget(self) -> None:
        """Another session is going to be shown."""
        self._cards, self._energies = None, {}
        self._stack.show_energies({})
        self.leave()

    def update(self) -> None:
        """Bring the card up to date: a run that goes on may have measured more, and a view that moves has others."""
        if not self._by_key:
            self.hover()
        self._show_card(anew=True)
        self._show_energies()

    def _show_energies(self) -> None:
        """Of spans that have room for it, a few at a time."""
        recording, view = self._document.recording, self._navigation.view
        least_s = ENERGY_PX / max(self._stack.pixels, 1) * view.width_s
        if recording is None:
            return
        known_s = recording.edge_s - LATE_S
        spans = self._stack.batch_spans
        wide = [span.index for span in spans if span.end_s - span.start_s >= least_s and span.end_s <= known_s]
        if len(self._energies) > MOST_KEPT:
            self._energies = {}
        try:
            for index in [index for index in wide if index not in self._energies][:AT_ONCE]:
                self._energies[index] = self._made(recording).energy_text(index)
        except MonitorError as error:
            self._document.give_up(error)
            return
        self._stack.show_energies(self._energies)

    def _made(self, recording: Recording) -> BatchCards:
        """For the session that is open, and for what its runs have measured so far."""
        measured = sum(span.end_ns is not None for span in recording.spans)
        if self._cards is None or measured != self._measured:
            self._cards, self._measured, self._energies = BatchCards(recording), measured, {}
        return self._cards

    def _step(self, by: int) -> None:
        recording = self._document.recording
        count = 0 if recording is None else len(recording.batches.rows)
        if recording is None or not count:
            self.note.emit(NO_BATCHES)
            return
        index = self._middle(by) if self.index is None else self.index + by
        if not 0 <= index < count:
            self.note.emit(LAST if by > 0 else FIRST)
            index = min(max(index, 0), count - 1)
        self._by_key = True
        self._look_at(index)
        self._centre(index)

    def _middle(self, by: int) -> int:
        """The first batch that ends after the middle of the view, or the last one that ends before it."""
        recording, view = self._document.recording, self._navigation.view
        assert recording is not None
        ends_s = recording.batches.rows["end_s"]
        after = int(np.searchsorted(ends_s, view.start_s + view.width_s / 2))
        return after if by > 0 else after - 1

    def _centre(self, index: int) -> None:
        """Each batch at the same place on the screen, so that they can be compared."""
        recording, view = self._document.recording, self._navigation.view
        assert recording is not None
        span = span_of(recording.batches, index)
        length_s = span.end_s - span.start_s
        wide = length_s / view.width_s * self._stack.pixels >= WIDE_PX and length_s < view.width_s
        width_s = view.width_s if wide else max(WIDTHS * length_s, MIN_WIDTH_S)
        start_s = (span.start_s + span.end_s - width_s) / 2
        self._navigation.view = replace(view, start_s=start_s, width_s=width_s, following=False)

    def _look_at(self, index: int | None) -> None:
        if index != self.index:
            self.index = index
            self._show_card(anew=False)

    def _show_card(self, *, anew: bool) -> None:
        recording = self._document.recording
        if recording is None or self.index is None:
            self._card = None
        elif anew or self._card is None or self._card.span.index != self.index:
            try:
                self._card = self._made(recording).card(self.index)
            except MonitorError as error:
                self._card = None
                self._document.give_up(error)
        self._stack.show_card(self._card)
