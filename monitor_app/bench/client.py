# SPDX-License-Identifier: Apache-2.0
"""The bench as its own process, seen from the window: start it, command it, hear from it without waiting."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.bench.messages import Closed, Event, Failed, Quit, decode_event, encode
from monitor_app.core.child_process import ChildProcess, python_module

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.bench.messages import Command

TRUST = "--trust"
"""Option of the process: the user has allowed the profile to run code."""
STORED = "--stored"
"""Option of the process: the profile is the one that a session holds."""
RESUME = "--resume"
"""Option of the process: the session is there already, and the rest of its plan is run."""
ASK_S, TERMINATE_S = 5.0, 2.0
"""Longer than for other children: before it ends, the bench completes its file, which may be on a slow disk."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session whose plan is to be run to its end, with the profile that it holds."""

    session: Path


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile to record with."""

    path: Path
    trusted: bool = False
    """The user has named, or allowed, the code that it runs."""


class BenchClient:
    """A bench process recording into ``session``. It outlives a window that dies, not one that closes it."""

    def __init__(
        self, profile: Path, session: Path, *, trusted: bool = False, stored: bool = False, resume: bool = False
    ) -> None:
        """``profile`` is a file, or where it is ``stored`` a session that holds it.

        ``trusted``: the user has allowed the profile to run code; else the bench asks, with AskTrust.
        ``resume``: the session is there already, and what it lacks of the plan is run.
        """
        self.profile = profile
        self.session = session
        self._reported_end = False
        """A last event was received: Closed or Failed."""
        command = python_module("monitor_app.bench.process", str(profile), str(session))
        command += [TRUST] * trusted + [STORED] * stored + [RESUME] * resume
        self._child = ChildProcess(command, "bench", ask_s=ASK_S, terminate_s=TERMINATE_S)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.exit_code is None

    def send(self, command: Command) -> None:
        """Commands to a bench that has ended are dropped; ``poll`` reports its end."""
        with contextlib.suppress(BrokenPipeError):
            self._child.send(encode(command))

    def poll(self) -> list[Event]:
        """The events of the bench since the last call; never waits.

        When the process has ended without Closed or Failed, the last event is a Failed that says how.
        """
        events: list[Event] = []
        try:
            while lines := self._child.lines(0.0):
                events += map(decode_event, lines)
            ended = False
        except EOFError:
            ended = not self.alive
        if any(isinstance(event, (Closed, Failed)) for event in events):
            self._reported_end = True
        if ended and not self._reported_end:
            self._reported_end = True
            events.append(
                Failed(
                    f"The bench {self._child.exit_reason()}; what it had recorded is safe in {self.session}. "
                    "Press Record to record into a new session."
                )
            )
        return events

    def close(self) -> None:
        """Ask it to end, wait, terminate, wait, kill. Calling it twice is fine."""
        self._child.close(encode(Quit()))
