# SPDX-License-Identifier: Apache-2.0
"""Sample indices in the file, host times and gaps of what one source delivers.

Indices count from 0 and continue through losses and reconnections: a gap has as many samples as the missed time
would have had, so that index and time stay together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import ClockMethod, ClockState, SampleClock, rising
from monitor_app.core.errors import SourceLostError
from monitor_app.core.samples import LineChanges, SampleBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from monitor_app.bench.acquisition.sync_line import EdgeLog
    from monitor_app.core.clock import MappedEdge
    from monitor_app.core.samples import SourceInfo, TimeMark

LEARNING_NS = 450_000_000
"""How long the first samples of a connection wait for their times: with the first marks and some early arrivals the
clock is known ten times better than with one, and a time once given is final."""
ANCHOR_EVERY_NS = 200_000_000
EDGE_TOLERANCE_NS = 2_000_000
"""An edge that the meter saw is matched with a sent one no further away than the clock bound plus this."""


DISCONNECTED = "disconnected"
LOST, READ_TOO_LATE = "lost on the way", "read too late"
"""Reason of a gap between two connections, or after the last one."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that never arrived."""

    first: int
    n: int
    start_ns: int
    end_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A block as it goes to the file."""

    first: int
    codes: tuple[NDArray[np.generic], ...]
    times_ns: NDArray[np.int64]
    """Of the first and the last sample where they are evenly spaced, else of every sample."""
    even: bool
    changes: LineChanges
    gap: Gap | None
    """The samples that are missing before it."""
    implausible: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Indices of samples that a flipped bit explains best."""

    def __len__(self) -> int:
        return len(self.codes[0])

    def sample_times_ns(self) -> NDArray[np.int64]:
        """Host time of every sample."""
        if not self.even:
            return self.times_ns
        first, last = self.times_ns.tolist()
        steps = np.arange(len(self)) * ((last - first) / max(len(self) - 1, 1))
        times_ns: NDArray[np.int64] = first + np.round(steps).astype(np.int64)
        return times_ns


