# SPDX-License-Identifier: Apache-2.0
"""The host time of a sample, with its bound, from the sample count of the device and the arrival times at the host.

The device's clock is a straight line of host time against sample index, over a minute to well below a
microsecond. Two kinds of constraints are known. A sample cannot arrive before it was taken, so the line lies
below every arrival. And a two-way mark (a ping, an edge on a wire) bounds the time of one index by two host
times. All lines that satisfy them form a corridor; the middle of it is the estimate, and half its height
at the newest sample is the bound: no assumption about the distribution of delays enters.

Where a source has no marks, or none for a while, the only bound from below is the greatest delay that the
source states for the earliest arrival of a second. An edge on a wire is the narrowest mark: the host knows to
microseconds when it switched the wire, and the device between which two samples it saw it.

The time of a sample never changes once it is given: the map is piecewise linear, its slope follows the estimate
slowly, and the remaining difference is part of the bound.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.samples import TimeMark

BIN_NS = 1_000_000_000
BINS = 60
MARKS = 128
SLEW = 500e-6
"""How fast the map may bend towards the estimate: half a millisecond a second."""
CRYSTAL = 300e-6
"""A rate further off than this is not a crystal's error but lost samples or a reset."""
SLOPES = 61
"""Slopes tried at once; three rounds of zooming in resolve them to 20 ppb."""
ZOOMS = 3
FRESH_NS = 5_000_000_000
"""How long a mark bounds the line: after this a crystal may have drifted by a millisecond."""
LEAST_MARKS = 2
"""A single mark, such as that of the start of a stream, does not bound the rate."""
RESTLESS = 64
"""Anchors over which it is looked how far the clock of a link moves from one to the next."""
FRESH_EDGE_NS = 30_000_000_000
OLDEST_NS = 90_000_000_000
"""Older marks are dropped: over more than a minute or two a crystal is not linear to microseconds."""


class ClockMethod(str, Enum):
    """What the bound of a clock rests on, the narrowest that is fresh."""

    ARRIVAL = "arrival"
    """The greatest delay that the source states for the earliest arrival of a second."""
    TWO_WAY = "two-way"
    """A question and its answer on the same line."""
    LINE = "line"
    """Edges on a wire between the board and the instrument."""
    POLLED = "polled"
    """No fit: the source asked the instrument and stamped the answer itself."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """The fit as it stands."""

    rate_hz: float
    """Samples a second of host time."""
    bound_ns: int
    """The time given to a sample is within this of the truth."""
    method: ClockMethod = ClockMethod.ARRIVAL
    contradicted: bool = False
    """No clock within CRYSTAL of its nominal rate fits what is known, so the bound is only that of the worst misfit."""


@dataclass(frozen=True, slots=True)
class Delay:
    """How much later than the board's work a source shows it, found from a load-step sequence."""

    delay_ns: int
    bound_ns: int
    """The delay is within this of the truth."""
    correlation: float
    """Of the power with the sequence, -1 to 1."""


@dataclass(frozen=True, slots=True)
class MappedEdge:
    """How an edge that another machine has stamped came to its host time: by the clock of a link.

    All edges of one link are off host time by nearly the same, which no fit to them alone can see.
    """

    board_ns: int
    """When it was, by the clock of the machine that stamped it."""
    host_ns: int
    """The same as the link's clock had it then."""
    rate: float
    """Host time over board time, as the link's clock had it then."""
    bound_ns: int
    """Its host time is within this of the truth."""
    link: int = 0
    """Edges of different links do not lie on one line."""

    def tangent_ns(self, board_ns: int) -> int:
        """What the link's clock as it was then makes of another time of the board."""
        return self.host_ns + round((board_ns - self.board_ns) * self.rate)

    def tangent_board_ns(self, host_ns: int) -> int:
        """The time of the board that this makes into a host time."""
        return self.board_ns + round((host_ns - self.host_ns) / self.rate)


@dataclass(frozen=True, slots=True)
class _Line:
    """Host time against index, relative to the origin."""

    period_ns: float
    height_ns: float
    bound_ns: float
    misfit_ns: float = 0.0
    """By how much the constraints contradict each other."""
    reach: float = math.inf
    """The bound holds up to this index, relative to the origin."""


