# SPDX-License-Identifier: Apache-2.0
"""A test of the connection to a board, beside the window: what it is doing, what it has found, and how it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, Signal

from monitor_app.bench.examination import examination
from monitor_app.core.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.bench.board.doctor import Check
    from monitor_app.core.profile import Board
    from monitor_app.gui.tasks import Tasks

    Look: TypeAlias = Callable[[Board, str, Callable[[str], None], Callable[[], bool]], Iterator[Check]]


def look_at(board: Board, device: str, tell: Callable[[str], None], cancelled: Callable[[], bool]) -> Iterator[Check]:
    """What a board is and has, a line at a time. Raises BoardError."""
    with examination(board, tell, cancelled) as examined:
        yield from examined.describe(device)


class BoardTrial(QObject):
    """Begins when it is made; says nothing more once it was stopped, and goes when its thread has ended.

    Args:
        tasks: runs it, and outlives the sheet.
        board: how it is reached.
        device: on which networks are to run there.
        look: asks the board; for tests.
    """

    told = Signal(str)
    found = Signal(object)
    """(a Check)"""
    ended = Signal(str)
    """(what went wrong, one sentence; empty where nothing has)"""
    _told = Signal(str)
    _found = Signal(object)

    def __init__(self, tasks: Tasks, board: Board, device: str, look: Look = look_at) -> None:
        super().__init__(tasks)
        self._board, self._device, self._look = board, device, look
        self._stopped = False
        # From the thread of the test into that of the window.
        self._told.connect(self._tell)
        self._found.connect(self._find)
        self._task = tasks.start(self._run, self._end)
        self._task.finished.connect(self.deleteLater)

    def stop(self) -> None:
        """The link is closed beside the window."""
        self._stopped = True
        self._task.stop()

    def _run(self, stopped: Callable[[], bool]) -> None:
        for check in self._look(self._board, self._device, self._told.emit, stopped):
            self._found.emit(check)

    def _tell(self, text: str) -> None:
        if not self._stopped:
            self.told.emit(text)

    def _find(self, check: object) -> None:
        if not self._stopped:
            self.found.emit(check)

    def _end(self, result: object) -> None:
        self.ended.emit(str(result) if isinstance(result, MonitorError) else "")
