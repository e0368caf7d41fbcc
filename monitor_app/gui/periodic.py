# SPDX-License-Identifier: Apache-2.0
"""Work that is due now and then, one piece at a time, so that no frame is late. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(slots=True)
class _Chore:
    period_ns: int
    do: Callable[[], object]
    due_ns: int = 0


class Chores:
    """Each chore no more often than its period in seconds says; the one that waits longest goes first."""

    def __init__(self, chores: Iterable[tuple[float, Callable[[], object]]]) -> None:
        self._chores = [_Chore(round(period_s * 1e9), do) for period_s, do in chores]

    def do_one(self, now_ns: int) -> bool:
        """Whether there was one to do."""
        due = [chore for chore in self._chores if chore.due_ns <= now_ns]
        if not due:
            return False
        chore = min(due, key=lambda each: each.due_ns)
        chore.due_ns = now_ns + chore.period_ns
        chore.do()
        return True

    def do_all(self, now_ns: int) -> None:
        """All of them now, in the order in which they were named."""
        for chore in self._chores:
            chore.due_ns = now_ns + chore.period_ns
            chore.do()
