# SPDX-License-Identifier: Apache-2.0
"""One signal of a session file: its time map, its envelope at any zoom, its exact statistics."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import NotASessionError
from monitor_app.session.summary import (
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
_Row = tuple[int, int, int, int]
"""first, n, t_first_ns, t_last_ns of a row of samples."""


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
        entries = self._entries(start, end, level) if level else self._folded_samples(start, end, width)
        folded = fold(entries, width) if level else entries
        begins = np.maximum(folded["start"], start)
        ends = np.minimum(folded["start"] + width, end)
        times = self._times if level else self._exact_times
        return Envelope(
            start_ns=times(begins, start, end),
            end_ns=times(ends, start, end),
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
        entries = self._entries(start, end, level)
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
        times, values = [np.empty(0, np.int64)], [np.empty(0)]
        for (first, n, t_first_ns, t_last_ns), data in self._blocks(start, end):
            lo, hi = max(start - first, 0), min(end - first, n)
            step = (t_last_ns - t_first_ns) / max(n - 1, 1)
            times.append(t_first_ns + np.round(step * np.arange(lo, hi)).astype(np.int64))
            values.append(data[lo:hi])
        return np.concatenate(times), np.concatenate(values)

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

    def _exact_times(self, indices: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
        """Times of many indices within a window of few rows, along the rows: those of a polled source are uneven."""
        if end <= start or len(indices) == 0:
            return np.zeros(len(indices), np.int64)
        rows = self._query(
            "SELECT first, n, t_first_ns, t_last_ns FROM samples WHERE signal = ? AND first > ? AND first < ? "
            "ORDER BY first",
            (self._time_base, start, end),
        )
        knots = [(start, self.time_at(start))]
        for row in map(_checked_row, rows):
            first, n, t_first_ns, t_last_ns = row
            knots += [(first, t_first_ns), (first + n - 1, t_last_ns)] if n > 1 else [(first, t_first_ns)]
        knots = [knot for knot in knots if knot[0] < end]
        knots.append((end, self.time_at(end)))
        at, time_ns = np.array(knots, np.int64).T
        elapsed_ns = np.interp(indices - start, at - start, time_ns - time_ns[0])
        times_ns: NDArray[np.int64] = time_ns[0] + np.round(elapsed_ns).astype(np.int64)
        return times_ns

    def _times(self, indices: NDArray[np.int64], start: int, end: int) -> NDArray[np.int64]:
        """Times of many indices within a window, on the straight line between the times of its ends."""
        if end <= start or len(indices) == 0:
            return np.zeros(len(indices), np.int64)
        a, b = self.time_at(start), self.time_at(end)
        return a + np.round((indices - start) * ((b - a) / (end - start))).astype(np.int64)

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

    def _entries(self, start: int, end: int, level: int) -> Entries:
        """Entries that together hold exactly the samples start to end - 1, of ``level`` where they fit whole."""
        if start >= end:
            return np.zeros(0, ENTRY)
        if level == 0:
            return self._sample_entries(start, end)
        size = entry_size(level)
        inner_start = -(-start // size) * size
        inner_end = min(end // size * size, self._summary_end(level))
        if inner_end <= inner_start:
            return self._entries(start, end, level - 1)
        return np.concatenate(
            (
                self._entries(start, inner_start, level - 1),
                self._summary(level, inner_start, inner_end),
                self._entries(inner_end, end, level - 1),
            )
        )

    def _summary_end(self, level: int) -> int:
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
        pieces = [
            entries_of_samples(max(start, first), data[max(start - first, 0) : end - first])
            for (first, _, _, _), data in self._blocks(start, end)
        ]
        return np.concatenate(pieces) if pieces else np.zeros(0, ENTRY)

    def _folded_samples(self, start: int, end: int, width: int) -> Entries:
        pieces = [
            fold_samples(max(start, first), data[max(start - first, 0) : end - first], width)
            for (first, _, _, _), data in self._joined(start, end)
        ]
        return fold(np.concatenate(pieces), width) if pieces else np.zeros(0, ENTRY)

    def _joined(self, start: int, end: int) -> list[tuple[_Row, NDArray[np.float64]]]:
        """Blocks that follow each other without a hole, joined."""
        joined: list[tuple[_Row, list[NDArray[np.float64]]]] = []
        for (first, n, t_first_ns, t_last_ns), data in self._blocks(start, end):
            if joined and joined[-1][0][0] + joined[-1][0][1] == first:
                before, pieces = joined[-1]
                pieces.append(data)
                joined[-1] = ((before[0], before[1] + n, before[2], t_last_ns), pieces)
            else:
                joined.append(((first, n, t_first_ns, t_last_ns), [data]))
        return [(row, np.concatenate(pieces)) for row, pieces in joined]

    # -- samples ---------------------------------------------------------------------------------

    def _blocks(self, start: int, end: int) -> list[tuple[_Row, NDArray[np.float64]]]:
        """Rows that hold any of the samples start to end - 1, with their values in SI units."""
        columns = [self._decoded(signal, start, end) for signal in self._stored]
        if len(columns) == 1:
            return columns[0]
        first, second = columns
        if [row for row, _ in first] != [row for row, _ in second]:
            raise NotASessionError(f"The session is damaged: the factors of {self._signal.name} do not go together.")
        return [(row, a * b) for (row, a), (_, b) in zip(first, second, strict=True)]

    def _decoded(self, signal: SignalRow, start: int, end: int) -> list[tuple[_Row, NDArray[np.float64]]]:
        if start >= end:
            return []
        if signal.encoding not in ENCODINGS:
            raise NotASessionError(f"The session is damaged: {signal.name} is encoded as {signal.encoding!r}.")
        dtype = np.dtype(signal.encoding)
        rows = self._query(
            "SELECT first, n, t_first_ns, t_last_ns, data FROM samples WHERE signal = ? AND first < ? "
            "AND first >= ifnull((SELECT max(first) FROM samples WHERE signal = ? AND first <= ?), 0) ORDER BY first",
            (signal.id, end, signal.id, start),
        )
        blocks = []
        for *row, data in rows:
            first, n, t_first_ns, t_last_ns = _checked_row(row)
            if first + n <= start:
                continue
            if not isinstance(data, bytes) or len(data) != n * dtype.itemsize:
                raise NotASessionError(f"The session is damaged: {signal.name} at sample {first} has a wrong length.")
            values = signal.scale * np.frombuffer(data, dtype).astype(np.float64) + signal.zero_offset
            blocks.append(((first, n, t_first_ns, t_last_ns), values))
        return blocks

    def _query(self, sql: str, values: tuple[int, ...]) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.DatabaseError, OverflowError) as error:
            raise NotASessionError(f"The session is damaged and cannot be read further ({error}).") from error


def _checked_row(row: Sequence[Any]) -> _Row:
    first, n, t_first_ns, t_last_ns = (_checked_index(value) for value in row)
    if n < 1 or t_last_ns < t_first_ns:
        raise NotASessionError(f"The session is damaged: a row of samples at {first} cannot be.")
    return first, n, t_first_ns, t_last_ns


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
