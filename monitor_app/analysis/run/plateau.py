# SPDX-License-Identifier: Apache-2.0
"""The power of a run by a meter that gives few values during it.

A straight line from the last value under load to the first one afterwards cuts into the last batches: with two values
a second, it takes 3 % of the energy of a run of two seconds on average. A value may also be a mean over a period that
begins before the run or ends after it, and no meter says at which point of that period its time lies. So only values
count of which the whole period lies inside the run, wherever it begins, and what lies beside them has their mean.

The same is done for a fast meter of which samples are missing at one end of the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.inputs import MANY, Readings, inner_span, is_slow
from monitor_app.analysis.run.integration import GAP, mean_power
from monitor_app.analysis.statistics.short_series import PRIOR, half_width

if TYPE_CHECKING:
    from monitor_app.analysis.run.inputs import Batches
    from monitor_app.analysis.run.integration import Mean

SOME = 30
"""Values during a run that suffice where the bound of the clocks is so wide that none lies inside for certain."""
LEAST = 3
"""Values inside a run without which its power has no interval."""


def inside(power: Readings, batches: Batches, period_s: float, bound_ns: float | None) -> Readings:
    """The values of which the whole period lies inside the run; shape (m,), m may be 0."""
    start_ns, end_ns = inner_span(
        int(batches.start_ns[0]), int(batches.end_ns[-1]), round(period_s * 1e9), bound_ns or 0.0
    )
    kept = (power.times_ns >= start_ns) & (power.times_ns <= end_ns)
    return Readings(power.times_ns[kept], power.values[kept])


def held(inner: Readings, batches: Batches, period_s: float, bound_ns: float | None) -> Readings:
    """Those values, with their mean from before the run to the first and from the last to after the run.

    Of a slow meter of which values are missing in between, the mean alone: lines across such gaps would weigh the
    values beside them several times, and the noise of the mean would not be theirs.
    """
    around_ns = round(period_s * 1e9) + round(bound_ns or 0.0)
    mean_w = float(inner.values.mean())
    first_ns, last_ns = int(batches.start_ns[0]) - around_ns, int(batches.end_ns[-1]) + around_ns
    if has_gaps(inner, period_s) and is_slow(period_s, (last_ns - first_ns) * 1e-9):
        return Readings(np.array([first_ns, last_ns]), np.array([mean_w, mean_w]))
    # A nanosecond beside the inner values, so that the mean is not joined to them by a line.
    times_ns = np.concatenate(
        ([first_ns, inner.times_ns[0] - 1], inner.times_ns, [inner.times_ns[-1] + 1, last_ns])
    ).astype(np.int64)
    return Readings(times_ns, np.concatenate(([mean_w] * 2, inner.values, [mean_w] * 2)))


def has_gaps(inner: Readings, period_s: float) -> bool:
    """Whether values are missing between them."""
    return bool((np.diff(inner.times_ns) > GAP * period_s * 1e9).any())


def mean_inside(inner: Readings, period_s: float) -> Mean | None:
    """Their mean; None where they are too few.

    What a slow meter missed is as long as what it saw, and a few values do not show how long power keeps its value. So
    where values are missing, their correlation is taken to be what such series usually have.
    """
    mean = mean_power(inner) if len(inner.values) >= LEAST else None
    if mean is None or not has_gaps(inner, period_s) or mean.count >= MANY:
        return mean
    correlated = half_width(inner.values, PRIOR) / 2
    return replace(mean, uncertainty_w=max(mean.uncertainty_w, correlated))


def too_slow(count: int, period_s: float) -> str:
    """Why power and energy have no interval."""
    verb = "lie" if count > 1 else "lies"
    return (
        f"{count or 'None'} of the meter's values, one every {period_s:.3g} s, {verb} wholly within the timed batches, "
        f"where {LEAST} are needed: power and energy have no interval. Time batches for at least "
        f"{(LEAST + 2) * period_s:.2g} s, or use a faster meter."
    )
