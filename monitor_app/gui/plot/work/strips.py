# SPDX-License-Identifier: Apache-2.0
"""The spans of a program as strips of pixels: many short ones are one strip. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.gui.plot.plot_state import Moment, ShownWork, Strip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.work_log import WorkLog


NARROW_PX = 3.0
"""Spans that are narrower are joined to those beside them."""
MOST_MOMENTS = 200
"""More are not told apart."""


def shown_work(log: WorkLog, view: TimeWindow, pixels: float) -> ShownWork:
    """What lies in view, on so many pixels."""
    width = round(pixels)
    if not log.lanes or width < 1 or view.width_s <= 0:
        return ShownWork(lanes=log.lanes)
    rows = log.between(view.start_s, view.end_s)
    scale = width / view.width_s
    left = np.clip((rows["start_s"] - view.start_s) * scale, 0, width)
    right = np.clip((rows["end_s"] - view.start_s) * scale, 0, width)
    strips: list[Strip] = []
    for lane in range(log.lanes):
        for number in np.unique(rows["name"]).tolist():
            chosen = (rows["name"] == number) & (rows["depth"] == lane) & ~rows["moment"]
            wide = chosen & (right - left >= NARROW_PX)
            name = log.names[number]
            for k in np.flatnonzero(wide).tolist():
                edges = bool(rows["start_s"][k] >= view.start_s), bool(rows["end_s"][k] <= view.end_s)
                strips.append(Strip(round(left[k]), round(right[k]), name, number, lane, edges, single=True))
            narrow = chosen & ~wide
            strips += (
                Strip(a, b, name, number, lane, (False, False), single=False)
                for a, b in _joined(left[narrow], right[narrow], width)
            )
    moments = np.flatnonzero(rows["moment"])
    if len(moments) > MOST_MOMENTS:
        moments = moments[:0]
    return ShownWork(
        tuple(strips),
        tuple(Moment(round(left[k]), log.names[int(rows["name"][k])], int(rows["name"][k])) for k in moments.tolist()),
        log.lanes,
    )


def _joined(left: NDArray[np.float64], right: NDArray[np.float64], width: int) -> list[tuple[int, int]]:
    """Runs of pixels that spans lie on; gaps of less than a few pixels between them are closed."""
    if not len(left):
        return []
    ends = np.zeros(width + 2, np.int64)
    np.add.at(ends, np.floor(left).astype(np.int64), 1)
    np.add.at(ends, np.minimum(np.ceil(right + NARROW_PX).astype(np.int64), width + 1), -1)
    covered = np.cumsum(ends)[: width + 1] > 0
    steps = np.flatnonzero(np.diff(np.concatenate(([False], covered, [False])).astype(np.int8)))
    return [(int(a), int(max(b - NARROW_PX, a + 1))) for a, b in zip(steps[::2], steps[1::2], strict=True)]
