# SPDX-License-Identifier: Apache-2.0
"""The observer effect: processor time that the monitor itself takes while batches are timed, for the session's log."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.bench.acquisition.recorder import Recorder

PROC = Path("/proc")


class Observer:
    """Of this process, which is the bench, and of the window that has started it, where there is one."""

    def __init__(self, recorder: Recorder, window: int | None = None) -> None:
        """``window``: number of its process."""
        self._recorder = recorder
        self._window = window

    @contextlib.contextmanager
    def watch(self, run_id: int) -> Iterator[None]:
        """What the monitor takes of the processor within goes into the log of the session, however it ends."""
        before = host_time_ns(), time.process_time(), self._window_s()
        try:
            yield
        finally:
            now_ns = host_time_ns()
            text = load_text(
                run_id,
                (now_ns - before[0]) * 1e-9,
                time.process_time() - before[1],
                _spent(before[2], self._window_s()),
            )
            self._recorder.put(lambda writer: writer.write_log(now_ns, "info", text))

    def _window_s(self) -> float | None:
        return process_s(self._window) if self._window is not None else None


def load_text(run_id: int, length_s: float, bench_s: float, window_s: float | None) -> str:
    """One sentence about a timed phase of this length; ``window_s`` is None without a window, or where not known."""
    length_s = max(length_s, 1e-9)
    taken = f"the bench took {100 * bench_s / length_s:.1f} %"
    if window_s is not None:
        taken += f" and the window {100 * window_s / length_s:.1f} %"
    return f"Run {run_id}: while its batches were timed ({length_s:.1f} s), {taken} of a core."


def process_s(pid: int, proc: Path = PROC) -> float | None:
    """Processor time of a process so far, in s; None where it has ended, or the system does not say."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # The name, in brackets, may hold anything; user and system time are the 14th and 15th field (proc(5)).
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def _spent(before_s: float | None, after_s: float | None) -> float | None:
    return after_s - before_s if before_s is not None and after_s is not None else None
