# SPDX-License-Identifier: Apache-2.0
"""The state of the link to a board elsewhere, in a few words for a line of the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.core.formatting import clock_bound, long_duration
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.status import SourceState

if TYPE_CHECKING:
    from monitor_app.core.status import SourceStatus

LASTING_S = 1.0
"""A state that has lasted less is not said for how long."""


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
