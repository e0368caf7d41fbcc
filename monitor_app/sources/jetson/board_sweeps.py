# SPDX-License-Identifier: Apache-2.0
"""Sweeps of the files of a board elsewhere, which the agent there makes and stamps by the board's clock."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import BoardError, BoardLostError, PortError, SourceLostError
from monitor_app.core.host_time import host_time_ns
from monitor_app.sources.jetson.sweeps import Sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor_app.remote.link import Link
    from monitor_app.remote.sweep import RemoteSweep, SweepRow
    from monitor_app.sources.jetson.sweeps import UpdateRate
    from monitor_app.sources.jetson.sysfs import RailFile

SHORTEST_S = 0.002
"""The agent sweeps no faster; files that wait for a conversion set the pace themselves."""
ANSWER_S = 20.0
"""For a sweep that was only to be looked at: of the slowest chip it takes 2.5 s."""
SILENCE_S = 10.0
"""Without a sweep for so long, and three periods more, the files do not answer. A link that is silent ends sooner."""


class SweepsThere:
    """The files of a board.

    Args:
        link: to the board.
        root: the folder with a copy of its files, in which the chip was found.
        closing: what is to be closed with the files.
    """

    def __init__(self, link: Link, root: Path, closing: contextlib.ExitStack) -> None:
        self._link, self._root, self._closing = link, root, closing
        self._paths: list[str] = []
        self._running: RemoteSweep | None = None
        self._swept: deque[Sweep] = deque()
        self._rate_hz = 0.0
        self._last_ns = self._heard_ns = 0
        """Board time at which the last sweep began, and host time at which it came."""

    def open(self, files: Sequence[RailFile]) -> None:
        self._paths = ["/" + file.path.relative_to(self._root).as_posix() for file in files]

    def look(self, which: Sequence[int], sweeps: int, interval_s: float, limit_s: float) -> list[Sweep]:
        # Without a pause, also between two sweeps: a conversion that ends in one is already old.
        burst = 0 if interval_s else sweeps
        found: list[Sweep] = []
        with _refused_as_port(), contextlib.closing(self._begin(which, interval_s or SHORTEST_S, burst)) as running:
            late_s = time.monotonic() + ANSWER_S + limit_s
            while len(found) < sweeps and not _over(found, limit_s):
                found += self._placed(running.rows(0.1))
                if time.monotonic() > late_s:
                    raise PortError(
                        f"The files of the rails on {self._link.board.host} do not answer: restart the board."
                    )
        return found[:sweeps]

    def start(self, update_rate: UpdateRate) -> None:
        interval_s = SHORTEST_S if update_rate.waits else max(update_rate.interval_s, SHORTEST_S)
        self._rate_hz, self._last_ns, self._heard_ns = update_rate.rate_hz, 0, host_time_ns()
        with _refused_as_port():
            self._running = self._begin(range(len(self._paths)), interval_s)

    def next(self, deadline_ns: int) -> Sweep | None:
        if self._running is None:
            return None
        if not self._swept:
            try:
                rows = self._running.rows(max(0.0, (deadline_ns - host_time_ns()) * 1e-9))
            except BoardLostError as error:
                raise SourceLostError(str(error)) from error
            self._swept.extend(self._placed(rows))
            self._listen(bool(rows))
        return self._swept.popleft() if self._swept else None

    def now_ns(self) -> int:
        return host_time_ns()

    def close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.close()
        self._swept.clear()
        self._closing.close()

    def _begin(self, which: Sequence[int], interval_s: float, burst: int = 0) -> RemoteSweep:
        return self._link.sweep([self._paths[index] for index in which], interval_s, burst)

    def _placed(self, rows: Sequence[SweepRow]) -> list[Sweep]:
        """The rows in host time."""
        if not rows:
            return []
        stamps = np.array([(row.before_ns, row.after_ns) for row in rows], np.int64)
        times = self._link.clock.host_ns(stamps.ravel()).reshape(stamps.shape)
        bound_ns = self._link.clock.bound_ns(stamps.ravel())
        return [
            Sweep(int(start_ns), int(end_ns), tuple(map(_bytes, row.texts)), self._missed(row), bound_ns)
            for row, (start_ns, end_ns) in zip(rows, times, strict=True)
        ]

    def _missed(self, row: SweepRow) -> int:
        """How many were left out before it, because the board or the link could not keep up."""
        passed_ns, self._last_ns = row.before_ns - self._last_ns, row.before_ns
        if passed_ns == row.before_ns:  # the first
            return 0
        return max(0, round(passed_ns * 1e-9 * self._rate_hz) - 1)

    def _listen(self, heard: bool) -> None:
        now_ns = host_time_ns()
        if heard:
            self._heard_ns = now_ns
        elif now_ns - self._heard_ns > (SILENCE_S + 3 / self._rate_hz) * 1e9:
            raise SourceLostError(
                f"The files of the rails on {self._link.board.host} do not answer any more: restart the board if they "
                "do not come back."
            )


@contextlib.contextmanager
def _refused_as_port() -> Iterator[None]:
    """A board that is gone may come back, as an instrument that is plugged in again."""
    try:
        yield
    except BoardError as error:
        raise PortError(str(error)) from error


def _over(found: Sequence[Sweep], limit_s: float) -> bool:
    return bool(found) and found[-1].end_ns - found[0].start_ns > limit_s * 1e9


def _bytes(text: str | int) -> bytes | int:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
