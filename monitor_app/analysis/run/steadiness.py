# SPDX-License-Identifier: Apache-2.0
"""Whether a warm-up is complete, by a statistical test, and whether something changed after it.

Absence of a trend proves nothing: in a short or noisy window no trend is significant. We therefore test for
equivalence (two one-sided tests, Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657): a quantity is steady if it is
shown to change by less than a margin over the time that is to be measured, so noise prolongs the warm-up instead of
ending it.

The last half of the time so far is divided into ten groups of neighbours, and a line is fitted to their means. Groups
that are longer than the correlation time of the values have independent errors (the method of batch means, Conway
1963, Management Science 10:47), and the window grows until they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.statistics.regression import straight_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Nanoseconds = NDArray[np.int64]

GROUPS = 10
T_GROUPS = 2.306
"""97.5 % point of Student's t for a line through ten groups: half of 5 %, since the test is repeated at batches."""
SEGMENTS = 20
LEAST_CHANGE = 0.03
LEAST_T = 6.0
"""Critical value for the most significant of all spans between twenty segments: 1 of 400 steady runs exceeds it."""
S_PER_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """The criteria of steadiness. Margins are changes over the horizon."""

    horizon_s: float = 10.0
    """Duration of the timed span after the warm-up."""
    latency: float = 0.02
    """Relative."""
    power: float = 0.02
    """Relative."""
    temperature_k: float = 2.0
    least_s: float = 3.0
    """Shortest window. It holds at least ten batches, and never the first one of the run."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The change of one quantity within the window."""

    level: float
    """Mean over the window, in the unit of the quantity: s, W, degC."""
    slope_per_s: float
    """In the unit of the quantity a second."""
    deviation_per_s: float
    """Standard deviation of the slope."""
    margin_per_s: float
    """The largest slope that passes if it is known exactly."""

    @property
    def steady(self) -> bool:
        """The 95 % interval of the slope lies within the margin."""
        return abs(self.slope_per_s) + T_GROUPS * self.deviation_per_s <= self.margin_per_s

    @property
    def drifting(self) -> bool:
        """The interval lies outside the margin. If neither, the window is too short or too noisy to decide."""
        return abs(self.slope_per_s) - T_GROUPS * self.deviation_per_s > self.margin_per_s


@dataclass(frozen=True, slots=True)
class Verdict:
    """None: that quantity was not measured, or has too few values in the window."""

    steady: bool
    batches: int
    """In the window."""
    window_s: float
    latency: Trend | None
    power: Trend | None
    temperature: Trend | None


@dataclass(frozen=True, slots=True)
class Change:
    """A span of a run in which a quantity differed from the rest of the run."""

    start_ns: int
    end_ns: int
    relative: float
    """0.1: a tenth higher than in the rest."""


def judge(
    start_ns: Nanoseconds,
    end_ns: Nanoseconds,
    limits: Limits,
    power: Readings | None = None,
    temperature: Readings | None = None,
) -> Verdict:
    """Whether the batches so far, and the readings during them, have become steady.

    Takes time proportional to the window. A quantity that is given but has fewer than ten readings in the window is
    not steady. Means over some milliseconds serve as well as samples of power.

    Args:
        start_ns: start of each batch since the first one, shape (n,).
        end_ns: their ends.
        limits: margins and horizon.
        power: W.
        temperature: degC.
    """
    first = _first_of_window(start_ns, end_ns, limits)
    if first is None:
        return Verdict(False, 0, 0.0, None, None, None)
    seconds = (end_ns[first:] - start_ns[first:]).astype(np.float64) * S_PER_NS
    span_ns = int(start_ns[first]), int(end_ns[-1])
    # The median of a group of latencies, since one batch that another process delayed is not a trend.
    of_latency = _trend(
        _grouped(Readings(end_ns[first:], seconds), np.median), limits.latency / limits.horizon_s, relative=True
    )
    trends = [of_latency]
    of_power = of_temperature = None
    if power is not None:
        of_power = _trend(_within(power, span_ns), limits.power / limits.horizon_s, relative=True)
        trends.append(of_power)
    if temperature is not None:
        inside = _within(temperature, span_ns)
        of_temperature = _trend(inside, limits.temperature_k / limits.horizon_s, relative=False)
        trends.append(of_temperature)
    return Verdict(
        steady=all(trend is not None and trend.steady for trend in trends),
        batches=len(end_ns) - first,
        window_s=(span_ns[1] - span_ns[0]) * S_PER_NS,
        latency=of_latency,
        power=of_power,
        temperature=of_temperature,
    )


