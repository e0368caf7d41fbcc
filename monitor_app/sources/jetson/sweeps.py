# SPDX-License-Identifier: Apache-2.0
"""A sweep: all files of a chip read once between two stamps. Here by this process; `board_sweeps` has a board's.

The files stay open. A sweep may take several calls, where the driver lets every file wait for the next conversion.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monitor_app.core.host_time import host_time_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.sources.jetson.sysfs import RailFile

_READ_BYTES = 64


@dataclass(frozen=True, slots=True)
class Sweep:
    """Files that were read one after another, none before ``start_ns`` and none after ``end_ns``; host times."""

    start_ns: int
    end_ns: int
    texts: tuple[bytes | int, ...]
    """What each file said, or the number of the error in its place, which may be the last."""
    missed: int = 0
    """Sweeps that were left out before this one."""
    bound_ns: int = 0
    """Both times may be off by this, together."""


@dataclass(frozen=True, slots=True)
class UpdateRate:
    """How often a chip can be polled."""

    interval_s: float
    """One conversion of all its channels; sweeps start no closer together."""
    sweep_s: float
    """How long it takes to read all files once."""
    waits: bool
    """A read waits for the next conversion."""

    @property
    def rate_hz(self) -> float:
        return 1 / max(self.interval_s, self.sweep_s)

    @property
    def longest_sweep_s(self) -> float:
        """A sweep that takes longer was delayed by something else, and its values do not belong together."""
        return self.sweep_s + max(self.sweep_s / 2, 0.010)

    @property
    def bound_s(self) -> float:
        """How far the middle of a sweep may be from when a value held.

        A value is the mean over one conversion, which ended when it was read, or up to one conversion before.
        """
        return self.longest_sweep_s / 2 + 2 * self.interval_s


class Sweeper(Protocol):
    """Reads the files of a chip again and again, wherever they are. Used from one thread."""

    def open(self, files: Sequence[RailFile]) -> None:
        """These from now on, instead of others. Raises OSError, SourceError."""

    def look(self, which: Sequence[int], sweeps: int, interval_s: float, limit_s: float) -> list[Sweep]:
        """Read some of the files so many times, with a pause between; the last begins within ``limit_s``, at least one.

        Raises SourceError.
        """

    def start(self, update_rate: UpdateRate) -> None:
        """What `next` gives comes so often from now on. Raises SourceError."""

    def next(self, deadline_ns: int) -> Sweep | None:
        """The next sweep, or None where it does not end before the deadline. Raises SourceLostError."""

    def now_ns(self) -> int:
        """Host time."""

    def close(self) -> None:
        """Release the files; calling it twice is fine."""


class SweepsHere:
    """The files of this machine. A test may stand in for the chip through what is the system's by default."""

    def __init__(
        self,
        pread: Callable[[int, int, int], bytes] = os.pread,
        now_ns: Callable[[], int] = host_time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pread, self._now_ns, self._sleep = pread, now_ns, sleep
        self._descriptors: list[int] = []
        self._texts: list[bytes | int] = []
        """Of the sweep that has begun."""
        self._start_ns = self._due_ns = 0
        self._update_rate: UpdateRate | None = None

    def open(self, files: Sequence[RailFile]) -> None:
        self.close()
        for file in files:
            self._descriptors.append(os.open(file.path, os.O_RDONLY))

    def look(self, which: Sequence[int], sweeps: int, interval_s: float, limit_s: float) -> list[Sweep]:
        until_ns = self._now_ns() + round(limit_s * 1e9)
        found: list[Sweep] = []
        while len(found) < sweeps and (not found or self._now_ns() < until_ns):
            start_ns = self._now_ns()
            texts = tuple(self._text(index) for index in which)
            found.append(Sweep(start_ns, self._now_ns(), texts))
            if interval_s:
                self._sleep(interval_s)
        return found

    def start(self, update_rate: UpdateRate) -> None:
        self._update_rate = update_rate
        self._texts = []
        self._due_ns = self._now_ns()

    def next(self, deadline_ns: int) -> Sweep | None:
        if not self._texts:
            if not self._wait_until_due(deadline_ns):
                return None
            self._start_ns = self._now_ns()
        while True:
            text = self._text(len(self._texts))
            self._texts.append(text)
            # Without one of the files the others are of no use.
            if isinstance(text, int) or len(self._texts) == len(self._descriptors):
                return self._ended()
            if self._now_ns() >= deadline_ns:
                return None

    def now_ns(self) -> int:
        return self._now_ns()

    def close(self) -> None:
        descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)

    def _wait_until_due(self, deadline_ns: int) -> bool:
        now_ns = self._now_ns()
        if self._due_ns <= now_ns:
            return True
        self._sleep(max(min(self._due_ns, deadline_ns) - now_ns, 0) * 1e-9)
        return self._due_ns <= deadline_ns

    def _ended(self) -> Sweep:
        assert self._update_rate is not None, "start comes before next"
        texts, self._texts = tuple(self._texts), []
        failed = isinstance(texts[-1], int)
        pause_s = 1 / self._update_rate.rate_hz if failed else self._update_rate.interval_s
        end_ns = self._now_ns()
        self._due_ns = max(self._due_ns + round(pause_s * 1e9), end_ns)
        return Sweep(self._start_ns, end_ns, texts)

    def _text(self, index: int) -> bytes | int:
        try:
            return self._pread(self._descriptors[index], _READ_BYTES, 0)
        except OSError as error:
            return error.errno or errno.EIO
