# SPDX-License-Identifier: Apache-2.0
"""The inference child on a board that is reached over ssh."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.bench.runs.inference_place import go_dark
from monitor_app.core.errors import InferenceError
from monitor_app.core.load_signal import LoadSignal
from monitor_app.inference import messages
from monitor_app.inference.process import InferenceChild
from monitor_app.remote.bundle.build import bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from monitor_app.bench.board.reach import Reach
    from monitor_app.core.errors import BoardError
    from monitor_app.inference.process import ChildKind
    from monitor_app.remote.child import RemoteChild
    from monitor_app.remote.clock import LinkClock


class OnTheBoard:
    """Networks run on a board elsewhere; the agent there is the parent of the child.

    Args:
        connection: to the board; a single link is enough.
        load_signals: sockets of simulated instruments on this machine, which show the load of the network.
        cancelled: the user has stopped or skipped the run.
    """

    def __init__(self, connection: Reach, load_signals: Sequence[Path], cancelled: Callable[[], bool]) -> None:
        self._connection = connection
        self._load_signals = tuple(load_signals)
        self._cancelled = cancelled
        self._child: RemoteChild | None = None
        self._clock: LinkClock | None = None
        self._load_signal: LoadSignal | None = None

    def require(self, kind: ChildKind) -> None:
        """What is installed there is seen when the child has started."""

    def start(self, kind: ChildKind) -> InferenceChild:
        link = self._connection.wait(self._cancelled)
        board = link.board
        python = (board.inference_python if kind.program == "inference" else None) or board.python
        facts = self._connection.facts
        version = facts.pythons.get(python) if facts is not None else None
        there = bundle(_version(version or link.hello.python))
        stored = link.bundle(there.data)
        words = [*kind.arguments, *(("--lamp", "-") if self._load_signals else ())]
        self._child = link.start_child(kind.program, words, python=python, bundle=stored, environment=kind.environment)
        self._clock = link.clock
        self._load_signal = LoadSignal(*self._load_signals)
        return InferenceChild(running=self._child)

    def here(self, event: messages.Event) -> messages.Event | None:
        assert self._clock is not None, "events come from a child"
        if isinstance(event, messages.Batches):
            times = self._clock.host_ns(np.array([row[:2] for row in event.rows], np.int64)).tolist()
            return replace(event, rows=tuple((*at, *row[2:]) for at, row in zip(times, event.rows, strict=True)))
        if isinstance(event, messages.Played):
            return replace(event, edges_ns=tuple(self._clock.host_ns(np.array(event.edges_ns, np.int64)).tolist()))
        if isinstance(event, messages.LoadChange):
            self._show(event, self._clock.host_time_ns(event.host_ns))
            return None
        return event

    def expect(self) -> None:
        """Nothing: the agent tells how its child ended."""

    def out_of_memory(self, child: InferenceChild) -> bool:
        return bool(self._child is not None and self._child.out_of_memory)

    def lost(self) -> BoardError | None:
        return self._child.lost if self._child is not None else None

    def end(self) -> None:
        self._child = None
        load_signal, self._load_signal = self._load_signal, None
        if load_signal is not None:
            load_signal.close()
        go_dark(self._load_signals)

    def _show(self, change: messages.LoadChange, host_ns: int) -> None:
        if self._load_signal is None:
            return
        if change.load is not None:
            self._load_signal.set_load(change.load, host_ns)
        elif change.busy is not None:
            self._load_signal.set(change.busy, host_ns)


def _version(text: str) -> tuple[int, int]:
    """3.10.12 as (3, 10). Raises InferenceError."""
    major, _, rest = text.partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdigit() and minor.isdigit()):
        raise InferenceError(
            f"The board's Python calls its version {text[:20]!r}: set inference_python in the profile."
        )
    return int(major), int(minor)