def next_look(batches: int) -> int:
    """The number of batches at which to test again: when the window has changed by a twentieth.

    All tests together then cost as much as forty tests of the last window, whatever the number of batches.
    """
    return batches + max(1, batches // 40)


def find_change(readings: Readings) -> Change | None:
    """The span of a run that differs most from the rest of it, or None where no difference is significant.

    A scan over all spans between twenty segments of the run (Olshen, Venkatraman, Lucito and Wigler 2004,
    Biostatistics 5:557), each represented by its median. A span at an end is a step, one inside is a temporary dip. A
    change must be at least 3 %, and significant against the scatter of the segments.
    """
    if len(readings.values) < 2 * SEGMENTS:
        return None
    parts = _grouped(readings, np.median, SEGMENTS)
    sums = np.concatenate(([0.0], np.cumsum(parts.values)))
    squares = np.concatenate(([0.0], np.cumsum(parts.values**2)))
    start, end = np.triu_indices(SEGMENTS + 1, 2)
    inside = end - start
    kept = inside <= SEGMENTS // 2
    # The rest of the run may be at either end or at both; a step is the span that ends or begins with the run.
    start, end, inside = start[kept], end[kept], inside[kept]
    mean_in = (sums[end] - sums[start]) / inside
    outside = SEGMENTS - inside
    mean_out = (sums[-1] - sums[end] + sums[start]) / outside
    scatter = np.maximum(squares[-1] - inside * mean_in**2 - outside * mean_out**2, 0) / (SEGMENTS - 2)
    # Values that are all equal have no scatter but that of rounding.
    error = np.sqrt(scatter * (1 / inside + 1 / outside)) + 1e-12 * np.abs(mean_out)
    t_statistic = np.abs(mean_in - mean_out) / np.maximum(error, np.finfo(np.float64).tiny)
    most = int(np.argmax(t_statistic))
    if mean_out[most] == 0:
        return None
    relative = float(mean_in[most] / mean_out[most] - 1)
    if t_statistic[most] < LEAST_T or abs(relative) < LEAST_CHANGE:
        return None
    edges = np.array_split(readings.times_ns, SEGMENTS)
    return Change(int(edges[start[most]][0]), int(edges[end[most] - 1][-1]), relative)


def _first_of_window(start_ns: Nanoseconds, end_ns: Nanoseconds, limits: Limits) -> int | None:
    """Where the last half of the time since the first batch, which loads and compiles, begins; None while too short."""
    count = len(end_ns)
    if count < GROUPS + 1:
        return None
    middle_ns = int(end_ns[-1]) - int(end_ns[-1] - start_ns[1]) // 2
    least_ns = int(end_ns[-1]) - round(limits.least_s * 1e9)
    by_time = int(np.searchsorted(start_ns, min(middle_ns, least_ns), "right")) - 1
    first = min(by_time, count - GROUPS)
    return first if first >= 1 else None


def _within(readings: Readings, span_ns: tuple[int, int]) -> Readings | None:
    first, last = np.searchsorted(readings.times_ns, span_ns)
    if last - first < GROUPS:
        return None
    return _grouped(Readings(readings.times_ns[first:last], readings.values[first:last]), np.mean)


def _grouped(readings: Readings, middle: Callable[..., Any], groups: int = GROUPS) -> Readings:
    """Means of time, and ``middle`` of the values, over groups of neighbours of nearly equal size."""
    times = [rows[:, 0] + (rows - rows[:, :1]).mean(axis=1) for rows in _rows(readings.times_ns, groups)]
    values = [middle(rows, axis=1) for rows in _rows(readings.values, groups)]
    return Readings(np.concatenate(times).astype(np.int64), np.concatenate(values))


def _rows(series: NDArray[Any], groups: int) -> list[NDArray[Any]]:
    """The groups of `numpy.array_split`, each a row: the first ones, which may be longer by one, and the others."""
    size, longer = divmod(len(series), groups)
    edge = longer * (size + 1)
    parts = series[:edge].reshape(longer, size + 1), series[edge:].reshape(groups - longer, size)
    return [part for part in parts if len(part)]


def _trend(groups: Readings | None, margin_per_s: float, *, relative: bool) -> Trend | None:
    """A least-squares line through ten groups."""
    if groups is None:
        return None
    level = float(groups.values.mean())
    line = straight_line((groups.times_ns - groups.times_ns[0]) * S_PER_NS, groups.values - level)
    error = line.deviation / math.sqrt(line.s_xx)
    return Trend(level, line.slope, error, margin_per_s * abs(level) if relative else margin_per_s)
