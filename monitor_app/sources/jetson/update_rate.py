# SPDX-License-Identifier: Apache-2.0
"""How fast a power monitor chip gives new values, measured by polling it for less than half a second.

The hwmon driver of the INA3221 lets every read wait for the next conversion, so one sweep over its files takes as
many conversions as there are files. The other drivers answer at once, with the value of the last conversion: polled
faster than the chip converts, they would only repeat it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET_S = 0.45
LOOK_EVERY_S = 0.002
LEAST_CHANGES = 4


@dataclass(frozen=True, slots=True)
class UpdateRate:
    """How often a chip can be polled."""

    interval_s: float
    """One conversion of all its channels; sweeps start no closer together."""
    sweep_s: float
    """How long it takes to read all files once."""
    waits: bool
    """A read waits for the next conversion."""

    @property
    def rate_hz(self) -> float:
        return 1 / max(self.interval_s, self.sweep_s)

    @property
    def longest_sweep_s(self) -> float:
        """A sweep that takes longer was delayed by something else, and its values do not belong together."""
        return self.sweep_s + max(self.sweep_s / 2, 0.010)

    @property
    def bound_s(self) -> float:
        """How far the middle of a sweep may be from when a value held.

        A value is the mean over one conversion, which ended when it was read, or up to one conversion before.
        """
        return self.longest_sweep_s / 2 + 2 * self.interval_s


def find_update_rate(
    read: Callable[[int], bytes | None],
    files: int,
    interval_s: float | None,
    fallback_s: float,
    watched: int,
    clock_ns: Callable[[], int],
    sleep: Callable[[float], None],
) -> UpdateRate:
    """Poll the chip for at most BUDGET_S, if one read does not take longer.

    Args:
        read: Reads a file by its number; None where it gave nothing.
        files: How many there are.
        interval_s: The chip's conversion time, where the kernel gives it.
        fallback_s: What to assume where neither the kernel nor the chip shows it.
        watched: The file whose value changes most.
        clock_ns: The host's clock.
        sleep: Waits for seconds.
    """
    start_ns = clock_ns()
    took_s: list[float] = []
    answered: list[bool] = []
    for index in [*range(files), *range(files)]:
        if (clock_ns() - start_ns) * 1e-9 + max(took_s, default=0.0) > BUDGET_S:
            break
        before_ns = clock_ns()
        answered.append(read(index) is not None)
        took_s.append((clock_ns() - before_ns) * 1e-9)
    if interval_s is None:
        changes_ns = _watch(lambda: read(watched), start_ns + round(BUDGET_S * 1e9), clock_ns, sleep)
        interval_s = period_of_changes(changes_ns) or fallback_s
    if len(took_s) == 2 * files:
        # The first sweep finds conversions that were ready before it. A rail that is off answers at once.
        sweep_s = sum(took_s[files:])
        return UpdateRate(interval_s, sweep_s, waits=sweep_s > max(sum(answered[files:]), 1) * interval_s / 2)
    waits = max(took_s) > interval_s / 2
    return UpdateRate(interval_s, files * max(max(took_s), interval_s if waits else 0.0), waits)


def period_of_changes(times_ns: list[int]) -> float | None:
    """The period in seconds of changes seen at ``times_ns``, some of which may have been missed; None for too few."""
    if len(times_ns) < LEAST_CHANGES:
        return None
    gaps = np.diff(np.asarray(times_ns, np.float64))
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return None
    # A value that happens to repeat makes a gap of two periods, so a short gap shows how many a long one holds.
    short = np.quantile(gaps, 0.25)
    return float(gaps.sum() / np.maximum(np.rint(gaps / short), 1).sum()) * 1e-9


def _watch(
    read: Callable[[], bytes | None],
    until_ns: int,
    clock_ns: Callable[[], int],
    sleep: Callable[[float], None],
) -> list[int]:
    """When the value was seen to change."""
    last = read()
    changes_ns: list[int] = []
    while (now_ns := clock_ns()) < until_ns:
        value = read()
        if value is not None and value != last:
            changes_ns.append(now_ns)
            last = value
        sleep(LOOK_EVERY_S)
    return changes_ns
