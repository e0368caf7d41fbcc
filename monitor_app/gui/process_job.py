# SPDX-License-Identifier: Apache-2.0
"""Work that a process of its own does beside the window, with a dialog that shows it and can cancel it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, Signal
from PySide6.QtWidgets import QProgressDialog

from monitor_app.core.child_process import python_module
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

SHOW_AFTER_MS = 600
"""Shorter work shows no dialog."""

log = logging.getLogger(__name__)


class ProcessJob(QObject):
    """Runs a module of this program until one of its signals is emitted."""

    done = Signal(list)
    """(lines that it has printed)"""
    failed = Signal(list)
    """(lines that it has printed on stderr; the last ones say why)"""
    cancelled = Signal()
    """By the user; a process that ends so removes what it has written in part."""

    def __init__(self, parent: QWidget, label: str, module: str, *arguments: str) -> None:
        """``label``: what the dialog says it does."""
        super().__init__(parent)
        self._cancelled = False
        self.process = QProcess(self)
        self.process.finished.connect(self._end)
        self._progress = QProgressDialog(plain_tip(label), "Cancel", 0, 0, parent)
        self._progress.setMinimumDuration(SHOW_AFTER_MS)
        self._progress.canceled.connect(self._cancel)
        program, *words = python_module(module, *arguments)
        self.process.start(program, words)

    def _cancel(self) -> None:
        self._cancelled = True
        self.process.terminate()

    def _end(self, code: int, status: QProcess.ExitStatus) -> None:
        self._progress.canceled.disconnect(self._cancel)
        self._progress.close()
        self._progress.deleteLater()
        if self._cancelled:
            self.cancelled.emit()
        elif code == 0 and status is QProcess.ExitStatus.NormalExit:
            self.done.emit(_lines(self.process.readAllStandardOutput().data()))
        else:
            said = _lines(self.process.readAllStandardError().data())
            log.error("A process has failed with code %d: %s", code, "\n".join(said))
            self.failed.emit(said)
        self.deleteLater()


def _lines(said: bytes | bytearray | memoryview) -> list[str]:
    return bytes(said).decode(errors="replace").strip().splitlines()
