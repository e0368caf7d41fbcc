# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: dashes)
"""Which session the window shows: opening, keeping, and letting go of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.gui.plot.time_window import ViewWindow
from monitor_app.gui.session.recording import Recording
from monitor_app.session.files import keep_session
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow


class Sessions:
    """Opens and closes the recording of a window."""

    def __init__(self, window: MainWindow, title: str) -> None:
        self._window = window
        self._title = title

    def show(self, path: Path) -> None:
        """Show another session from now on; what cannot be opened leaves the present one as it is."""
        window = self._window
        try:
            reader = SessionReader(path)
        except MonitorError as error:
            window.parts.notice.alarm(str(error))
            return
        self.close()
        recording = window.recording = Recording(reader)
        window.selected.forget()
        window.parts.notice.put_away()
        try:
            recording.advance()
            window.do_all_chores()
        except MonitorError as error:
            self.give_up(error)
            return
        window.view = ViewWindow(following=True) if window.live else window.view.fitted(recording.edge_s, live=False)
        self.name_window()

    def close(self) -> None:
        """Let go of the file; the window is empty."""
        window = self._window
        window.clear_selection()
        window.parts.stack.clear_recording()
        window.parts.overview.clear()
        if window.recording is not None:
            window.recording.reader.close()
            window.recording = None

    def give_up(self, error: MonitorError) -> None:
        """The file cannot be read any further."""
        self.close()
        self._window.parts.notice.alarm(str(error))

    def open(self) -> None:
        """Ask for a session file and show it; a bench that records goes on until the window closes."""
        window = self._window
        if window.link.live:
            window.parts.notice.note("A recording is going on: stop it by closing this window, or open a second one.")
            return
        path = window.keeping.ask_source()
        if path is not None:
            self.open_old(path)

    def open_old(self, path: Path) -> None:
        """Show a session that is where it belongs."""
        self._window.keeping.set_saved()
        self.show(path)

    def save(self) -> None:
        """Keep an unsaved session under a name; one that is being written moves there when it ends."""
        window = self._window
        if window.recording is None or not window.keeping.unsaved:
            return
        target = window.keeping.ask_target()
        if target is None:
            return
        window.keeping.target = target
        if window.link.live:
            window.parts.notice.note(f"The recording goes on; when it ends it is kept as {target}.")
            self.name_window()
        else:
            self.keep_if_wanted()

    def keep_if_wanted(self) -> None:
        """Move a complete session to where it is wanted and go on showing it."""
        window = self._window
        if window.keeping.target is None or window.recording is None:
            return
        source, target = window.recording.reader.path, window.keeping.target
        said, view, chosen = window.parts.notice.text, window.view, window.selected.chosen
        self.close()
        try:
            keep_session(source, target)
        except MonitorError as error:
            window.keeping.target = None
            self.show(source)
            window.parts.notice.alarm(str(error))
            return
        window.keeping.set_saved()
        self.show(target)
        window.view, window.selected.chosen = view, chosen
        if said:
            window.parts.notice.alarm(said)

    def name_window(self) -> None:
        """The title of the window: the file, or what will become one."""
        window = self._window
        if window.recording is None:
            name = self._title
        elif window.keeping.target is not None:
            name = window.keeping.target.name
        elif window.keeping.unsaved:
            title = self._title or window.recording.reader.meta().get("title") or "session"
            name = f"{title} (unsaved)"
        else:
            name = window.recording.reader.path.name
        window.setWindowTitle(f"{name} – monitor-app" if name else "monitor-app")


def size_of(path: Path) -> int:
    """Bytes of a session with what is not yet folded in."""
    wal = path.with_name(f"{path.name}-wal")
    return sum(p.stat().st_size for p in (path, wal) if p.exists())


class OwnCost:
    """Share of a core that this process has used since it was last asked."""

    def __init__(self) -> None:
        self._before = (time.process_time(), time.perf_counter())

    def read(self) -> float:
        spent, now = time.process_time(), time.perf_counter()
        share = (spent - self._before[0]) / max(now - self._before[1], 1e-3)
        self._before = (spent, now)
        return share
