# SPDX-License-Identifier: Apache-2.0
"""Messages between the bench and the process that listens to a program's marks (docs/own-program.md).

All times are nanoseconds of the host clock of the machine that the program runs on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from monitor_app.core.messages import Codec, NonNegative


@dataclass(frozen=True)
class Listening:
    """The socket for marks is there."""

    path: str
    load: str
    """A socket that takes the load signal for simulated instruments elsewhere; empty where none is wanted."""


@dataclass(frozen=True)
class Marks:
    """Marks in the order in which they came."""

    rows: tuple[tuple[int, int, NonNegative, NonNegative, str], ...]
    """Start, end, images, kind (`marks.SPAN` or `marks.MOMENT`) and name."""


@dataclass(frozen=True)
class LoadChange:
    """A simulated board becomes busy or idle."""

    host_ns: int
    busy: bool


@dataclass(frozen=True)
class Started:
    """The command runs."""

    pid: int
    host_ns: int


@dataclass(frozen=True)
class Output:
    """What the command wrote."""

    stream: int
    """1: stdout, 2: stderr."""
    data: str
    """Base64."""


@dataclass(frozen=True)
class Ended:
    """The command has ended."""

    code: int
    """Negative for a signal."""
    host_ns: int


@dataclass(frozen=True)
class NotStarted:
    """There is no such command, or it is no program."""

    code: int
    """127 or 126, as of a shell."""
    message: str


@dataclass(frozen=True)
class Counts:
    """All marks that there were; the answer to `Finish`."""

    marks: NonNegative
    lost: NonNegative
    malformed: NonNegative
    left_out: NonNegative


@dataclass(frozen=True)
class Run:
    """Start the command; only where the process was not started beside it."""

    command: str
    """JSON: its words."""


@dataclass(frozen=True)
class Pass:
    """Send the command a signal."""

    number: int


@dataclass(frozen=True)
class Finish:
    """Say what has come so far."""


@dataclass(frozen=True)
class Quit:
    """End, and with it the command."""


Event: TypeAlias = Listening | Marks | LoadChange | Started | Output | Ended | NotStarted | Counts
Command: TypeAlias = Run | Pass | Finish | Quit

EVENTS: Codec[Event] = Codec(
    {
        "listening": Listening,
        "marks": Marks,
        "load": LoadChange,
        "started": Started,
        "output": Output,
        "ended": Ended,
        "not_started": NotStarted,
        "counts": Counts,
    }
)
COMMANDS: Codec[Command] = Codec({"run": Run, "pass": Pass, "finish": Finish, "quit": Quit})
