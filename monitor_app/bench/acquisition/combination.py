# SPDX-License-Identifier: Apache-2.0
"""Powers computed from several sources during the recording: the sum of a board's rails, or a meter minus that sum.

The slowest source sets the rate: each of its samples stands for the interval since the one before, and the others
are averaged over that interval. Where one of them has no samples, there is no value. Where the slowest source is
faster than 1 kHz, several of its intervals are joined into one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.bench.acquisition.timeline import Placed
    from monitor_app.core.clock import ClockState
    from monitor_app.session.writer import SessionWriter

    Floats = NDArray[np.float64]

FASTEST_HZ = 1000.0
"""Combinations are for display and baselines; a higher rate would cost more than the samples themselves."""
PIECE_S = 0.0005
"""Fast sources are reduced to steps of this length before they are averaged."""
LATE_S = 10.0
"""How long to wait for samples of a source that has stopped delivering."""


@dataclass(frozen=True, slots=True)
class Term:
    """One power that enters a combination."""

    source_id: int
    signal: str | None
    """Of the source; None means its total, or its only power."""
    weight: float


class Combination:
    """A source of its own in the file, computed on the recorder's thread from those of its terms."""

    def __init__(self, source_id: int, name: str, terms: Sequence[Term], role: Role) -> None:
        self._id = source_id
        self.name = name
        self._kind = "sum" if all(term.weight > 0 for term in terms) else "difference"
        self._role = role
        self._terms = tuple(terms)
        self._tracks: dict[int, list[_Track]] = {}
        """By source."""
        self._infos: dict[int, SourceInfo] = {}
        self._clocks: dict[int, ClockState] = {}
        self._pace: int | None = None
        """The source that sets the rate, once all have described their signals."""
        self._step = 1
        """How many of its samples make one of the combination."""
        self._keep_ns = 0
        """Intervals that end longer before the newest sample are dropped."""
        self._due = _Intervals()
        self._written = 0
        """Index after the last sample in the file, in the count of the source that sets the rate."""
        self._last_ns = 0

    def begin(self, source_id: int, info: SourceInfo, writer: SessionWriter) -> None:
        """A source has described its signals; after the last one the combination adds itself to the file."""
        if source_id not in {term.source_id for term in self._terms} or source_id in self._infos:
            return
        self._infos[source_id] = info
        terms = [term for term in self._terms if term.source_id == source_id]
        self._tracks[source_id] = [_Track(term.weight, _factors(info, term.signal)) for term in terms]
        if len(self._infos) < len({term.source_id for term in self._terms}):
            return
        if not all(track.factors for tracks in self._tracks.values() for track in tracks):
            names = ", ".join(each.name for each in self._infos.values())
            writer.write_log(
                host_time_ns(),
                "warning",
                f"{self.name} is not computed: one of {names} has no such power.",
            )
            return
        self._pace = min(self._infos, key=lambda each: self._infos[each].rate_hz)
        rate_hz = self._infos[self._pace].rate_hz
        self._step = max(math.ceil(rate_hz / FASTEST_HZ), 1)
        self._keep_ns = round((LATE_S + 2 * self._step / rate_hz) * 1e9)
        writer.add_source(self._id, self._info(rate_hz / self._step))

    def add(self, source_id: int, placed: Placed, writer: SessionWriter) -> None:
        """A block of a source; intervals that are complete with it are written."""
        if self._pace is None or source_id not in self._tracks:
            return
        for track in self._tracks[source_id]:
            track.add(placed)
        if source_id == self._pace:
            self._due = self._due.joined(self._tracks[source_id][0].intervals(placed, self._step))
        self._write_complete(writer)

    def clock(self, source_id: int, host_ns: int, state: ClockState, writer: SessionWriter) -> None:
        """The clock bound of a combination is the largest of those of its sources."""
        if source_id not in self._tracks:
            return
        self._clocks[source_id] = state
        if source_id == self._pace:
            worst = max(self._clocks.values(), key=lambda each: each.bound_ns)
            writer.write_clock(self._id, host_ns, replace(worst, rate_hz=state.rate_hz))

    def _write_complete(self, writer: SessionWriter) -> None:
        tracks = [track for tracks in self._tracks.values() for track in tracks]
        reached_ns = min(track.end_ns for track in tracks)
        newest_ns = max(track.end_ns for track in tracks)
        complete = int(np.searchsorted(self._due.end_ns, max(reached_ns, newest_ns - round(LATE_S * 1e9)), "right"))
        if complete:
            now, self._due = self._due.split(complete)
            self._write(now, tracks, writer)
        assert self._pace is not None, "intervals are complete only then"
        begun_ns = self._tracks[self._pace][0].begun_ns
        keep_ns = int(self._due.start_ns[0]) if len(self._due) else min(begun_ns, reached_ns)
        for track in tracks:
            track.forget(max(keep_ns, newest_ns - self._keep_ns))

    def _write(self, intervals: _Intervals, tracks: Sequence[_Track], writer: SessionWriter) -> None:
        """A sample for each interval over which all sources are known, a gap for the intervals between."""
        power = sum((track.weight * track.means(intervals) for track in tracks), np.zeros(len(intervals)))
        known = np.flatnonzero(np.isfinite(power))
        index, end_ns = intervals.index[known], intervals.end_ns[known]
        for run in np.split(np.arange(len(known)), np.flatnonzero(np.diff(index) != 1) + 1):
            if not len(run):
                continue
            first = int(index[run[0]])
            if first > self._written > 0:
                writer.write_gap(
                    self._id, self._written, first - self._written, self._last_ns, int(end_ns[run[0]]),
                    "one of its sources was missing",
                )  # fmt: skip
            writer.write_timed_block(self._id, first, (power[known[run]].astype("<f4"),), end_ns[run])
            self._written, self._last_ns = first + len(run), int(end_ns[run[-1]])

    def _info(self, rate_hz: float) -> SourceInfo:
        words = [
            f"{'+' if term.weight > 0 else '-'} {self._infos[term.source_id].name}"
            + (f" {term.signal}" if term.signal else "")
            for term in self._terms
        ]
        return SourceInfo(
            name=self.name,
            kind=self._kind,
            model=" ".join(words).removeprefix("+ "),
            serial_number="",
            firmware="",
            rate_hz=rate_hz,
            signals=(Signal(self.name, Quantity.POWER, self._role, accuracy=self._accuracy()),),
            simulated=any(info.simulated for info in self._infos.values()),
        )

    def _accuracy(self) -> float | None:
        """Of a sum, the largest of those of its terms; that of a difference depends on its values."""
        powers = [_power(self._infos[term.source_id], term.signal) for term in self._terms]
        limits = [power.accuracy for power in powers if power is not None]
        known = [limit for limit in limits if limit is not None]
        return max(known) if self._kind == "sum" and len(known) == len(self._terms) else None


