# SPDX-License-Identifier: Apache-2.0
"""What slower meters would have made of a trace: ones that read the power at once, and ones that average it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.regression import UPPER, redraw
from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.run.steadiness import Readings
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Nanoseconds = NDArray[np.int64]

MOST_OFF = 0.95
"""Share of the cases whose error is not exceeded."""
_LEVELS = 2001
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Spans:
    """Where energies are asked for, shapes (n,)."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds


def read_at_once(power: Readings, step: int, phase: int, spans: Spans) -> Floats | None:
    """Energy in J of each span from every ``step``-th sample, from ``phase`` on, with straight lines between.

    None where fewer than two are left.
    """
    seen = Readings(power.times_ns[phase::step], power.values[phase::step])
    return Integral(seen).between(spans.start_ns, spans.end_ns) if len(seen.values) > 1 else None


def averaged(whole: Integral, step: int, phase: int, spans: Spans) -> Floats | None:
    """The same from means over each ``step`` samples of a whole trace; each holds over the time it is the mean of."""
    edges_ns = whole.times_ns[phase::step]
    if len(edges_ns) < 2:
        return None
    energy_j = whole.between(np.full(len(edges_ns), whole.times_ns[0]), edges_ns)
    return np.interp(spans.end_ns, edges_ns, energy_j) - np.interp(spans.start_ns, edges_ns, energy_j)


def remaining(values: Floats, step: int) -> float:
    """Standard deviation of means over ``step`` samples, as a share of that of the samples, shape (n,)."""
    if len(values) <= step or values.std() == 0:
        return 0.0
    sums = np.cumsum(np.append(0.0, values - values.mean()))
    return float(((sums[step:] - sums[:-step]) / step).std() / values.std())


def most_off(errors: Sequence[Floats]) -> Estimate:
    """Error that 95 of 100 cases do not exceed, of the cases of each run; the interval is by redrawing runs.

    All moments at which the meter may have begun are among the cases, so what is left to chance are the runs.
    """
    sizes = np.array([len(each) for each in errors], dtype=np.float64)
    pooled = np.abs(np.concatenate(errors))
    found = float(np.quantile(pooled, MOST_OFF))
    levels = np.quantile(pooled, np.linspace(0, 1, _LEVELS))
    below = np.stack([np.searchsorted(np.sort(np.abs(each)), levels, "right") for each in errors]).astype(np.float64)
    drawn = redraw(len(errors), _DRAWS)
    counts = (drawn[:, :, np.newaxis] == np.arange(len(errors))).sum(axis=1).astype(np.float64)
    reached = counts @ below >= MOST_OFF * (counts @ sizes)[:, np.newaxis]
    low, high = np.quantile(levels[reached.argmax(axis=1)], (1 - UPPER, UPPER))
    return Estimate(found, min(found, float(low)), max(found, float(high)))
