# SPDX-License-Identifier: Apache-2.0
"""Running top-1: the fraction of correct answers of each run so far, with its 95 % Wilson interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.intervals import wilson_bounds
from monitor_app.core.runs import Phase
from monitor_app.gui.plot.items import Curve, Dots
from monitor_app.gui.plot.pane import Pane
from monitor_app.gui.session.batch_log import PHASES
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.batch_log import BatchLog
    from monitor_app.gui.theme import Theme

ACCURACY = PHASES.index(Phase.ACCURACY)
Y_RANGE = (0.0, 108.0)
POINTS_IN_VIEW = 600
DOTS_IN_VIEW = 200


class AccuracyPane(Pane):
    """Running top-1 of each run, joined by a line, with a vertical line for each interval."""

    def __init__(self) -> None:
        super().__init__()
        self.fits_itself = False
        self._intervals, self._line = Curve(), Curve()
        self._dots = Dots(4)
        self._version = -1
        self._points = running_top1(np.zeros(0, [("run", "i8"), ("images", "i8"), ("top1", "i8"), ("end_s", "f8")]))
        self._drawn: tuple[int, TimeWindow] | None = None
        self._set_range(Y_RANGE)

    @property
    def items(self) -> tuple[Curve | Dots, ...]:
        return self._intervals, self._line, self._dots

    def set_theme(self, theme: Theme) -> None:
        self._intervals.set_colour(mixed(theme.accuracy, theme.ground, 0.5))
        self._line.set_colour(theme.accuracy)
        self._dots.set_colour(theme.accuracy)
        self.set_label(theme, "top-1 (%)")

    def fit_y(self) -> None:
        self._set_range(Y_RANGE)

    def clear(self) -> None:
        self._version, self._drawn = -1, None
        for item in (self._intervals, self._line, self._dots):
            item.clear()
        self.fit_y()

    def refresh(self, batches: BatchLog, view: TimeWindow) -> bool:
        """Update the points when there are new ones or when the view has moved; whether it did."""
        if self._version != batches.version:
            rows = batches.rows
            self._points = running_top1(rows[(rows["phase"] == ACCURACY) & (rows["top1"] >= 0)])
            self._version, self._drawn = batches.version, None
        if self._drawn is not None and _near(self._drawn[1], view):
            return False
        self._drawn = (self._version, view)
        p = self._points
        first, last = np.searchsorted(p["x"], (view.start_s - view.width_s, view.end_s + view.width_s))
        # A running fraction loses nothing when it is shown at every k-th image only.
        stride = max((last - first) // (3 * POINTS_IN_VIEW), 1)
        p = p[first:last:stride]
        self._line.set_data(p["x"], p["percent"], np.append(np.diff(p["run"]) == 0, False))
        ends = np.stack((p["low"], p["high"]), axis=1).ravel()
        self._intervals.set_data(np.repeat(p["x"], 2), ends, "pairs")
        dots = p if len(p) <= 3 * DOTS_IN_VIEW else p[:0]
        self._dots.set_data(dots["x"], dots["percent"])
        return True


def running_top1(tested: NDArray[np.void]) -> NDArray[np.void]:
    """Correct answers up to each batch of its run, in percent, with their interval; ``tested`` is ordered by time."""
    points = np.zeros(len(tested), [("x", "f8"), ("percent", "f8"), ("low", "f8"), ("high", "f8"), ("run", "i8")])
    if len(tested) == 0:
        return points
    run = tested["run"]
    begins = np.flatnonzero(np.diff(run, prepend=run[0] - 1))
    lengths = np.diff(np.append(begins, len(run)))
    hits, n = np.cumsum(tested["top1"]), np.cumsum(tested["images"])
    before = np.repeat(begins, lengths)
    hits = hits - (hits[before] - tested["top1"][before])
    n = n - (n[before] - tested["images"][before])
    low, high = wilson_bounds(hits / n, n)
    points["x"], points["run"] = tested["end_s"], run
    points["percent"], points["low"], points["high"] = 100 * hits / n, 100 * low, 100 * high
    return points


def _near(drawn: TimeWindow, view: TimeWindow) -> bool:
    return drawn.width_s == view.width_s and abs(drawn.start_s - view.start_s) < view.width_s
