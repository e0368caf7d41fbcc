# SPDX-License-Identifier: Apache-2.0
"""The clock that every host time is read from, in every process of the program.

CLOCK_MONOTONIC_RAW counts the ticks of the machine's own oscillator. CLOCK_MONOTONIC, which `time.perf_counter_ns`
and `time.monotonic` read, is bent by NTP whenever it corrects the date, by up to a twelfth; a line fitted to an
instrument's count against it states a bound of a microsecond just before it is wrong by a hundred
(docs/decisions/0029-a-clock-that-ntp-does-not-bend.md). What is only waited for, such as a deadline, may use either.
"""

from __future__ import annotations

import time

CLOCK_NAME = "CLOCK_MONOTONIC_RAW"
"""As it is named in a session."""


def host_time_ns() -> int:
    """Now, in nanoseconds. The same for all processes of one boot of a machine."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
