# SPDX-License-Identifier: Apache-2.0
"""Where a command runs that is measured: what differs by that, and this machine. `program_on_board` is the other."""

from __future__ import annotations

import os
import queue
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.runs.inference_place import go_dark
from monitor_app.core.errors import ProgramError
from monitor_app.core.files.package_data import resource_path
from monitor_app.program.command import RunningCommand, command_environment
from monitor_app.program.messages import Ended, Finish, Listening
from monitor_app.program.process import ListeningChild

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.core.errors import BoardError
    from monitor_app.program.messages import Event

READY_S = 30.0
MARKS_FOLDER = "marks"
"""Below resources/: the files by which a program makes marks."""


class ProgramPlace(Protocol):
    """Runs one command at a time. Its methods raise ProgramError and BoardError."""

    def listen(self) -> None:
        """Be ready for marks, before the command is started."""

    def start(self, words: Sequence[str]) -> int | None:
        """Start it. Returns when that was, host time; None where an event will say so. Raises NotStartedError."""

    def receive(self, timeout_s: float) -> Event | None:
        """What has happened, with host times; None where nothing has in that time."""

    def pass_signal(self, number: int) -> None:
        """Send the command a signal; nothing where none runs."""

    def finish(self) -> None:
        """The command has ended: `Counts` will come, after all that was still under way."""

    def lost(self) -> BoardError | None:
        """Why the command is out of reach, where it may live."""

    def close(self) -> None:
        """Listen no more, and on a board end the command; calling it twice is fine."""


class CommandHere:
    """The command is a child of this process, with the terminal, stdin, stdout and stderr of this process.

    Args:
        load_signals: sockets of simulated instruments, which are told when the program works.
    """

    def __init__(self, load_signals: Sequence[Path] = ()) -> None:
        self._load_signals = tuple(load_signals)
        self._child: ListeningChild | None = None
        self._path = ""
        self._running: RunningCommand | None = None
        self._ends: queue.SimpleQueue[None] = queue.SimpleQueue()

    def listen(self) -> None:
        self.close()
        try:
            self._child = ListeningChild()
        except OSError as error:
            raise ProgramError(
                f"The listener to marks cannot be started ({error.strerror}): free some memory."
            ) from error
        event = self._child.receive(READY_S)
        if not isinstance(event, Listening):
            raise ProgramError("The process that listens to marks did not start: look into the log.")
        self._path = event.path

    def start(self, words: Sequence[str]) -> int | None:
        environment = command_environment(
            os.environ, str(resource_path(MARKS_FOLDER)), self._path, [str(path) for path in self._load_signals]
        )
        self._running = RunningCommand(words, environment, lambda: self._ends.put(None))
        return self._running.start_ns

    def receive(self, timeout_s: float) -> Event | None:
        assert self._child is not None, "it listens"
        if self._running is not None and self._ends.qsize():
            self._ends.get()
            running, self._running = self._running, None
            return Ended(running.code or 0, running.end_ns)
        return self._child.receive(timeout_s)

    def pass_signal(self, number: int) -> None:
        running = self._running
        if running is not None:
            running.send_signal(number)

    def finish(self) -> None:
        assert self._child is not None, "it listens"
        self._child.send(Finish())

    def lost(self) -> BoardError | None:
        return None

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.close()
            go_dark(self._load_signals)
