# SPDX-License-Identifier: Apache-2.0
"""Energy per image as a distribution over the batches of a run, with an uncertainty budget.

Gross energy is that of the whole board while batches ran. Net energy is that above its idle power, which is a straight
line through the idle power measured before and after the run. Uncertainties are standard uncertainties and are combined
according to the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008, 4.3.7 and 5.1.2): a bound of plus
or minus b without a preferred value counts as b / sqrt(3). A constant offset of the instrument affects gross values
only: idle power is measured by the same meter.

Power has a budget of its own. A batch that takes longer takes more energy at the same power, so the spread of the
energies says nothing about power; that of the ratios of energy and time does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run import plateau
from monitor_app.analysis.run.inputs import Batches, Readings, is_slow
from monitor_app.analysis.run.integration import Integral, Mean, mean_power
from monitor_app.analysis.run.warnings import measurement_warnings, power_doubts, throttling_warnings, timing_warning
from monitor_app.analysis.statistics.bootstrap import correlation_time
from monitor_app.analysis.statistics.short_series import half_width, student_quantile
from monitor_app.core.estimate import RESULT_LEVEL

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
    """Standard uncertainties of the energy per image in J, or of the power in W, each from one cause."""

    resolution: float
    noise: float
    """Of the mean power during the run, with the correlation of its samples."""
    spread: float
    """Of the mean over batches, from their scatter; infinite where the batches are too few to know it."""
    idle_noise: float
    drift: float
    """Of the idle power between its two measurements."""
    clock: float
    """From the largest change if all batches are shifted by up to the bound of the clocks."""
    gain: float
    zero: float = 0.0
    """Of a constant error of the meter; 0 of net values, from which it cancels."""
    pauses: float = 0.0
    """From the energy between batches, all of which may be theirs: a supply or a meter that is slow shows the end of a
    batch's power after its end."""

    @property
    def idle(self) -> float:
        """Of the idle power alone."""
        return math.hypot(self.idle_noise, self.drift)

    @property
    def measured(self) -> float:
        """Of the energy of this very run: all but the spread."""
        return math.hypot(self.noise, self.lasting)

    @property
    def combined(self) -> float:
        """Of the energy of such runs. The spread already includes the noise, so the larger of the two is used."""
        return math.hypot(max(self.noise, self.spread), self.lasting)

    @property
    def lasting(self) -> float:
        """What stays however many batches are timed: all but noise and spread."""
        return math.hypot(self.resolution, self.idle_noise, self.drift, self.clock, self.gain, self.zero, self.pauses)


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
    full_w: Budget
    """Of the mean power during the batches."""
    net_w: Budget | None
    """Of the same above idle."""
    idle_uncertainty_w: float | None
    """Standard uncertainty of the idle power itself, with gain and zero of the meter."""
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
    power_half_w: float = 0.0
    """Half of the 95 % interval of the mean power from the scatter of batches, also for correlations that few do
    not show; infinite where there are too few. Verdicts are held to it, which must not be wrong on few batches."""

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
    *,
    prior: Floats | None = None,
    pauses_j: float | None = None,
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
        prior: of the correlation of consecutive batches, if it is known from other runs; see
            ``statistics.short_series``.
        pauses_j: standard uncertainty of the energy of all batches from the time between them, where that is not
            idle; None computes it.
    """
    if len(power.values) < 2:
        return None
    integral = Integral(power)
    # The first sample of a batch may lie up to a period after its start.
    slack_ns = round(integral.period_s * 1e9)
    kept = (batches.start_ns >= power.times_ns[0] - slack_ns) & (batches.end_ns <= power.times_ns[-1] + slack_ns)
    used = Batches(batches.start_ns[kept], batches.end_ns[kept], batches.images[kept])
    seen = _seen(power, used, integral, instrument) if kept.any() else None
    if seen is None:
        return None
    during = seen.during
    baseline = Baseline.of(used, idle_before, idle_after)
    gross_j = seen.integral.between(used.start_ns, used.end_ns)
    clock_j = clock_error_j(seen.integral, used, instrument)
    pauses_j = _pauses_j(seen.integral, used, baseline) if pauses_j is None else pauses_j
    gross_causes = _Causes(used, during, instrument, clock_j, pauses_j)
    gross = _figure(gross_j, gross_causes, integral.period_s, prior)
    net, net_causes, net_j = None, None, gross_j
    if baseline is not None:
        net_j = gross_j - baseline.power_w * used.seconds
        net_causes = replace(gross_causes, baseline=baseline)
        net = _figure(net_j, net_causes, integral.period_s, prior)
    covered_s = float(integral.covered_s(used.start_ns, used.end_ns).sum())
    coverage = min(1.0, covered_s / float(used.seconds.sum()))
    return EnergySummary(
        batches=len(used.images),
        images=int(used.images.sum()),
        seconds=float(used.seconds.sum()),
        gross=gross,
        net=net,
        full_w=gross_causes.of_power(gross_j),
        net_w=None if net_causes is None else net_causes.of_power(net_j),
        idle_uncertainty_w=None if net_causes is None else net_causes.of_idle_w(),
        coverage=coverage,
        timing_warning=timing_warning(used, instrument),
        throttling=tuple(throttling_warnings(used, gross_j, clocks_hz or {})),
        warnings=tuple(
            measurement_warnings(batches, used, instrument, integral.period_s, coverage, idle_before, idle_after)
        ),
        doubts=(seen.too_slow,) if seen.too_slow else tuple(power_doubts(during, idle_before, idle_after)),
        power_half_w=_half_w(gross_j, used.seconds, prior),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """How the power of a run is integrated, and its mean over the run with the noise of that."""

    integral: Integral
    during: Mean
    too_slow: str | None = None


def _seen(power: Readings, used: Batches, integral: Integral, instrument: Instrument) -> _Seen | None:
    """None where a meter that is fast enough gave fewer than two values during the run.

    A fast meter of which samples are missing at the start or the end of the run is like a slow one there.
    """
    period_s, start_ns, end_ns = integral.period_s, int(used.start_ns[0]), int(used.end_ns[-1])
    first, last = np.searchsorted(power.times_ns, (start_ns, end_ns))
    during = mean_power(Readings(power.times_ns[first:last], power.values[first:last]))
    cut = integral.in_gap(np.array([start_ns, end_ns])).any()
    if not cut and not is_slow(period_s, (end_ns - start_ns) * _S):
        return None if during is None else _Seen(integral, during)
    inner = plateau.inside(power, used, period_s, instrument.clock_bound_ns)
    mean = plateau.mean_inside(inner, period_s)
    if mean is not None:
        return _Seen(Integral(plateau.held(inner, used, period_s, instrument.clock_bound_ns)), mean)
    if during is not None and during.count >= plateau.SOME:
        return _Seen(integral, during)
    # There may be no value at all during the run; the resolution is that of one.
    unknown = Mean(start_ns, math.nan, 1, math.nan, 0.0, math.inf, math.nan)
    return _Seen(integral, unknown, plateau.too_slow(len(inner.values), period_s))


@dataclass(frozen=True, slots=True)
class Baseline:
    """Idle power during the run."""

    power_w: Floats
    """In the middle of each batch, shape (n,)."""
    means: tuple[Mean, ...]
    drift_w: float
    """Standard uncertainty."""

    @classmethod
    def of(cls, batches: Batches, before: Mean | None, after: Mean | None) -> Baseline | None:
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
    return math.hypot(*changes) / math.sqrt(12)  # which does not overflow, whatever a damaged file holds


@dataclass(frozen=True, slots=True)
class _Causes:
    """What the uncertainties of a run follow from."""

    batches: Batches
    during: Mean
    instrument: Instrument
    clock_j: float
    """Standard uncertainty of the energy of all batches."""
    pauses_j: float
    """Likewise."""
    baseline: Baseline | None = None
    """None: of gross values."""

    def of_power(self, energy_j: Floats) -> Budget:
        """Of the mean power during the batches, W, from the energies of batches, shape (n,)."""
        seconds = float(self.batches.seconds.sum())
        return self._budget(1.0, float(energy_j.sum()) / seconds, _spread_w(energy_j, self.batches.seconds), seconds)

    def of_energy(self, energy_j: Floats, prior: Floats | None) -> Budget:
        """Of the energy per image, J, from the energies of batches, shape (n,)."""
        images = int(self.batches.images.sum())
        per_image = float(energy_j.sum()) / images
        seconds_per_image = float(self.batches.seconds.sum()) / images
        spread = _spread_j(energy_j, self.batches.images, per_image, prior)
        return self._budget(seconds_per_image, per_image, spread, images)

    def of_idle_w(self) -> float:
        """Standard uncertainty of the mean idle power."""
        if self.baseline is None:
            return math.inf
        gain_w = (self.instrument.accuracy or 0.0) * abs(float(self.baseline.power_w.mean())) / _SQRT3
        return math.hypot(self.baseline.noise_w(), self.baseline.drift_w, gain_w, self._zero_w)

    @property
    def _zero_w(self) -> float:
        return (self.instrument.zero_w or 0.0) / _SQRT3

    def _budget(self, seconds: float, value: float, spread: float, parts: float) -> Budget:
        """Of a power times ``seconds``, which is ``value``; of the energy of all batches it is one of ``parts``."""
        step_w, baseline = self.instrument.resolution_w, self.baseline
        resolution_w = self.during.resolution_w(step_w) if step_w else 0.0
        if baseline is not None and step_w:
            resolution_w = math.hypot(resolution_w, baseline.resolution_w(step_w))
        return Budget(
            resolution=resolution_w * seconds,
            noise=self.during.uncertainty_w * seconds,
            spread=spread,
            idle_noise=baseline.noise_w() * seconds if baseline else 0.0,
            drift=baseline.drift_w * seconds if baseline else 0.0,
            clock=self.clock_j / parts,
            gain=(self.instrument.accuracy or 0.0) * abs(value) / _SQRT3,
            zero=0.0 if baseline else self._zero_w * seconds,
            pauses=self.pauses_j / parts,
        )


def _figure(energy_j: Floats, causes: _Causes, period_s: float, prior: Floats | None) -> Figure:
    """From the energies of batches, gross or net ones."""
    batches = causes.batches
    percentiles = None
    if period_s <= float(np.median(batches.seconds)) / 2:
        p05, p25, p50, p75, p95 = np.percentile(energy_j / batches.images, (5, 25, 50, 75, 95)).tolist()
        percentiles = (p05, p25, p50, p75, p95)
    per_image = float(energy_j.sum()) / int(batches.images.sum())
    return Figure(per_image, float(energy_j.mean()), causes.of_energy(energy_j, prior), energy_j, percentiles)


def _spread_j(energy_j: Floats, images: Integers, per_image: float, prior: Floats | None) -> float:
    """Of a ratio of two sums, from what single batches deviate by (Cochran 1977, "Sampling Techniques", 2.11)."""
    rest = energy_j - per_image * images
    return half_width(rest, prior) / COVERAGE_FACTOR * len(rest) / int(images.sum())


def _spread_w(energy_j: Floats, seconds: Floats) -> float:
    """Of the ratio of energy and time. Few batches have Student's factor in place of the usual two.

    A correlation that so few batches do not show is in the noise of the mean, which is that of many samples.
    """
    count, total_s = len(energy_j), float(seconds.sum())
    if count < 2:
        return 0.0
    rest = energy_j - float(energy_j.sum()) / total_s * seconds
    variance = float(rest @ rest) * count / (count - 1) * 2 * correlation_time(rest)
    factor = student_quantile((1 + RESULT_LEVEL) / 2, count - 1) / COVERAGE_FACTOR
    return max(factor, 1.0) * math.sqrt(variance) / total_s


def _half_w(energy_j: Floats, seconds: Floats, prior: Floats | None) -> float:
    """Of the ratio of energy and time, by the interval of the mean of a short series."""
    total_s = float(seconds.sum())
    rest = energy_j - float(energy_j.sum()) / total_s * seconds
    return half_width(rest, prior) * len(rest) / total_s


def clock_error_j(integral: Integral, batches: Batches, instrument: Instrument) -> float:
    """Standard uncertainty of the energy of all batches if all are shifted by the same unknown time."""
    bound_ns = instrument.clock_bound_ns or 0.0
    shifts_ns = np.linspace(-bound_ns, bound_ns, SHIFTS).astype(np.int64)
    moved = [float(integral.between(batches.start_ns + by, batches.end_ns + by).sum()) for by in shifts_ns]
    return float(np.abs(np.array(moved) - moved[SHIFTS // 2]).max()) / _SQRT3


def _pauses_j(integral: Integral, batches: Batches, baseline: Baseline | None) -> float:
    """Standard uncertainty of the energy of all batches, of which up to the net energy between them is not in it.

    A smooth response moves energy from a batch into the pause after it, and loses none: what is missing in batches that
    follow each other is no more than what the pauses have above idle power. If the board does work of its own in the
    pauses, less is missing.
    """
    starts_ns, ends_ns = batches.end_ns[:-1], np.maximum(batches.start_ns[1:], batches.end_ns[:-1])
    idle_w = 0.0 if baseline is None else baseline.power_w[:-1]
    found_j = float((integral.between(starts_ns, ends_ns) - idle_w * (ends_ns - starts_ns) * _S).sum())
    return max(found_j, 0.0) / _SQRT3
