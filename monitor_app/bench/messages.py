# SPDX-License-Identifier: Apache-2.0
"""What the window and the bench say to each other: one JSON object a line, see docs/bench-protocol.md."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from monitor_app.core.errors import BenchError
from monitor_app.core.status import BenchPhase, BenchStatus, FoundSource, RunStatus, SourceState, SourceStatus


@dataclass(frozen=True, slots=True)
class StartRuns:
    """Begin the plan of the profile from its first run."""


@dataclass(frozen=True, slots=True)
class StopRuns:
    """Cancel the run that is going on and the rest of the plan; the recording goes on."""


@dataclass(frozen=True, slots=True)
class SkipRun:
    """Cancel only the run that is going on."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect a source again that was disconnected or has failed."""

    source: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Let go of a source until Connect."""

    source: str


@dataclass(frozen=True, slots=True)
class FindSources:
    """Look for instruments, and ask on USB ports who is there; the next Status tells what was found."""


@dataclass(frozen=True, slots=True)
class AddSource:
    """Take an instrument into the session that is going on; ``spec`` is a [[source]] table of a profile."""

    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AddMark:
    """A note on the time axis."""

    host_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Quit:
    """Stop everything, close the file, end."""


Command: TypeAlias = StartRuns | StopRuns | SkipRun | Connect | Disconnect | FindSources | AddSource | AddMark | Quit


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
    """The bench cannot go on; one sentence with what to do. It ends by itself."""

    message: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The session file is complete."""

    path: str


Event: TypeAlias = Opened | Status | Failed | Closed

_COMMANDS: dict[str, type[Command]] = {
    kind.__name__: kind
    for kind in (StartRuns, StopRuns, SkipRun, Connect, Disconnect, FindSources, AddSource, AddMark, Quit)
}
_EVENTS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Opened, Status, Failed, Closed)}
_MISUNDERSTOOD = "The bench and the window do not understand each other ({}): start both from one version."


def encode(message: Command | Event) -> bytes:
    """The message as one line."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}).encode() + b"\n"


def decode_command(line: bytes) -> Command:
    """A line from the window. Raises BenchError."""
    try:
        fields = json.loads(line)
        return _COMMANDS[fields.pop("type")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(_MISUNDERSTOOD.format(repr(error))) from error


def decode_event(line: bytes) -> Event:
    """A line from the bench. Raises BenchError."""
    try:
        fields = json.loads(line)
        kind = _EVENTS[fields.pop("type")]
        event: Event = Status(_status(fields["status"])) if kind is Status else kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(_MISUNDERSTOOD.format(repr(error))) from error
    return event


def _status(fields: dict[str, Any]) -> BenchStatus:
    sources = tuple(map(_source_status, fields.pop("sources")))
    found = tuple(FoundSource(**each) for each in fields.pop("found"))
    runs = tuple(RunStatus(**r) for r in fields.pop("runs"))
    phase = BenchPhase(fields.pop("phase"))
    return BenchStatus(**fields, phase=phase, sources=sources, found=found, runs=runs)


def _source_status(fields: dict[str, Any]) -> SourceStatus:
    return SourceStatus(**{**fields, "state": SourceState(fields["state"]), "notes": tuple(fields["notes"])})
