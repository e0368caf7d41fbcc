# SPDX-License-Identifier: Apache-2.0
"""Energy per image as a distribution over the batches of a run, with an uncertainty budget.

Gross energy is that of the whole board while batches ran. Net energy is that above its idle power, which is a straight
line through the idle power measured before and after the run. Uncertainties are standard uncertainties and are combined
according to the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008, 4.3.7 and 5.1.2): a bound of plus
or minus b without a preferred value counts as b / sqrt(3). A constant offset of the instrument affects the gross energy
only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.inputs import Batches, Readings
from monitor_app.analysis.run.integration import Integral, Mean, mean_power
from monitor_app.analysis.run.warnings import measurement_warnings, power_doubts, throttling_warnings, timing_warning
from monitor_app.analysis.statistics.bootstrap import correlation_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Instrument

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

COVERAGE_FACTOR = 2.0
"""Ratio of an expanded uncertainty, for about 95 %, to a standard one."""
SHIFTS = 17
"""Shifts of the batches that are tried between minus and plus the bound of the clocks."""
_SQRT3 = math.sqrt(3)
_S = 1e-9


@dataclass(frozen=True, slots=True)
class Budget:
    """Standard uncertainties of the energy per image, J, each from one cause."""

    resolution: float
    noise: float
    """Of the mean power during the run, with the correlation of its samples."""
    spread: float
    """Of the mean over batches, from their scatter."""
    idle_noise: float
    drift: float
    """Of the idle power between its two measurements."""
    clock: float
    """From the largest change if all batches are shifted by up to the bound of the clocks."""
    gain: float

    @property
    def measured(self) -> float:
        """Of the energy of this very run: all but the spread."""
        return math.hypot(self.resolution, self.noise, self.idle_noise, self.drift, self.clock, self.gain)

    @property
    def combined(self) -> float:
        """Of the energy of such runs. The spread already includes the noise, so the larger of the two is used."""
        mean = max(self.noise, self.spread)
        return math.hypot(self.resolution, mean, self.idle_noise, self.drift, self.clock, self.gain)


@dataclass(frozen=True, slots=True)
class Figure:
    """The mean energy per image, and its distribution over batches."""

    j_per_image: float
    j_per_batch: float
    budget: Budget
    batch_j: Floats
    """Energy of each batch, shape (n,)."""
    percentiles_j: tuple[float, float, float, float, float] | None
    """5, 25, 50, 75 and 95 % of the energy per image over batches; None where the meter is too slow for that."""

    @property
    def uncertainty_j(self) -> float:
        """Standard uncertainty of the energy per image, including the spread of the batches."""
        return self.budget.combined

    @property
    def expanded_j(self) -> float:
        """Expanded uncertainty: the true value lies within it in about 95 of 100 runs."""
        return COVERAGE_FACTOR * self.budget.combined


@dataclass(frozen=True, slots=True)
class EnergySummary:
    """The energy of the timed images of a run."""

    batches: int
    """Batches for which power was measured."""
    images: int
    seconds: float
    """Of the batches, without the time between them."""
    gross: Figure
    net: Figure | None
    """None where idle power was measured neither before nor after."""
    coverage: float
    """Fraction of the batches' time that has samples, 0 to 1."""
    timing_warning: str | None
    """Why energies of single batches are not reliable, in one sentence."""
    throttling: tuple[str, ...]
    """What changed during the run, each in one sentence."""
    warnings: tuple[str, ...]
    """What else limits these energies, each in one sentence."""
    doubts: tuple[str, ...] = ()
    """Why net power and energy cannot be those of the run, each in one sentence; empty where they can."""

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """The most serious one first."""
        return (*self.doubts, *filter(None, (self.timing_warning,)), *self.throttling, *self.warnings)


def energy_of_run(
    power: Readings,
    batches: Batches,
    instrument: Instrument,
    idle_before: Mean | None = None,
    idle_after: Mean | None = None,
    clocks_hz: Mapping[str, Readings] | None = None,
) -> EnergySummary | None:
    """Energy with its uncertainty, or None where no batch has samples of power.

    Args:
        power: samples in W; they should begin before the first batch and end after the last one, each by the bound
            of the clocks at least.
        batches: in order, at the times of the power; those that samples do not span are left out, with a warning.
        instrument: its errors.
        idle_before: ``mean_power`` of the idle baseline before the run.
        idle_after: the same after it.
        clocks_hz: clock frequencies of the board by name, if they are known.
    """
    if len(power.values) < 2:
        return None
    integral = Integral(power)
    # The first sample of a batch may lie up to a period after its start.
    slack_ns = round(integral.period_s * 1e9)
    kept = (batches.start_ns >= power.times_ns[0] - slack_ns) & (batches.end_ns <= power.times_ns[-1] + slack_ns)
    used = Batches(batches.start_ns[kept], batches.end_ns[kept], batches.images[kept])
    first, last = np.searchsorted(power.times_ns, (used.start_ns[0], used.end_ns[-1])) if kept.any() else (0, 0)
    during = mean_power(Readings(power.times_ns[first:last], power.values[first:last]))
    if during is None:
        return None
    baseline = _Baseline.of(used, idle_before, idle_after)
    gross_j = integral.between(used.start_ns, used.end_ns)
    clock_j = _clock_j(integral, used, instrument)
    gross = _figure(gross_j, used, during, instrument, clock_j, integral.period_s)
    net = None
    if baseline is not None:
        net_j = gross_j - baseline.power_w * used.seconds
        net = _figure(net_j, used, during, instrument, clock_j, integral.period_s, baseline)
    covered_s = float(integral.covered_s(used.start_ns, used.end_ns).sum())
    return EnergySummary(
        batches=len(used.images),
        images=int(used.images.sum()),
        seconds=float(used.seconds.sum()),
        gross=gross,
        net=net,
        coverage=min(1.0, covered_s / float(used.seconds.sum())),
        timing_warning=timing_warning(used, instrument),
        throttling=tuple(throttling_warnings(used, gross_j, clocks_hz or {})),
        warnings=tuple(measurement_warnings(batches, used, instrument, integral.period_s, idle_before, idle_after)),
        doubts=tuple(power_doubts(during, idle_before, idle_after)),
    )


