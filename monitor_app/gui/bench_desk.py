# SPDX-License-Identifier: Apache-2.0
"""What the user tells the bench, and what the bench has to say to the user."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from monitor_app.bench.messages import AddMark, AddSource, Connect, Disconnect, FindSources
from monitor_app.core.errors import MonitorError
from monitor_app.gui.panels.source_cards import TROUBLE

if TYPE_CHECKING:
    from monitor_app.gui.bench_controller import News
    from monitor_app.gui.main_window import MainWindow

RECORDED = "This is a recorded session: start monitor-app with a profile to measure."


class BenchDesk:
    """Between the window and its bench."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._said = ""
        """What stands in the notice because the bench said it."""

    def tell(self, news: News) -> None:
        """Show what the bench has said; what it no longer says goes, unless something else has taken its place."""
        notice = self._window.parts.notice
        if news.message:
            (notice.alarm if self._is_trouble(news.message) else notice.note)(news.message)
            self._said = news.message
        elif news.message is not None:
            if notice.text == self._said:
                notice.put_away()
            self._said = ""
        if news.failed:
            notice.alarm(news.failed)

    def _is_trouble(self, message: str) -> bool:
        status = self._window.link.status
        return status is not None and any(s.state in TROUBLE and s.message == message for s in status.sources)

    def start_or_stop(self) -> None:
        """Start or stop the runs; with no bench, begin a new session."""
        window = self._window
        if not window.link.can_start:
            window.parts.notice.note(RECORDED)
            return
        begins_anew = not window.link.live
        try:
            window.link.start_or_stop()
        except MonitorError as error:
            window.parts.notice.alarm(str(error))
            return
        if begins_anew:
            window.keeping.set_unsaved()
            window.parts.notice.put_away()
        window.refresh_side()

    def skip_run(self) -> None:
        self._window.link.skip()

    def add_mark(self) -> None:
        """Mark the present moment; the text is its number."""
        recording = self._window.recording
        if self._window.link.live and recording is not None:
            self._window.link.send(AddMark(time.perf_counter_ns(), f"mark {len(recording.marks) + 1}"))

    def connect_source(self, name: str) -> None:
        self._window.link.send(Connect(name))

    def disconnect_source(self, name: str) -> None:
        self._window.link.send(Disconnect(name))

    def find_sources(self) -> None:
        self._window.link.send(FindSources())

    def add_source(self, spec: dict[str, Any]) -> None:
        """Take an instrument that was found into the session."""
        self._window.link.send(AddSource(spec))