class Timeline:
    """One source's indices and times over all its connections. Used from the thread that reads it."""

    def __init__(self, edges: EdgeLog | None = None) -> None:
        self._edges = edges
        self._end: tuple[int, int] | None = None
        """Index and host time at which the samples in the file end."""
        self._end_rate_hz = 0.0
        """The rate when the newest sample was placed."""
        self._given_ns: int | None = None
        """Time of the newest sample in the file: times of later samples must be greater."""

    def connect(self, info: SourceInfo, sync_line: str | None = None) -> None:
        """A connection begins: the count of its device may start again, and its clock must be fitted."""
        self._info = info
        after_ns = None if self._given_ns is None else self._given_ns + 1
        self._clock = SampleClock(info.rate_hz, info.transport_bound_ns, after_ns)
        self._sync = info.lines.index(sync_line) if sync_line in info.lines else None
        self._base: int | None = None
        self._expected: int | None = None
        """The device's own count after the newest block."""
        self._anchor: Callable[[int], MappedEdge] | None = None
        self._anchor_due_ns = 0
        self._held: list[SampleBlock] = []
        self._learned_ns: int | None = None
        """Host time until which blocks are held."""
        self._polls: tuple[int, int, int, int] | None = None
        """Index and time of the first and of the last sample of a source that gives times itself."""
        self._times_bound_ns = 0
        """How far its newest times may be off besides its own bound."""

    def add_mark(self, mark: TimeMark) -> None:
        """A two-way mark of the source's clock."""
        self._clock.add_mark(mark)

    def add(self, block: SampleBlock) -> list[Placed]:
        """The block, and those before it that were held, with their final indices and times.

        Samples that are not finite are left out, as lost. Raises SourceLostError where the device counts backwards.
        """
        if self._expected is not None and block.first_index < self._expected:
            raise SourceLostError(f"{self._info.name} restarted its sample count: it was reset.")
        self._expected = block.first_index + len(block)
        parts = list(_finite_parts(block))
        if block.times_ns is not None:
            return [self._place(part) for part in parts]
        self._clock.add_arrival(self._expected, block.arrival_ns)
        self._follow_board(block.arrival_ns)
        if self._sync is not None and len(block.changes.index):
            self._find_edges(block, self._sync)
        self._held += parts
        if self._learned_ns is None:
            self._learned_ns = block.arrival_ns + LEARNING_NS
        return self.due(block.arrival_ns)

    def due(self, now_ns: int) -> list[Placed]:
        """The held blocks, once they have waited long enough."""
        return self.release() if self._learned_ns is not None and now_ns >= self._learned_ns else []

    def release(self) -> list[Placed]:
        """All held blocks, with the clock as it is known: the connection ends."""
        held, self._held = self._held, []
        return [self._place(block) for block in held]

    def _place(self, block: SampleBlock) -> Placed:
        if block.times_ns is None:
            times_ns = np.array(self._clock.times(block.first_index, len(block)), np.int64)
        else:
            # The clock of a source that stamps its own samples may have been set back.
            times_ns = rising(block.times_ns, self._given_ns)
        start_ns, last_ns = int(times_ns[0]), int(times_ns[-1])
        if self._base is None:
            index, gap = self._resume_at(start_ns)
            self._base = block.first_index - index
        else:
            gap = self._lost_before(block.first_index - self._base, start_ns)
        first = block.first_index - self._base
        if block.times_ns is not None:
            at = self._polls[:2] if self._polls else (first, start_ns)
            self._polls = (*at, first + len(block) - 1, last_ns)
            self._times_bound_ns = block.times_bound_ns
        self._end_rate_hz = self.state.rate_hz
        self._end = (first + len(block), last_ns + round(1e9 / self._end_rate_hz))
        self._given_ns = last_ns
        changes = LineChanges(block.changes.index - self._base, block.changes.line, block.changes.level)
        implausible = block.implausible - self._base
        return Placed(first, block.codes, times_ns, block.times_ns is None, changes, gap, implausible)

    @property
    def state(self) -> ClockState:
        """Rate and bound at the newest sample."""
        if self._polls is None:
            return self._clock.state
        first, start_ns, last, last_ns = self._polls
        rate_hz = (last - first) * 1e9 / (last_ns - start_ns) if last_ns > start_ns else self._info.rate_hz
        bound_ns = self._info.transport_bound_ns + self._times_bound_ns
        return ClockState(rate_hz, bound_ns, ClockMethod.POLLED)

    @property
    def started(self) -> bool:
        """A block of this connection has been placed."""
        return self._base is not None

    def missing_until(self, now_ns: int) -> Gap | None:
        """The samples that have not come since the newest one, by the rate it had; None where that is not a period."""
        if self._end is None:
            return None
        index, end_ns = self._end
        n = round((now_ns - end_ns) * 1e-9 * self._end_rate_hz)
        return Gap(index, n, end_ns, now_ns, DISCONNECTED) if n > 0 else None

    def _lost_before(self, first: int, start_ns: int) -> Gap | None:
        """The samples that the device counted since the last block and did not send."""
        if self._end is None or first == self._end[0]:
            return None
        index, end_ns = self._end
        return Gap(index, first - index, min(end_ns, start_ns), start_ns, LOST)

    def _resume_at(self, start_ns: int) -> tuple[int, Gap | None]:
        """Index of the first sample of a connection: 0, or the last index plus the samples of the time since."""
        if self._end is None:
            return 0, None
        index, end_ns = self._end
        missed = max(round((start_ns - end_ns) * 1e-9 * self.state.rate_hz), 0)
        gap = Gap(index, missed, end_ns, start_ns, DISCONNECTED) if missed else None
        return index + missed, gap

    def _follow_board(self, now_ns: int) -> None:
        """Where a board elsewhere switches the sync line, its edges are where the link's clock has them now."""
        if self._anchor is not None and now_ns >= self._anchor_due_ns:
            self._anchor_due_ns = now_ns + ANCHOR_EVERY_NS
            self._clock.follow(self._anchor(now_ns))

    def _find_edges(self, block: SampleBlock, line: int) -> None:
        """Tie the clock to the edges on the sync line that this block saw, before its samples are given their times."""
        if self._edges is None:
            return
        tolerance_ns = self._clock.state.bound_ns + EDGE_TOLERANCE_NS
        ours = block.changes.line == line
        for index, level in zip(block.changes.index[ours].tolist(), block.changes.level[ours].tolist(), strict=True):
            sent = self._edges.nearest(self._clock.time_of(index), bool(level), tolerance_ns)
            if sent is not None:
                self._anchor = sent.anchor
                self._clock.add_edge(index, sent.earliest_ns, sent.latest_ns, sent.mapped)


def _finite_parts(block: SampleBlock) -> Iterator[SampleBlock]:
    """The block without the samples of which a value is not finite, in consecutive parts."""
    floats = [codes for codes in block.codes if codes.dtype.kind == "f"]
    finite = np.logical_and.reduce([np.isfinite(codes) for codes in floats]) if floats else np.True_
    if np.all(finite):
        yield block
        return
    edges = np.flatnonzero(np.diff(finite, prepend=False, append=False)).tolist()
    changes, implausible = block.changes, block.implausible
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield replace(
            block,
            first_index=block.first_index + start,
            codes=tuple(codes[start:end] for codes in block.codes),
            changes=changes,
            implausible=implausible,
            times_ns=None if block.times_ns is None else block.times_ns[start:end],
        )
        changes, implausible = LineChanges(), implausible[:0]
