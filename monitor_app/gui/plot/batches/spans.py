# SPDX-License-Identifier: Apache-2.0
"""Whether batches are wide enough in view to be shown as spans, and which of them is meant by a place. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.runs import Phase
from monitor_app.gui.plot.plot_state import BatchSpan
from monitor_app.gui.session.batch_log import COLUMN, PHASES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.batch_log import BatchLog

LEAST_PX = 6.0
"""Narrower batches are no spans: their edges would be all there is to see."""
MOST_WIDE = 0.9
"""The fraction of the batches in view that have to be wide enough."""
TIMED = PHASES.index(Phase.TIMED)


def span_of(batches: BatchLog, index: int) -> BatchSpan:
    """The batch with this index."""
    row = batches.rows[index]
    end_s = float(row["end_s"])
    return BatchSpan(
        index, end_s - 1e-3 * float(row["latency_ms"] - row["waited_ms"]), end_s, int(row["phase"]) == TIMED
    )


def spans_in(batches: BatchLog, view: TimeWindow, pixels: float) -> tuple[BatchSpan, ...]:
    """All batches in view, or none: a few that happen to be wide enough would look like gaps between the others."""
    first, rows = _overlapping(batches, view.start_s, view.end_s)
    if not len(rows) or len(rows) * LEAST_PX > 2 * pixels:
        return ()
    wide = 1e-3 * (rows["latency_ms"] - rows["waited_ms"]) * pixels / view.width_s >= LEAST_PX
    if np.count_nonzero(wide) < MOST_WIDE * len(rows):
        return ()
    return tuple(span_of(batches, first + k) for k in range(len(rows)))


def span_at(spans: tuple[BatchSpan, ...], seconds: float) -> BatchSpan | None:
    """The span that a time lies in."""
    return next((span for span in spans if span.start_s <= seconds <= span.end_s), None)


def _overlapping(batches: BatchLog, start_s: float, end_s: float) -> tuple[int, NDArray[np.void]]:
    """The index of the first batch that overlaps an interval, and all that do."""
    rows = batches.rows
    first = int(np.searchsorted(rows["end_s"], start_s))
    last = int(np.searchsorted(rows["end_s"], end_s)) + 1  # the one that is running at its end
    found = rows[first:last]
    if len(found) and float(found["end_s"][-1] - 1e-3 * (found["latency_ms"][-1] - found["waited_ms"][-1])) >= end_s:
        found = found[:-1]
    return first, found if len(found) else np.empty(0, COLUMN)
