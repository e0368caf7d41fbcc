# SPDX-License-Identifier: Apache-2.0
"""Periodic tasks, done one at a time between frames, so that no frame is late. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(slots=True)
class _Task:
    period_ns: int
    do: Callable[[], object]
    due_ns: int = 0


class PeriodicTasks:
    """Each task is done at most once in its period, in s; of those that are due, the one due longest goes first."""

    def __init__(self, tasks: Iterable[tuple[float, Callable[[], object]]]) -> None:
        self._tasks = [_Task(round(period_s * 1e9), do) for period_s, do in tasks]

    def do_one(self, now_ns: int) -> bool:
        """Do the task that has been due longest; False where none is due."""
        due = [task for task in self._tasks if task.due_ns <= now_ns]
        if not due:
            return False
        task = min(due, key=lambda each: each.due_ns)
        task.due_ns = now_ns + task.period_ns
        task.do()
        return True

    def do_all(self, now_ns: int) -> None:
        """Do all of them now, in their order."""
        for task in self._tasks:
            task.due_ns = now_ns + task.period_ns
            task.do()
