# SPDX-License-Identifier: Apache-2.0
"""The shift of the times of a resumed session.

The host's clock continues within one boot of a machine and starts again with the next. Times in a session always
increase: those recorded after a reboot, or in an older session by another clock, are shifted by the pause, as measured
by UTC.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.host_time import CLOCK_NAME, host_time_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOOT_ID = "boot_id"
SHIFT = "shift_ns"
CLOCK = "clock"
"""Keys of meta: the boot of the last part, what was added to its times, and the name of the clock they are from."""
SAME_BOOT_NS = 10_000_000_000
"""Clocks that agree within this are taken to be of one boot; no recording ends later than now by this much."""
LONGEST_PAUSE_NS = 10 * 366 * 86_400 * 1_000_000_000
"""A longer pause means that the date of the computer was not set."""


@dataclass(frozen=True, slots=True)
class HostClock:
    """The clocks of this machine at one moment."""

    boot_id: str
    """Empty where the system has none."""
    host_ns: int
    utc_ns: int


def read_host_clock() -> HostClock:
    """The clocks of this machine, now."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot_id = ""
    return HostClock(boot_id, host_time_ns(), time.time_ns())


def shift_of(clock: HostClock, meta: Mapping[str, str], pairs: Sequence[tuple[int, int]], last_ns: int | None) -> int:
    """What to add to host times from now on.

    Args:
        clock: This machine's, now.
        meta: Of the session; may hold the boot and the shift of its last part.
        pairs: Of time in the session and UTC, in order.
        last_ns: The last time in the session, or None where there is none yet.

    Raises:
        ValueError: The shift in meta is not a number.
    """
    before = int(meta.get(SHIFT, 0))
    if last_ns is None:
        return 0
    rising = last_ns + 1 - clock.host_ns
    if meta.get(BOOT_ID):
        same_boot = meta[BOOT_ID] == clock.boot_id and meta.get(CLOCK) == CLOCK_NAME
    else:
        same_boot = bool(pairs) and abs(_by_utc(clock, pairs) - before) < SAME_BOOT_NS
    if same_boot and rising - before < SAME_BOOT_NS:
        return max(before, rising)
    if not pairs or _by_utc(clock, pairs) - rising > LONGEST_PAUSE_NS:
        return rising
    return max(_by_utc(clock, pairs), rising)


def _by_utc(clock: HostClock, pairs: Sequence[tuple[int, int]]) -> int:
    """The shift that puts now as long after the last pair as UTC says."""
    host_ns, utc_ns = pairs[-1]
    return host_ns + (clock.utc_ns - utc_ns) - clock.host_ns
