# SPDX-License-Identifier: Apache-2.0
"""The bench behind the window: what it last reported, what it is sent, and what Run plan means now."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from PySide6.QtCore import QObject, Signal

from monitor_app.bench.client import ProfileFile, Resumed
from monitor_app.bench.messages import (
    AddMark,
    AddSource,
    AskTrust,
    Closed,
    Connect,
    Disconnect,
    Failed,
    FindSources,
    Opened,
    Quit,
    ResumeRuns,
    SetMarkers,
    SetNotes,
    SkipRun,
    StartRuns,
    Status,
    StopRuns,
    Trust,
)
from monitor_app.core.errors import MonitorError
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import RunState
from monitor_app.core.samples import NO_INSTRUMENTS
from monitor_app.core.status import TROUBLE, BenchPhase, BenchStatus, SourceState

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.bench.messages import Command, Event
    from monitor_app.core.markers import Marker

Wanted: TypeAlias = "Path | ProfileFile | Resumed | None"
"""What is recorded: a new session with the profile stored in another one, with one in a file, or with that of this
window; or the rest of a session that is there already."""
StartBench: TypeAlias = "Callable[[Wanted], Client]"
STOP = (
    "The run in progress and all that follow are cancelled; the plan can be resumed there later. "
    "Do you want to stop the plan?"
)
SKIP = "The run in progress is cancelled, and the next one begins. Do you want to skip it?"
ONLY_METER = "{name} is the only instrument that measures, and runs are in progress. Do you want to disconnect it?"
SIMULATED = "simulated-tx1"
_LEFT = frozenset({RunState.WAITING.value, RunState.RUNNING.value})
RECORDED = "This is a recorded session: to measure, start monitor-app with a profile."


class Client(Protocol):
    """What the window needs of a BenchClient."""

    session: Path

    @property
    def alive(self) -> bool: ...

    def send(self, command: Command) -> None: ...

    def poll(self) -> list[Event]: ...

    def close(self) -> None: ...


class BenchController(QObject):
    """At most one bench at a time; ``start_bench`` starts the next one, which records into a new session.

    It is given a ``Wanted``.
    """

    opened = Signal(Path)
    """(session that the bench records)"""
    began = Signal()
    """Record was pressed without a bench: a new one is being started."""
    ended = Signal()
    """The bench has ended, by itself or on request; its session is complete."""
    trust_asked = Signal(str)
    """(question, to be answered by ``answer_trust``)"""
    changed = Signal()
    """What may be started or stopped has changed."""
    alarm = Signal(str)
    note = Signal(str)
    retracted = Signal(str)
    """(a sentence announced before that holds no longer)"""

    def __init__(
        self,
        parent: QObject,
        client: Client | None,
        start_bench: StartBench | None,
        confirm: Callable[[str, str], bool],
    ) -> None:
        """``confirm`` asks a question and is given the words of the button that goes on."""
        super().__init__(parent)
        self._confirm = confirm
        self.client = client
        self.status: BenchStatus | None = None
        self._start_bench = start_bench
        self._start_wanted = False
        self._wanted: Wanted = None
        """What was recorded last."""
        self._message = ""

    @property
    def live(self) -> bool:
        """Whether a bench is recording."""
        return self.client is not None

    def records(self, session: Path) -> bool:
        """Whether a bench of this window is recording this session."""
        return self.client is not None and self.client.session == session

    @property
    def running(self) -> bool:
        return self.status is not None and self.status.phase is BenchPhase.RUNNING

    @property
    def can_start(self) -> bool:
        return self.live or self._start_bench is not None

    @property
    def runs_left(self) -> float:
        """Of the plan, with the one in progress; infinite where it is repeated until it is stopped."""
        status = self.status
        if status is None or not self.running:
            return 0
        if not status.cycles:
            return math.inf
        ahead = max(status.cycles - status.cycle, 0) * len(status.runs)
        return ahead + sum(run.state in _LEFT for run in status.runs)

    def _is_only_meter(self, name: str) -> bool:
        sources = self.status.sources if self.status is not None else ()
        return [s.name for s in sources if s.state is SourceState.STREAMING and s.kind not in NO_INSTRUMENTS] == [name]

    # -- what the bench reports ------------------------------------------------------------------

    def poll(self) -> None:
        """Read what the bench has reported and announce it; never waits. Raises BenchError."""
        client = self.client
        if client is None:
            return
        events = client.poll()
        statuses = [event.status for event in events if isinstance(event, Status)]
        failures = [event.message for event in events if isinstance(event, Failed)]
        for status in statuses:
            self.status = status
            self._start_if_wanted(status)
        ended = bool(failures) or any(isinstance(event, Closed) for event in events)
        if ended:
            self.close()
        if any(isinstance(event, Opened) for event in events):
            self._announce_session(client.session)
        if statuses and statuses[-1].message != self._message:
            self._announce(statuses[-1])
        if failures:
            self.alarm.emit(failures[-1])
        if ended:
            self.ended.emit()
        for event in events:
            if isinstance(event, AskTrust):
                self.trust_asked.emit(event.question)

    def _announce_session(self, session: Path) -> None:
        self.opened.emit(session)
        if isinstance(self._wanted, Resumed):
            self.note.emit(f"The plan of {session} is resumed with its own profile.")
        elif isinstance(self._wanted, Path):
            self.note.emit(f"This new session is recorded with the profile stored in {self._wanted}.")

    def _announce(self, status: BenchStatus) -> None:
        """The message of the bench; where it has none any longer, its last one is retracted."""
        before, self._message = self._message, status.message
        if not status.message:
            self.retracted.emit(before)
        elif any(
            each.state in TROUBLE and each.message and status.message.startswith(each.message)
            for each in status.sources
        ):
            self.alarm.emit(status.message)
        else:
            self.note.emit(status.message)

    def _start_if_wanted(self, status: BenchStatus) -> None:
        """A bench that was started by Record runs its plan, whether or not its profile says so."""
        if self._start_wanted and status.phase is not BenchPhase.STARTING:
            if status.phase is BenchPhase.MONITORING:
                self.send(StartRuns())
            self._start_wanted = False

    # -- what the user asks for ------------------------------------------------------------------

    def start_or_stop(self, opened: Path | None = None) -> None:
        """Start or stop the runs; without a bench, begin a new session, as the one that was ``opened`` if there is."""
        if self.running:
            if self.runs_left <= 1 or self._confirm(STOP, "Stop plan"):
                self._try(self._stop)
        elif self.client is not None:
            self._try(lambda: self.send(StartRuns()))
        else:
            # What this window has recorded is repeated with the profile that it was recorded with.
            before = self._wanted
            self.begin(opened or (before.session if isinstance(before, Resumed) else before))
        self.changed.emit()

    def resume(self, session: Path) -> None:
        """Run what is left of the plan: of the bench that records, else of the ``session``."""
        if self.client is not None:
            self.send(ResumeRuns())
        else:
            self.begin(Resumed(session))

    def begin(self, wanted: Wanted) -> bool:
        """Begin a new session, or resume one, and run its plan, where no bench is recording; whether it has begun."""
        if self._start_bench is None:
            self.note.emit(RECORDED)
            return False
        begun = self._try(lambda: self._begin(wanted))
        if begun and not isinstance(wanted, Resumed):
            self.began.emit()
        self.changed.emit()
        return begun

    def record_simulated(self) -> None:
        """Begin a new session of the simulated board, unless a bench is recording."""
        if self.client is None:
            self.begin(ProfileFile(profile_path(SIMULATED)))

    def stop_recording(self) -> None:
        """Let the bench end; its session is complete when it has."""
        self.send(Quit())

    def _stop(self) -> None:
        """Unless the plan has ended while the user was asked."""
        if self.running:
            self.send(StopRuns())

    def _begin(self, wanted: Wanted) -> None:
        assert self._start_bench is not None
        self._wanted = wanted
        self.status, self._message, self._start_wanted = None, "", True
        self.client = self._start_bench(wanted)

    def _try(self, do: Callable[[], None]) -> bool:
        """Whether it was done; where it was not, the reason is announced."""
        try:
            do()
        except MonitorError as error:
            self.alarm.emit(str(error))
            return False
        return True

    def answer_trust(self, *, allowed: bool) -> None:
        """The user's answer to ``trust_asked``."""
        self.send(Trust() if allowed else Quit())

    def skip_run(self) -> None:
        """Skip the run in progress, once the user has confirmed it, and no other that has begun meanwhile."""
        before = self._in_progress
        if self.running and self._confirm(SKIP, "Skip run") and self._in_progress == before:
            self.send(SkipRun())

    @property
    def _in_progress(self) -> list[int | None]:
        runs = self.status.runs if self.status is not None else ()
        return [run.id for run in runs if run.state == RunState.RUNNING.value]

    def add_mark(self, text: str) -> None:
        """Mark the present moment."""
        self.send(AddMark(host_time_ns(), text))

    def set_markers(self, markers: tuple[Marker, ...]) -> None:
        """Store these as the markers of the session that is recorded."""
        self.send(SetMarkers(markers))

    def set_notes(self, text: str) -> None:
        """Store this as the notes on the session that is recorded."""
        self.send(SetNotes(text))

    def connect_source(self, name: str) -> None:
        self.send(Connect(name))

    def disconnect_source(self, name: str) -> None:
        """Close the connection; the only meter of a run only once the user has confirmed it."""
        alone = self.running and self._is_only_meter(name)
        if not alone or self._confirm(ONLY_METER.format(name=name), "Disconnect"):
            self.send(Disconnect(name))

    def find_sources(self) -> None:
        self.send(FindSources())

    def add_source(self, spec: dict[str, Any]) -> None:
        """Add an instrument that was found to the session; ``spec`` is a [[source]] table."""
        self.send(AddSource(spec))

    def send(self, command: Command) -> None:
        if self.client is not None:
            self.client.send(command)

    def close(self) -> None:
        """End the bench and wait until its file is complete; calling it twice does no harm."""
        client, self.client, self.status = self.client, None, None
        if client is not None:
            client.close()
