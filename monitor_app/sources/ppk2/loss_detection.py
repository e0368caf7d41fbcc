# SPDX-License-Identifier: Apache-2.0
"""Losses that a counter of six bits does not show, found by the clock.

The instrument takes samples at a rate known to a few parts in ten thousand. Samples that are late come all the
same, later; samples that are lost never do, and from then on every one seems to be late by as much. So what counts
is how late the earliest read of a second is, and only when it stays late for PERSIST_BINS seconds in a row: a stall
of this program, of the system or of the bus ends with a burst and is not counted. A transport that becomes
permanently slower by LEAST_NS would be counted: a network may do that, a cable does not.

Found is a loss of LEAST_NS, or of LEAST_BROKEN_NS where the counter shows that something is gone, PERSIST_BINS to
PERSIST_BINS + 1 seconds after it happened; until then the samples that followed it have been given times that are
too early by it. Its size is right to the nearest multiple of 64, or the one beside it if the transport became slower
in the same second. Not found is a multiple of 64 that is smaller: 64 samples are 0.64 ms, too little to
distinguish a loss from a delay.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from monitor_app.sources.ppk2.decoder import COUNTS

BIN_NS = 1_000_000_000
PERSIST_BINS = 3
LEAST_NS = 10_000_000
LEAST_BROKEN_NS = 2_000_000


class LossWatch:
    """Follows the arrivals of one stream."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = 1e9 / rate_hz
        self._origin: tuple[int, int] | None = None
        self._bins: deque[_Bin] = deque(maxlen=PERSIST_BINS + 2)

    def missing(self, end_index: int, arrival_ns: int, *, broken: bool = False) -> int:
        """Samples that must be added to the count from here on: 0 nearly always, else a multiple of 64.

        ``end_index`` is the index after the newest sample, with all that was added so far; ``broken`` says that
        the counter did not run on somewhere in this read.
        """
        if self._origin is None:
            self._origin = (end_index, arrival_ns)
        elapsed_ns = arrival_ns - self._origin[1]
        late_ns = elapsed_ns - (end_index - self._origin[0]) * self._period_ns
        second = elapsed_ns // BIN_NS
        if self._bins and self._bins[-1].second == second:
            last = self._bins[-1]
            self._bins[-1] = _Bin(second, min(late_ns, last.late_ns), broken or last.broken)
            return 0
        self._bins.append(_Bin(second, late_ns, broken))
        return self._deficit()

    def _deficit(self) -> int:
        """What has been missing in all of the last seconds and still is, against the one before them."""
        if len(self._bins) < PERSIST_BINS + 2:
            return 0
        before, *since = self._bins
        deficit_ns = min(each.late_ns for each in since) - before.late_ns
        # The second in which it happened has reads from before it too, but for when it began with it.
        least_ns = LEAST_BROKEN_NS if before.broken or since[0].broken else LEAST_NS
        if deficit_ns < least_ns:
            return 0
        count = COUNTS * round(deficit_ns / (COUNTS * self._period_ns))
        shift_ns = count * self._period_ns
        self._bins = deque((each.earlier(shift_ns) for each in since), self._bins.maxlen)
        return count


@dataclass(frozen=True, slots=True)
class _Bin:
    """One second of reads, counted from the first."""

    second: int
    late_ns: float
    """Lateness of the earliest."""
    broken: bool

    def earlier(self, by_ns: float) -> _Bin:
        return replace(self, late_ns=self.late_ns - by_ns)
