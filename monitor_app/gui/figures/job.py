# SPDX-License-Identifier: Apache-2.0
"""Figures computed by a process of their own (job_process.py), which takes seconds of a long session, and when."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QProcess, Signal

from monitor_app.core.child_process import python_module
from monitor_app.core.log import WINDOW_LOG, log_file
from monitor_app.gui.figures.job_messages import PROGRESS, decode
from monitor_app.gui.session.recording import FINAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.gui.session.recording import Recording

log = logging.getLogger(__name__)
KILL_MS = 10_000
"""For a killed process to be gone, which a busy machine may take a while for."""
PAUSE_S = 20.0
"""Between two computations while a recording is running."""


class FiguresJob(QObject):
    """At most one process at a time."""

    computed = Signal(object)
    """(Figures)"""
    failed = Signal(str)
    """(one sentence)"""
    progressed = Signal(float)
    """(fraction that is done, 0 to 1)"""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._said = b""
        self.fraction = 0.0
        """Of what is being computed."""

    @property
    def running(self) -> bool:
        """Something is being computed."""
        return self._process is not None

    def start(self, sessions: Sequence[Path]) -> None:
        """Compute the figures of these sessions; what was being computed is cancelled."""
        self.stop()
        self._said, self.fraction = b"", 0.0
        process = self._process = QProcess(self)
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.finished.connect(lambda code, status: self._end(process, code, status))
        process.errorOccurred.connect(lambda error: self._did_not_start(process, error))
        program, *arguments = python_module("monitor_app.gui.figures.job_process", *map(str, sessions))
        process.start(program, arguments)

    def stop(self) -> None:
        """Cancel what is being computed; it has nothing to lose. Does not wait until its process has ended."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def wait(self) -> None:
        """Until what was cancelled has ended, as Qt demands before this object may go."""
        for process in self.findChildren(QProcess):
            process.waitForFinished(KILL_MS)

    def _read(self, process: QProcess) -> None:
        """The fraction that is done, a line each time, and then the figures."""
        if process is not self._process:
            return
        *whole, self._said = (self._said + bytes(process.readAllStandardOutput().data())).split(b"\n")
        done = [line for line in whole if line.startswith(PROGRESS)]
        self._said = b"\n".join([*(line for line in whole if not line.startswith(PROGRESS)), self._said])
        if done:
            self.fraction = float(done[-1].removeprefix(PROGRESS))
            self.progressed.emit(self.fraction)

    def _did_not_start(self, process: QProcess, error: QProcess.ProcessError) -> None:
        if error is not QProcess.ProcessError.FailedToStart:
            return
        process.deleteLater()
        if process is self._process:
            self._process = None
            self.failed.emit(f"The figures could not be computed: {process.errorString()}.")

    def _end(self, process: QProcess, code: int, status: QProcess.ExitStatus) -> None:
        process.deleteLater()
        if process is not self._process:
            return
        self._read(process)
        self._process = None
        said = self._said.decode(errors="replace")
        if code == 0 and status is QProcess.ExitStatus.NormalExit:
            try:
                figures = decode(said)
            except ValueError:
                log.exception("the figures cannot be read")
                self.failed.emit(f"The figures could not be read; see the log, {log_file(WINDOW_LOG)}.")
            else:
                self.computed.emit(figures)
            return
        words = bytes(process.readAllStandardError().data()).decode(errors="replace").strip()
        log.error("the figures failed: %s", words)
        self.failed.emit(_sentence(words))


def _sentence(words: str) -> str:
    """The last line that a process wrote; an unexpected error is reported as such."""
    last = words.splitlines()[-1] if words else "it ended without a message"
    if words and "Traceback" not in words:
        return last
    return f"The figures could not be computed ({last}). Please report this with the log, {log_file(WINDOW_LOG)}."


class State(NamedTuple):
    """What figures depend on."""

    sessions: tuple[Path, ...]
    ended: tuple[int, ...]
    """Runs of the first that have ended."""


class RefreshPolicy:
    """When figures are worth computing anew: remembers what was computed last, and when."""

    def __init__(self) -> None:
        self._begun: State | None = None
        self._shown: State | None = None
        self._ended_s = -PAUSE_S

    def due(self, recording: Recording, compared: Sequence[Path], *, running: bool) -> State | None:
        """What to compute now: at once for other sessions, for a run that has ended after a pause; else None."""
        ended = tuple(run.id for run in recording.runs if run.state in FINAL)
        state = State((recording.reader.path, *compared), ended)
        if state == self._begun:
            return None
        others = self._begun is None or state.sessions != self._begun.sessions
        rested = not running and time.monotonic() - self._ended_s >= PAUSE_S
        return state if others or rested else None

    def begin(self, state: State) -> None:
        """It is being computed."""
        self._begun = state

    def end(self, *, shown: bool) -> None:
        """It is computed, or could not be."""
        self._ended_s = time.monotonic()
        if shown:
            self._shown = self._begun

    def give_up(self) -> None:
        """What was begun will not be finished."""
        self._begun = self._shown
