# SPDX-License-Identifier: Apache-2.0
"""One signal of a session file: its envelope at any zoom, its exact statistics, its samples."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.session.pyramid import (
    BASE,
    ENTRY,
    LEVELS,
    STORED,
    Entries,
    entries_of_samples,
    entry_size,
    fold,
    fold_samples,
    unpack_rows,
    whole,
)
from monitor_app.session.time_map import LARGEST, TimeMap, checked_index, checked_rows, damaged, interpolated, query

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from monitor_app.session.rows import SignalRow


@dataclass(frozen=True, slots=True)
class Envelope:
    """Groups of consecutive samples, in order; groups without a sample do not appear.

    All arrays have the same length. Times are host nanoseconds, values SI units.
    """

    start_ns: NDArray[np.int64]
    """Time of the group's first sample period."""
    end_ns: NDArray[np.int64]
    count: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    samples_per_column: int
    """1 says that every sample is shown."""

    def __len__(self) -> int:
        return len(self.count)


@dataclass(frozen=True, slots=True)
class Statistics:
    """All samples of a window of time, none left out."""

    count: int
    minimum: float
    maximum: float
    mean: float
    variance: float
    expected: int
    """Samples that a window without gaps would have, also beyond the ends of the recording."""
    duration_s: float
    """Length of the window."""

    @property
    def coverage(self) -> float:
        """Fraction of the expected samples that are there, 0 to 1."""
        return self.count / self.expected if self.expected else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the samples about their mean."""
        return math.sqrt(self.variance)

    @property
    def complete(self) -> bool:
        """No sample of the window is missing."""
        return 0 < self.expected <= self.count

    @property
    def recorded_s(self) -> float:
        """The part of the window that samples cover: gaps and what lies beyond the recording do not count."""
        return self.duration_s if self.complete else self.duration_s * self.coverage

    @property
    def integral(self) -> float:
        """Over what was recorded, and nothing else: joules for a power, coulombs for a current."""
        return self.mean * self.recorded_s


ENCODINGS = ("<u2", "<i2", "<f4")
LARGEST_SUMMARY = 1e75
"""Of two factors as large as 32 bits and their scales can make them; a variance has 32 bits."""
AT_ONCE = 1 << 18
"""Samples or entries that are folded at a time: some tens of megabytes, and more than any picture has."""
LEAST_SUMMARIES = 256
"""Of a window whose statistics are asked for: fewer, larger ones would take more queries than they save."""
MANY_GAPS = 64
"""With more, samples are folded one by one, which does not depend on their number."""


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples of some rows. A polled source has a row a sample, so no loop goes over rows."""

    rows: NDArray[np.int64]
    """Array (k, 4) of first, n, t_first_ns, t_last_ns."""
    values: NDArray[np.float64]
    """Of all rows, one after the other."""

    def index(self) -> NDArray[np.int64]:
        """Of each sample."""
        first, n = self.rows[:, 0], self.rows[:, 1]
        return np.repeat(first - (np.cumsum(n) - n), n) + np.arange(len(self.values))

    def within(self, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Indices and values of the samples start to end - 1."""
        index = self.index()
        begin, stop = np.searchsorted(index, (start, end))
        return index[begin:stop], self.values[begin:stop]

    def times_ns(self) -> NDArray[np.int64]:
        """Of each sample."""
        first, n, t_first_ns, t_last_ns = self.rows.T
        steps = (t_last_ns - t_first_ns) / np.maximum(n - 1, 1)
        since = self.index() - np.repeat(first, n)
        times_ns: NDArray[np.int64] = np.repeat(t_first_ns, n) + np.round(np.repeat(steps, n) * since).astype(np.int64)
        return times_ns


class Waveform:
    """Reads one signal; a derived one is computed from its factors."""

    def __init__(self, db: sqlite3.Connection, signal: SignalRow, signal_of: Callable[[int], SignalRow]) -> None:
        self._db = db
        self._signal = signal
        self._factors = [signal_of(k) for k in (signal.factor_a, signal.factor_b) if k is not None]
        self._stored = self._factors or [signal]
        self.times = TimeMap(db, self._stored[0].id)
        """Between host time and sample index."""

    def envelope(self, start_ns: int, end_ns: int, columns: int) -> Envelope:
        """All samples in [start_ns, end_ns) as about ``columns`` groups of equal size.

        Groups start at multiples of their size, so that a picture that scrolls does not flicker; the first and
        the last one are cut at the window's ends and are exact all the same.
        """
        pieces = list(self.envelopes(start_ns, end_ns, columns))
        return pieces[0] if len(pieces) == 1 else _joined(pieces)

    def envelopes(self, start_ns: int, end_ns: int, columns: int) -> Iterator[Envelope]:
        """The same in pieces one after the other, at least one: what is read at a time does not depend on the length.

        A piece ends where a group does, and holds what it would hold in one with all others.
        """
        start, end = self.times.index_at(start_ns), self.times.index_at(end_ns)
        level, width = _grid((end - start) / max(columns, 1))
        ends = self.times.ends(start, end)
        at_once = max(AT_ONCE * entry_size(level) // width, 1) * width
        cuts = [start, *range((start // at_once + 1) * at_once, end, at_once), max(start, end)]
        for first, stop in pairwise(cuts):
            folded, knots = self._groups(first, stop, level, width, ends)
            yield Envelope(
                start_ns=interpolated(knots, np.maximum(folded["start"], start)),
                end_ns=interpolated(knots, np.minimum(folded["start"] + width, end)),
                # Not the columns of a table, any of which would keep all of it.
                count=folded["n"].copy(),
                minimum=folded["min"].copy(),
                maximum=folded["max"].copy(),
                mean=folded["mean"].copy(),
                variance=folded["var"].copy(),
                samples_per_column=width,
            )

    def _groups(
        self, start: int, end: int, level: int, width: int, ends: NDArray[np.int64]
    ) -> tuple[Entries, NDArray[np.int64]]:
        """The samples start to end - 1 in groups, and the knots of their times; ``ends``: those of the window."""
        if level:
            return fold(self.entries(start, end, level), width), ends
        samples = self._samples(start, end)
        return _folded(samples, start, end, width), self.times.knots(samples.rows, ends)

    def statistics(self, start_ns: int, end_ns: int) -> Statistics:
        """The samples in [start_ns, end_ns) as one group; with none, count is 0 and the values are NaN."""
        start, end = self.times.index_at(start_ns), self.times.index_at(end_ns)
        level, _ = _grid(max((end - start) / LEAST_SUMMARIES, min(end - start, BASE)))
        entries = self.entries(start, end, level)
        duration_s = (end_ns - start_ns) * 1e-9
        expected = self.times.nominal_index_at(end_ns) - self.times.nominal_index_at(start_ns)
        if len(entries) == 0:
            return Statistics(0, math.nan, math.nan, math.nan, math.nan, expected, duration_s)
        return Statistics(*whole(entries), expected, duration_s)

    def samples(self, start_ns: int, end_ns: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times and values of every sample in [start_ns, end_ns)."""
        start, end = self.times.index_at(start_ns), self.times.index_at(end_ns)
        samples = self._samples(start, end)
        begin, stop = np.searchsorted(samples.index(), (start, end))
        return samples.times_ns()[begin:stop], samples.values[begin:stop]

    # -- entries ---------------------------------------------------------------------------------

    def entries(self, start: int, end: int, level: int) -> Entries:
        """Entries that together hold exactly the samples start to end - 1, of ``level`` where whole ones fit."""
        if start >= end:
            return np.zeros(0, ENTRY)
        if level == 0:
            return entries_of_samples(*self._samples(start, end).within(start, end))
        size = entry_size(level)
        inner_start = -(-start // size) * size
        inner_end = min(end // size * size, self.summary_end(level))
        if inner_end <= inner_start:
            return self.entries(start, end, level - 1)
        return np.concatenate(
            (
                self.entries(start, inner_start, level - 1),
                self._summary(level, inner_start, inner_end),
                self.entries(inner_end, end, level - 1),
            )
        )

    def summary_end(self, level: int) -> int:
        """Index at which the summaries of this level end in the file."""
        rows = query(
            self._db,
            "SELECT first, n FROM summary WHERE signal = ? AND level = ? ORDER BY first DESC LIMIT 1",
            (self._signal.id, level),
        )
        if not rows:
            return 0
        first, n = (checked_index(self._db, value) for value in rows[0])
        return first + n * entry_size(level)

    def _summary(self, level: int, start: int, end: int) -> Entries:
        size = entry_size(level)
        rows = query(
            self._db,
            "SELECT first, n, data FROM summary WHERE signal = ? AND level = ? AND first < ? AND first >= ifnull("
            "(SELECT max(first) FROM summary WHERE signal = ? AND level = ? AND first <= ?), 0) AND first > ? "
            "ORDER BY first",
            (self._signal.id, level, end, self._signal.id, level, start),
            after=-1,
        )
        places = np.array([row[:2] for row in rows]).reshape(-1, 2)
        if places.dtype != np.int64 or (places < 0).any() or (places >= LARGEST).any():
            for row in rows:
                for value in row[:2]:
                    checked_index(self._db, value)
        lengths = np.array([len(data) if isinstance(data, bytes) else -1 for _, _, data in rows], np.int64)
        if (lengths != places[:, 1] * STORED.itemsize).any():
            raise damaged(self._db, f"a summary of {self._signal.name} has a wrong length")
        entries = unpack_rows([(first, data) for first, _, data in rows], size)
        inside = entries[(entries["start"] >= start) & (entries["start"] < end)]
        if any((np.abs(inside[name]) > LARGEST_SUMMARY).any() for name in ("min", "max", "mean", "var")):
            raise damaged(self._db, f"a summary of {self._signal.name} is larger than any sample")
        return inside

    # -- samples ---------------------------------------------------------------------------------

    def _samples(self, start: int, end: int) -> _Samples:
        """Rows that hold any of the samples start to end - 1, with their values in SI units."""
        if end <= start:
            # Not looked up: at the end of a recording the row that is nearest may be another one for each factor.
            return _Samples(np.empty((0, 4), np.int64), np.empty(0))
        columns = [self._decoded(signal, start, end) for signal in self._stored]
        if len(columns) == 1:
            return columns[0]
        first, second = columns
        if not np.array_equal(first.rows, second.rows):
            raise damaged(self._db, f"the factors of {self._signal.name} do not match")
        return _Samples(first.rows, first.values * second.values)

    def _decoded(self, signal: SignalRow, start: int, end: int) -> _Samples:
        if signal.encoding not in ENCODINGS:
            raise damaged(self._db, f"{signal.name} is encoded as {signal.encoding!r:.40}")
        dtype = np.dtype(signal.encoding)
        found = query(
            self._db,
            "SELECT first, n, t_first_ns, t_last_ns, data FROM samples WHERE signal = ? AND first < ? "
            "AND first >= ifnull((SELECT max(first) FROM samples WHERE signal = ? AND first <= ?), 0) AND first > ? "
            "ORDER BY first",
            (signal.id, end, signal.id, start),
            after=-1,
        )
        rows, blobs = checked_rows(self._db, found), [row[4] for row in found]
        lengths = [isinstance(blob, bytes) and len(blob) for blob in blobs]
        wrong = np.flatnonzero(lengths != rows[:, 1] * dtype.itemsize)
        if len(wrong):
            at = rows[wrong[0], 0]
            raise damaged(self._db, f"{signal.name} at sample {at} has a wrong length")
        codes = np.frombuffer(b"".join(blobs), dtype)
        return _Samples(rows, signal.scale * codes.astype(np.float64) + signal.zero_offset)


def _joined(pieces: list[Envelope]) -> Envelope:
    """Pieces in their order as one; lets go of each array once it has been joined."""
    columns = {field.name: [getattr(each, field.name) for each in pieces] for field in fields(Envelope)}
    (width, *_) = columns.pop("samples_per_column")
    pieces.clear()
    joined = {name: np.concatenate(columns.pop(name)) for name in list(columns)}
    return Envelope(**joined, samples_per_column=width)


def _folded(samples: _Samples, start: int, end: int, width: int) -> Entries:
    """The samples start to end - 1 in groups of ``width``."""
    index, values = samples.within(start, end)
    if width == 1:
        return entries_of_samples(index, values)
    gaps = np.flatnonzero(np.diff(index) != 1) + 1
    if len(gaps) > MANY_GAPS:
        return fold(entries_of_samples(index, values), width)
    pieces = [
        fold_samples(int(run[0]), part, width)
        for run, part in zip(np.split(index, gaps), np.split(values, gaps), strict=True)
        if len(run)
    ]
    if len(pieces) == 1:
        return pieces[0]
    return fold(np.concatenate(pieces), width) if pieces else np.zeros(0, ENTRY)


def _grid(samples_per_column: float) -> tuple[int, int]:
    """The level to read and the exact number of samples per column, for about this many.

    The level is the highest whose entries fit a column, so that a column has one to sixteen of them.
    """
    if samples_per_column < BASE:
        return 0, max(round(samples_per_column), 1)
    level = min(int(math.log(samples_per_column / BASE, 16) + 1e-9) + 1, LEVELS)
    size = entry_size(level)
    return level, size * round(samples_per_column / size)
