# SPDX-License-Identifier: Apache-2.0
"""Files of the board that the agent reads again and again, such as those of its rails."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import BoardError, BoardLostError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class SweepRow:
    """All files read once, between two times of the board."""

    before_ns: int
    after_ns: int
    texts: tuple[str | int, ...]
    """What each file said, in the order of the paths, or the number of the error in its place."""


class RemoteSweep:
    """One that runs. `Link.sweep` makes it.

    Args:
        number: by which the agent knows it.
        ask: puts a question to the agent, as `Link.ask`.
        forget: is given the number when no more messages are wanted.
    """

    def __init__(
        self, number: int, ask: Callable[[dict[str, Any], float], object], forget: Callable[[int], None]
    ) -> None:
        self._number, self._ask, self._forget = number, ask, forget
        self._changed = threading.Condition()
        self._rows: list[SweepRow] = []
        self._late = 0
        self._lost: BoardLostError | None = None
        self._closed = False

    @property
    def late(self) -> int:
        """How many rows were left out because the board could not keep up."""
        return self._late

    def rows(self, timeout_s: float) -> list[SweepRow]:
        """The rows that have come, waiting at most `timeout_s` seconds for the first. Raises BoardLostError."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows or self._lost is not None or self._closed, timeout_s)
            rows, self._rows = self._rows, []
            if not rows and self._lost is not None:
                raise self._lost
            return rows

    def close(self) -> None:
        """Let it end. Calling it twice is fine."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        with contextlib.suppress(BoardError):  # it has ended with the link, or will
            self._ask({"type": "stop_sweep", "sweep": self._number}, 2.0)
        self._forget(self._number)

    # -- from the link ---------------------------------------------------------------------------

    def take(self, message: dict[str, Any]) -> None:
        """A message of the agent about it. Raises KeyError, TypeError or ValueError where it is none."""
        rows = [SweepRow(int(before), int(after), tuple(texts)) for before, after, texts in message["rows"]]
        with self._changed:
            self._rows += rows
            self._late += int(message["late"])
            self._changed.notify_all()

    def lose(self, error: BoardLostError) -> None:
        """The link has ended."""
        with self._changed:
            self._lost = error
            self._changed.notify_all()
