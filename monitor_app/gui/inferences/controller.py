# SPDX-License-Identifier: Apache-2.0
"""Opens the analysis of a pair or of two runs, and keeps it up to date with the pair that is active."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from monitor_app.gui.inferences.job import NO_PROGRAM, OverlayRequest, PairRequest, WorkRequest
from monitor_app.gui.inferences.window import InferencesWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.inferences.job import Request
    from monitor_app.gui.markers.controller import MarkerController
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.theme import Theme

REST_MS = 300
"""After an edge was moved, before it is computed anew."""
FIRST_WINDOW = 0.1
"""Length of the largest window until the user types one, as a fraction of the pair."""
NO_PAIR = "Lay a pair of markers first: D, or Shift and drag."


class InferencesController(QObject):
    """At most one window, made when it is first asked for."""

    note = Signal(str)

    def __init__(
        self, parent: QWidget, document: Document, markers: MarkerController, theme: Callable[[], Theme]
    ) -> None:
        super().__init__(parent)
        self._document, self._markers, self._theme = document, markers, theme
        self.window: InferencesWindow | None = None
        self._window_s: float | None = None
        """Length of the largest window, once the user has typed one."""
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._follow)
        markers.changed.connect(self._rest.start)
        document.about_to_close.connect(self.close)

    def analyse_active_pair(self) -> None:
        """Show the inferences of the active pair of markers."""
        request = self._pair_request()
        if request is None:
            self.note.emit(NO_PAIR)
            return
        self._open(request)

    def analyse_work(self) -> None:
        """Show the spans that a program of the user's has marked, by their names."""
        recording = self._document.recording
        if recording is None or recording.origin_ns is None or not any(run.own_program for run in recording.runs):
            self.note.emit(NO_PROGRAM)
            return
        self._open(WorkRequest(recording.reader.path, recording.origin_ns))

    def overlay_runs(self, first: int, second: int) -> None:
        """Lay two runs, by their ids, over each other at their start, and show what differs."""
        recording = self._document.recording
        if recording is not None and recording.origin_ns is not None:
            self._open(OverlayRequest(recording.reader.path, first, second, recording.origin_ns))

    def _open(self, request: Request) -> None:
        window = self._window()
        window.compute(request)
        window.show()
        window.raise_()
        window.activateWindow()

    def set_theme(self) -> None:
        """As the main window has it."""
        if self.window is not None:
            self.window.set_theme(self._theme())

    def close(self) -> None:
        """Another session is going to be shown, or the main window closes."""
        window, self.window = self.window, None
        self._window_s = None
        if window is not None:
            window.close()
            window.wait()
            window.deleteLater()

    def _window(self) -> InferencesWindow:
        if self.window is None:
            self.window = InferencesWindow(self._theme())
            self.window.interval_asked.connect(self._markers.lay)
            self.window.window_length_asked.connect(self._look_for)
        return self.window

    def _pair_request(self) -> PairRequest | None:
        recording, marker = self._document.recording, self._markers.markers.active_marker
        if recording is None or recording.origin_ns is None or marker is None or marker.end_ns is None:
            return None
        window_s = self._window_s or _round(FIRST_WINDOW * (marker.end_ns - marker.start_ns) * 1e-9)
        path = recording.reader.path
        return PairRequest(path, marker.start_ns, marker.end_ns, recording.origin_ns, window_s, marker.name)

    def _follow(self) -> None:
        """Another pair is active, or its edges were moved."""
        request, window = self._pair_request(), self.window
        if window is None or request is None or not window.isVisible():
            return
        if isinstance(window.request, PairRequest) and window.request != request:
            window.compute(request)

    def _look_for(self, length_s: float) -> None:
        """The largest window of another length."""
        self._window_s = length_s
        request, window = self._pair_request(), self.window
        if window is not None and request is not None:
            window.compute(request, window.analysis)


def _round(seconds: float) -> float:
    """To two significant digits."""
    return float(f"{max(seconds, 1e-6):.2g}")
