# SPDX-License-Identifier: Apache-2.0
"""The bench behind the window: what it last said, and what Start means now. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.messages import Closed, Failed, Opened, SkipRun, StartRuns, Status, StopRuns
from monitor_app.core.status import BenchPhase, BenchStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.bench.messages import Command, Event


class Client(Protocol):
    """What the window needs of a BenchClient."""

    session: Path

    @property
    def alive(self) -> bool: ...

    def send(self, command: Command) -> None: ...

    def poll(self) -> list[Event]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class News:
    """What came of a poll."""

    opened: Path | None = None
    failed: str = ""
    closed: bool = False
    message: str | None = None
    """A new last word of a bench that goes on; empty where it has taken the last one back."""


class BenchLink:
    """At most one bench at a time; ``start_bench`` makes the next one, into a new session."""

    def __init__(self, client: Client | None, start_bench: Callable[[], Client] | None) -> None:
        self.client = client
        self.status: BenchStatus | None = None
        self._start_bench = start_bench
        self._start_wanted = False

    @property
    def live(self) -> bool:
        """Whether a bench is recording."""
        return self.client is not None

    @property
    def running(self) -> bool:
        return self.status is not None and self.status.phase is BenchPhase.RUNNING

    @property
    def can_start(self) -> bool:
        return self.live or self._start_bench is not None

    def poll(self) -> News:
        """Hear what the bench has said; never waits. Raises BenchError."""
        opened, failed, closed = None, "", False
        message: str | None = None
        for event in self.client.poll() if self.client is not None else []:
            match event:
                case Opened() if self.client is not None:
                    opened = self.client.session
                case Status(status):
                    if status.message != (self.status.message if self.status else ""):
                        message = status.message
                    self.status = status
                    self._start_if_wanted(status)
                case Failed(message=sentence):
                    failed = sentence
                case Closed():
                    closed = True
                case _:
                    pass
        if failed or closed:
            self.close()
        return News(opened, failed, closed, message)

    def _start_if_wanted(self, status: BenchStatus) -> None:
        """A bench that was asked for by Start runs its plan, whether or not its profile says so."""
        if self._start_wanted and status.phase is not BenchPhase.STARTING:
            if status.phase is BenchPhase.MONITORING:
                self.send(StartRuns())
            self._start_wanted = False

    def start_or_stop(self) -> None:
        """Stop the runs that go on, or start them; with no bench, begin a new session. Raises MonitorError."""
        if self.client is not None:
            self.send(StopRuns() if self.running else StartRuns())
        elif self._start_bench is not None:
            self.status, self._start_wanted = None, True
            self.client = self._start_bench()

    def skip(self) -> None:
        if self.running:
            self.send(SkipRun())

    def send(self, command: Command) -> None:
        if self.client is not None:
            self.client.send(command)

    def close(self) -> None:
        """End the bench and wait until its file is complete; twice is fine."""
        client, self.client, self.status = self.client, None, None
        if client is not None:
            client.close()
