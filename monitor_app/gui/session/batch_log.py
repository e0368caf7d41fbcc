# SPDX-License-Identifier: Apache-2.0
"""All batches of a session, read once and kept as columns that grow. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader

COLUMN = np.dtype(
    [
        ("end_s", "<f8"), ("latency_ms", "<f8"), ("waited_ms", "<f8"), ("run", "<i8"), ("images", "<i8"),
        ("top1", "<i8"), ("phase", "u1"), ("id", "<i8"),
    ]
)  # fmt: skip
"""Latency counts from the arrival of the request, which waited a part of it before its pass began."""
PHASES = tuple(Phase)


class BatchLog:
    """Batches in order of their ids. ``version`` changes when there are new ones."""

    def __init__(self) -> None:
        self._rows = np.empty(1024, COLUMN)
        self._count = 0
        self._last_id = 0
        self.version = 0
        self.with_arrivals = False
        """Whether requests had arrivals of their own, from which their latency counts."""

    @property
    def rows(self) -> NDArray[np.void]:
        """Structured array of COLUMN; read it only."""
        return self._rows[: self._count]

    def update(self, reader: SessionReader, origin_ns: int) -> None:
        """Read what has been added since the last call."""
        fresh = reader.batches(after_id=self._last_id)
        if len(fresh) == 0:
            return
        self._last_id = int(fresh["id"][-1])
        end = self._count + len(fresh)
        if end > len(self._rows):
            self._rows = np.concatenate((self.rows, np.empty(end, COLUMN)))
        into = self._rows[self._count : end]
        into["end_s"] = (fresh["end_ns"] - origin_ns) * 1e-9
        into["latency_ms"] = (fresh["end_ns"] - fresh["arrival_ns"]) * 1e-6
        into["waited_ms"] = (fresh["start_ns"] - fresh["arrival_ns"]) * 1e-6
        self.with_arrivals |= bool((fresh["arrival_ns"] != fresh["start_ns"]).any())
        for name in ("run", "images", "top1", "id"):
            into[name] = fresh[name]
        for code, phase in enumerate(PHASES):
            into["phase"][fresh["phase"] == phase.value] = code
        self._count = end
        self.version += 1

    def between(self, start_s: float, end_s: float) -> NDArray[np.void]:
        """Batches that ended in an interval."""
        rows = self.rows
        first, last = np.searchsorted(rows["end_s"], (start_s, end_s))
        return rows[first:last]

    def last_before(self, time_s: float) -> np.void | None:
        """The batch that ended last at a time, or None."""
        k = int(np.searchsorted(self.rows["end_s"], time_s, "right"))
        return self.rows[k - 1] if k else None
