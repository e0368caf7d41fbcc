# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: dashes)
"""The session on screen as a document: opened, saved under a name, or discarded."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from monitor_app.core.errors import MonitorError, NotASessionError
from monitor_app.gui.confirm import confirmed, tell
from monitor_app.gui.keyboard import letter_buttons
from monitor_app.gui.session.recording import Recording
from monitor_app.session.files import discard_session, keep_session, problem_with_place, settle
from monitor_app.session.promise import promise
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

log = logging.getLogger(__name__)

ENDS = "This ends the recording and the runs in progress, and the session has not been saved."
FILES = "Sessions (*.plm);;All files (*)"


class Document(QObject):
    """At most one open session.

    One that is ``unsaved`` lies in a temporary place; ``target`` is where it is saved once it is complete, and until
    then leads to it.
    ``is_recording`` says whether a bench of this window is still writing it.
    """

    about_to_close = Signal()
    opened = Signal(bool)
    """(whether it is the session that was shown before, under another name)"""
    title_changed = Signal(str)
    """(title of the window)"""
    alarm = Signal(str)
    note = Signal(str)
    retracted = Signal(str)
    """(a sentence announced before that holds no longer)"""
    damaged = Signal(Path, str)
    """(file that cannot be read as a session, and why, one sentence); nothing else announces it"""
    saved = Signal(Path)
    """(where the session has been saved)"""
    busy = Signal(object)
    """(the session that cannot be opened now, as a bench of this window is recording; None: not chosen yet)"""

    def __init__(self, parent: QWidget, *, unsaved: bool, title: str, is_recording: Callable[[], bool]) -> None:
        super().__init__(parent)
        self.recording: Recording | None = None
        self.unsaved = unsaved
        self.target: Path | None = None
        self._parent = parent
        self._title = title
        self._is_recording = is_recording
        self.asks = True
        """Whether questions are asked when the window closes."""
        self._discards = False
        self._recorded_here = False
        self._begins_unsaved = False
        self._untitled = False
        self._linked = False
        """Whether ``target`` leads to the session that is still recorded."""
        self._promise = ""
        """What was announced about a session that will be saved later."""

    @property
    def undecided(self) -> bool:
        """Whether the user has yet to say where the session is to be saved."""
        return self.unsaved and self.target is None

    @property
    def opened_path(self) -> Path | None:
        """Of the session, where this window has opened it; None where it has recorded it, or shows none."""
        return self.recording.reader.path if self.recording is not None and not self._recorded_here else None

    # -- open ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Ask for a session file and show it, unless a bench is recording."""
        if self._is_recording():
            self.busy.emit(None)
        elif (path := self.ask_source()) is not None:
            self.open_saved(path)

    def open_listed(self, path: Path, *, unsaved: bool = False) -> None:
        """Show a session that was chosen from a list, unless a bench is recording."""
        if self._is_recording():
            self.busy.emit(path)
        else:
            self.open_saved(path, unsaved=unsaved)

    def close_session(self) -> None:
        """Show no session any longer, once an unsaved one has been dealt with; not while a bench is recording."""
        if self._is_recording():
            self.note.emit("A recording is in progress: stop it first (Ctrl+R).")
        elif self.recording is not None and self.leave():
            self.close()
            self.unsaved, self.target = False, None
            self.announce_title()

    def open_saved(self, path: Path, *, unsaved: bool = False) -> None:
        """Show another session, unless it cannot be opened or the present one is to stay.

        ``unsaved``: it is in a temporary place.
        """
        reader = self._reader(path)
        if reader is None:
            return
        if not self.leave():
            reader.close()
            return
        self.unsaved, self.target = unsaved, None
        self._take(reader, same=False)

    def begin_unsaved(self) -> None:
        """A new session begins in a temporary place; until the bench has opened it, the present one stays."""
        self._begins_unsaved = True

    def show_recorded(self, path: Path) -> None:
        """Show the session that a bench of this window has begun."""
        reader = self._reader(path)
        if reader is None:
            return
        if self._begins_unsaved:
            self.unsaved, self.target, self._begins_unsaved = True, None, False
        self._take(reader, same=False)
        self._recorded_here = True

    def show(self, path: Path) -> None:
        """Show this session from now on; where it cannot be opened, the present one stays."""
        self._show(path, same=False)

    def _show(self, path: Path, *, same: bool) -> None:
        reader = self._reader(path)
        if reader is not None:
            self._take(reader, same=same)

    def can_open(self, path: Path) -> bool:
        """Whether another window can show this session, too; where it cannot, the reason is announced here."""
        reader = self._reader(path)
        if reader is not None:
            reader.close()
        return reader is not None

    def _reader(self, path: Path) -> SessionReader | None:
        """None where the file cannot be opened, which is announced."""
        try:
            return SessionReader(path, visible=True)
        except NotASessionError as error:
            self._announce_damage(path, error)
        except MonitorError as error:
            self.alarm.emit(str(error))
        return None

    def _announce_damage(self, path: Path, error: MonitorError) -> None:
        if path.is_file():
            self.damaged.emit(path, str(error))
        else:
            self.alarm.emit(str(error))

    def _take(self, reader: SessionReader, *, same: bool) -> None:
        self.close()
        self._recorded_here = self._recorded_here and same
        self.recording = Recording(reader)
        self.opened.emit(same)
        self.announce_title()

    def close(self) -> None:
        """Close the file; nothing is shown."""
        self.about_to_close.emit()
        if self.recording is not None:
            self.recording.reader.close()
            self.recording = None

    def give_up(self, error: MonitorError) -> None:
        """Close a file that cannot be read any further, and say why."""
        path = self.recording.reader.path if self.recording is not None else None
        self.close()
        if path is not None and isinstance(error, NotASessionError):
            self._announce_damage(path, error)
        else:
            self.alarm.emit(str(error))

    # -- save ------------------------------------------------------------------------------------

    def save(self) -> None:
        """Ask for a name and save an unsaved session; one that is still recorded is moved there when it ends."""
        if self.recording is None or not self.unsaved:
            return
        target = self.ask_target()
        if target is None:
            return
        self.target = target
        if self._is_recording():
            self._promise_name(self.recording.reader.path, target)
        else:
            self.save_if_decided()

    def _promise_name(self, session: Path, target: Path) -> None:
        """Until the recording ends, its file must stay where it is; the name that was chosen leads there."""
        try:
            self._linked = promise(session, target)
        except OSError as error:
            self._linked = False
            log.warning("The name %s of %s cannot be remembered: %s", target, session, error)
        leads = f"Until then, that name leads to {session}." if self._linked else f"Until then, it lies in {session}."
        self._promise = f"The recording continues; when it ends, the session is saved as {target}. {leads}"
        self.note.emit(self._promise)
        self.announce_title()

    def save_if_decided(self) -> None:
        """Move a complete session to where the user wants it and keep showing it."""
        if self.target is None or self.recording is None:
            return
        source, target = self.recording.reader.path, self.target
        self.close()
        try:
            keep_session(source, target)
        except MonitorError as error:
            self.target = None
            self._show(source, same=True)
            self.alarm.emit(str(error))
            return
        self.unsaved, self.target = False, None
        self._show(target, same=True)
        self.retracted.emit(self._promise)
        self.saved.emit(target)

    def rename(self) -> None:
        """Ask for another name for the file, in the same folder; an unsaved session is saved instead."""
        if self.recording is None:
            return
        if self.unsaved:
            self.save()
            return
        path = self.recording.reader.path
        if is_written(path):
            self.note.emit("The session is still being recorded: rename it when the recording has ended.")
            return
        target = self.ask_name(path)
        if target is None or target == path:
            return
        if os.path.lexists(target):
            self.alarm.emit(f"There is already a file {target}: choose another name.")
            return
        self.target = target
        self.save_if_decided()

    # -- the end ---------------------------------------------------------------------------------

    def leave(self) -> bool:
        """Make way for another session; False when the user would rather stay with an unsaved one."""
        if self.recording is None or self.recording.edge_s <= 0 or not self.undecided:
            return True
        return self.decide_at_close() and self.make_way()

    def make_way(self) -> bool:
        """Save or discard the session as decided, once its bench has ended; False where it could not be saved."""
        if self._discards:
            self.finish()
            self.unsaved = self._discards = False
        else:
            self.save_if_decided()
        return not self.undecided

    def ask_nothing(self) -> None:
        """Close without questions: an unsaved session stays in its temporary place."""
        self.asks = False

    def decide_at_close(self) -> bool:
        """Ask what is to be done with an unsaved session or a recording; False when the window is to stay open."""
        if not self.asks:
            return True
        if not self.undecided:
            return not self._is_recording() or self.ask_to_end()
        answer = self.ask_what_to_keep()
        if answer == QMessageBox.StandardButton.Cancel:
            return False
        self._discards = answer == QMessageBox.StandardButton.Discard
        self.target = None if self._discards else self.ask_target()
        return self._discards or self.target is not None

    def finish(self) -> None:
        """Close the session, and save or discard it as decided; the bench has ended."""
        session = self.recording.reader.path if self.recording is not None else None
        self.close()
        if session is None:
            return
        if self._discards:
            discard_session(session)
        elif self.target is not None:
            try:
                keep_session(session, self.target)
                self.saved.emit(self.target)
            except MonitorError as error:
                log.warning("%s", error)
                if self.asks:
                    tell(self._parent, "Save session", str(error))
        elif self.unsaved:
            with contextlib.suppress(sqlite3.Error):
                settle(session)  # it stays where it is, as one file where possible

    # -- title -----------------------------------------------------------------------------------

    def announce_title(self) -> None:
        """The title of the window: the name of the file, or what the session is called until it has one."""
        self._untitled = False
        name = self.name
        self.title_changed.emit(f"{name} – monitor-app" if name else "monitor-app")

    def complete_title(self) -> None:
        """The title of a new session is in its file only after the first commit, when it may be on screen already."""
        if self._untitled:
            self.announce_title()

    @property
    def name(self) -> str:
        """What the session is called; a temporary file says nothing."""
        if self.recording is None:
            return self._title
        if self.target is not None:
            return self.target.name if self._linked else f"{self.target.name} (still in {self.recording.reader.path})"
        if self.unsaved:
            title = self._title or self.recording.reader.meta().get("title")
            self._untitled = not title
            return f"{title or 'session'} (unsaved)"
        return self.recording.reader.path.name

    # -- questions -------------------------------------------------------------------------------

    def ask_what_to_keep(self) -> QMessageBox.StandardButton:
        """Save, Discard or Cancel."""
        buttons, recording = QMessageBox.StandardButton, self._is_recording()
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Session not saved",
            f"{ENDS if recording else 'This session has not been saved.'} Do you want to save it?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            self._parent,
        )
        letter_buttons(box)
        box.setDefaultButton(buttons.Cancel if recording else buttons.Save)
        answer = QMessageBox.StandardButton(box.exec())
        box.deleteLater()
        return answer

    def ask_to_end(self) -> bool:
        """Whether a recording that needs no decision is to end."""
        question = "This ends the recording and the runs in progress. Do you want to end them?"
        return confirmed(self._parent, question, "End the recording")

    def ask_target(self) -> Path | None:
        """Where to save the session; None when the user cancels, or it cannot be there, which is announced."""
        suggestion = time.strftime("session-%Y-%m-%d-%H%M.plm")
        name, _ = QFileDialog.getSaveFileName(self._parent, "Save session", suggestion, FILES)
        problem = problem_with_place(Path(name)) if name else ""
        if problem:
            self.alarm.emit(problem)
        return Path(name) if name and not problem else None

    def ask_name(self, path: Path) -> Path | None:
        """Another name for this file; None when the user cancels."""
        name, chosen = QInputDialog.getText(self._parent, "Rename session", "Name:", text=path.stem)
        name = Path(name.strip()).name.removesuffix(path.suffix)
        return path.with_name(name + path.suffix) if chosen and name else None

    def ask_source(self) -> Path | None:
        """Which session to open; None when the user cancels."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open session", "", FILES)
        return Path(name) if name else None
