# SPDX-License-Identifier: Apache-2.0
"""When lines of text were written, in host time: from the instrument's own stamps, or from when they arrived.

A stamp's host time lies on a line under all arrivals, for no line arrives before it is written. Its slope is free
within a percent: many small boards keep time with a ceramic resonator, which no assumption about crystals fits.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import rising
from monitor_app.core.samples import SampleBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FIT_NS = 500_000
"""What jitter of the arrivals may leave in the fit."""
BIN_NS = 500_000_000
BINS = 60
STEEPEST = 0.01
SLOPES, ZOOMS = 41, 4
SLOPE_COST_NS = 1e8
"""A change of the slope must gain this much per unit in the middle of the arrivals, so that noise does not move it."""
EARLY_NS = 50_000_000
"""A stamp that lies further ahead of its arrival than this is not one."""
FIRST_EARLY_NS = 300_000_000
"""The same at first: the only arrival that is known yet may have been seen late, on a machine that is busy."""
RESET_S = 0.4
"""An instrument whose stamps are impossible for this long was reset; less than the first listening time."""
WRAP = 2.0**32
"""Where counters of small boards wrap around."""
_FAR_NS = 4e18


class ArrivalTimes:
    """Host times of lines that carry none."""

    def __init__(self, lead_ns: int) -> None:
        self._lead_ns = lead_ns
        self._last_ns: int | None = None

    def times(self, places: NDArray[np.int64], lines: int, since_ns: int, arrival_ns: int) -> NDArray[np.int64]:
        """Of those of ``lines`` lines that are at ``places`` (from 0, rising) in what came between two reads.

        They are laid evenly over that time, the last at its end: with lines at a regular interval none is further
        off than one and a half intervals, however late the read was.
        """
        even = since_ns + (arrival_ns - since_ns) * (places + 1) // lines - self._lead_ns
        times_ns = rising(even, self._last_ns)
        self._last_ns = int(times_ns[-1]) if len(times_ns) else self._last_ns
        return times_ns


class StampTimes:
    """Host times of lines that carry the instrument's own time.

    Args:
        unit_ns: Nanoseconds per unit of the stamps.
        lead_ns: How long before its arrival a line is written, when it arrives soonest.
    """

    def __init__(self, unit_ns: float, lead_ns: int) -> None:
        self._unit_ns = unit_ns
        self._lead_ns = lead_ns
        self._origin: tuple[int, int] | None = None
        """(stamp, host time) about which all sums are."""
        self._bins: deque[tuple[int, float, float]] = deque(maxlen=BINS)
        """(bin, time since the origin, lateness) of the line that came soonest, for each bin of host time."""
        self._line: tuple[float, float] | None = None
        """(slope, height) of lateness; None when something has changed since."""
        self._newest: int | None = None
        """The last stamp that was accepted, in ns."""
        self._wrapped = 0
        self.refused = 0
        """Lines since the last one that had a possible time."""
        self._last: tuple[int, int] | None = None
        """The last stamp that was given a time, and its time."""

    def accept(self, stamps: NDArray[np.float64], arrival_ns: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The stamps of one read in ns, without wraps, and which of the lines have a possible one.

        A possible stamp does not go back, and does not lie ahead of its arrival.
        """
        ns = stamps * self._unit_ns
        near = np.abs(ns) < _FAR_NS
        whole = np.round(np.where(near, ns, 0.0)).astype(np.int64) + self._wrapped
        kept = near if self._is_rising(whole) and near.all() else self._kept_one_by_one(whole, near, arrival_ns)
        kept &= whole <= self._latest(arrival_ns)
        accepted = whole[kept]
        self.refused = len(kept) - 1 - int(np.flatnonzero(kept)[-1]) if len(accepted) else self.refused + len(kept)
        if len(accepted):
            self._newest = int(accepted[-1])
            self._learn(self._newest, arrival_ns)
        return accepted, kept

    def was_reset(self, rate_hz: float) -> bool:
        """It has refused lines for too long, as they come at ``rate_hz``."""
        return self.refused > max(RESET_S * rate_hz, 3)

    def place(self, stamps_ns: NDArray[np.int64], arrival_ns: int) -> NDArray[np.int64]:
        """Host times of accepted stamps, given for good and strictly rising.

        Where a line that came sooner shows those before to have been too late, time advances at half its rate.
        """
        if self._origin is None or not len(stamps_ns):
            return np.empty(0, np.int64)
        slope, height = self._fit()
        since = stamps_ns - self._origin[0]
        late = np.round(height + slope * since).astype(np.int64)
        soonest = np.minimum(self._origin[1] + since + late, arrival_ns) - self._lead_ns
        last_stamp_ns, last_ns = self._last or (int(stamps_ns[0]), None)
        times_ns = rising(soonest, last_ns, (stamps_ns - last_stamp_ns) // 2)
        self._last = (int(stamps_ns[-1]), int(times_ns[-1]))
        return times_ns

    def _is_rising(self, whole: NDArray[np.int64]) -> bool:
        follows = self._newest is None or not len(whole) or whole[0] >= self._newest
        return bool(follows and (np.diff(whole) >= 0).all())

    def _kept_one_by_one(self, whole: NDArray[np.int64], near: NDArray[np.bool_], arrival_ns: int) -> NDArray[np.bool_]:
        """Which of them follow each other; a counter that wraps around is continued, in place."""
        kept = np.zeros(len(whole), np.bool_)
        wrap_ns = round(WRAP * self._unit_ns)
        newest, latest, more = self._newest, self._latest(arrival_ns), 0
        for k in np.flatnonzero(near).tolist():
            stamp = int(whole[k]) + more
            if newest is not None and stamp < newest < self._wrapped + wrap_ns and stamp + wrap_ns <= latest:
                stamp += wrap_ns
                more += wrap_ns
                self._wrapped += wrap_ns
            whole[k] = stamp
            kept[k] = (newest is None or stamp >= newest) and stamp <= latest
            newest = stamp if kept[k] else newest
        return kept

    def _latest(self, arrival_ns: int) -> int:
        """The latest stamp that a line arriving now can have."""
        if self._origin is None:
            return np.iinfo(np.int64).max
        slope, height = self._fit()
        since_ns = arrival_ns - self._origin[1] - height
        early_ns = EARLY_NS if len(self._bins) > 1 else FIRST_EARLY_NS
        return self._origin[0] + round(since_ns / (1 + slope)) + early_ns

    def _learn(self, stamp_ns: int, arrival_ns: int) -> None:
        if self._origin is None:
            self._origin = (stamp_ns, arrival_ns)
        since = float(stamp_ns - self._origin[0])
        late = (arrival_ns - self._origin[1]) - since
        number = (arrival_ns - self._origin[1]) // BIN_NS
        if not self._bins or self._bins[-1][0] < number:
            self._bins.append((number, since, late))
            self._line = None
        elif late < self._bins[-1][2]:
            self._bins[-1] = (number, since, late)
            self._line = None

    def _fit(self) -> tuple[float, float]:
        if self._line is None:
            points = np.array([point[1:] for point in self._bins], np.float64)
            self._line = _line_below(points[:, 0], points[:, 1])
        return self._line


def blocks(
    index: NDArray[np.int64],
    codes: Sequence[NDArray[np.generic]],
    times_ns: NDArray[np.int64],
    arrival_ns: int,
    expected: int | None,
) -> list[SampleBlock]:
    """Lines as blocks of those that follow each other; ``expected`` is the index after the last line before."""
    if not len(index):
        return []
    made = []
    starts = [0, *(np.flatnonzero(np.diff(index) != 1) + 1).tolist()]
    for start, end in zip(starts, [*starts[1:], len(index)], strict=True):
        first = int(index[start])
        made.append(
            SampleBlock(
                first_index=first,
                codes=tuple(np.ascontiguousarray(code[start:end]) for code in codes),
                arrival_ns=arrival_ns,
                lost_before=0 if expected is None else first - expected,
                times_ns=times_ns[start:end],
            )
        )
        expected = first + end - start
    return made


def _line_below(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and height of the line that lies below all points and is highest in their middle."""
    middle = float(x.mean())
    low, high = -STEEPEST, STEEPEST
    for _ in range(ZOOMS):
        slopes = np.linspace(low, high, SLOPES)
        heights = (y[:, None] - (x - middle)[:, None] * slopes).min(axis=0)
        best = int(np.argmax(heights - SLOPE_COST_NS * np.abs(slopes)))
        low, high = slopes[max(best - 1, 0)], slopes[min(best + 1, SLOPES - 1)]
    slope = float(slopes[best])
    return slope, float(heights[best]) - slope * middle
