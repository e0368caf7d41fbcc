# SPDX-License-Identifier: Apache-2.0
"""When the requests of a phase arrive: as the last is answered, or by a schedule that is made before the phase.

One request is served at a time, in the order of arrival. The loop asks for the next one, which waits until it has
arrived; it never runs ahead of the schedule, and what it is late by is in the latency of the requests that waited.
"""

from __future__ import annotations

import math
from collections import deque
from time import sleep
from typing import TYPE_CHECKING, Protocol

import numpy as np

from monitor_app.core.errors import InferenceError
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.offered_load import Arrivals
from monitor_app.inference.messages import WarmUp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.inference.messages import Time

MOST_SCHEDULED = 5_000_000
LONGEST_SLEEP_NS = 100_000_000
"""Between two looks at whether the phase is to be stopped, and at a clock that NTP does not bend."""
PATIENCE = 2.0
"""Lengths of the schedule after which requests that have piled up are left unanswered."""


class Requests(Protocol):
    """The requests of one phase, to be used once."""

    def begin(self) -> None:
        """The phase begins."""
        ...

    def wait(self, stopped: Callable[[], bool]) -> int | None:
        """Wait until the next request has arrived; when that was, or None where the phase is over or was stopped."""
        ...

    def answered(self, end_ns: int) -> None:
        """The request that `wait` gave has been answered."""
        ...

    @property
    def own_arrivals(self) -> bool:
        """Whether a request can have arrived before its pass began."""
        ...

    @property
    def unserved(self) -> int:
        """Requests that arrived and were not answered."""
        ...


def requests_for(command: WarmUp | Time) -> Requests:
    """Those that a phase of the child is asked for. Raises InferenceError."""
    if isinstance(command, WarmUp) or command.arrivals == Arrivals.CLOSED.value:
        streams = 1 if isinstance(command, WarmUp) else command.streams
        return ClosedLoop(command.min_s, command.min_batches, streams)
    if command.arrivals not in [each.value for each in Arrivals] or command.rate_hz <= 0:
        raise InferenceError(
            f"{command.arrivals!r} at {command.rate_hz:g} requests a second is no load: use paced or poisson."
        )
    return Scheduled(schedule(command), command.min_batches)


class ClosedLoop:
    """Each of several clients sends its next request when its last has been answered.

    Args:
        min_s: the phase lasts at least so long,
        min_batches: and has at least so many passes, one at the least.
        streams: clients.
    """

    unserved = 0

    def __init__(self, min_s: float, min_batches: int, streams: int = 1) -> None:
        self._min_ns = min_s * 1e9
        self._left = max(1, min_batches)
        self._waiting: deque[int] = deque()
        self._streams = streams
        self._started_ns = 0
        self.own_arrivals = streams > 1

    def begin(self) -> None:
        self._started_ns = host_time_ns()
        self._waiting.extend([self._started_ns] * self._streams)

    def wait(self, stopped: Callable[[], bool]) -> int | None:
        if stopped() or (self._left <= 0 and host_time_ns() - self._started_ns >= self._min_ns):
            return None
        self._left -= 1
        return self._waiting.popleft()

    def answered(self, end_ns: int) -> None:
        self._waiting.append(end_ns)


class Scheduled:
    """Requests that arrive at given times after the begin of the phase, whatever the server does.

    Args:
        offsets_ns: rising, at least one.
        min_batches: so many are answered however late it gets.
    """

    own_arrivals = True

    def __init__(self, offsets_ns: Sequence[int], min_batches: int) -> None:
        self._offsets_ns = offsets_ns
        self._least = min(max(1, min_batches), len(offsets_ns))
        self._next = 0
        self._started_ns = 0
        self._most_ns = PATIENCE * offsets_ns[-1]

    def begin(self) -> None:
        self._started_ns = host_time_ns()

    def wait(self, stopped: Callable[[], bool]) -> int | None:
        if self._next == len(self._offsets_ns):
            return None
        arrival_ns = self._started_ns + self._offsets_ns[self._next]
        if self._next >= self._least and host_time_ns() - self._started_ns > self._most_ns:
            return None
        while not stopped():
            left_ns = arrival_ns - host_time_ns()
            if left_ns <= 0:
                self._next += 1
                return arrival_ns
            # As a server does: to be late by the time that it takes to wake up belongs to the latency
            sleep(min(left_ns, LONGEST_SLEEP_NS) * 1e-9)
        return None

    def answered(self, end_ns: int) -> None:
        """Nothing: the schedule does not depend on it."""

    @property
    def unserved(self) -> int:
        now_ns = host_time_ns() - self._started_ns
        return sum(1 for offset_ns in self._offsets_ns[self._next :] if offset_ns <= now_ns)


def schedule(command: Time) -> list[int]:
    """The arrivals of a phase in nanoseconds after its begin: for at least `min_s`, and at least `min_batches`.

    Poisson: the intervals are exponential and independent. Paced: each stream has a random place in the period, but
    for a single one. Both follow from the seed.

    Raises:
        InferenceError: they are too many to be planned ahead.
    """
    mean = command.rate_hz * command.min_s
    count = max(command.min_batches, int(mean + 6 * math.sqrt(mean) + 20))
    if count > MOST_SCHEDULED:
        raise InferenceError(
            f"{command.rate_hz:g} requests a second for {command.min_s:g} s are too many: ask for fewer."
        )
    rng = np.random.default_rng(command.seed)
    if command.arrivals == Arrivals.POISSON.value:
        arrivals_s = np.cumsum(rng.exponential(1.0, count)) / command.rate_hz
    else:
        period_s = command.streams / command.rate_hz
        places = rng.uniform(0.0, period_s, command.streams) if command.streams > 1 else np.zeros(1)
        turns = np.arange(-(-count // command.streams) + 1) * period_s
        arrivals_s = np.sort((turns[:, None] + places[None, :]).ravel())
    last = max(int(np.searchsorted(arrivals_s, command.min_s)), command.min_batches, 1)
    return [round(each) for each in (arrivals_s[:last] * 1e9).tolist()]
