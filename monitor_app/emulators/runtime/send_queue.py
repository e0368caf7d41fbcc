# SPDX-License-Identifier: Apache-2.0
"""What a device has not sent yet, in memory as small as a microcontroller's."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

CAPACITY = 256 * 1024
_HELD_S = 0.25
_RESERVE = 4 * 1024
_MAX_URGENT = 64

Write = Callable[[bytes], int]
"""Hands bytes to the line and returns how many it took, 0 if none."""


def capacity_for(bytes_per_s: float) -> int:
    """Memory of a device that sends at this rate: a quarter of a second, but never less than `CAPACITY`.

    A microcontroller that sends megabytes a second has high-speed USB, whose boards carry external RAM.
    """
    return max(CAPACITY, math.ceil(bytes_per_s * _HELD_S))


class SendQueue:
    """Whole frames, sent in order, with an express lane.

    `offer` takes a frame if there is room, or refuses all of it. `put` may use a small reserve as well, so
    that answers find room when samples do not. `put_urgent` goes before everything that is queued, though
    never into the middle of a frame that has been begun.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queued_bytes = 0
        self._frames: deque[bytes] = deque()
        self._urgent: deque[Callable[[], bytes]] = deque(maxlen=_MAX_URGENT)
        self._begun = b""

    def __bool__(self) -> bool:
        return bool(self._begun or self._frames or self._urgent)

    def offer(self, frame: bytes) -> bool:
        """Queue `frame` and say so, or refuse it whole."""
        return self._take(frame, self._capacity)

    def put(self, frame: bytes) -> bool:
        """Queue `frame` in order, even where `offer` would refuse; False if the reserve is used up too."""
        return self._take(frame, self._capacity + _RESERVE)

    def put_urgent(self, make: Callable[[], bytes]) -> None:
        """Queue a frame that is made when its first byte is handed over; the oldest gives way to a flood."""
        self._urgent.append(make)

    @property
    def room(self) -> int:
        """Bytes that `offer` would take now."""
        return max(0, self._capacity - self._queued_bytes)

    def clear(self) -> None:
        """Forget everything, the rest of a frame that was begun included, as without power."""
        self._frames.clear()
        self._urgent.clear()
        self._queued_bytes = 0
        self._begun = b""

    def flush(self, write: Write) -> None:
        """Hand over as much as the line takes."""
        while self:
            urgent = not self._begun and bool(self._urgent)
            rest = self._urgent[0]() if urgent else self._begun or self._frames[0]
            taken = write(rest)
            if taken == 0:
                return
            if not self._begun:
                self._leave(urgent, len(rest))
            self._begun = rest[taken:]

    def _take(self, frame: bytes, limit: int) -> bool:
        if self._queued_bytes + len(frame) > limit:
            return False
        # The line would never take a frame of no bytes.
        if frame:
            self._frames.append(frame)
            self._queued_bytes += len(frame)
        return True

    def _leave(self, urgent: bool, size: int) -> None:
        if urgent:
            self._urgent.popleft()
        else:
            self._frames.popleft()
            self._queued_bytes -= size
