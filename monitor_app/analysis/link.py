# SPDX-License-Identifier: Apache-2.0
"""The board elsewhere that the networks of a session run on, how well its times are known, and what the link does."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from monitor_app.core.formatting import clock_bound, long_duration
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.samples import LINK
from monitor_app.core.status import SourceState

if TYPE_CHECKING:
    from monitor_app.core.status import SourceStatus
    from monitor_app.session.reader import SessionReader

_SSH = "ssh "
LASTING_S = 1.0
"""A state that has lasted less is not said for how long."""


@dataclass(frozen=True, slots=True)
class BoardLink:
    """A board that was reached over ssh."""

    host: str
    """As it was typed after `ssh`."""
    name: str
    """The board's own."""
    bound_ns: int | None
    """How far times of the board may be off, the median of the runs; of the session where there were none. None where
    it was never known."""
    worst_ns: int | None
    """The largest of them."""

    @property
    def where(self) -> str:
        """For the header of a session."""
        return f"networks on {self.host} over ssh"

    @property
    def bound(self) -> str:
        """± 0.21 ms, with the largest in brackets where that is another."""
        usual, worst = clock_bound(self.bound_ns), clock_bound(self.worst_ns)
        return usual + (f" ({worst} at most)" if worst != usual else "")


def board_link(reader: SessionReader) -> BoardLink | None:
    """None where the networks ran on the computer that recorded. Raises NotASessionError for a damaged file."""
    source = next((each for each in reader.sources() if each.kind == LINK), None)
    if source is None:
        return None
    began_ns = min((span.start_ns for span in reader.spans()), default=0)
    rows = reader.clocks(source.id)
    bounds = [row.bound_ns for row in rows if row.host_ns >= began_ns] or [row.bound_ns for row in rows]
    host = source.model.removeprefix(_SSH)
    usual_ns, worst_ns = (round(median(bounds)), max(bounds)) if bounds else (None, None)
    return BoardLink(host, source.serial_number, usual_ns, worst_ns)


def link_words(status: SourceStatus, now_ns: int | None = None) -> str:
    """± 0.21 ms while there is a link, else what it is instead and for how long: "reconnecting for 12 s".

    Args:
        status: of the source of kind `link`.
        now_ns: host time; by default now.
    """
    if status.state is SourceState.STREAMING:
        return clock_bound(status.clock_bound_ns)
    words = "reconnecting" if status.state is SourceState.LOST else str(status.state.value)
    if status.since_ns is None or status.state is SourceState.DISCONNECTED:
        return words
    lasted_s = ((host_time_ns() if now_ns is None else now_ns) - status.since_ns) * 1e-9
    return f"{words} for {long_duration(lasted_s)}" if lasted_s >= LASTING_S else words
