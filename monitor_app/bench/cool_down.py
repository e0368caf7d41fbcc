# SPDX-License-Identifier: Apache-2.0
"""How warm the board is, from the session file: a run should begin where the others did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.analysis.signals import temperatures
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from pathlib import Path

LOOK_BACK_NS = 5_000_000_000
"""A board tells its temperatures once a second or so."""


def hottest_c(session: Path, now_ns: int) -> float | None:
    """The highest of the temperatures measured lately; None where none is. Raises SessionError.

    Args:
        session: the file being written.
        now_ns: in the time of the file.
    """
    with SessionReader(session) as reader:
        lately = [reader.statistics(s.id, now_ns - LOOK_BACK_NS, now_ns + 1) for s in temperatures(reader)]
    return max((each.mean for each in lately if each.count), default=None)
