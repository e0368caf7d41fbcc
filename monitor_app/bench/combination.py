# SPDX-License-Identifier: Apache-2.0
"""Powers computed from several sources as they come: the sum of a board's rails, what a meter sees beyond them.

The source with the fewest samples sets the pace: for each of its samples, which stands for the time since the one
before, the others are averaged over just that time. Where one of them has nothing, there is no value.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.bench.timeline import Placed
    from monitor_app.session.writer import SessionWriter

    Floats = NDArray[np.float64]

PIECE_S = 0.0005
"""Fast sources are folded to pieces of this length before they are averaged."""
LATE_S = 10.0
"""What a source has not delivered after so long is not waited for."""


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
        self._name = name
        self._kind = "sum" if all(term.weight > 0 for term in terms) else "difference"
        self._role = role
        self._terms = tuple(terms)
        self._tracks: dict[int, list[_Track]] = {}
        """By source."""
        self._infos: dict[int, SourceInfo] = {}
        self._pace: int | None = None
        """The source that sets it, once all have introduced themselves."""
        self._due: deque[_Interval] = deque()
        self._written = 0
        """Index after the last sample in the file, in the count of the source that sets the pace."""
        self._last_ns = 0

    def begin(self, source_id: int, info: SourceInfo, writer: SessionWriter) -> None:
        """A source has introduced itself; with the last one the combination introduces itself."""
        if source_id not in {term.source_id for term in self._terms} or source_id in self._infos:
            return
        self._infos[source_id] = info
        self._tracks[source_id] = [
            _Track(term.weight, _factors(info, term.signal)) for term in self._terms_of(source_id)
        ]
        if len(self._infos) < len({term.source_id for term in self._terms}):
            return
        if not all(track.factors for tracks in self._tracks.values() for track in tracks):
            names = ", ".join(each.name for each in self._infos.values())
            writer.write_log(
                time.perf_counter_ns(),
                "warning",
                f"{self._name} is not computed: not each of {names} has the power for it.",
            )
            return
        self._pace = min(self._infos, key=lambda each: self._infos[each].rate_hz)
        writer.add_source(self._id, self._info(self._infos[self._pace].rate_hz))

    def add(self, source_id: int, placed: Placed, writer: SessionWriter) -> None:
        """A block of a source; what has become complete with it is written."""
        if self._pace is None or source_id not in self._tracks:
            return
        for track in self._tracks[source_id]:
            track.add(placed)
        if source_id == self._pace:
            self._due.extend(self._tracks[source_id][0].intervals(placed))
        self._write_complete(writer)

    def _write_complete(self, writer: SessionWriter) -> None:
        tracks = [track for tracks in self._tracks.values() for track in tracks]
        reached_ns = min(track.end_ns for track in tracks)
        newest_ns = max(track.end_ns for track in tracks)
        while self._due and (self._due[0].end_ns <= reached_ns or newest_ns - self._due[0].end_ns > LATE_S * 1e9):
            interval = self._due.popleft()
            means = [track.mean(interval) for track in tracks]
            if any(mean is None for mean in means):
                continue
            if interval.index > self._written > 0:
                missing = interval.index - self._written
                writer.write_gap(
                    self._id, self._written, missing, self._last_ns, interval.end_ns, "one of its sources was missing"
                )
            value = sum(track.weight * mean for track, mean in zip(tracks, means, strict=True) if mean is not None)
            writer.write_timed_block(
                self._id, interval.index, (np.array([value], "<f4"),), np.array([interval.end_ns], np.int64)
            )
            self._written, self._last_ns = interval.index + 1, interval.end_ns
        keep_ns = self._due[0].start_ns if self._due else reached_ns
        for track in tracks:
            track.forget(keep_ns)

    def _terms_of(self, source_id: int) -> list[Term]:
        return [term for term in self._terms if term.source_id == source_id]

    def _info(self, rate_hz: float) -> SourceInfo:
        words = [
            f"{'+' if term.weight > 0 else '-'} {self._infos[term.source_id].name}"
            + (f" {term.signal}" if term.signal else "")
            for term in self._terms
        ]
        return SourceInfo(
            name=self._name,
            kind=self._kind,
            model=" ".join(words).removeprefix("+ "),
            serial_number="",
            firmware="",
            rate_hz=rate_hz,
            signals=(Signal(self._name, Quantity.POWER, self._role),),
            simulated=any(info.simulated for info in self._infos.values()),
        )


@dataclass(frozen=True, slots=True)
class _Interval:
    """What one sample of the source that sets the pace stands for."""

    index: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class _Factor:
    """A stored signal by its place in a block."""

    place: int
    scale: float
    offset: float


@dataclass(slots=True)
class _Piece:
    """Energy over time without a hole: at ``times_ns[k]`` so many joules since ``times_ns[0]``."""

    times_ns: NDArray[np.int64]
    energy_j: Floats


@dataclass(slots=True)
class _Track:
    """One power as it comes, as energy over time."""

    weight: float
    factors: tuple[_Factor, ...]
    """One stored power, or the two that make it."""
    end_ns: int = 0
    _pieces: deque[_Piece] = field(default_factory=deque)
    _next_index: int = -1
    _start_ns: int = 0
    """Since when the newest block counts."""

    def add(self, placed: Placed) -> None:
        """A sample stands for the time since the one before it; after a hole for one period."""
        times_ns = placed.sample_times_ns()
        values = np.ones(len(placed))
        for factor in self.factors:
            values *= factor.scale * placed.codes[factor.place].astype(np.float64) + factor.offset
        joined = placed.first == self._next_index and placed.gap is None
        self._start_ns = self.end_ns if joined else int(times_ns[0]) - _period_ns(times_ns)
        durations_s = np.diff(times_ns, prepend=self._start_ns) * 1e-9
        energy_j = np.concatenate(([0.0], np.cumsum(values * durations_s)))
        edges_ns = np.concatenate(([self._start_ns], times_ns))
        kept = _thinned(edges_ns)
        self._pieces.append(_Piece(edges_ns[kept], energy_j[kept]))
        self._next_index, self.end_ns = placed.first + len(placed), int(times_ns[-1])

    def intervals(self, placed: Placed) -> list[_Interval]:
        """What the samples of the block that was added last stand for."""
        times = placed.sample_times_ns().tolist()
        starts = [self._start_ns, *times[:-1]]
        return [_Interval(placed.first + k, a, b) for k, (a, b) in enumerate(zip(starts, times, strict=True)) if b > a]

    def mean(self, interval: _Interval) -> float | None:
        """Mean power over an interval, or None where it is not covered without a hole."""
        total_j, reached_ns = 0.0, interval.start_ns
        for piece in self._pieces:
            if piece.times_ns[-1] <= reached_ns:
                continue
            if piece.times_ns[0] > reached_ns:
                return None
            until_ns = min(int(piece.times_ns[-1]), interval.end_ns)
            since_ns = piece.times_ns[0]
            at = np.array([reached_ns - since_ns, until_ns - since_ns], np.float64)
            before_j, after_j = np.interp(at, piece.times_ns - since_ns, piece.energy_j)
            total_j += float(after_j - before_j)
            reached_ns = until_ns
            if reached_ns == interval.end_ns:
                return total_j / ((interval.end_ns - interval.start_ns) * 1e-9)
        return None

    def forget(self, before_ns: int) -> None:
        """Let go of what ends before a time."""
        while self._pieces and self._pieces[0].times_ns[-1] <= before_ns:
            self._pieces.popleft()


def _period_ns(times_ns: NDArray[np.int64]) -> int:
    return int(times_ns[-1] - times_ns[0]) // (len(times_ns) - 1) if len(times_ns) > 1 else 0


def _thinned(edges_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    """Every so-manieth edge of a fast source, its first and its last always."""
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
