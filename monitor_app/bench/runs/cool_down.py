# SPDX-License-Identifier: Apache-2.0
"""How warm the board is, from the session file: all runs should begin at the same temperature."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from monitor_app.analysis.run.signals import temperatures
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK_EVERY_S = 1.0
NO_THERMOMETER_S = 5.0
"""How long to wait for a first temperature: instruments take a moment to begin."""
LOOK_BACK_NS = 5_000_000_000
"""Boards report their temperatures about once a second."""


def wait_until_cool(
    look_c: Callable[[], float | None], limit_c: float, most_s: float, wait: Callable[[float], None]
) -> str | None:
    """Wait until the board is no warmer than the limit, or the longest time is over.

    Args:
        look_c: the temperature now; None where it is not known.
        limit_c: degrees Celsius.
        most_s: the longest to wait.
        wait: waits for a number of seconds; raises where the run is to end.

    Returns:
        A warning about the run that begins now, in one sentence; None where the board is cool.
    """
    began = time.monotonic()
    while True:
        now_c, waited_s = look_c(), time.monotonic() - began
        if now_c is None:
            if waited_s >= min(NO_THERMOMETER_S, most_s):
                return (
                    "No temperature was measured when the run began, so it is not known whether the board was "
                    f"below {limit_c:g} °C."
                )
        elif now_c <= limit_c:
            return None
        elif waited_s >= most_s:
            return f"The board was still at {now_c:.0f} °C, above {limit_c:g} °C, when the run began."
        wait(LOOK_EVERY_S)


def hottest_c(session: Path, now_ns: int) -> float | None:
    """The highest of the temperatures measured lately; None where none is. Raises SessionError.

    Args:
        session: the file being written.
        now_ns: in the time of the file.
    """
    with SessionReader(session) as reader:
        lately = [reader.statistics(s.id, now_ns - LOOK_BACK_NS, now_ns + 1) for s in temperatures(reader)]
    return max((each.mean for each in lately if each.count), default=None)
