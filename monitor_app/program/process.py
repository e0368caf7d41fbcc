# SPDX-License-Identifier: Apache-2.0
"""The bench's end of the process that listens to marks."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.child_process import ChildProcess, python_module
from monitor_app.core.errors import ProgramError
from monitor_app.program.messages import COMMANDS, EVENTS, Quit

if TYPE_CHECKING:
    from monitor_app.program.messages import Command, Event

MODULE = "monitor_app.program.child"


class Process(Protocol):
    """A running child, on this machine (`core.child_process`) or on a board elsewhere (`remote.child`)."""

    @property
    def stderr_tail(self) -> str: ...

    def send(self, line: bytes) -> bool: ...

    def lines(self, timeout_s: float) -> list[bytes]: ...

    def exit_reason(self) -> str: ...

    def close(self, quit_line: bytes = b"") -> None: ...


class ListeningChild:
    """Exchanges messages with it. Used from one thread, but for `send`.

    Args:
        running: a child that has been started elsewhere; without one it is started here. Start it on a thread that
            lives as long as it is needed.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, running: Process | None = None) -> None:
        self._child: Process = running or ChildProcess(python_module(MODULE), "listener to marks", log_stderr=True)
        self._lines: deque[bytes] = deque()

    def send(self, command: Command) -> None:
        """Give it a command, without waiting. Raises ProgramError where it takes none."""
        try:
            taken = self._child.send(COMMANDS.encode(command))
        except BrokenPipeError as error:
            raise self._ended() from error
        if not taken:
            raise ProgramError("The process that listens to marks takes no more commands: start the command again.")

    def receive(self, timeout_s: float) -> Event | None:
        """The next event; None where none has come in that time. Raises ProgramError where it has ended."""
        if not self._lines:
            try:
                self._lines.extend(self._child.lines(timeout_s))
            except EOFError as error:
                raise self._ended() from error
        if not self._lines:
            return None
        try:
            return EVENTS.decode(self._lines.popleft())
        except ValueError as error:
            raise ProgramError(
                f"The process that listens to marks says what this version does not understand ({error})."
            ) from error

    def close(self) -> None:
        """End it, and on a board the command with it. Calling it twice is fine."""
        self._child.close(COMMANDS.encode(Quit()))

    def _ended(self) -> ProgramError:
        tail = self._child.stderr_tail
        said = f" (its last message: {tail})" if tail else ""
        return ProgramError(
            f"The process that listens to marks {self._child.exit_reason()}{said}: start the command again."
        )
