# SPDX-License-Identifier: Apache-2.0
"""The clock of every time that the agent says: the board's own oscillator, which NTP does not bend."""

import time

if hasattr(time, "clock_gettime_ns"):

    def now_ns() -> int:
        """Nanoseconds of CLOCK_MONOTONIC_RAW."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)

else:  # Python 3.6

    def now_ns() -> int:
        """Nanoseconds of CLOCK_MONOTONIC_RAW, to 0.1 us in the first ten days after a boot."""
        return int(time.clock_gettime(time.CLOCK_MONOTONIC_RAW) * 1e9)
