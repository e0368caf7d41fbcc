# SPDX-License-Identifier: Apache-2.0
"""Work that a process of its own does beside the window, with a dialog that shows it and can cancel it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QProcess, Signal
from PySide6.QtWidgets import QProgressDialog

from monitor_app.core.child_process import python_module
from monitor_app.gui.confirm import confirmed
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

SHOW_AFTER_MS = 600
"""Shorter work shows no dialog."""
ASK_MS, KILL_MS = 2_000, 10_000
"""For a process to end when it is asked to, and when it is killed, which a busy machine may take a while for."""

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
        self.label = label
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
        self._close_dialog()
        if self._cancelled:
            self.cancelled.emit()
        elif code == 0 and status is QProcess.ExitStatus.NormalExit:
            self.done.emit(_lines(self.process.readAllStandardOutput().data()))
        else:
            said = _lines(self.process.readAllStandardError().data())
            log.error("A process has failed with code %d: %s", code, "\n".join(said))
            self.failed.emit(said)
        self.deleteLater()

    def _close_dialog(self) -> None:
        self._progress.canceled.disconnect(self._cancel)
        self._progress.close()
        self._progress.deleteLater()

    def stop(self) -> None:
        """Cancel the work and wait until its process has ended; emits no signal. For a window that closes.

        Qt would kill a process that outlives its window, which would leave what has been written in part.
        """
        self.process.finished.disconnect(self._end)
        self._close_dialog()
        self.process.terminate()
        if not self.process.waitForFinished(ASK_MS):
            self.process.kill()
            self.process.waitForFinished(KILL_MS)
        self.deleteLater()


def may_stop_jobs(parent: QWidget) -> bool:
    """Whether the work of this window may be cancelled, which the user is asked where there is any."""
    labels = "\n".join(each.label for each in parent.findChildren(ProcessJob))
    question = f"This is not finished:\n{labels}\n\nClosing the window cancels it, and nothing is written."
    return not labels or confirmed(parent, question, "Cancel it and close", "Keep open")


def stop_jobs(parent: QWidget) -> None:
    """Cancel all work of this window, without a question."""
    for each in parent.findChildren(ProcessJob):
        each.stop()


def _lines(said: bytes | bytearray | memoryview) -> list[str]:
    return bytes(said).decode(errors="replace").strip().splitlines()
