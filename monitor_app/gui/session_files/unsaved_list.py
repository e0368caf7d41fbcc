# SPDX-License-Identifier: Apache-2.0
"""The sessions that were never saved: each can be opened, saved, or discarded once the user has confirmed it."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from monitor_app.core.errors import MonitorError
from monitor_app.core.formatting import size
from monitor_app.gui.confirm import confirmed
from monitor_app.gui.panels.parts import Label
from monitor_app.gui.session_files.session_row import SessionRow
from monitor_app.session.files import discard_session, keep_session, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session_files.facts import SessionFacts

READING = "Reading the unsaved recordings…"
NONE_LEFT = "There are no unsaved recordings."
IN_USE = "It is shown in another window, or still being written: close that one first."


class UnsavedList(QWidget):
    """Empty until what has been found is shown."""

    open_asked = Signal(Path)
    """(session to show in the window)"""
    saved = Signal(Path)
    """(where a session was saved)"""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Path, SessionRow] = {}
        self.head = Label(READING)
        self.head.setWordWrap(True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(14)
        self._column.addWidget(self.head)

    def show_sessions(self, found: Sequence[SessionFacts]) -> None:
        """These instead of all that were shown before."""
        for path in list(self.rows):
            self._remove(path)
        for facts in found:
            row = SessionRow(facts, ("open", "save", "discard"))
            row.asked.connect(partial(self._do, facts))
            self.rows[facts.path] = row
            self._column.addWidget(row)
        self._count()

    def _count(self) -> None:
        total = size(sum(row.facts.size_bytes for row in self.rows.values()))
        count = "1 recording" if len(self.rows) == 1 else f"{len(self.rows)} recordings"
        self.head.setText(f"{count} of {total} that nobody has saved." if self.rows else NONE_LEFT)

    def _do(self, facts: SessionFacts, action: str) -> None:
        if action == "open":
            self.open_asked.emit(facts.path)
        elif action == "save":
            self._save(facts)
        else:
            self._discard(facts)

    def _save(self, facts: SessionFacts) -> None:
        target = self.ask_target(facts)
        if target is None:
            return
        try:
            keep_session(facts.path, target)
        except MonitorError as error:
            self.head.setText(str(error))
            return
        self._take_out(facts.path)
        self.saved.emit(target)

    def _discard(self, facts: SessionFacts) -> None:
        question = f"{facts.title} ({facts.summary}) is deleted for good. Do you want to discard it?"
        if not confirmed(self, question, "Discard", "Keep it"):
            return
        if _in_use(facts.path):
            self.head.setText(IN_USE)
            return
        discard_session(facts.path)
        self._take_out(facts.path)

    def _take_out(self, path: Path) -> None:
        self._remove(path)
        self._count()

    def _remove(self, path: Path) -> None:
        row = self.rows.pop(path)
        self._column.removeWidget(row)
        row.hide()
        row.deleteLater()

    def ask_target(self, facts: SessionFacts) -> Path | None:
        """Where to save a session; None when the user cancels."""
        name, _ = QFileDialog.getSaveFileName(self, "Save recording", facts.path.name, "Sessions (*.plm)")
        return Path(name) if name else None


def _in_use(session: Path) -> bool:
    """Whether another window or program still reads or writes it; one that is damaged is not known to be."""
    try:
        settle(session)
    except sqlite3.OperationalError as error:
        return "locked" in str(error) or "still being read" in str(error)
    except sqlite3.Error:
        return False
    return False
