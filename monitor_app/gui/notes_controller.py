# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""Notes of the user on the session: shown and written in a window beside it, stored in the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout

from monitor_app.core.errors import MonitorError
from monitor_app.gui.panels.parts import dim_label
from monitor_app.session.marker_store import store_notes
from monitor_app.session.schema import NOTES

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent
    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.session.document import Document

STORE_AFTER_MS = 1000
"""When the user has stopped typing for this long."""
MOST_CHARACTERS = 50_000
WHERE = "The notes are stored in the session and stand in its report."
EXAMPLE = "What was measured, and what was special about it"


class NotesController(QObject):
    """Through the bench while it records, which alone writes the file; else in the file, as markers are."""

    alarm = Signal(str)

    def __init__(self, parent: QWidget, document: Document, bench: BenchController) -> None:
        super().__init__(parent)
        self._parent, self._document, self._bench = parent, document, bench
        self.dialog: NotesDialog | None = None
        self._stored = ""
        document.opened.connect(self._begin)
        document.about_to_close.connect(self._leave)

    def show(self) -> None:
        """Beside the window, until it is closed or another session is shown."""
        if self._document.recording is None:
            return
        if self.dialog is None:
            self.dialog = NotesDialog(self._parent, self._stored)
            self.dialog.store_asked.connect(self._store)
            self.dialog.destroyed.connect(self._forget)
        self.dialog.setWindowTitle(f"Notes on {self._document.name}")
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _begin(self, same: bool) -> None:
        """Another session, or the ``same`` one under another name."""
        recording = self._document.recording
        if same or recording is None:
            return
        self.close()
        try:
            self._stored = recording.reader.meta().get(NOTES, "")
        except MonitorError:
            self._stored = ""  # what reads the session next says that it is damaged

    def close(self) -> None:
        """Store what was typed and close the notes."""
        if self.dialog is not None:
            self.dialog.close()

    def _leave(self) -> None:
        """The file is closed in a moment."""
        if self.dialog is not None:
            self.dialog.store()

    def _forget(self) -> None:
        self.dialog = None

    def _store(self, text: str) -> None:
        recording = self._document.recording
        if recording is None or text == self._stored:
            return
        self._stored = text
        if self._bench.records(recording.reader.path):
            self._bench.set_notes(text)
            return
        try:
            store_notes(recording.reader.path, text)
        except MonitorError as error:
            self.alarm.emit(f"Notes are not stored: {error}")


class NotesDialog(QDialog):
    """A text to write in; what is typed is asked to be stored soon after."""

    store_asked = Signal(str)
    """(the whole text)"""

    def __init__(self, parent: QWidget, text: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(460, 300)
        self.text = QPlainTextEdit(text)
        self.text.setPlaceholderText(EXAMPLE)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName("notes on the session")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.text)
        where = dim_label(WHERE)
        where.setWordWrap(True)
        column.addWidget(where)
        column.addWidget(buttons)
        self._soon = QTimer(self, singleShot=True, interval=STORE_AFTER_MS)
        self._soon.timeout.connect(self.store)
        self.text.textChanged.connect(self._soon.start)
        self.finished.connect(self.store)

    def store(self) -> None:
        """Now, rather than soon."""
        self._soon.stop()
        self.store_asked.emit(self.text.toPlainText()[:MOST_CHARACTERS])

    def closeEvent(self, event: QCloseEvent) -> None:
        self.store()
        super().closeEvent(event)
