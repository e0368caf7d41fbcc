# SPDX-License-Identifier: Apache-2.0
"""The repair of a damaged session into a copy, by the command of that name in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, Signal
from PySide6.QtWidgets import QProgressDialog

from monitor_app.core.child_process import python_module
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

SHOW_AFTER_MS = 400


class RepairJob(QObject):
    """Runs until one of its signals is emitted."""

    repaired = Signal(str)
    """(what was saved and what was lost)"""
    failed = Signal(str)
    """(why, one sentence)"""
    cancelled = Signal(str)

    def __init__(self, parent: QWidget, damaged: Path, copy: Path) -> None:
        super().__init__(parent)
        self._cancelled = False
        self.process = QProcess(self)
        self.process.finished.connect(self._end)
        label = f"Saving what can be read of {damaged.name} as {copy.name}"
        self._progress = QProgressDialog(plain_tip(label), "Cancel", 0, 0, parent)
        self._progress.setMinimumDuration(SHOW_AFTER_MS)
        self._progress.canceled.connect(self._cancel)
        program, *arguments = python_module(
            "monitor_app", "repair", str(damaged.absolute()), "-o", str(copy.absolute())
        )
        self.process.start(program, arguments)

    def _cancel(self) -> None:
        self._cancelled = True
        self.process.terminate()

    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._progress.canceled.disconnect(self._cancel)
        self._progress.close()
        self._progress.deleteLater()
        if self._cancelled:
            self.cancelled.emit("The repair was cancelled; nothing was written.")
        elif code == 0 and status is QProcess.ExitStatus.NormalExit:
            *sentences, copy = _lines(self.process.readAllStandardOutput().data())
            self.repaired.emit(" ".join([*sentences, f"The copy is {copy}."]))
        else:
            said = _lines(self.process.readAllStandardError().data())
            self.failed.emit(" ".join(said[-3:]) or "The repair ended without a message.")
        self.deleteLater()


def _lines(said: bytes | bytearray | memoryview) -> list[str]:
    return bytes(said).decode(errors="replace").strip().splitlines()