def _no_times() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Intervals:
    """The intervals for which samples of the source that sets the rate stand, in order."""

    index: NDArray[np.int64] = field(default_factory=_no_times)
    start_ns: NDArray[np.int64] = field(default_factory=_no_times)
    end_ns: NDArray[np.int64] = field(default_factory=_no_times)

    def __len__(self) -> int:
        return len(self.index)

    def joined(self, later: _Intervals) -> _Intervals:
        return _Intervals(
            np.concatenate((self.index, later.index)),
            np.concatenate((self.start_ns, later.start_ns)),
            np.concatenate((self.end_ns, later.end_ns)),
        )

    def split(self, count: int) -> tuple[_Intervals, _Intervals]:
        """The first ``count``, and the rest."""
        return (
            _Intervals(self.index[:count], self.start_ns[:count], self.end_ns[:count]),
            _Intervals(self.index[count:], self.start_ns[count:], self.end_ns[count:]),
        )


@dataclass(frozen=True, slots=True)
class _Factor:
    """A stored signal by its position in a block."""

    place: int
    scale: float
    offset: float


@dataclass(slots=True)
class _Piece:
    """Energy over time without a gap: ``energy_j[k]`` joules from ``times_ns[0]`` to ``times_ns[k]``."""

    times_ns: NDArray[np.int64]
    energy_j: Floats


