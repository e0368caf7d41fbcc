# SPDX-License-Identifier: Apache-2.0
"""Whether the session on screen is saved, and what the user wants to become of it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QMessageBox

from monitor_app.core.errors import MonitorError
from monitor_app.session.files import discard_session, keep_session, settle

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

FILES = "Sessions (*.plm);;All files (*)"


class Keeping:
    """A session that is ``unsaved`` lies in a temporary place; ``target`` is where it goes once it is complete."""

    def __init__(self, parent: QWidget, *, unsaved: bool) -> None:
        self._parent = parent
        self.unsaved = unsaved
        self.target: Path | None = None
        self.may_ask = True
        self._discard = False

    @property
    def undecided(self) -> bool:
        return self.unsaved and self.target is None

    def set_saved(self) -> None:
        """The session on screen is where it belongs."""
        self.unsaved, self.target = False, None

    def set_unsaved(self) -> None:
        """A new session has begun in a temporary place."""
        self.unsaved, self.target = True, None

    def leave_as_it_is(self) -> None:
        """Ask nothing: an unsaved session stays in its temporary place."""
        self.may_ask = False

    def decide_at_close(self) -> bool:
        """Ask what becomes of an unsaved session; False when the window is to stay open."""
        if not (self.may_ask and self.undecided):
            return True
        answer = self.ask_what_to_keep()
        if answer == QMessageBox.StandardButton.Cancel:
            return False
        self._discard = answer == QMessageBox.StandardButton.Discard
        self.target = None if self._discard else self.ask_target()
        return self._discard or self.target is not None

    def finish(self, session: Path) -> None:
        """Carry out what was decided; nobody has the session open any more."""
        if self._discard:
            discard_session(session)
        elif self.target is not None:
            try:
                keep_session(session, self.target)
            except MonitorError as error:
                QMessageBox.warning(self._parent, "Save session", str(error))
        elif self.unsaved:
            with contextlib.suppress(sqlite3.Error):
                settle(session)  # it stays where it is, as one file where that can be

    # -- questions -------------------------------------------------------------------------------

    def ask_what_to_keep(self) -> QMessageBox.StandardButton:
        """Save, Discard or Cancel."""
        buttons = QMessageBox.StandardButton
        return QMessageBox.question(
            self._parent,
            "Close",
            "This session is not saved. Keep it?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )

    def ask_target(self) -> Path | None:
        """Where to keep the session; None when the user thinks better of it."""
        suggestion = time.strftime("session-%Y-%m-%d-%H%M.plm")
        name, _ = QFileDialog.getSaveFileName(self._parent, "Save session", suggestion, FILES)
        return Path(name) if name else None

    def ask_source(self) -> Path | None:
        """Which session to open."""
        name, _ = QFileDialog.getOpenFileName(self._parent, "Open session", "", FILES)
        return Path(name) if name else None
