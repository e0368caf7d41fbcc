# SPDX-License-Identifier: Apache-2.0
"""Whether samples were lost because this computer did not read them in time, and what kept it from doing so.

An instrument has room for a fraction of a second of samples. A bad cable loses samples while they are read all the
time; a computer that is too busy loses those that came while nothing was read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from monitor_app.bench.acquisition.timeline import Gap

LATE_NS = 150_000_000
"""Between two reads. A read waits 50 ms at most, so that it was not for the instrument that this one came late."""
SLACK_NS = 50_000_000
"""How far the times of a gap may be off: those of samples have a bound, and a loss begins and ends in a buffer."""
MEMORY_NS = 1_000_000_000
"""For so long after a late read the memory of an instrument may still be full, where the reading hardly catches up."""
KEPT = 16
"""Late reads that are remembered; the times of a block may be known only some reads later."""
OWN_FRACTION = 0.5
"""Of a core. A recording that used more during its pause was busy itself."""


class LateRead(NamedTuple):
    """Nothing was read between these host times, in which this process used so much processor time."""

    start_ns: int
    end_ns: int
    cpu_ns: int

    def explain(self, gap: Gap, name: str) -> str:
        """One sentence for the log of the session; ``name`` is the source's."""
        seconds, cpu_s = (self.end_ns - self.start_ns) * 1e-9, self.cpu_ns * 1e-9
        others = cpu_s < OWN_FRACTION * seconds
        return (
            f"{name}: {gap.n:,} samples were lost because this computer read nothing for {seconds:.2f} s, while the "
            f"recording itself used {cpu_s:.2f} s of processor time: "
            + ("end other programs, or record on a computer that is less busy." if others else "record fewer signals.")
        )


class LateReads:
    """Notes the reads of one source, and says which of its gaps they explain."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._late: deque[LateRead] = deque(maxlen=KEPT)

    def connect(self) -> None:
        """The pause before the next read is none: nothing was connected."""
        self._last = None

    def note(self, now_ns: int, cpu_ns: int) -> None:
        """A read has returned. ``cpu_ns``: processor time of this process so far."""
        last, self._last = self._last, (now_ns, cpu_ns)
        if last is not None and now_ns - last[0] > LATE_NS:
            self._late.append(LateRead(last[0], now_ns, cpu_ns - last[1]))

    def cause_of(self, gap: Gap) -> LateRead | None:
        """The late read during which or soon after which these samples were lost; None where they were read in time."""
        meanwhile = (
            each for each in self._late
            if each.start_ns - SLACK_NS < gap.end_ns and gap.start_ns < each.end_ns + MEMORY_NS
        )  # fmt: skip
        return next(meanwhile, None)
