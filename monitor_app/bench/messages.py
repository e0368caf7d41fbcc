# SPDX-License-Identifier: Apache-2.0
"""The messages between the window and the bench: one JSON object a line, see docs/bench-protocol.md."""

from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from monitor_app.core.errors import BenchError
from monitor_app.core.markers import Marker
from monitor_app.core.messages import Codec
from monitor_app.core.status import BenchStatus


@dataclass(frozen=True, slots=True)
class StartRuns:
    """Begin the plan of the profile from its first run."""


@dataclass(frozen=True, slots=True)
class ResumeRuns:
    """Run what is left of a plan that was stopped."""


@dataclass(frozen=True, slots=True)
class StopRuns:
    """Cancel the current run and the rest of the plan; the recording continues."""


@dataclass(frozen=True, slots=True)
class SkipRun:
    """Cancel only the current run."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect a source again that was disconnected or has failed."""

    source: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the connection to a source until Connect."""

    source: str


@dataclass(frozen=True, slots=True)
class FindSources:
    """Search for instruments, with a query on each USB port; a later Status lists what was found."""


@dataclass(frozen=True, slots=True)
class AddSource:
    """Add an instrument to the current session; ``spec`` is a [[source]] table of a profile."""

    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AddMark:
    """A note on the time axis."""

    host_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class SetMarkers:
    """These instead of all markers of the session; their times are those of the session file."""

    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class SetNotes:
    """What the user has written about the session, instead of what was written before."""

    text: str


@dataclass(frozen=True, slots=True)
class Trust:
    """The user allows the code that AskTrust has named; Quit is the other answer."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Stop everything, close the file, end."""


Command: TypeAlias = (
    StartRuns
    | ResumeRuns
    | StopRuns
    | SkipRun
    | Connect
    | Disconnect
    | FindSources
    | AddSource
    | AddMark
    | SetMarkers
    | SetNotes
    | Trust
    | Quit
)


@dataclass(frozen=True, slots=True)
class AskTrust:
    """The profile runs code that the user has not allowed; the bench waits for Trust or Quit, and does nothing else."""

    question: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The session file exists and can be read."""

    path: str


@dataclass(frozen=True, slots=True)
class Status:
    """Sent on change and at least five times a second."""

    status: BenchStatus


@dataclass(frozen=True, slots=True)
class Failed:
    """The bench cannot continue and ends by itself; ``message`` is one sentence that says what to do."""

    message: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The session file is complete."""

    path: str


Event: TypeAlias = AskTrust | Opened | Status | Failed | Closed

_COMMANDS: Codec[Command] = Codec({kind.__name__: kind for kind in get_args(Command)})
_EVENTS: Codec[Event] = Codec({kind.__name__: kind for kind in (AskTrust, Opened, Status, Failed, Closed)})


def encode(message: Command | Event) -> bytes:
    """The message as one line."""
    return _EVENTS.encode(message) if isinstance(message, Event) else _COMMANDS.encode(message)


def decode_command(line: bytes) -> Command:
    """A line from the window. Raises BenchError."""
    try:
        return _COMMANDS.decode(line)
    except ValueError as error:
        raise _no_message(error) from error


def decode_event(line: bytes) -> Event:
    """A line from the bench. Raises BenchError."""
    try:
        return _EVENTS.decode(line)
    except ValueError as error:
        raise _no_message(error) from error


def _no_message(error: ValueError) -> BenchError:
    return BenchError(f"The bench and the window do not use the same messages ({error}): start both from one version.")
