# SPDX-License-Identifier: Apache-2.0
"""Between host time and sample index: the time map of a signal, kept in the file as the ends of its rows of samples."""

from __future__ import annotations

import math
import sqlite3
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import DamagedSessionError, NotASessionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray


LARGEST = 2**60
"""An index or a time beyond this is damage, and sums of two of them do not overflow."""
_Row = tuple[int, int, int, int]
"""first, n, t_first_ns, t_last_ns of a row of samples."""


class TimeMap:
    """Of one stored signal. Within a row of samples times are evenly spaced; between rows there may be a gap.

    All methods raise NotASessionError where the file is damaged.
    """

    def __init__(self, db: sqlite3.Connection, signal_id: int) -> None:
        self._db = db
        self._signal_id = signal_id

    def extent(self) -> tuple[int, int] | None:
        """Times of the first sample and of the end of the last sample's period."""
        first, last = self._edge_row("ASC"), self._edge_row("DESC")
        if first is None or last is None:
            return None
        if last[3] < first[2]:
            raise damaged(self._db, "its samples end before they begin")
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

    def nominal_index_at(self, host_ns: int) -> int:
        """As index_at, with the samples that are missing in gaps and beyond the ends counted as if they were there."""
        row = self._row("t_first_ns <= ? ORDER BY t_first_ns DESC", host_ns) or self._edge_row("ASC")
        if row is None:
            return 0
        first, n, t_first_ns, t_last_ns = row
        if t_first_ns <= host_ns <= t_last_ns:
            return first + _offset(host_ns - t_first_ns, (t_last_ns - t_first_ns) / max(n - 1, 1))
        if host_ns < t_first_ns:
            return first - int((t_first_ns - host_ns + 0.5) / (self._period_ns(row) or math.inf))
        last, following = first + n - 1, self._row("first > ? ORDER BY first", first)
        if following is None:
            return last + _offset(host_ns - t_last_ns, self._period_ns(row))
        self._check_order(row, following)
        step_ns = (following[2] - t_last_ns) / (following[0] - last)
        return min(last + _offset(host_ns - t_last_ns, step_ns), following[0])

    def time_at(self, index: int) -> int:
        """Host time of a sample; in a gap or beyond the ends, by the period of the nearest row before it."""
        row = self._row("first <= ? ORDER BY first DESC", index) or self._edge_row("ASC")
        if row is None:
            raise NotASessionError("The signal has no samples.")
        return row[2] + round((index - row[0]) * self._period_ns(row))

    def ends(self, start: int, end: int) -> NDArray[np.int64]:
        """Array (k, 2) of indices and their times: those of a window's ends, or nothing where it is empty."""
        if end <= start:
            return np.empty((0, 2), np.int64)
        return np.array([(start, self.time_at(start)), (end, self.time_at(end))], np.int64)

    def knots(self, rows: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ends of a window, as from `ends`, with those of some rows between them, and the first sample after these.

        The times of a polled source are uneven, so that they are those of the rows.
        """
        if not len(ends) or not len(rows):
            return ends
        first, n, t_first_ns, t_last_ns = rows.T
        knots = np.stack((first, t_first_ns, first + n - 1, t_last_ns), axis=1).reshape(-1, 2)
        (start, _), (end, _) = ends
        after = self._row("first > ? ORDER BY first", int(first[-1])) if first[-1] + n[-1] < end else None
        if after is not None:
            knots = np.concatenate((knots, np.array([(after[0], after[2])], np.int64)))
        inside = (knots[:, 0] > start) & (knots[:, 0] < end)
        return np.concatenate((ends[:1], knots[inside], ends[1:]))

    def _period_ns(self, row: _Row) -> float:
        first, n, t_first_ns, t_last_ns = row
        if n > 1:
            return (t_last_ns - t_first_ns) / (n - 1)
        # A row of one sample: its distance from the row before it, or after it.
        if before := self._row("first < ? ORDER BY first DESC", first):
            self._check_order(before, row)
            return (t_first_ns - before[3]) / (first - before[0] - before[1] + 1)
        if after := self._row("first > ? ORDER BY first", first):
            self._check_order(row, after)
            return (after[2] - t_last_ns) / (after[0] - first)
        return 0.0

    def _check_order(self, before: _Row, after: _Row) -> None:
        if after[0] < before[0] + before[1]:
            raise damaged(self._db, f"rows of samples overlap at {after[0]}")

    def _row(self, condition: str, *values: int) -> _Row | None:
        row = query(
            self._db,
            f"SELECT first, n, t_first_ns, t_last_ns FROM samples WHERE signal = ? AND {condition} LIMIT 1",
            (self._signal_id, *map(int, values)),
        )
        return _checked_row(self._db, row[0]) if row else None

    def _edge_row(self, order: str) -> _Row | None:
        return self._row(f"TRUE ORDER BY first {order}")


def interpolated(knots: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Times of many indices, on the straight lines between knots."""
    if not len(knots) or not len(indices):
        return np.zeros(len(indices), np.int64)
    start, start_ns = knots[0]
    elapsed_ns = np.interp(indices - start, knots[:, 0] - start, knots[:, 1] - start_ns)
    times_ns: NDArray[np.int64] = start_ns + np.round(elapsed_ns).astype(np.int64)
    return times_ns


def damaged(db: sqlite3.Connection, detail: object) -> DamagedSessionError:
    """What to raise where a session that is open holds what cannot be."""
    (_, _, file), *_ = db.execute("PRAGMA database_list").fetchall()
    return DamagedSessionError(file, detail)


def _checked_row(db: sqlite3.Connection, row: Sequence[Any]) -> _Row:
    first, n, t_first_ns, t_last_ns = (checked_index(db, value) for value in row)
    if n < 1 or t_last_ns < t_first_ns:
        raise damaged(db, f"a row of samples at {first} cannot be")
    return first, n, t_first_ns, t_last_ns


def checked_rows(db: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    """Rows of samples in order as an array (k, 4) of first, n, t_first_ns, t_last_ns. Raises NotASessionError."""
    if not rows:
        return np.empty((0, 4), np.int64)
    table = np.array([row[:4] for row in rows])
    if table.dtype != np.int64 or (table < 0).any() or (table >= LARGEST).any():
        for row in rows:
            _checked_row(db, row[:4])
    if (table[:, 1] < 1).any() or (table[:, 3] < table[:, 2]).any():
        raise damaged(db, "a row of samples cannot be")
    if (table[1:, 0] < table[:-1, 0] + table[:-1, 1]).any():
        raise damaged(db, "rows of samples overlap")
    return table


def checked_index(db: sqlite3.Connection, value: object) -> int:
    """An index, a number of samples or a time. Raises NotASessionError where it cannot be one."""
    if not isinstance(value, int) or not 0 <= value < LARGEST:
        raise damaged(db, f"an index or time of {value!r:.40}")
    return value


def _offset(elapsed_ns: int, step_ns: float) -> int:
    """The least k whose time, round(k * step_ns), is elapsed_ns or later; the same rounding as when times are read."""
    if step_ns <= 0:
        return 0
    k = max(math.ceil((elapsed_ns - 0.5) / step_ns), 0)
    if k > 0 and round((k - 1) * step_ns) >= elapsed_ns:
        return k - 1
    return k if round(k * step_ns) >= elapsed_ns else k + 1


SNAPSHOT_S = 0.2
"""Longest time for which a reader keeps one state of the file: meanwhile the writer's -wal cannot shrink."""
_ROWS_AT_ONCE = 64


def rows_in_slices(db: sqlite3.Connection, sql: str, values: Iterable[object], after: int) -> Iterator[Any]:
    """Rows in the order of their first column, a rising integer, in transactions of a bounded time.

    ``sql`` selects those whose first column exceeds its last parameter, and orders by it. Rows are only ever added to
    a session, so transactions one after the other see what a single one would have seen, or more.
    """
    while True:
        began, cursor = time.monotonic(), db.execute(sql, (*values, after))
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield from rows
            after = rows[-1][0]
            if time.monotonic() - began > SNAPSHOT_S:
                break
        else:
            return
        cursor.close()


def query(db: sqlite3.Connection, sql: str, values: tuple[int, ...], after: int | None = None) -> list[Any]:
    """Rows of a session file; with ``after`` in slices. Raises NotASessionError where it is damaged."""
    try:
        if after is not None:
            return list(rows_in_slices(db, sql, values, after))
        return db.execute(sql, values).fetchall()
    except (sqlite3.DatabaseError, OverflowError) as error:
        raise damaged(db, error) from error
