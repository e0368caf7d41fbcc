# SPDX-License-Identifier: Apache-2.0
"""The commands of the Help menu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox

from monitor_app.core.errors import MonitorError
from monitor_app.core.files.package_data import guide_path
from monitor_app.core.log import WINDOW_LOG, log_file
from monitor_app.gui.help.about import AboutDialog
from monitor_app.gui.help.bundle import BundleJob
from monitor_app.gui.help.text_window import GuideWindow, LogWindow
from monitor_app.gui.keyboard import letter_buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

WITH_SESSION = (
    "The bundle holds the logs, versions, surroundings and settings of the window. Is the recording that is shown to "
    "be in it as well?"
)


class Help(QObject):
    """``session`` returns the file of the session that is shown, if any."""

    alarm = Signal(str)
    note = Signal(str)

    def __init__(self, parent: QWidget, session: Callable[[], Path | None]) -> None:
        super().__init__(parent)
        self._parent, self._session = parent, session
        self._job: BundleJob | None = None

    def show_about(self) -> None:
        self._open(AboutDialog(self._parent))

    def show_log(self) -> None:
        """Of the window; those of the bench and of the commands are beside it."""
        self._open(LogWindow(self._parent, log_file(WINDOW_LOG)))

    def show_guide(self) -> None:
        try:
            self._open(GuideWindow(self._parent, guide_path()))
        except (MonitorError, OSError) as error:
            self.alarm.emit(str(error))

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()

    def save_bundle(self) -> None:
        """Ask what is to be in the bundle, and where to save it."""
        session = self._session()
        answer = self.ask_with_session() if session is not None else False
        target = None if answer is None else self.ask_target()
        if target is None:
            return
        self.wait()
        self._job = BundleJob(self, target, session if answer else None)
        self._job.finished.connect(self._end)
        self._job.start()

    def _end(self) -> None:
        job = self._job
        if job is None:
            return
        if job.problem:
            self.alarm.emit(job.problem)
        else:
            self.note.emit(f"The report bundle was saved as {job.target}: look at what is in it before you send it.")

    def wait(self) -> None:
        """Until the bundle is written."""
        if self._job is not None:
            self._job.wait()

    def ask_with_session(self) -> bool | None:
        """Whether the recording goes into the bundle; None when the user cancels."""
        box = QMessageBox(QMessageBox.Icon.Question, "Save report bundle", WITH_SESSION, parent=self._parent)
        without = box.addButton("With&out the recording", QMessageBox.ButtonRole.AcceptRole)
        with_it = box.addButton("&With the recording", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        letter_buttons(box)
        box.setDefaultButton(without)
        box.exec()
        clicked = box.clickedButton()
        box.deleteLater()
        return clicked is with_it if clicked in {without, with_it} else None

    def ask_target(self) -> Path | None:
        """Where to save the bundle; None when the user cancels."""
        name, _ = QFileDialog.getSaveFileName(self._parent, "Save report bundle", "monitor-app-report.zip", "*.zip")
        return Path(name) if name else None
