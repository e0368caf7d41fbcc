# SPDX-License-Identifier: Apache-2.0
"""The energies that slower meters would have measured: meters that sample the power, and meters that average it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.statistics.bootstrap import percentile_interval, redraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]
    Nanoseconds = NDArray[np.int64]

MOST_OFF = 0.95
"""Fraction of the cases."""
_LEVELS = 2001
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans that energies are computed for, shapes (n,)."""

    start_ns: Nanoseconds
    end_ns: Nanoseconds


def read_at_once(power: Readings, step: int, phase: int, spans: Spans) -> Floats | None:
    """Energy in J of each span from every ``step``-th sample from ``phase`` on, joined by straight lines.

    None where fewer than two samples are left.
    """
    seen = Readings(power.times_ns[phase::step], power.values[phase::step])
    return Integral(seen).between(spans.start_ns, spans.end_ns) if len(seen.values) > 1 else None


def averaged(whole: Integral, step: int, phase: int, spans: Spans) -> Floats | None:
    """The same from means over each ``step`` samples of a whole trace, each constant over its own period."""
    edges_ns = whole.times_ns[phase::step]
    if len(edges_ns) < 2:
        return None
    energy_j = whole.between(np.full(len(edges_ns), whole.times_ns[0]), edges_ns)
    return np.interp(spans.end_ns, edges_ns, energy_j) - np.interp(spans.start_ns, edges_ns, energy_j)


def remaining(values: Floats, step: int) -> float:
    """Standard deviation of means over ``step`` samples, as a fraction of that of the samples, shape (n,)."""
    if len(values) <= step or values.std() == 0:
        return 0.0
    sums = np.cumsum(np.append(0.0, values - values.mean()))
    return float(((sums[step:] - sums[:-step]) / step).std() / values.std())


def most_off(errors: Sequence[Floats]) -> Estimate:
    """The error that 95 of 100 cases do not exceed, from the cases of each run, with a bootstrap interval over runs.

    The cases hold every moment at which the meter may have started, so only the choice of runs is random.
    """
    sizes = np.array([len(each) for each in errors], dtype=np.float64)
    pooled = np.abs(np.concatenate(errors))
    found = float(np.quantile(pooled, MOST_OFF))
    levels = np.quantile(pooled, np.linspace(0, 1, _LEVELS))
    below = np.stack([np.searchsorted(np.sort(np.abs(each)), levels, "right") for each in errors]).astype(np.float64)
    drawn = redraw(len(errors), _DRAWS)
    counts = (drawn[:, :, np.newaxis] == np.arange(len(errors))).sum(axis=1).astype(np.float64)
    reached = counts @ below >= MOST_OFF * (counts @ sizes)[:, np.newaxis]
    return percentile_interval(found, levels[reached.argmax(axis=1)])