@dataclass(slots=True)
class _Track:
    """One power as energy over time, extended block by block."""

    weight: float
    factors: tuple[_Factor, ...]
    """One stored power, or the two that make it."""
    end_ns: int = 0
    _pieces: deque[_Piece] = field(default_factory=deque)
    _next_index: int = -1
    begun_ns: int = 0
    """Start of the next interval."""

    def add(self, placed: Placed) -> None:
        """A sample stands for the interval since the one before it; after a gap for one period."""
        times_ns = placed.sample_times_ns()
        values = np.ones(len(placed))
        for factor in self.factors:
            values *= factor.scale * placed.codes[factor.place].astype(np.float64) + factor.offset
        joined = placed.first == self._next_index and placed.gap is None
        start_ns = self.end_ns if joined else int(times_ns[0]) - _period_ns(times_ns)
        self.begun_ns = self.begun_ns if joined else start_ns
        durations_s = np.diff(times_ns, prepend=start_ns) * 1e-9
        energy_j = np.concatenate(([0.0], np.cumsum(values * durations_s)))
        edges_ns = np.concatenate(([start_ns], times_ns))
        kept = _thinned(edges_ns)
        self._pieces.append(_Piece(edges_ns[kept], energy_j[kept]))
        self._next_index, self.end_ns = placed.first + len(placed), int(times_ns[-1])

    def intervals(self, placed: Placed, step: int) -> _Intervals:
        """The intervals of the latest block, every ``step`` of them joined."""
        index = placed.first + np.arange(len(placed))
        last = np.flatnonzero((index + 1) % step == 0)
        if not len(last):
            return _Intervals()
        end_ns = placed.sample_times_ns()[last]
        start_ns = np.concatenate(([self.begun_ns], end_ns[:-1]))
        self.begun_ns = int(end_ns[-1])
        long = end_ns > start_ns
        return _Intervals(index[last][long] // step, start_ns[long], end_ns[long])

    def means(self, intervals: _Intervals) -> Floats:
        """Mean power over each interval; NaN where there is a gap in it."""
        if not self._pieces:
            return np.full(len(intervals), np.nan)
        # Energy over time through all pieces; beside it, how much of the time a piece covers.
        base_ns = int(self._pieces[0].times_ns[0])
        at_ns = np.concatenate([piece.times_ns for piece in self._pieces]) - base_ns
        energy_j = np.concatenate(_stacked([piece.energy_j for piece in self._pieces]))
        covered_ns = np.concatenate(_stacked([piece.times_ns - piece.times_ns[0] for piece in self._pieces]))
        start, end = (intervals.start_ns - base_ns).astype(np.float64), (intervals.end_ns - base_ns).astype(np.float64)
        length = end - start
        whole = np.interp(end, at_ns, covered_ns) - np.interp(start, at_ns, covered_ns) > length - 0.5
        mean: Floats = (np.interp(end, at_ns, energy_j) - np.interp(start, at_ns, energy_j)) / (length * 1e-9)
        return np.where(whole, mean, np.nan)

    def forget(self, before_ns: int) -> None:
        """Drop the pieces that end before a time."""
        while self._pieces and self._pieces[0].times_ns[-1] <= before_ns:
            self._pieces.popleft()


def _stacked(parts: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Each part raised by the sum of the ends of the parts before it."""
    heights = np.cumsum([0.0, *(float(part[-1]) for part in parts[:-1])])
    return [part + height for part, height in zip(parts, heights, strict=True)]


def _period_ns(times_ns: NDArray[np.int64]) -> int:
    return int(times_ns[-1] - times_ns[0]) // (len(times_ns) - 1) if len(times_ns) > 1 else 0


def _thinned(edges_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    """Edges about every PIECE_S of a fast source, with its first and its last."""
    count = len(edges_ns)
    span_ns = int(edges_ns[-1] - edges_ns[0])
    step = max(int(PIECE_S * 1e9 * count / span_ns), 1) if span_ns else 1
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def _factors(info: SourceInfo, name: str | None) -> tuple[_Factor, ...]:
    """The stored signals whose product is a power of a source; empty where there is none."""
    power = _power(info, name)
    if power is None:
        return ()
    stored = info.stored_signals
    names = power.product_of or (power.name,)
    return tuple(
        _Factor(place, signal.scale, signal.offset)
        for each in names
        for place, signal in enumerate(stored)
        if signal.name == each
    )


def _power(info: SourceInfo, name: str | None) -> Signal | None:
    powers = [signal for signal in info.signals if signal.quantity is Quantity.POWER]
    if name is not None:
        powers = [signal for signal in powers if signal.name == name]
    elif len(totals := [signal for signal in powers if signal.role is Role.TOTAL]) > 0:
        powers = totals
    return powers[0] if len(powers) == 1 else None
