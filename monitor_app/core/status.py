# SPDX-License-Identifier: Apache-2.0
"""What a bench says of itself, as one frozen snapshot; views compare snapshots and never read private flags."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum


class BenchPhase(str, Enum):
    """What the bench as a whole is doing."""

    STARTING = "starting"
    MONITORING = "monitoring"
    """Recording, with no inference going on."""
    RUNNING = "running"
    STOPPING = "stopping"
    CLOSED = "closed"


class SourceState(str, Enum):
    """How an instrument is doing."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    LOST = "lost"
    """It was there and is gone; the bench goes on trying to reach it."""
    FAILED = "failed"
    """It cannot be used; ``message`` says what to do."""
    DISCONNECTED = "disconnected"


TROUBLE = frozenset({SourceState.LOST, SourceState.FAILED})
"""States that the user should be alerted to."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one instrument is doing."""

    name: str
    kind: str
    state: SourceState
    message: str = ""
    rate_hz: float | None = None
    """As measured by the clock fit."""
    lost_samples: int = 0
    clock_bound_ns: int | None = None
    clock_method: str = ""
    """What the bound rests on: arrival, two-way, line or polled."""
    simulated: bool = False
    model: str = ""
    serial_number: str = ""
    notes: tuple[str, ...] = ()
    """What a user of its numbers must know, each one sentence."""


@dataclass(frozen=True, slots=True)
class FoundSource:
    """An instrument on this machine, or a port where one may be."""

    kind: str
    """As in a profile; serial where it is not known which."""
    where: str
    description: str
    ready: bool
    state: str
    """'ready', or one sentence with what to do."""
    spec: dict[str, object] = field(default_factory=dict)
    """What to write under [[source]] in a profile to use it."""

    def as_json(self) -> dict[str, object]:
        """One object of `sources --json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run of the current cycle."""

    id: int | None
    """Row in the session file, or None while it waits."""
    title: str
    batch_size: int
    state: str
    phase: str | None = None
    fraction: float = 0.0
    """How much of the run is done, 0 to 1."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class BenchStatus:
    """How the whole bench is doing."""

    phase: BenchPhase = BenchPhase.STARTING
    sources: tuple[SourceStatus, ...] = ()
    runs: tuple[RunStatus, ...] = ()
    cycle: int = 0
    """Counted from 1; 0 before the first."""
    cycles: int = 0
    """Cycles planned; 0 means until stopped."""
    remaining_s: float | None = None
    """Estimate for the rest of the current cycle."""
    file_bytes: int = 0
    disk_free_bytes: int = 0
    disk_left_s: float | None = None
    """How long the disk lasts at the present rate."""
    cpu_fraction: float = 0.0
    """Share of one core that the bench process uses."""
    message: str = ""
    """The last thing a person should know, one sentence."""
    found: tuple[FoundSource, ...] = ()
    """What else is on this machine, as far as it has been looked for."""
    searches: int = 0
    """How many searches for instruments that were asked for have ended."""
