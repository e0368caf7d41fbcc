# SPDX-License-Identifier: Apache-2.0
"""One signal of a session file: its time map, its envelope at any zoom, its exact statistics."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import NotASessionError
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    """Samples that the window should have had, in gaps and beyond the ends of the recording too."""
    duration_s: float
    """Length of the window."""

    @property
    def coverage(self) -> float:
        """Share of the expected samples that are there, 0 to 1."""
        return self.count / self.expected if self.expected else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the samples about their mean."""
        return math.sqrt(self.variance)

    @property
    def integral(self) -> float:
        """Mean times duration: joules for a power, coulombs for a current."""
        return self.mean * self.duration_s


ENCODINGS = ("<u2", "<i2", "<f4")
LARGEST = 2**60
"""An index or a time beyond this is damage, and sums of two of them do not overflow."""
MANY_HOLES = 64
"""With more, samples are folded one by one, which does not depend on their number."""
_Row = tuple[int, int, int, int]
"""first, n, t_first_ns, t_last_ns of a row of samples."""


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
        self._time_base = self._stored[0].id

    def extent(self) -> tuple[int, int] | None:
        """Times of the first sample and of the end of the last sample's period."""
        first, last = self._edge_row("ASC"), self._edge_row("DESC")
        if first is None or last is None:
            return None
        return first[2], last[3] + round(self._period_ns(last))

    def last(self) -> tuple[int, int] | None:
        """Index and time of the last sample."""
        row = self._edge_row("DESC")
        return None if row is None else (row[0] + row[1] - 1, row[3])

    def rate_hz(self) -> float | None:
        """Sample indices a second of host time from the first row to the last; None with fewer than two samples."""
        first, last = self._edge_row("ASC"), self._edge_row("DESC")
        if first is None or last is None or last[3] <= first[2]:
            return None
        return (last[0] + last[1] - 1 - first[0]) * 1e9 / (last[3] - first[2])

    def envelope(self, start_ns: int, end_ns: int, columns: int) -> Envelope:
        """All samples in [start_ns, end_ns) as about ``columns`` groups of equal size.

        Groups start at multiples of their size, so that a picture that scrolls does not flicker; the first and
        the last one are cut at the window's ends and are exact all the same.
        """
        start, end = self.index_at(start_ns), self.index_at(end_ns)
        level, width = _grid((end - start) / max(columns, 1))
        if level:
            folded = fold(self.entries(start, end, level), width)
            knots = self._ends(start, end)
        else:
            samples = self._samples(start, end)
            folded = _folded(samples, start, end, width)
            knots = self._knots(samples.rows, start, end)
        begins = np.maximum(folded["start"], start)
        ends = np.minimum(folded["start"] + width, end)
        return Envelope(
            start_ns=_between(knots, begins),
            end_ns=_between(knots, ends),
            count=folded["n"],
            minimum=folded["min"],
            maximum=folded["max"],
            mean=folded["mean"],
            variance=folded["var"],
            samples_per_column=width,
        )

    def statistics(self, start_ns: int, end_ns: int) -> Statistics:
        """The samples in [start_ns, end_ns) as one group; with none, count is 0 and the values are NaN."""
        start, end = self.index_at(start_ns), self.index_at(end_ns)
        level, _ = _grid(float(end - start))
        entries = self.entries(start, end, level)
        duration_s = (end_ns - start_ns) * 1e-9
        expected = self._count_at(end_ns) - self._count_at(start_ns)
        if len(entries) == 0:
            return Statistics(0, math.nan, math.nan, math.nan, math.nan, expected, duration_s)
        entries["start"] = 0
        (one,) = fold(entries, 1)
        return Statistics(
            int(one["n"]), float(one["min"]), float(one["max"]), float(one["mean"]), float(one["var"]),
            expected, duration_s,
        )  # fmt: skip

    def samples(self, start_ns: int, end_ns: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times and values of every sample in [start_ns, end_ns)."""
        start, end = self.index_at(start_ns), self.index_at(end_ns)
        samples = self._samples(start, end)
        begin, stop = np.searchsorted(samples.index(), (start, end))
        return samples.times_ns()[begin:stop], samples.values[begin:stop]

    # -- time map --------------------------------------------------------------------------------

    def index_at(self, host_ns: int) -> int:
        """Index of the first sample at or after a host time; beyond the ends, that of the nearest end."""
        row = self._row("t_first_ns <= ? ORDER BY t_first_ns DESC", host_ns)
        if row is None:
            row = self._edge_row("ASC")
            return row[0] if row else 0
        first, n, t_first_ns, t_last_ns = row
        if host_ns > t_last_ns:
            # Between the last sample of this row and the first of the next: the next one is the answer.
            following = self._row("first > ? ORDER BY first", first)
            return following[0] if following else first + n
        return first + _offset(host_ns - t_first_ns, (t_last_ns - t_first_ns) / max(n - 1, 1))

    def _count_at(self, host_ns: int) -> int:
        """As index_at, but counting on through gaps and beyond the ends, where no sample is."""
        row = self._row("t_first_ns <= ? ORDER BY t_first_ns DESC", host_ns) or self._edge_row("ASC")
        if row is None:
            return 0
        first, n, t_first_ns, t_last_ns = row
        if t_first_ns <= host_ns <= t_last_ns:
            return self.index_at(host_ns)
        if host_ns < t_first_ns:
            return first - int((t_first_ns - host_ns + 0.5) / (self._period_ns(row) or math.inf))
        last, following = first + n - 1, self._row("first > ? ORDER BY first", first)
        if following is None:
            return last + _offset(host_ns - t_last_ns, self._period_ns(row))
        step_ns = (following[2] - t_last_ns) / (following[0] - last)
        return min(last + _offset(host_ns - t_last_ns, step_ns), following[0])

    def time_at(self, index: int) -> int:
        """Host time of a sample; in a gap or beyond the ends, by the period of the nearest row before it."""
        row = self._row("first <= ? ORDER BY first DESC", index) or self._edge_row("ASC")
        if row is None:
            raise NotASessionError("The signal has no samples.")
        return row[2] + round((index - row[0]) * self._period_ns(row))

    def _ends(self, start: int, end: int) -> NDArray[np.int64]:
        """Array (k, 2) of indices and their times: those of a window's ends, or nothing where it is empty."""
        if end <= start:
            return np.empty((0, 2), np.int64)
        return np.array([(start, self.time_at(start)), (end, self.time_at(end))], np.int64)

    def _knots(self, rows: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
        """As _ends, with the ends of all rows between them: the times of a polled source are uneven."""
        ends = self._ends(start, end)
        if not len(ends):
            return ends
        first, n, t_first_ns, t_last_ns = rows.T
        knots = np.stack((first, t_first_ns, first + n - 1, t_last_ns), axis=1).reshape(-1, 2)
        inside = (knots[:, 0] > start) & (knots[:, 0] < end)
        return np.concatenate((ends[:1], knots[inside], ends[1:]))

    def _period_ns(self, row: _Row) -> float:
        first, n, t_first_ns, t_last_ns = row
        if n > 1:
            return (t_last_ns - t_first_ns) / (n - 1)
        # A row of one sample: its distance from the row before it, or after it.
        if before := self._row("first < ? ORDER BY first DESC", first):
            return (t_first_ns - before[3]) / (first - before[0] - before[1] + 1)
        after = self._row("first > ? ORDER BY first", first)
        return (after[2] - t_last_ns) / (after[0] - first) if after else 0.0

    def _row(self, condition: str, value: int) -> _Row | None:
        row = self._query(
            f"SELECT first, n, t_first_ns, t_last_ns FROM samples WHERE signal = ? AND {condition} LIMIT 1",
            (self._time_base, int(value)),
        )
        return _checked_row(row[0]) if row else None

    def _edge_row(self, order: str) -> _Row | None:
        row = self._query(
            f"SELECT first, n, t_first_ns, t_last_ns FROM samples WHERE signal = ? ORDER BY first {order} LIMIT 1",
            (self._time_base,),
        )
        return _checked_row(row[0]) if row else None

    # -- entries ---------------------------------------------------------------------------------

    def entries(self, start: int, end: int, level: int) -> Entries:
        """Entries that together hold exactly the samples start to end - 1, of ``level`` where they fit whole."""
        if start >= end:
            return np.zeros(0, ENTRY)
        if level == 0:
            return self._sample_entries(start, end)
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
        rows = self._query(
            "SELECT first, n FROM summary WHERE signal = ? AND level = ? ORDER BY first DESC LIMIT 1",
            (self._signal.id, level),
        )
        return _checked_index(rows[0][0]) + _checked_index(rows[0][1]) * entry_size(level) if rows else 0

    def _summary(self, level: int, start: int, end: int) -> Entries:
        size = entry_size(level)
        rows = self._query(
            "SELECT first, n, data FROM summary WHERE signal = ? AND level = ? AND first < ? AND first >= ifnull("
            "(SELECT max(first) FROM summary WHERE signal = ? AND level = ? AND first <= ?), 0) ORDER BY first",
            (self._signal.id, level, end, self._signal.id, level, start),
        )
        if not rows:
            return np.zeros(0, ENTRY)
        if any(not isinstance(data, bytes) or len(data) != n * STORED.itemsize for _, n, data in rows):
            raise NotASessionError(f"The session is damaged: a summary of {self._signal.name} has a wrong length.")
        entries = unpack_rows([(_checked_index(first), data) for first, _, data in rows], size)
        return entries[(entries["start"] >= start) & (entries["start"] < end)]

    def _sample_entries(self, start: int, end: int) -> Entries:
        index, values = self._samples(start, end).within(start, end)
        entries = entries_of_samples(0, values)
        entries["start"] = index
        return entries

    # -- samples ---------------------------------------------------------------------------------

    def _samples(self, start: int, end: int) -> _Samples:
        """Rows that hold any of the samples start to end - 1, with their values in SI units."""
        columns = [self._decoded(signal, start, end) for signal in self._stored]
        if len(columns) == 1:
            return columns[0]
        first, second = columns
        if not np.array_equal(first.rows, second.rows):
            raise NotASessionError(f"The session is damaged: the factors of {self._signal.name} do not go together.")
        return _Samples(first.rows, first.values * second.values)

    def _decoded(self, signal: SignalRow, start: int, end: int) -> _Samples:
        if start >= end:
            return _Samples(np.empty((0, 4), np.int64), np.empty(0))
        if signal.encoding not in ENCODINGS:
            raise NotASessionError(f"The session is damaged: {signal.name} is encoded as {signal.encoding!r}.")
        dtype = np.dtype(signal.encoding)
        found = self._query(
            "SELECT first, n, t_first_ns, t_last_ns, data FROM samples WHERE signal = ? AND first < ? "
            "AND first >= ifnull((SELECT max(first) FROM samples WHERE signal = ? AND first <= ?), 0) ORDER BY first",
            (signal.id, end, signal.id, start),
        )
        rows, blobs = _checked_rows(found), [row[4] for row in found]
        lengths = [len(blob) if isinstance(blob, bytes) else -1 for blob in blobs]
        wrong = np.flatnonzero(lengths != rows[:, 1] * dtype.itemsize)
        if len(wrong):
            at = rows[wrong[0], 0]
            raise NotASessionError(f"The session is damaged: {signal.name} at sample {at} has a wrong length.")
        codes = np.frombuffer(b"".join(blobs), dtype)
        return _Samples(rows, signal.scale * codes.astype(np.float64) + signal.zero_offset)

    def _query(self, sql: str, values: tuple[int, ...]) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.DatabaseError, OverflowError) as error:
            raise NotASessionError(f"The session is damaged and cannot be read further ({error}).") from error


def _folded(samples: _Samples, start: int, end: int, width: int) -> Entries:
    """The samples start to end - 1 in groups of ``width``."""
    index, values = samples.within(start, end)
    holes = np.flatnonzero(np.diff(index) != 1) + 1
    if len(holes) > MANY_HOLES:
        entries = entries_of_samples(0, values)
        entries["start"] = index
        return fold(entries, width)
    pieces = [
        fold_samples(int(run[0]), part, width)
        for run, part in zip(np.split(index, holes), np.split(values, holes), strict=True)
        if len(run)
    ]
    return fold(np.concatenate(pieces), width) if pieces else np.zeros(0, ENTRY)


def _between(knots: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times of many indices, on the straight lines between knots."""
    if not len(knots) or not len(indices):
        return np.zeros(len(indices), np.int64)
    start, start_ns = knots[0]
    elapsed_ns = np.interp(indices - start, knots[:, 0] - start, knots[:, 1] - start_ns)
    times_ns: NDArray[np.int64] = start_ns + np.round(elapsed_ns).astype(np.int64)
    return times_ns


def _checked_row(row: Sequence[Any]) -> _Row:
    first, n, t_first_ns, t_last_ns = (_checked_index(value) for value in row)
    if n < 1 or t_last_ns < t_first_ns:
        raise NotASessionError(f"The session is damaged: a row of samples at {first} cannot be.")
    return first, n, t_first_ns, t_last_ns


def _checked_rows(rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """As _checked_row, of many: array (k, 4)."""
    if not rows:
        return np.empty((0, 4), np.int64)
    table = np.array([row[:4] for row in rows])
    if table.dtype != np.int64 or (table < 0).any() or (table >= LARGEST).any():
        for row in rows:
            _checked_row(row[:4])
    if (table[:, 1] < 1).any() or (table[:, 3] < table[:, 2]).any():
        raise NotASessionError("The session is damaged: a row of samples cannot be.")
    return table


def _checked_index(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < LARGEST:
        raise NotASessionError(f"The session is damaged: an index or time of {value!r:.40}.")
    return value


def _offset(elapsed_ns: int, step_ns: float) -> int:
    """The least k whose time, round(k * step_ns), is elapsed_ns or later; the same rounding as when times are read."""
    if step_ns <= 0:
        return 0
    k = max(math.ceil((elapsed_ns - 0.5) / step_ns), 0)
    if k > 0 and round((k - 1) * step_ns) >= elapsed_ns:
        return k - 1
    return k if round(k * step_ns) >= elapsed_ns else k + 1


def _grid(samples_per_column: float) -> tuple[int, int]:
    """Level to read and samples to a column, for about so many samples a column.

    The level is the highest whose entries fit a column, so that a column has one to sixteen of them.
    """
    if samples_per_column < BASE:
        return 0, max(round(samples_per_column), 1)
    level = min(int(math.log(samples_per_column / BASE, 16) + 1e-9) + 1, LEVELS)
    size = entry_size(level)
    return level, size * max(round(samples_per_column / size), 1)
