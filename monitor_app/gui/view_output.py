# SPDX-License-Identifier: Apache-2.0
"""What is in view, as a picture or as numbers: written to a file, or put on the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from monitor_app.core.errors import MonitorError
from monitor_app.gui.clipboard import copy
from monitor_app.gui.plot.picture import picture_of
from monitor_app.gui.session.caption import caption_of
from monitor_app.gui.session.shown_signals import ShownSignal
from monitor_app.gui.session.tables import MOST_SAMPLES, samples_between, samples_table, statistics_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QImage

    from monitor_app.gui.plot.pane_stack import PaneStack
    from monitor_app.gui.session.exporting import Exports
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignals
    from monitor_app.session.rows import SignalRow

    Span = tuple[float, float]

NOTHING_IN_VIEW = "There is nothing in view to export or to copy."
TOO_MANY = (
    "About {n:,} samples would be copied, and a spreadsheet takes at most {most:,} of them: zoom in, or export the "
    "samples to a file (Ctrl+E)."
)


class ViewOutput(QObject):
    """``recording``, ``shown`` and ``span_s`` return what the window shows now; intervals are in s of the session."""

    note = Signal(str)
    alarm = Signal(str)

    def __init__(
        self, exports: Exports, stack: PaneStack, recording: Callable[[], Recording | None],
        shown: Callable[[], ShownSignals], span_s: Callable[[], Span],
    ) -> None:  # fmt: skip
        super().__init__(stack)
        self._exports, self._stack = exports, stack
        self._recording, self._shown, self._span_s = recording, shown, span_s

    def export_picture(self) -> None:
        """Write what is on the screen now."""
        picture, recording = self._picture(), self._recording()
        if picture is not None and recording is not None:
            self._exports.export_picture(picture, recording.reader.path)

    def copy_picture(self) -> None:
        """Put what is on the screen now on the clipboard."""
        picture = self._picture()
        if picture is not None:
            copy(picture)

    def export_samples(self, span_s: Span | None = None) -> None:
        """Write every sample of the signals that are shown, of an interval or of what is in view."""
        recording, signals, span_s = self._recording(), self._shown().signals, self._interval(span_s)
        if recording is not None and signals and span_s is not None:
            self._exports.export_samples(recording, signals, span_s)

    def copy_statistics(self, span_s: Span | None = None, signals: Sequence[ShownSignal] | None = None) -> None:
        """A row for each signal: of these or of all that are shown, over an interval or over what is in view."""
        recording, span_s = self._recording(), self._interval(span_s)
        if recording is not None and span_s is not None:
            copy(statistics_table(recording, signals or self._shown().all, span_s))

    def copy_statistics_of(self, signal_id: int) -> None:
        """Of a signal over what is in view, whether or not it is shown."""
        recording = self._recording()
        rows = [row for row in recording.signals if row.id == signal_id] if recording is not None else []
        if rows:
            self.copy_statistics(signals=[ShownSignal(row) for row in rows])

    def copy_samples(self, signal: SignalRow | None = None, span_s: Span | None = None) -> None:
        """Every sample of a signal, by default the first that is shown."""
        recording, span_s, signal = self._recording(), self._interval(span_s), signal or self._shown().first
        if recording is None or span_s is None or signal is None:
            return
        expected = samples_between(recording, signal, span_s)
        if expected > MOST_SAMPLES:
            self.note.emit(TOO_MANY.format(n=expected, most=MOST_SAMPLES))
        else:
            copy(samples_table(recording, signal, span_s))

    def _interval(self, span_s: Span | None) -> Span | None:
        """The interval, or what is in view; None, which is said, where there is nothing of it."""
        start_s, end_s = span_s or self._span_s()
        if end_s <= start_s:
            self.alarm.emit(NOTHING_IN_VIEW)
            return None
        return start_s, end_s

    def _picture(self) -> QImage | None:
        recording = self._recording()
        span_s = self._interval(None) if recording is not None else None
        if recording is None or span_s is None:
            return None
        stack = self._stack
        style = stack.options.style
        try:
            return picture_of(
                stack, caption_of(recording, self._shown().first, span_s, stack.samples_per_column, style)
            )
        except MonitorError as error:
            self.alarm.emit(str(error))
            return None
