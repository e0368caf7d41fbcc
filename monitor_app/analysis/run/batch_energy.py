# SPDX-License-Identifier: Apache-2.0
"""The energy of one batch, with the uncertainty budget of that very batch.

The causes are those of the energy of a run (``energy.py``), but few of them average out: a batch has few samples, and
an error of the clocks moves both of its ends. The scatter between batches is none of them, since it is not an error of
this one. Noise is that of the meter while the board was idle: what power does during a batch is the batch's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR, Baseline, Budget, clock_error_j
from monitor_app.analysis.run.integration import Integral, Mean, mean_power

if TYPE_CHECKING:
    from monitor_app.analysis.run.inputs import Batches, Instrument, Readings

LEAST_SAMPLES = 10
"""Of power in a batch, for an energy of its own: with fewer, what lies between two samples at its ends matters."""
LEAST_COVERAGE = 0.99
CLOCK_FRACTION = 0.1
"""Of the length of a batch, beyond which a bound of the clocks is worth a word."""
_SQRT3 = math.sqrt(3)


@dataclass(frozen=True, slots=True)
class Idle:
    """The idle baselines of a run; None where one was not measured."""

    before: Mean | None = None
    after: Mean | None = None


NO_IDLE = Idle()


@dataclass(frozen=True, slots=True)
class BatchEnergy:
    """Energy of the board during one batch."""

    gross_j: float
    net_j: float | None
    """Above idle; None where idle power was not measured."""
    mean_w: float
    budget: Budget
    """In J: of the net energy, or of the gross one where that is all there is."""
    clock_warning: bool
    """Whether the clocks are known to no better than a tenth of the batch."""

    @property
    def expanded_j(self) -> float:
        """Expanded uncertainty: the energy of this batch lies within it with a probability of about 95 %."""
        return COVERAGE_FACTOR * self.budget.measured


def energy_of_batch(
    power: Readings, batch: Batches, instrument: Instrument, idle: Idle = NO_IDLE, *, pauses_j: float = 0.0
) -> BatchEnergy | str:
    """Of one batch; a sentence that says why where it has no energy of its own.

    Args:
        power: samples in W, from before the batch to after it, by the bound of the clocks at least.
        batch: just one, at the times of the power.
        instrument: its errors.
        idle: the baselines of its run.
        pauses_j: standard uncertainty from the energy in the pause after it, as the budget of the run has it.
    """
    seconds = float(batch.seconds[0])
    if len(power.values) < 2 or seconds <= 0:
        return "No power was recorded during it."
    integral = Integral(power)
    if integral.period_s * LEAST_SAMPLES > seconds:
        return f"The meter gives a value every {1e3 * integral.period_s:.3g} ms: too few for one batch."
    if float(integral.covered_s(batch.start_ns, batch.end_ns)[0]) < LEAST_COVERAGE * seconds:
        return "Samples of the power are missing."
    gross_j = float(integral.between(batch.start_ns, batch.end_ns)[0])
    baseline = Baseline.of(batch, idle.before, idle.after)
    net_j = None if baseline is None else gross_j - float(baseline.power_w[0]) * seconds
    budget = Budget(
        **noise_j(power, baseline, instrument, seconds, round(seconds / integral.period_s)),
        spread=0.0,
        clock=clock_error_j(integral, batch, instrument),
        gain=(instrument.accuracy or 0.0) * abs(gross_j if net_j is None else net_j) / _SQRT3,
        zero=0.0 if baseline else (instrument.zero_w or 0.0) / _SQRT3 * seconds,
        pauses=pauses_j,
    )
    bound_s = (instrument.clock_bound_ns or 0.0) * 1e-9
    return BatchEnergy(gross_j, net_j, gross_j / seconds, budget, bound_s > CLOCK_FRACTION * seconds)


def noise_j(
    power: Readings, baseline: Baseline | None, instrument: Instrument, seconds: float, samples: int
) -> dict[str, float]:
    """Standard uncertainties in J from noise, from resolution and from the idle power."""
    quiet = baseline.means if baseline is not None else tuple(filter(None, (mean_power(power),)))
    noise_w = max((_of_mean_w(mean, seconds) for mean in quiet), default=0.0)
    resolution_w = _resolution_w(quiet, instrument, baseline, samples)
    return {
        "noise": noise_w * seconds,
        "resolution": resolution_w * seconds,
        "idle_noise": baseline.noise_w() * seconds if baseline else 0.0,
        "drift": baseline.drift_w * seconds if baseline else 0.0,
    }


def _of_mean_w(mean: Mean, seconds: float) -> float:
    """Of a mean over so many seconds, with noise as it was during another one; never more than that of a sample."""
    scaled = mean.uncertainty_w * math.sqrt(max(mean.duration_s / seconds, 1.0))
    return float(np.fmin(scaled, mean.deviation_w))


def _resolution_w(quiet: tuple[Mean, ...], instrument: Instrument, baseline: Baseline | None, samples: int) -> float:
    step_w = instrument.resolution_w
    if not step_w:
        return 0.0
    own_w = max((replace(mean, count=max(samples, 1)).resolution_w(step_w) for mean in quiet), default=0.0)
    return math.hypot(own_w, baseline.resolution_w(step_w)) if baseline is not None else own_w