class SampleClock:
    """Gives the samples of one source their host times. ``index`` is the source's own count throughout."""

    def __init__(
        self, rate_hz: float, transport_bound_ns: int, after_ns: int | None = None, drift_per_s: float = 0.0
    ) -> None:
        """A clock that nothing is known of yet.

        Args:
            rate_hz: nominal, in samples a second.
            transport_bound_ns: the greatest delay of the earliest arrival of a second.
            after_ns: no sample is given a time before this.
            drift_per_s: how fast the rate may change, as a fraction of it in a second. What is known from earlier is
                widened accordingly; with 0 the two clocks count as straight against each other for a minute.
        """
        self._nominal_ns = 1e9 / rate_hz
        self._drift_per_s = drift_per_s
        self._after_ns = after_ns
        self._transport_bound_ns = transport_bound_ns
        self._arrivals: deque[tuple[int, float, float]] = deque(maxlen=BINS)
        """(second, index, lateness) of the earliest arrival of each second, relative to the origin."""
        self._marks: deque[tuple[float, float, float]] = deque(maxlen=MARKS)
        """(index, earliest, latest), as lateness relative to the origin."""
        self._edges: deque[tuple[float, float, float]] = deque(maxlen=MARKS)
        """As _marks, of edges on a wire; apart, so that frequent marks do not push them out."""
        self._mapped: deque[tuple[MappedEdge, tuple[float, float, float]]] = deque(maxlen=MARKS)
        """Where another machine has stamped the edges: how, and what _edges was for each when it came."""
        self._anchor: MappedEdge | None = None
        """The newest that is known of the link's clock."""
        self._steps_ns: deque[int] = deque(maxlen=RESTLESS)
        """How far the link's clock moved from one anchor to the next."""
        self._mark_ns = self._edge_ns = self._heard_ns = -(2**62)
        """Host time of the newest mark, of the newest edge, and of anything."""
        self._origin: tuple[float, int] = (0.0, 0)
        """All sums are about this point, the first that is known, so that doubles keep nanoseconds over months."""
        self._knot: tuple[float, float] | None = None
        """(index, host_ns relative to the origin) up to which times are final."""
        self._first: int | None = None
        """The first index that was given a time."""
        self._end: int | None = None
        """One more than the last index that was."""
        self._line: _Line | None = None
        """The estimate, or None when something has changed since."""

    def add_mark(self, mark: TimeMark) -> None:
        """A two-way mark."""
        self._marks.append(self._limits(mark.index, mark.earliest_ns, mark.latest_ns))
        self._mark_ns = max(self._mark_ns, mark.latest_ns)
        self._line = None

    def add_edge(self, index: int, earliest_ns: int, latest_ns: int, mapped: MappedEdge | None = None) -> None:
        """A wire was switched between two host times; ``index`` is the first sample that saw it switched.

        With ``mapped`` the times given from now on are those of the link's clock, like those of everything that happens
        on the board: what the link is off cancels, and is not in the bound.
        """
        # The sample before did not see it yet, so it was taken before the latest time, and this one a period later.
        limits = self._limits(index, earliest_ns, latest_ns + math.ceil(self._nominal_ns))
        self._edges.append(limits)
        if mapped is not None:
            if self._mapped and self._mapped[-1][0].link != mapped.link:
                self._mapped.clear()
            self._mapped.append((mapped, limits))
            self.follow(mapped)
        self._edge_ns = max(self._edge_ns, latest_ns)
        self._line = None

    def follow(self, anchor: MappedEdge) -> None:
        """Put all edges where the link's clock has them now, so that they lie on one line; several times a second.

        ``anchor`` is any present time of the machine that stamped them.
        """
        if not self._mapped or self._mapped[-1][0].link != anchor.link:
            return
        if self._anchor is not None and self._anchor.link == anchor.link:
            self._steps_ns.append(abs(anchor.host_ns - self._anchor.tangent_ns(anchor.board_ns)))
        self._anchor, self._line = anchor, None
        self._edges.clear()
        for edge, (x, earliest, latest) in self._mapped:
            moved_ns = anchor.tangent_ns(edge.board_ns) - edge.host_ns
            self._edges.append((x, earliest + moved_ns, latest + moved_ns))

    def add_arrival(self, end_index: int, arrival_ns: int) -> None:
        """All samples before ``end_index`` had been taken by ``arrival_ns``."""
        x, late = self._relative(end_index, arrival_ns)
        self._heard_ns = max(self._heard_ns, arrival_ns)
        # Counted from the origin: a shortened first second might have no early arrival.
        second = (arrival_ns - self._origin[1]) // BIN_NS
        if not self._arrivals or self._arrivals[-1][0] < second:
            self._arrivals.append((second, x, late))
            self._line = None
        elif late < self._arrivals[-1][2]:
            self._arrivals[-1] = (second, x, late)
            if not (self._marks or self._edges) or (self._line is not None and late < self._lateness_of(self._line, x)):
                self._line = None

    def times(self, first: int, n: int) -> tuple[int, int]:
        """Host times of the samples ``first`` and ``first + n - 1``, which are final. Call in order of index."""
        if self._first is None:
            self._first, self._line = first, None
        self._end = first + n
        if self._line is not None and self._end - self._origin[0] > self._line.reach:
            self._line = None
        line, start = self._current(), self._knot_at(first)
        step = n * line.period_ns
        target = self._at(line, first + n) - start
        bent = min(max(target, step * (1 - SLEW)), step * (1 + SLEW))
        self._knot = (first + n, start + bent)
        origin_ns = self._origin[1]
        return origin_ns + round(start), origin_ns + round(start + bent * (n - 1) / n)

    def time_of(self, index: int) -> int:
        """Host time of a sample by the present estimate; it is not final."""
        return self._origin[1] + round(self._at(self._current(), index))

    @property
    def state(self) -> ClockState:
        """Rate and bound at the newest sample."""
        line = self._current()
        # Against the present line: constraints since the last time was given may have moved it.
        owed_ns = 0.0 if self._knot is None else self._at(line, self._knot[0]) - self._knot[1]
        contradicted = line.misfit_ns > self._transport_bound_ns
        bound_ns = math.ceil(line.bound_ns + abs(owed_ns) + self._restless_ns)
        return ClockState(1e9 / line.period_ns, bound_ns, self._method, contradicted)

    @property
    def _method(self) -> ClockMethod:
        if len(self._edges) >= LEAST_MARKS and self._heard_ns - self._edge_ns < FRESH_EDGE_NS:
            return ClockMethod.LINE
        marked = len(self._marks) >= LEAST_MARKS and self._heard_ns - self._mark_ns < FRESH_NS
        return ClockMethod.TWO_WAY if marked else ClockMethod.ARRIVAL

    @property
    def _restless_ns(self) -> int:
        """How far the link's clock may move until it is looked at again: as far as it did lately."""
        return max(self._steps_ns, default=0)

    @property
    def _apart_ns(self) -> float:
        """How far host times may be from those that edges were given by the clock of a link."""
        if self._anchor is None:
            return 0.0
        moved = [(edge, self._anchor.tangent_ns(edge.board_ns) - edge.host_ns) for edge, _ in self._mapped]
        return max((edge.bound_ns + abs(moved_ns) for edge, moved_ns in moved), default=0.0)

    def _is_old(self, mark: tuple[float, float, float]) -> bool:
        x, _, latest = mark
        return self._heard_ns - self._origin[1] - x * self._nominal_ns - latest > OLDEST_NS

    def _limits(self, index: float, earliest_ns: int, latest_ns: int) -> tuple[float, float, float]:
        x, latest = self._relative(index, latest_ns)
        return x, latest - (latest_ns - earliest_ns), latest

    def _relative(self, index: float, host_ns: int) -> tuple[float, float]:
        """Index and lateness against the nominal rate, both relative to the origin."""
        if not (self._arrivals or self._marks or self._edges):
            self._origin = (index, host_ns)
        x = index - self._origin[0]
        return x, (host_ns - self._origin[1]) - x * self._nominal_ns

    def _lateness_of(self, line: _Line, x: float) -> float:
        return line.height_ns + x * (line.period_ns - self._nominal_ns)

    def _at(self, line: _Line, index: float) -> float:
        return line.height_ns + (index - self._origin[0]) * line.period_ns

    def _knot_at(self, first: int) -> float:
        """Host time at which the map continues; across a gap it follows the estimate."""
        line = self._current()
        if self._knot is None:
            at = self._at(line, first)
            return at if self._after_ns is None else max(at, float(self._after_ns - self._origin[1]))
        index, host_ns = self._knot
        if first == index:
            return host_ns
        return max(self._at(line, first), host_ns + (first - index) * line.period_ns * (1 - SLEW))

    def _current(self) -> _Line:
        if self._line is None:
            self._line = self._estimate()
        return self._line

    def _estimate(self) -> _Line:
        above, below = self._drifted(*self._constraints())
        if len(above) == 0:
            return _Line(self._nominal_ns, 0.0, float(self._transport_bound_ns))
        # The estimate is used until the next constraint, so its bound must hold for the next second too.
        ahead = float(max(above[:, 0].max(), below[:, 0].max())) + BIN_NS / self._nominal_ns
        if self._end is not None:
            ahead = max(ahead, self._end - self._origin[0])
        # Its bound must also hold for the samples that were held back.
        waiting = self._knot[0] if self._knot else self._first
        behind = ahead if waiting is None else waiting - self._origin[0]
        span = (min(behind, ahead), ahead)
        slope, height, bound, misfit = _corridor(above, below, span, CRYSTAL * self._nominal_ns)
        # Half a period more: it is not known whether a sample stands for the beginning or the end of its period.
        return _Line(self._nominal_ns + slope, height, bound + self._nominal_ns / 2, misfit, ahead)

    def _drifted(
        self, above: NDArray[np.float64], below: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The constraints on the tangent at the newest, which the curve leaves by half the drift times t squared."""
        if self._drift_per_s and len(above):
            newest = max(above[:, 0].max(), below[:, 0].max(initial=-math.inf))
            for points, sign in ((above, 1), (below, -1)):
                age_s = (newest - points[:, 0]) * self._nominal_ns / 1e9
                points[:, 1] += sign * 1e9 * self._drift_per_s / 2 * age_s**2
        return above, below

    def _constraints(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points (x, lateness) that the line must lie below, and points it must lie above."""
        edges = [edge for edge in self._edges if not self._is_old(edge)]
        apart_ns = self._apart_ns if edges else 0.0
        arrivals = [(x, late + apart_ns) for _, x, late in self._arrivals]
        fresh = [mark for mark in self._marks if not self._is_old(mark)]
        marks = [(x, earliest - apart_ns, latest + apart_ns) for x, earliest, latest in fresh] + edges
        above = arrivals + [(x, latest) for x, _, latest in marks]
        below = [(x, earliest) for x, earliest, _ in marks]
        if self._method is ClockMethod.ARRIVAL:
            # The current second may not have had its earliest arrival yet.
            settled = arrivals[:-1] or arrivals
            below += [(x, late - 2 * apart_ns - self._transport_bound_ns) for x, late in settled]
        return np.array(above, np.float64).reshape(-1, 2), np.array(below, np.float64).reshape(-1, 2)


def rising(
    times_ns: NDArray[np.int64], last_ns: int | None, least_ns: NDArray[np.int64] | int = 0
) -> NDArray[np.int64]:
    """The times, moved on where they do not follow the last one, or each other, by the steps of ``least_ns``."""
    steps = least_ns + np.arange(len(times_ns))
    level = times_ns - steps
    if last_ns is not None and len(level):
        level[0] = max(int(level[0]), last_ns + 1)
    moved: NDArray[np.int64] = np.maximum.accumulate(level) + steps
    return moved


def _corridor(
    above: NDArray[np.float64], below: NDArray[np.float64], span: tuple[float, float], steepest: float
) -> tuple[float, float, float, float]:
    """Slope and height of the middle of all lines below ``above`` and above ``below``, and its bound over ``span``.

    The last number is by how much the constraints contradict each other: 0 where a line satisfies all of them.

    For a slope b the heights allowed run from the highest y - b x of the points below to the lowest of those
    above; the middle is where that range is widest, and the bound how far any allowed line is from it, which is
    furthest at one end of the span.
    Where no line is allowed, the one that violates the constraints least is taken, with the violation as its bound.
    """
    low, high = -steepest, steepest
    for zoom in range(ZOOMS):
        slopes = np.linspace(low, high, SLOPES)
        ceilings = (above[:, 1, None] - above[:, 0, None] * slopes).min(axis=0)
        floors = (below[:, 1, None] - below[:, 0, None] * slopes).max(axis=0)
        room = ceilings - floors
        best = int(np.argmax(room))
        if zoom == ZOOMS - 1:
            break
        allowed = np.flatnonzero(room >= 0)
        first, last = (allowed[0], allowed[-1]) if len(allowed) else (best, best)
        low, high = slopes[max(first - 1, 0)], slopes[min(last + 1, SLOPES - 1)]
    slope, height = float(slopes[best]), float((ceilings[best] + floors[best]) / 2)
    allowed = np.flatnonzero(room >= 0)
    if len(allowed) == 0:
        return slope, height, float(-room[best]), float(-room[best])
    ends = np.array(span)[:, None]
    highest = (ceilings[allowed] + slopes[allowed] * ends).max(axis=1)
    lowest = (floors[allowed] + slopes[allowed] * ends).min(axis=1)
    middle = height + slope * ends[:, 0]
    return slope, height, float(np.maximum(highest - middle, middle - lowest).max()), 0.0