@dataclass(frozen=True, slots=True)
class _Baseline:
    """Idle power during the run."""

    power_w: Floats
    """In the middle of each batch, shape (n,)."""
    means: tuple[Mean, ...]
    drift_w: float
    """Standard uncertainty."""

    @classmethod
    def of(cls, batches: Batches, before: Mean | None, after: Mean | None) -> _Baseline | None:
        """A straight line through both means, or a constant where there is one; None where there is none."""
        means = tuple(mean for mean in (before, after) if mean is not None)
        if not means:
            return None
        # Relative to the start of the run: a float cannot hold nanoseconds since the host was started exactly.
        origin_ns = int(batches.start_ns[0])
        middles_s = (batches.start_ns - origin_ns) * _S + batches.seconds / 2
        means_s = [(mean.time_ns - origin_ns) * _S for mean in means]
        power_w = np.interp(middles_s, means_s, [mean.value_w for mean in means])
        return cls(power_w, means, _drift_w(float(middles_s.mean()) - means_s[0], means))

    def noise_w(self) -> float:
        """Standard uncertainty of the mean of the baselines, from noise."""
        return math.sqrt(sum(mean.uncertainty_w**2 for mean in self.means)) / len(self.means)

    def resolution_w(self, step_w: float) -> float:
        return math.hypot(*(mean.resolution_w(step_w) for mean in self.means)) / len(self.means)


def _drift_w(since_s: float, means: tuple[Mean, ...]) -> float:
    """Standard uncertainty of the straight line as the mean idle power of a run ``since_s`` after the first mean.

    Idle power drifts. The mean of a random walk that ends at a distance d from its start has a standard deviation of
    d / sqrt(12) about the straight line, if d is the only estimate of its steps; a bound of plus or minus d / 2 has the
    same. A random walk may by chance end at its start, so the changes within both baselines count as well. With only
    one baseline, its own drift is extrapolated to the middle of the run.
    """
    if len(means) == 1:
        return abs(means[0].drift_w_per_s * since_s)
    changes = [mean.drift_w_per_s * mean.duration_s for mean in means]
    changes.append(means[1].value_w - means[0].value_w)
    return math.sqrt(sum(change**2 for change in changes) / 12)


def _figure(
    energy_j: Floats,
    batches: Batches,
    during: Mean,
    instrument: Instrument,
    clock_j: float,
    period_s: float,
    baseline: _Baseline | None = None,
) -> Figure:
    """From the energies of batches: gross ones, or with a baseline net ones."""
    images = int(batches.images.sum())
    per_image = float(energy_j.sum()) / images
    seconds_per_image = float(batches.seconds.sum()) / images
    step_w = instrument.resolution_w
    resolution_w = during.resolution_w(step_w) if step_w else 0.0
    if baseline is not None and step_w:
        resolution_w = math.hypot(resolution_w, baseline.resolution_w(step_w))
    budget = Budget(
        resolution=resolution_w * seconds_per_image,
        noise=during.uncertainty_w * seconds_per_image,
        spread=_spread_j(energy_j, batches.images, per_image),
        idle_noise=baseline.noise_w() * seconds_per_image if baseline else 0.0,
        drift=baseline.drift_w * seconds_per_image if baseline else 0.0,
        clock=clock_j / images,
        gain=(instrument.accuracy or 0.0) * abs(per_image) / _SQRT3,
    )
    percentiles = None
    if period_s <= float(np.median(batches.seconds)) / 2:
        p05, p25, p50, p75, p95 = np.percentile(energy_j / batches.images, (5, 25, 50, 75, 95)).tolist()
        percentiles = (p05, p25, p50, p75, p95)
    return Figure(per_image, float(energy_j.mean()), budget, energy_j, percentiles)


def _spread_j(energy_j: Floats, images: Integers, per_image: float) -> float:
    """Standard error of a ratio of two sums (Cochran 1977, "Sampling Techniques", 2.11), of correlated batches."""
    count = len(energy_j)
    if count < 2:
        return 0.0
    rest = energy_j - per_image * images
    variance = float(rest @ rest) * count / (count - 1) * 2 * correlation_time(rest)
    return math.sqrt(variance) / int(images.sum())


def _clock_j(integral: Integral, batches: Batches, instrument: Instrument) -> float:
    """Standard uncertainty of the energy of all batches if all are shifted by the same unknown time."""
    bound_ns = instrument.clock_bound_ns or 0.0
    shifts_ns = np.linspace(-bound_ns, bound_ns, SHIFTS).astype(np.int64)
    moved = [float(integral.between(batches.start_ns + by, batches.end_ns + by).sum()) for by in shifts_ns]
    return float(np.abs(np.array(moved) - moved[SHIFTS // 2]).max()) / _SQRT3
