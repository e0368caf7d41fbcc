# SPDX-License-Identifier: Apache-2.0
"""Periodic work of the window: the time between two frames, and tasks that are done between them. No Qt.

The monitor may run on the board that it measures, where each frame costs power: none is drawn that moves the view by
less than a pixel, and no more than thirty a second while the view follows the newest samples by itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


INTERACTIVE_MS = 16
"""While the user moves the view: the rate of most screens."""
SCROLLING_MS = 33
"""While the view follows the newest samples: thirty frames a second, unless a pixel takes longer."""
SLOWEST_MS = 50
"""As often as the bench commits."""
TASK_MS = 24
"""A little more often than periodic tasks fall due."""
RESTING_MS = 250
"""Between two frames, and between two tasks, of a recorded session that is left alone."""
QUIET_MS = 100
"""While nothing is painted: between two looks at the bench."""
INTERACTIVE_NS = 700_000_000
"""For this long after the mouse or a key has moved the view, its next step is expected."""


def frame_ms(*, width_s: float, pixels: int, interactive: bool, live: bool = True) -> int:
    """Milliseconds to the next frame of a view that shows ``width_s`` on this number of pixels."""
    if interactive:
        return INTERACTIVE_MS
    if not live:
        return RESTING_MS
    pixel_ms = 1000.0 * width_s / max(pixels, 1)
    return round(min(max(pixel_ms, SCROLLING_MS), SLOWEST_MS))


class Timer(Protocol):
    """What is needed of a QTimer."""

    def interval(self) -> int: ...
    def setInterval(self, msec: int, /) -> None: ...  # noqa: N802


class Pace:
    """How often the timer of the frames and that of the tasks between them fire."""

    def __init__(self, frames: Timer, tasks: Timer) -> None:
        self._frames, self._tasks = frames, tasks
        self._interactive_until_ns = 0

    def expect_interaction(self) -> None:
        """The user moves the view, or gives a command: show it at once, and be ready for the next step."""
        self._interactive_until_ns = host_time_ns() + INTERACTIVE_NS
        self._set(INTERACTIVE_MS, TASK_MS)

    def forget_interaction(self) -> None:
        """As if the user had done nothing for a while."""
        self._interactive_until_ns = 0

    def set_by_view(self, *, width_s: float, pixels: int, live: bool) -> None:
        """After each frame, which showed so much on so many pixels."""
        interactive = host_time_ns() < self._interactive_until_ns
        frame = frame_ms(width_s=width_s, pixels=pixels, interactive=interactive, live=live)
        self._set(frame, TASK_MS if live or interactive else RESTING_MS)

    def set_quiet(self) -> None:
        """While nothing is painted."""
        self._set(QUIET_MS, QUIET_MS)

    def _set(self, frames_ms: int, tasks_ms: int) -> None:
        # A QTimer begins anew each time that its interval is set; one that is set often enough would never fire.
        for timer, ms in ((self._frames, frames_ms), (self._tasks, tasks_ms)):
            if timer.interval() != ms:
                timer.setInterval(ms)


@dataclass(slots=True)
class _Task:
    period_ns: int
    do: Callable[[], object]
    due_ns: int = 0


class PeriodicTasks:
    """Each task is done at most once in its period, in s; of those that are due, the one due longest goes first."""

    LATE_NS = 200_000_000
    """Beyond this, several tasks are done at once: on a busy computer there are too few moments for one in each."""
    AT_ONCE_S = 0.008
    """Of this computer's time, for them."""

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

    def catch_up(self, now_ns: int) -> None:
        """Do the task that has been due longest, and while the next one is late, that as well."""
        began_s = time.thread_time()
        while self.do_one(now_ns) and time.thread_time() - began_s < self.AT_ONCE_S:
            if now_ns - min(task.due_ns for task in self._tasks) < self.LATE_NS:
                break

    def do_all(self, now_ns: int) -> None:
        """Do all of them now, in their order."""
        for task in self._tasks:
            task.due_ns = now_ns + task.period_ns
            task.do()
