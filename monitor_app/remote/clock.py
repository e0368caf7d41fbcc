# SPDX-License-Identifier: Apache-2.0
"""The host time of a board's time, with its bound (docs/decisions/0031-the-clock-of-the-link.md).

A board's clock is one more device clock: a counter of microseconds whose rate is nearly 1 MHz. A question with its
answer is a two-way mark of it. Both ends stamp on CLOCK_MONOTONIC_RAW, which NTP does not bend.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import CRYSTAL, ClockMethod, ClockState, SampleClock
from monitor_app.core.samples import TimeMark

if TYPE_CHECKING:
    from numpy.typing import NDArray

TICK_NS = 1_000
ALL_MARKS = 16
"""Of the first marks all count; later only the narrowest of each second, so that the marks kept span a minute."""
SECOND_NS = 1_000_000_000
DRIFT_PER_S = 0.3e-6
"""Two crystals, each of which wanders by 5 ppm up and down in ten minutes, change by a third of this at most; the
rest is for a board that becomes hot."""
STEP_NS = 250_000_000
"""The map is made of pieces of this length, each with a bound of its own."""
KEPT = 8192
"""Pieces of the map. Of so many the older half is forgotten; the longest batch may take ten minutes."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A question of the host, and its answer; all in nanoseconds, each end by its own clock."""

    asked_ns: int
    """Host time, read before the question was sent."""
    received_ns: int
    """Board time, read after the question had come."""
    replied_ns: int
    """Board time, read before the answer was sent."""
    answered_ns: int
    """Host time, read after the answer had come."""

    @property
    def width_ns(self) -> int:
        """How long both ways took together: the time of the host between, less that of the board."""
        return (self.answered_ns - self.asked_ns) - (self.replied_ns - self.received_ns)


