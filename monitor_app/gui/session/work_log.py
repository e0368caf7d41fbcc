# SPDX-License-Identifier: Apache-2.0
"""The marks of the user's programs, read once and kept as columns that grow. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader

COLUMN = np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("name", "<i4"), ("depth", "<i4"), ("moment", "?")])
DEEPEST = 2
"""Lanes of spans within each other; what is deeper shares the last."""


class WorkLog:
    """Spans and moments by rising start. ``version`` changes when there are new ones."""

    def __init__(self) -> None:
        self.names: list[str] = []
        """By the number in a row, in the order in which they first came."""
        self.lanes = 0
        """That are needed: 0 where there is nothing to show."""
        self.version = 0
        self._rows = np.empty(1024, COLUMN)
        self._count = 0
        self._longest_s = 0.0
        self._last_id = 0

    @property
    def rows(self) -> NDArray[np.void]:
        """Structured array of COLUMN; read it only."""
        return self._rows[: self._count]

    def update(self, reader: SessionReader, origin_ns: int) -> None:
        """Read what has been added since the last call."""
        fresh = reader.work_spans(after_id=self._last_id)
        if not len(fresh.rows):
            return
        self._last_id = int(fresh.rows["id"][-1])
        numbers = [self._number(name) for name in fresh.names]
        rows = np.zeros(len(fresh.rows), COLUMN)
        rows["start_s"] = (fresh.rows["start_ns"] - origin_ns) * 1e-9
        rows["end_s"] = (fresh.rows["end_ns"] - origin_ns) * 1e-9
        rows["name"] = np.array(numbers, np.int32)[fresh.rows["name"]]
        rows["moment"] = fresh.rows["images"] < 0
        self._insert(rows)
        self._longest_s = max(self._longest_s, float((rows["end_s"] - rows["start_s"]).max()))
        self.version += 1

    def _insert(self, rows: NDArray[np.void]) -> None:
        """Only those that begin after the first new one are moved: a span comes when it has ended."""
        first = int(np.searchsorted(self.rows["start_s"], rows["start_s"].min()))
        tail = np.concatenate((self.rows[first:], rows))
        # Of two that begin together the longer one is outside.
        tail = tail[np.lexsort((-tail["end_s"], tail["start_s"]))]
        before = self.rows["end_s"][:first]
        tail["depth"] = np.minimum(depths(tail, before[before > tail["start_s"][0]]), DEEPEST)
        self._count = first + len(tail)
        if self._count > len(self._rows):
            self._rows = np.concatenate((self._rows[:first], np.empty(self._count, COLUMN)))
        self._rows[first : self._count] = tail
        self.lanes = max(self.lanes, 1 + int(tail["depth"].max()))

    def between(self, start_s: float, end_s: float) -> NDArray[np.void]:
        """Those that reach into an interval."""
        first, last = np.searchsorted(self.rows["start_s"], (start_s - self._longest_s, end_s))
        rows = self.rows[first:last]
        found: NDArray[np.void] = rows[rows["end_s"] >= start_s]
        return found

    def _number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def depths(rows: NDArray[np.void], open_ends_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many spans are open where each begins.

    Args:
        rows: in order, those that are outside before those within.
        open_ends_s: ends of spans that began before all of them.
    """
    starts = rows["start_s"]
    closed = np.searchsorted(np.sort(rows["end_s"]), starts, "right")
    # A moment has ended where it begins, and has not begun before itself.
    own = (rows["end_s"] <= starts).astype(np.int64)
    outside = len(open_ends_s) - np.searchsorted(np.sort(open_ends_s), starts, "right")
    found: NDArray[np.int64] = np.maximum(np.arange(len(rows)) - (closed - own) + outside, 0)
    return found
