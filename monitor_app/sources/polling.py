# SPDX-License-Identifier: Apache-2.0
"""What polled sources share: when to poll, how to read a file of the kernel, how to count polls."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import SampleBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PASSING_ERRORS = frozenset({errno.EAGAIN, errno.EBUSY, errno.EIO, errno.ENODATA, errno.ETIMEDOUT, errno.EINTR})
"""What a driver answers while a chip converts, sleeps, or fails on its bus; the next poll may succeed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The host's clock, or that of a test."""

    now_ns: Callable[[], int] = host_time_ns
    sleep: Callable[[float], None] = time.sleep


class Schedule:
    """Times to poll on a grid that begins an interval from now; a late poll does not move the grid."""

    def __init__(self, interval_s: float, clock: Clock) -> None:
        self._interval_ns = round(interval_s * 1e9)
        self._clock = clock
        self._due_ns = clock.now_ns() + self._interval_ns

    def wait(self, timeout_s: float) -> int:
        """Sleep until a poll is due, at most timeout_s.

        Returns 0 when none is due yet, else how many were due since the last one: more than 1 when this one is
        late. The next one is at least half an interval away.
        """
        now_ns = self._clock.now_ns()
        end_ns = now_ns + max(0, round(timeout_s * 1e9))
        while now_ns < self._due_ns:
            if now_ns >= end_ns:
                return 0
            self._clock.sleep((min(self._due_ns, end_ns) - now_ns) * 1e-9)
            now_ns = self._clock.now_ns()
        slots = 1 + (now_ns - self._due_ns + self._interval_ns // 2) // self._interval_ns
        self._due_ns += slots * self._interval_ns
        return slots


class Blocks:
    """Makes one block of every poll that gave values, and counts the polls that did not."""

    def __init__(self) -> None:
        self._next = 0
        self._lost = 0

    def leave_out(self, polls: int = 1) -> None:
        """Count polls that gave nothing; the next block reports them."""
        self._lost += polls

    def make(self, values: Sequence[float], time_ns: int, arrival_ns: int) -> SampleBlock:
        """A block of one sample, its values in SI units in the order of the stored signals."""
        lost, self._lost = self._lost, 0
        first = self._next + lost
        self._next = first + 1
        return SampleBlock(
            first_index=first,
            codes=tuple(np.array([value], "<f4") for value in values),
            arrival_ns=arrival_ns,
            lost_before=lost,
            times_ns=np.array([time_ns], np.int64),
        )


class NumberFile:
    """A file of the kernel with a number in it, kept open. Every read asks the driver again. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> int:
        """The number now. Raises OSError; ENODATA when there is none in it."""
        text = os.pread(self._descriptor, 64, 0)
        try:
            return int(text)
        except ValueError:
            raise OSError(errno.ENODATA, f"no number in {self.path}") from None

    def close(self) -> None:
        """Close the file; calling it twice is fine."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def read_text(path: Path) -> str | None:
    """The text of a small file without what surrounds it; None where there is no such file, or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return None
