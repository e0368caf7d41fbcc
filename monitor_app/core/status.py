# SPDX-License-Identifier: Apache-2.0
"""The status of a bench as one frozen snapshot; views compare snapshots and never read private flags."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Literal

Identity = Literal["serial_number", "model", "kind"]
"""What tells an instrument from another of its kind."""
IN_USE = "in use by this session"
"""State of a port that this session reads already."""


class BenchPhase(str, Enum):
    """The phase of the bench as a whole."""

    STARTING = "starting"
    MONITORING = "monitoring"
    """Recording, without inference."""
    RUNNING = "running"
    STOPPING = "stopping"
    CLOSED = "closed"


class SourceState(str, Enum):
    """The connection of an instrument."""

    CONNECTING = "connecting"
    STREAMING = "streaming"
    LOST = "lost"
    """It was connected and is gone; the bench keeps trying to connect to it."""
    FAILED = "failed"
    """It cannot be used; ``message`` says what to do."""
    DISCONNECTED = "disconnected"


TROUBLE = frozenset({SourceState.LOST, SourceState.FAILED})
"""States that the user should be alerted to."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """The status of one instrument."""

    name: str
    kind: str
    state: SourceState
    message: str = ""
    rate_hz: float | None = None
    """Measured by the clock fit."""
    lost_samples: int = 0
    clock_bound_ns: int | None = None
    clock_method: str = ""
    """What the bound rests on: arrival, two-way, line or polled."""
    simulated: bool = False
    model: str = ""
    serial_number: str = ""
    notes: tuple[str, ...] = ()
    """Limits of its measurements, each one sentence."""
    implausible_samples: int = 0
    """Samples that a bit flipped on the line explains best."""
    since_ns: int | None = None
    """Host time from which on a link to a board is in this state; None for others."""


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
    note: str = ""
    """A limit of this kind of instrument, one sentence."""
    identity: Identity = "serial_number"
    """By what to recognise it among the sources in use. By ``model``, that is the description."""

    def as_json(self) -> dict[str, object]:
        """One object of `sources --json`."""
        return {key: value for key, value in asdict(self).items() if key != "identity"}


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
    """Fraction of the run that is done, 0 to 1."""
    message: str = ""


class CheckState(str, Enum):
    """How far the checks before the first run are."""

    NONE = "none"
    WAITING = "waiting"
    """For the instruments."""
    PLAYING = "playing"
    """A load-step sequence, which the power should follow."""
    PASSED = "passed"
    REFUSED = "refused"
    """The plan was not started."""
    SKIPPED = "skipped"
    """The power could not be checked, or need not be; the plan is run."""


CHECKING = frozenset({CheckState.WAITING, CheckState.PLAYING})
"""States in which the first run waits for the checks."""


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """The checks before the first run of a plan."""

    state: CheckState = CheckState.NONE
    text: str = ""
    """What is being checked, what was found, or why the plan was refused, one sentence."""
    fraction: float = 0.0
    """Fraction of the load-step sequence that has been played, 0 to 1."""


@dataclass(frozen=True, slots=True)
class BenchStatus:
    """The status of the whole bench."""

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
    """Fraction of one core that the bench process uses."""
    message: str = ""
    """The most important message for the user, one sentence."""
    found: tuple[FoundSource, ...] = ()
    """Other instruments and ports of this machine, as found by the last search."""
    searches: int = 0
    """Number of requested searches for instruments that have ended."""
    check: CheckStatus = CheckStatus()
