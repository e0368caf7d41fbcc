# SPDX-License-Identifier: Apache-2.0
"""Energy between any two times, and the uncertainty of a mean over samples of power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.bootstrap import correlation_time
from monitor_app.analysis.statistics.short_series import student_quantile
from monitor_app.core.estimate import RESULT_LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Readings

    Floats = NDArray[np.float64]
    Nanoseconds = NDArray[np.int64]

BINS = 2000
"""Means of neighbours that more samples than this are reduced to before their correlation is computed."""
HARMONICS = 100
_LINE, _FEW = 4, 60
"""Samples from which on noise is that about a straight line, and up to which Student's factor replaces the usual 2."""
GAP = 2.0
"""Sample periods; a longer interval between two samples is a gap."""
_S = 1e-9


class Integral:
    """The integral of samples of power, joined by straight lines, also across gaps."""

    def __init__(self, power: Readings) -> None:
        """From at least two samples; times strictly rising, power in W."""
        self.times_ns = power.times_ns
        self._power_w = power.values
        twice_w = power.values[1:] + power.values[:-1]
        twice_w *= self._steps_s()
        twice_w /= 2
        self._energy_j = _sums(twice_w)

    # What only gaps need, and not the energy of hundreds of meters that are computed from one trace

    @cached_property
    def period_s(self) -> float:
        """Median of the time from one sample to the next."""
        return float(np.median(self._steps_s()))

    @cached_property
    def _covered_s(self) -> Floats:
        steps_s = self._steps_s()
        return _sums(np.where(steps_s <= GAP * self.period_s, steps_s, 0.0))

    def _steps_s(self) -> Floats:
        steps: Floats = np.diff(self.times_ns) * _S
        return steps

    def between(self, start_ns: Nanoseconds, end_ns: Nanoseconds) -> Floats:
        """Energy in J from each start to each end, both of shape (n,); outside the samples power counts as zero."""
        energy = self._until(np.concatenate((start_ns, end_ns)))
        return energy[len(start_ns) :] - energy[: len(start_ns)]

    def covered_s(self, start_ns: Nanoseconds, end_ns: Nanoseconds) -> Floats:
        """The part of each span, in s, that lies between samples without a gap."""
        return self._covered_until(end_ns) - self._covered_until(start_ns)

    def in_gap(self, times_ns: Nanoseconds) -> NDArray[np.bool_]:
        """Whether samples are missing at each time, shape (n,)."""
        _, _, step_s = self._place(times_ns)
        missing: NDArray[np.bool_] = step_s > GAP * self.period_s
        return missing

    def _until(self, times_ns: Nanoseconds) -> Floats:
        """From the first sample, shape (n,): the sums up to the sample before, and part of a trapezium."""
        before, since_s, step_s = self._place(times_ns)
        power_w = self._power_w[before]
        slope = (self._power_w[before + 1] - power_w) / step_s
        energy: Floats = self._energy_j[before] + (power_w + slope * since_s / 2) * since_s
        return energy

    def _covered_until(self, times_ns: Nanoseconds) -> Floats:
        before, since_s, step_s = self._place(times_ns)
        step_covered_s = self._covered_s[before + 1] - self._covered_s[before]
        covered: Floats = self._covered_s[before] + step_covered_s * since_s / step_s
        return covered

    def _place(self, times_ns: Nanoseconds) -> tuple[NDArray[np.intp], Floats, Floats]:
        """For each time: the sample before it, the time since that one, and from that one to the next."""
        inside = np.minimum(np.maximum(times_ns, self.times_ns[0]), self.times_ns[-1])
        before = np.minimum(np.searchsorted(self.times_ns, inside, "right") - 1, len(self.times_ns) - 2)
        at_ns = self.times_ns[before]
        since_ns = (inside - at_ns).astype(np.float64)
        step_ns = (self.times_ns[before + 1] - at_ns).astype(np.float64)
        return before, since_ns * _S, step_ns * _S


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean power over a span, and what its uncertainty follows from. Measured while idle, it is a baseline."""

    time_ns: int
    """Middle of the span."""
    duration_s: float
    count: int
    """Samples."""
    value_w: float
    deviation_w: float
    """Standard deviation of the samples about a straight line."""
    uncertainty_w: float
    """Standard uncertainty of the mean, from noise that is correlated over time; doubled, it is a 95 % interval."""
    drift_w_per_s: float
    """Slope of a straight line through the samples."""

    def resolution_w(self, step_w: float) -> float:
        """Standard uncertainty of the mean from the quantisation of the samples in steps of ``step_w``.

        The error of a single sample is up to half a step. In a mean these errors average out if the noise spans several
        steps; if it does not, they are one common error. The error is periodic in the power, and normal noise
        attenuates its harmonics by the characteristic function of the noise (Widrow and Kollar 2008, "Quantization
        Noise", chapter 4).
        """
        turns = np.arange(1, HARMONICS + 1)
        damped = np.exp(-4 * (math.pi * turns * self.deviation_w / step_w) ** 2)
        left = float((damped / turns**2).sum()) * 6 / math.pi**2
        return step_w / math.sqrt(12) * math.sqrt((1 - left) / self.count + left)


def mean_power(power: Readings) -> Mean | None:
    """Mean of evenly sampled power, W, shape (n,); None for fewer than two samples."""
    count = len(power.values)
    if count < 2:
        return None
    bins = min(count, BINS)
    edges = np.arange(bins) * count // bins
    sizes = np.diff(np.append(edges, count))
    first_ns, span_ns = int(power.times_ns[0]), int(power.times_ns[-1] - power.times_ns[0])
    middles_s = np.add.reduceat((power.times_ns - first_ns) * _S, edges) / sizes
    means = np.add.reduceat(power.values, edges) / sizes
    times_s = middles_s - middles_s.mean()
    slope = float(times_s @ (means - means.mean()) / (times_s @ times_s))
    rest = means - means.mean() - slope * times_s
    about_line_w = power.values - slope * ((power.times_ns - first_ns) * _S)
    # Of so few samples a line says nothing.
    off, freedom = (rest, bins - 2) if bins >= _LINE else (means - means.mean(), bins - 1)
    error = math.sqrt(float(off @ off) / bins * 2 * correlation_time(rest) / freedom)
    if bins < _FEW:
        error *= max(student_quantile((1 + RESULT_LEVEL) / 2, freedom) / 2, 1.0)
    return Mean(
        time_ns=first_ns + span_ns // 2,
        duration_s=span_ns * _S * count / (count - 1),
        count=count,
        value_w=float(power.values.mean()),
        deviation_w=float(about_line_w.std()),
        uncertainty_w=error,
        drift_w_per_s=slope,
    )


def _sums(parts: Floats) -> Floats:
    """Cumulative sums from 0 on: one longer than the parts."""
    sums = np.zeros(len(parts) + 1)
    np.cumsum(parts, out=sums[1:])
    return sums
