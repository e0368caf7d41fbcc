# SPDX-License-Identifier: Apache-2.0
"""The bench's end of the inference child: start it, exchange messages with it, end it. Imports no torch."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.back_ends import TORCH
from monitor_app.core.canziani2016 import BOARDS
from monitor_app.core.child_process import ChildProcess, python_module
from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.core.runs import ALLOCATOR_KEEPS, EMULATED, is_emulated
from monitor_app.inference.back_ends.choice import require_back_end
from monitor_app.inference.messages import Command, Event, Quit, decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

COMMAND = (*python_module("monitor_app.inference.child"),)
REPLAY_COMMAND = (*python_module("monitor_app.inference.replay_child"),)

# Freed memory is kept for the next pass instead of being handed back to the system and faulted in again,
# which on small networks costs a sixth of the latency. 32 MiB is the most that every glibc takes.
KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


class Process(Protocol):
    """A running child, on this machine (`core.child_process`) or on a board elsewhere (`remote.child`)."""

    @property
    def pid(self) -> int: ...

    @property
    def exit_code(self) -> int | None: ...

    @property
    def closed(self) -> bool: ...

    @property
    def stderr_tail(self) -> str: ...

    def send(self, line: bytes) -> bool: ...

    def lines(self, timeout_s: float) -> list[bytes]: ...

    def exit_reason(self) -> str: ...

    def close(self, quit_line: bytes = b"") -> None: ...


@dataclass(frozen=True, slots=True)
class ChildKind:
    """Which child is to be started: two of the same kind can stand in for each other."""

    program: str = "inference"
    """`inference` or `replay`."""
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: KEEPING)
    """Set for it, besides that of its parent."""
    back_end: str = TORCH

    @property
    def command(self) -> tuple[str, ...]:
        """The command line, on this machine."""
        return (*(COMMAND if self.program == "inference" else REPLAY_COMMAND), *self.arguments)


def child_kind(device: str, back_end: str = TORCH, allocator: str = ALLOCATOR_KEEPS) -> ChildKind:
    """Which child serves an inference device.

    Args:
        device: as a profile names it.
        back_end: what runs the networks there.
        allocator: `keep` or `system`, see `core.profile.Inference`.

    Raises:
        InferenceError: there are no figures of that emulated board.
    """
    environment = KEEPING if allocator == ALLOCATOR_KEEPS else {}
    if not is_emulated(device):
        return ChildKind(arguments=("--back-end", back_end), environment=environment, back_end=back_end)
    board = device.removeprefix(EMULATED)
    if board not in BOARDS:
        known = ", ".join(EMULATED + name for name in BOARDS)
        raise InferenceError(f"There is no emulated board named {board!r}: set the inference device to {known}.")
    return ChildKind("replay", ("--board", board))


def require_device(device: str, back_end: str = TORCH) -> None:
    """Return where networks can be run on an inference device, as far as is seen without a process.

    Raises:
        InferenceError: the back end is not installed and the device needs it, or there are no figures of an emulated
            board.
    """
    if child_kind(device, back_end).program == "inference":
        require_back_end(back_end)


class InferenceChild:
    """A running inference child.

    Start it on a thread that lives as long as it is needed: Linux kills it when that thread ends.
    `send` may be called from any thread, `receive` from one at a time.

    Args:
        load_signals: sockets of the instruments on a simulated board, which show the load of the network.
        command: the command line, `ChildKind.command`.
        environment: set for it, besides that of this process.
        running: a child that has been started elsewhere, in place of both.
    """

    def __init__(
        self,
        load_signals: Sequence[Path] = (),
        command: Sequence[str] = COMMAND,
        environment: Mapping[str, str] = KEEPING,
        running: Process | None = None,
    ) -> None:
        self._child: Process = running or ChildProcess(
            [*command, *(part for path in load_signals for part in ("--lamp", str(path)))],
            "inference child",
            environment={**os.environ, **environment},
            log_stderr=True,
        )
        self._lines: deque[bytes] = deque()

    @property
    def pid(self) -> int:
        """Of the child's process."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, the negative number of a signal that ended it; None while it lives."""
        return self._child.exit_code

    def send(self, command: Command) -> None:
        """Give the child a command; does not wait for anything.

        Raises:
            ChildDiedError: it has ended.
            InferenceError: it has stopped taking commands.
        """
        try:
            taken = self._child.send(encode(command))
        except BrokenPipeError as error:
            raise self._died() from error
        if not taken:
            raise InferenceError("The inference process takes no more commands: start the run again.")

    def receive(self, timeout_s: float) -> Event | None:
        """The next event, or None when none came within `timeout_s` seconds.

        Raises:
            ChildDiedError: the child has ended, and every event before its end has been received.
            InferenceError: its line is not an event.
        """
        if self._child.closed:
            raise ChildDiedError("The inference process has been closed: start the run again.")
        if not self._lines:
            try:
                self._lines.extend(self._child.lines(timeout_s))
            except EOFError as error:
                raise self._died() from error
        if not self._lines:
            return None
        message = decode(self._lines.popleft())
        if not isinstance(message, Event):
            raise InferenceError("The inference process answered with a command: check that both are one version.")
        return message

    def close(self) -> None:
        """End the child: by asking, or by force. Calling it twice is fine."""
        self._child.close(encode(Quit()))

    def __enter__(self) -> InferenceChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _died(self) -> ChildDiedError:
        reason, tail = self._child.exit_reason(), self._child.stderr_tail
        said = f" (its last message: {tail})" if tail else ""
        return ChildDiedError(f"The inference process {reason}{said}: start the run again.")
