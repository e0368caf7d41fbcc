# SPDX-License-Identifier: Apache-2.0
"""What takes longer than a frame and so runs beside the window: a search, a test, an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from monitor_app.core.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable


class Task(QThread):
    """``do`` is given a function that says whether the result is no longer wanted."""

    ended = Signal(object)
    """(what ``do`` has returned, or the MonitorError that it has raised; not once the task was stopped)"""
    _came = Signal(object)

    def __init__(self, parent: QObject, do: Callable[[Callable[[], bool]], object]) -> None:
        super().__init__(parent)
        self._do = do
        self._stopped = False
        self._came.connect(self._deliver)

    def stop(self) -> None:
        """The result is not wanted any more."""
        self._stopped = True

    def run(self) -> None:
        result: object
        try:
            result = self._do(lambda: self._stopped)
        except MonitorError as error:
            result = error
        self._came.emit(result)

    def _deliver(self, result: object) -> None:
        """In the thread of the window, where ``stop`` may have been called since the result came."""
        if not self._stopped:
            self.ended.emit(result)


class Tasks(QObject):
    """All that run; it outlives the sheet, which need not wait for them."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._running: set[Task] = set()

    def start(self, do: Callable[[Callable[[], bool]], object], done: Callable[[object], None]) -> Task:
        """``done``, a method of a QObject, is called in the thread of the window, unless that object is gone."""
        task = Task(self, do)
        self._running.add(task)
        task.ended.connect(done)
        task.finished.connect(lambda: self._forget(task))
        task.start(QThread.Priority.LowPriority)
        return task

    def _forget(self, task: Task) -> None:
        self._running.discard(task)
        task.deleteLater()

    def wait(self) -> None:
        """Stop all of them, as at the end of the program."""
        for task in self._running:
            task.stop()
        for task in list(self._running):
            task.wait()