class LinkClock:
    """Turns board time into host time. The host time of a board time never changes once it has been given.

    May be used from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The greatest delay stated here is used before the second mark only.
        self._clock = SampleClock(SECOND_NS / TICK_NS, SECOND_NS, drift_per_s=DRIFT_PER_S)
        self._origin_ns: int | None = None
        """Board time of index 0."""
        self._count = 0
        self._narrowest: RoundTrip | None = None
        """Of the present second, not fed yet."""
        self._second = 0
        self._newest_ns = 0
        """Board time of the last answer."""
        self._board_ns = np.zeros(KEPT, np.int64)
        self._host_ns = np.zeros(KEPT, np.int64)
        self._bound_ns = np.zeros(KEPT, np.int64)
        """Of the piece that begins at a knot."""
        self._knots = 0

    def add(self, trip: RoundTrip) -> None:
        """A question has been answered; in the order of the answers."""
        with self._lock:
            if self._origin_ns is None:
                self._origin_ns = trip.received_ns
            self._count += 1
            self._feed(trip)
            self._clock.add_arrival(self._index(trip.replied_ns), trip.answered_ns)
            self._newest_ns = max(self._newest_ns, trip.replied_ns)
            if self._count >= ALL_MARKS or self._knots:
                self._extend(self._newest_ns)

    @property
    def count(self) -> int:
        """How many questions have been answered."""
        return self._count

    @property
    def state(self) -> ClockState:
        """Rate and bound now: host time given for the present is within the bound of the truth."""
        with self._lock:
            state = self._clock.state
            return ClockState(state.rate_hz, state.bound_ns, ClockMethod.TWO_WAY, state.contradicted)

    def host_ns(self, board_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Host times of board times.

        Raises:
            LookupError: no question has been answered yet.
        """
        board_ns = np.asarray(board_ns, np.int64)
        with self._lock:
            self._cover(board_ns)
            place = self._places(board_ns)
            start_ns, run_ns = self._board_ns[place], self._board_ns[place + 1] - self._board_ns[place]
            rise_ns = self._host_ns[place + 1] - self._host_ns[place]
            since_ns = board_ns - start_ns
            bent_ns = np.rint(since_ns * ((rise_ns - run_ns) / run_ns)).astype(np.int64)
            mapped: NDArray[np.int64] = self._host_ns[place] + since_ns + bent_ns
            return mapped

    def host_time_ns(self, board_ns: int) -> int:
        """The host time of one board time. Raises LookupError as `host_ns`."""
        return int(self.host_ns(np.array([board_ns], np.int64))[0])

    def bound_ns(self, board_ns: NDArray[np.int64]) -> int:
        """All host times of these board times are within this of the truth. Raises LookupError as `host_ns`."""
        board_ns = np.asarray(board_ns, np.int64)
        with self._lock:
            self._cover(board_ns)
            worst = int(self._bound_ns[self._places(board_ns)].max(initial=0))
            before_ns = max(0, int(self._board_ns[0]) - int(board_ns.min(initial=self._board_ns[0])))
            return worst + round(before_ns * 2 * CRYSTAL)

    def _feed(self, trip: RoundTrip) -> None:
        """Give the clock the first marks, and then the narrowest of each second."""
        second = trip.answered_ns // SECOND_NS
        if self._count <= ALL_MARKS:
            self._clock.add_mark(self._mark(trip))
            self._second = second
            return
        if second != self._second and self._narrowest is not None:
            self._clock.add_mark(self._mark(self._narrowest))
            self._narrowest = None
        self._second = second
        if self._narrowest is None or trip.width_ns < self._narrowest.width_ns:
            self._narrowest = trip

    def _mark(self, trip: RoundTrip) -> TimeMark:
        """The middle of the board's two stamps lies half its own pause after the one, and before the other."""
        assert self._origin_ns is not None
        pause_ns = trip.replied_ns - trip.received_ns
        index = (trip.received_ns - self._origin_ns + pause_ns / 2) / TICK_NS
        half_ns = pause_ns // 2
        return TimeMark(index, trip.asked_ns + half_ns, trip.answered_ns - half_ns)

    def _index(self, board_ns: int) -> int:
        assert self._origin_ns is not None
        return (board_ns - self._origin_ns) // TICK_NS

    def _cover(self, board_ns: NDArray[np.int64]) -> None:
        if self._origin_ns is None:
            raise LookupError("no question has been answered yet")
        newest_ns = max(int(board_ns.max(initial=self._newest_ns)), self._newest_ns)
        if not self._knots or newest_ns >= self._board_ns[self._knots - 1]:
            self._extend(newest_ns, beyond=True)

    def _extend(self, board_ns: int, beyond: bool = False) -> None:
        """Make the map reach this board time: all but the piece that it lies in, or that one too."""
        step = STEP_NS // TICK_NS
        end = self._index(board_ns) + (step if beyond else 0)
        start = self._index(int(self._board_ns[self._knots - 1])) if self._knots else min(0, self._index(board_ns))
        while start + step <= end:
            # What the map still owes to the estimate is greatest at one of its ends.
            before_ns = self._clock.state.bound_ns
            first_ns, last_ns = self._clock.times(start, step)
            bound_ns = max(before_ns, self._clock.state.bound_ns)
            end_ns = last_ns + round((last_ns - first_ns) / (step - 1))
            self._add_piece(start, step, (first_ns, end_ns), bound_ns)
            start += step

    def _add_piece(self, start: int, n: int, host_ns: tuple[int, int], bound_ns: int) -> None:
        assert self._origin_ns is not None
        if self._knots > KEPT - 2:
            self._forget()
        if self._knots == 0:
            self._board_ns[0], self._host_ns[0] = self._origin_ns + start * TICK_NS, host_ns[0]
            self._knots = 1
        at = self._knots
        self._board_ns[at], self._host_ns[at] = self._origin_ns + (start + n) * TICK_NS, host_ns[1]
        self._bound_ns[at - 1] = bound_ns
        self._knots += 1

    def _forget(self) -> None:
        """Drop the older half of the map."""
        half = self._knots // 2
        for values in (self._board_ns, self._host_ns, self._bound_ns):
            values[: self._knots - half] = values[half : self._knots].copy()
        self._knots -= half

    def _places(self, board_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """The piece that each time lies in; the first one for those before."""
        found = np.searchsorted(self._board_ns[: self._knots], board_ns, side="right") - 1
        places: NDArray[np.intp] = np.clip(found, 0, self._knots - 2)
        return places
