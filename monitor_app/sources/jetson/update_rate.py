# SPDX-License-Identifier: Apache-2.0
"""How fast a power monitor chip gives new values, measured by polling it for less than half a second.

The hwmon driver of the INA3221 lets every read wait for the next conversion, so one sweep over its files takes as
many conversions as there are files. The other drivers answer at once, with the value of the last conversion: polled
faster than the chip converts, they would only repeat it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.sources.jetson.sweeps import UpdateRate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.sources.jetson.sweeps import Sweep

BUDGET_S = 0.45
LOOK_EVERY_S = 0.002
LEAST_CHANGES = 4


def find_update_rate(
    look: Callable[[Sequence[int], int, float, float], Sequence[Sweep]],
    files: int,
    interval_s: float | None,
    fallback_s: float,
    watched: int,
) -> UpdateRate:
    """Poll the chip for at most BUDGET_S, if one read does not take longer.

    Args:
        look: as `Sweeper.look`.
        files: How many there are.
        interval_s: The chip's conversion time, where the kernel gives it.
        fallback_s: What to assume where neither the kernel nor the chip shows it.
        watched: The file whose value changes most.
    """
    read_s, spent_s = _longest_read(look, files)
    if 2 * files * read_s > BUDGET_S:
        interval_s = interval_s or fallback_s
        waits = read_s > interval_s / 2
        return UpdateRate(interval_s, files * max(read_s, interval_s if waits else 0.0), waits)
    # The first sweep finds conversions that were ready before it. A rail that is off answers at once.
    sweeps = look(range(files), 2, 0.0, BUDGET_S)
    sweep_s = _seconds(sweeps[-1:])
    answered = sum(isinstance(text, bytes) for text in sweeps[-1].texts)
    if interval_s is None:
        left_s = max(0.0, BUDGET_S - spent_s - _seconds(sweeps))
        seen = look([watched], round(BUDGET_S / LOOK_EVERY_S), LOOK_EVERY_S, left_s)
        interval_s = period_of_changes(_changes_ns(seen)) or fallback_s
    return UpdateRate(interval_s, sweep_s, waits=sweep_s > max(answered, 1) * interval_s / 2)


def _longest_read(
    look: Callable[[Sequence[int], int, float, float], Sequence[Sweep]], files: int
) -> tuple[float, float]:
    """How long one of two reads in a row takes, of the first file that answers, and how long that took; seconds."""
    spent_s = 0.0
    for index in range(files):
        sweeps = look([index], 2, 0.0, BUDGET_S)
        spent_s += _seconds(sweeps)
        if isinstance(sweeps[-1].texts[0], bytes) or spent_s > BUDGET_S:
            return max(_seconds([each]) for each in sweeps), spent_s
    return 0.0, spent_s


def _seconds(sweeps: Sequence[Sweep]) -> float:
    return (sweeps[-1].end_ns - sweeps[0].start_ns) * 1e-9


def _changes_ns(sweeps: Sequence[Sweep]) -> list[int]:
    """When the value was seen to change."""
    values = [(each.start_ns, each.texts[0]) for each in sweeps if isinstance(each.texts[0], bytes)]
    return [at_ns for (_, before), (at_ns, after) in pairwise(values) if after != before]


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
