# SPDX-License-Identifier: Apache-2.0
"""A command on a board that is reached over ssh: the socket for its marks is there, its marks come over the link."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.bench.runs.inference_on_board import python_version
from monitor_app.bench.runs.inference_place import go_dark
from monitor_app.bench.runs.program_place import READY_S
from monitor_app.core.errors import ProgramError
from monitor_app.core.load_signal import LoadSignal
from monitor_app.program.messages import Ended, Finish, Listening, LoadChange, Marks, Pass, Run, Started
from monitor_app.program.process import ListeningChild
from monitor_app.remote.bundle.build import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitor_app.bench.board.reach import Reach
    from monitor_app.core.errors import BoardError
    from monitor_app.program.messages import Event
    from monitor_app.remote.child import RemoteChild
    from monitor_app.remote.clock import LinkClock


class CommandOnBoard:
    """The agent is the parent of a process that listens, and that is the parent of the command.

    Args:
        connection: to the board.
        load_signals: sockets of simulated instruments on this machine, which are told when the program works.
        cancelled: nothing more is to be run.
    """

    def __init__(self, connection: Reach, load_signals: Sequence[Path], cancelled: Callable[[], bool]) -> None:
        self._connection, self._load_signals, self._cancelled = connection, tuple(load_signals), cancelled
        self._remote: RemoteChild | None = None
        self._child: ListeningChild | None = None
        self._clock: LinkClock | None = None
        self._load_signal: LoadSignal | None = None

    def listen(self) -> None:
        self.close()
        link = self._connection.wait(self._cancelled)
        python = link.board.python
        facts = self._connection.facts
        version = facts.pythons.get(python) if facts is not None else None
        stored = link.bundle(bundle(python_version(version or link.hello.python)).data)
        words = ("--load",) if self._load_signals else ()
        self._remote = link.start_child("program", words, python=python, bundle=stored)
        self._clock = link.clock
        self._load_signal = LoadSignal(*self._load_signals)
        self._child = ListeningChild(self._remote)
        if not isinstance(self._child.receive(READY_S), Listening):
            raise ProgramError("The process that listens to marks did not start on the board: look into the log.")

    def start(self, words: Sequence[str]) -> int | None:
        assert self._child is not None, "it listens"
        self._child.send(Run(json.dumps(list(words))))
        return None

    def receive(self, timeout_s: float) -> Event | None:
        assert self._child is not None, "it listens"
        event = self._child.receive(timeout_s)
        return None if event is None else self._here(event)

    def pass_signal(self, number: int) -> None:
        child = self._child
        if child is not None:
            child.send(Pass(number))

    def finish(self) -> None:
        assert self._child is not None, "it listens"
        self._child.send(Finish())

    def lost(self) -> BoardError | None:
        return self._remote.lost if self._remote is not None else None

    def close(self) -> None:
        child, self._child, self._remote = self._child, None, None
        if child is not None:
            child.close()
        load_signal, self._load_signal = self._load_signal, None
        if load_signal is not None:
            load_signal.close()
            go_dark(self._load_signals)

    def _here(self, event: Event) -> Event | None:
        """With host times; None where it was for us."""
        assert self._clock is not None, "events come from a child"
        if isinstance(event, Marks):
            times = np.array([row[:2] for row in event.rows], np.int64)
            found = self._clock.host_ns(times.reshape(-1)).reshape(times.shape)
            ends = ((int(start), max(int(start), int(end))) for start, end in found)
            return Marks(tuple((*both, *row[2:]) for both, row in zip(ends, event.rows, strict=True)))
        if isinstance(event, (Started, Ended)):
            return replace(event, host_ns=self._clock.host_time_ns(event.host_ns))
        if isinstance(event, LoadChange):
            if self._load_signal is not None:
                self._load_signal.set(event.busy, self._clock.host_time_ns(event.host_ns))
            return None
        return event
