# SPDX-License-Identifier: Apache-2.0
"""Whether the plan of the session on screen was stopped, and at which run it can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from monitor_app.core.runs import RunState
from monitor_app.core.status import BenchPhase
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus
    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.session.document import Document
    from monitor_app.gui.tasks import Task, Tasks

_FINAL = frozenset({RunState.DONE.value, RunState.DOES_NOT_FIT.value})
_IN_PROGRESS = frozenset({RunState.RUNNING.value, RunState.WAITING.value})
_STOPPED = _IN_PROGRESS | {RunState.CANCELLED.value}
"""States that the last run in a file has only where the plan was stopped or cut off."""


class ResumeOffer(QObject):
    """Of a bench that records, from what it reports; of a recorded session, from its file, read beside the window."""

    def __init__(self, parent: QObject, document: Document, bench: BenchController, tasks: Tasks) -> None:
        super().__init__(parent)
        self._document, self._bench, self._tasks = document, bench, tasks
        self._stored_at: int | None = None
        self._task: Task | None = None
        document.about_to_close.connect(self._let_go)
        document.opened.connect(self._look)
        bench.ended.connect(self._look)

    @property
    def at(self) -> int | None:
        """The run, counted from 1; None where there is nothing to resume."""
        if self._bench.live:
            return resume_at(self._bench.status)
        return self._stored_at if self._bench.can_start else None

    def resume(self) -> None:
        """Run what is left of the plan, in the session on screen."""
        recording = self._document.recording
        if self.at is not None and recording is not None:
            self._bench.resume(recording.reader.path)

    def _let_go(self) -> None:
        """Read no more: the file may be moved or deleted next."""
        self._stored_at = None
        task, self._task = self._task, None
        if task is not None:
            task.stop()
            task.wait()

    def _look(self) -> None:
        self._let_go()
        recording = self._document.recording
        if recording is None or self._bench.live:
            return
        path = recording.reader.path
        runs = recording.reader.runs()
        # Most sessions are complete: only for others are the instruments and networks loaded that a profile may name.
        if not runs or runs[-1].state not in _STOPPED or is_written(path):
            return

        def look(_: object) -> int | None:
            from monitor_app.bench.runs.completed_runs import next_run

            return next_run(path)

        self._task = self._tasks.start(look, self._show)

    def _show(self, result: object) -> None:
        self._task = None
        self._stored_at = result if isinstance(result, int) else None
        self._bench.changed.emit()


def resume_at(status: BenchStatus | None) -> int | None:
    """At which run, counted from 1, a bench can resume its plan; None where that was not stopped."""
    if status is None or status.phase is not BenchPhase.MONITORING or not status.runs or not status.cycle:
        return None
    states = [run.state for run in status.runs]
    cycles_left = bool(status.cycles) and status.cycle < status.cycles
    if _IN_PROGRESS & set(states) or not (states[-1] == RunState.CANCELLED.value or cycles_left):
        return None
    before = (status.cycle - 1) * len(states) if status.cycle <= status.cycles else 0
    return before + next((k for k, state in enumerate(states, start=1) if state not in _FINAL), len(states) + 1)
