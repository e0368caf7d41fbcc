# SPDX-License-Identifier: Apache-2.0
"""The simulated board on the converter: samples with the levels and the energy that belong to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.emulators import adc
from monitor_app.emulators.board import Edge, LoadState, at_the_meter, follow, power

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from monitor_app.emulators.board import Board
    from monitor_app.emulators.lamp import LampChange

CHANNELS = (adc.CURRENT, adc.VOLTAGE)
_NS = 1e9
# No lamp of this host can be ahead of its clock; a change far in the future would wait for ever.
_MAX_AHEAD_NS = 1_000_000_000
_NONE = np.empty(0, dtype=np.intp)


@dataclass(frozen=True)
class SampleClock:
    """Sample `i` is taken at `origin_ns + i / rate_hz` of the host's clock."""

    origin_ns: int
    rate_hz: float
    """As it really is, the crystal's error included."""

    def count_at(self, host_ns: int) -> float:
        """The sample being taken at `host_ns`, and how far it has gone."""
        return (host_ns - self.origin_ns) * self.rate_hz / _NS

    def begun_ns(self, sample: int) -> int:
        """A time just after `sample` is taken: `count_at` has reached it."""
        begun_ns = self.origin_ns + int(sample * _NS / self.rate_hz) + 1
        # After months the rounding of doubles is a few nanoseconds.
        while self.count_at(begun_ns) < sample:
            begun_ns += 1
        return begun_ns


@dataclass(frozen=True)
class Taken:
    """Samples in a row."""

    first: int
    codes: npt.NDArray[np.uint16]
    """n samples by 2 channels."""
    busy: npt.NDArray[np.bool_]
    changes: npt.NDArray[np.intp]
    """Samples, counted from the first, at which `busy` is not what it was one sample before."""
    energy_j: float
    """What the board drew, without noise and rounding."""


class Sampler:
    """Takes samples of a board in order, and knows which sample comes next."""

    def __init__(self, board: Board, clock: SampleClock, seed: int) -> None:
        self.next = 0
        self._board = board
        self._clock = clock
        self._converter = adc.Converter(CHANNELS, seed)
        self._state = LoadState()
        self._pending: list[Edge] = []
        self._last_s = 0.0
        self._busy: bool | None = None

    def change(self, changes: Iterable[LampChange], host_ns: int) -> None:
        """Take changes of the lamp; one whose time has been sampled already acts on the next sample."""
        self._pending += [
            Edge((at_ns - self._clock.origin_ns) / _NS, busy)
            for at_ns, busy in changes
            if at_ns <= host_ns + _MAX_AHEAD_NS
        ]
        self._pending.sort(key=lambda edge: edge.time_s)

    def skip(self, sample: int) -> None:
        """Go on to `sample` without taking those before it; never back."""
        self.next = max(self.next, sample)
        edges = self._edges_until(self.next / self._clock.rate_hz)
        *_, self._state = follow(self._board, self._state, edges, np.empty(0))
        self._busy = None

    def take(self, count: int) -> Taken:
        """The next `count` samples, at least one."""
        first, self.next = self.next, self.next + count
        times_s = np.arange(first, self.next) / self._clock.rate_hz
        edges = self._edges_until(float(times_s[-1]))
        load, busy, self._state = follow(self._board, self._state, edges, times_s)
        current_a, voltage_v = at_the_meter(self._board, power(self._board, load, times_s))
        values = np.empty((count, len(CHANNELS)))
        values[:, 0] = current_a
        values[:, 1] = voltage_v
        changes = _changes(self._busy, busy) if edges else _NONE
        self._busy = bool(busy[-1])
        self._last_s = float(times_s[-1])
        return Taken(
            first=first,
            codes=self._converter.digitise(values),
            busy=busy,
            changes=changes,
            energy_j=float(np.sum(voltage_v * current_a)) / self._clock.rate_hz,
        )

    def _edges_until(self, time_s: float) -> list[Edge]:
        due = [edge for edge in self._pending if edge.time_s <= time_s]
        del self._pending[: len(due)]
        earliest_s = max(self._last_s, self._state.time_s)
        return [Edge(max(edge.time_s, earliest_s), edge.busy) for edge in due]


def _changes(before: bool | None, busy: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    return np.flatnonzero(np.diff(busy, prepend=busy[0] if before is None else before))
