# SPDX-License-Identifier: Apache-2.0
"""The energy of a command: one window, from its start to its end, with the uncertainty of that very window; its peak.

A command does different things one after the other. So the scatter of the power during it is its own, and no noise of
the meter, which is that while the board was idle. Nobody knows whether the time of a value is the start, the middle or
the end of its period (docs/decisions/0021-slow-meters.md), so the ends are known to no better than a period, beside the
bound of the clocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.batch_energy import LEAST_SAMPLES, noise_j
from monitor_app.analysis.run.energy import Baseline, Budget, EnergySummary, Figure, clock_error_j
from monitor_app.analysis.run.inputs import Batches, Effort, Readings, power_inputs
from monitor_app.analysis.run.integration import Integral, Mean, mean_power
from monitor_app.analysis.run.signals import total_power
from monitor_app.analysis.run.warnings import measurement_warnings, power_doubts
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from monitor_app.analysis.run.inputs import Instrument, PowerInputs
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow

_SQRT3 = math.sqrt(3)
_S = 1e-9


def energy_of_command(inputs: PowerInputs) -> EnergySummary | None:
    """Of the one batch of the inputs, which is the command; None where no power was recorded during it."""
    command, power, instrument = inputs.batches, inputs.power, inputs.instrument
    seconds = float(command.seconds[0]) if len(command.seconds) == 1 else 0.0
    if len(power.values) < 2 or seconds <= 0:
        return None
    integral = Integral(power)
    covered_s = float(integral.covered_s(command.start_ns, command.end_ns)[0])
    if covered_s <= 0:
        return None
    before, after = _mean(inputs.idle_before), _mean(inputs.idle_after)
    baseline = Baseline.of(command, before, after)
    gross_j = float(integral.between(command.start_ns, command.end_ns)[0])
    few = integral.period_s * LEAST_SAMPLES > seconds
    gross = _figure(gross_j, _budget(gross_j, integral, inputs, None, few=few))
    net = None
    if baseline is not None:
        net_j = gross_j - float(baseline.power_w[0]) * seconds
        net = _figure(net_j, _budget(net_j, integral, inputs, baseline, few=few))
    coverage = min(1.0, covered_s / seconds)
    return EnergySummary(
        batches=1,
        images=1,
        seconds=seconds,
        gross=gross,
        net=net,
        full_w=_per_second(gross.budget, seconds),
        net_w=None if net is None else _per_second(net.budget, seconds),
        idle_uncertainty_w=None if baseline is None else _idle_uncertainty_w(baseline, instrument),
        coverage=coverage,
        timing_warning=None,
        throttling=(),
        warnings=tuple(measurement_warnings(command, command, instrument, integral.period_s, coverage, before, after)),
        doubts=tuple(_doubts(power, command, integral.period_s, before, after, few=few)),
    )


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest power while a command ran, as the meter shows it."""

    power_w: float
    uncertainty_w: float
    """Standard uncertainty of one value of the meter."""
    period_s: float
    """From one value to the next: what is shorter may have been higher."""


def peak_power(inputs: PowerInputs) -> Peak | None:
    """Of the batches of a run; None without a value during them."""
    power, batches = inputs.power, inputs.batches
    first, last = np.searchsorted(power.times_ns, (int(batches.start_ns[0]), int(batches.end_ns[-1]) + 1))
    values = power.values[first:last]
    if not len(values) or len(power.times_ns) < 2:
        return None
    highest_w = float(values.max())
    period_s = float(np.median(np.diff(power.times_ns))) * _S
    instrument = inputs.instrument
    quiet = [mean for mean in (_mean(inputs.idle_before), _mean(inputs.idle_after)) if mean is not None]
    noise_w = max((mean.deviation_w for mean in quiet), default=0.0)
    uncertainty_w = math.hypot(
        noise_w,
        (instrument.resolution_w or 0.0) / math.sqrt(12),
        (instrument.accuracy or 0.0) * abs(highest_w) / _SQRT3,
        (instrument.zero_w or 0.0) / _SQRT3,
    )
    return Peak(highest_w, uncertainty_w, period_s)


def command_inputs(reader: SessionReader, run: RunRow, effort: Effort = Effort()) -> PowerInputs | None:  # noqa: B008, frozen
    """The power while the command of a run ran; None where either is not there."""
    rows = reader.batches(run_id=run.id)
    timed = rows[rows["phase"] == Phase.TIMED.value]
    signal = total_power(reader)
    if signal is None or not len(timed):
        return None
    return power_inputs(reader, signal, run, Batches(timed["start_ns"], timed["end_ns"], timed["images"]), effort)


def _mean(readings: Readings | None) -> Mean | None:
    return None if readings is None else mean_power(readings)


def _doubts(
    power: Readings, command: Batches, period_s: float, before: Mean | None, after: Mean | None, *, few: bool
) -> list[str]:
    if few:
        return [
            f"The meter gives a value every {1e3 * period_s:.3g} ms, which is too few for a command of "
            f"{float(command.seconds[0]):.3g} s: let it run for {LEAST_SAMPLES * period_s:.3g} s at least."
        ]
    first, last = np.searchsorted(power.times_ns, (int(command.start_ns[0]), int(command.end_ns[-1])))
    during = mean_power(Readings(power.times_ns[first:last], power.values[first:last]))
    return [] if during is None else list(power_doubts(during, before, after))


def _figure(joules: float, budget: Budget) -> Figure:
    return Figure(joules, joules, budget, np.array([joules]), None)


def _budget(joules: float, integral: Integral, inputs: PowerInputs, baseline: Baseline | None, *, few: bool) -> Budget:
    command, instrument = inputs.batches, inputs.instrument
    seconds = float(command.seconds[0])
    noise = noise_j(inputs.power, _quiet(inputs) if baseline is None else baseline, instrument, seconds,
                    round(seconds / integral.period_s))  # fmt: skip
    if baseline is None:
        noise = {**noise, "idle_noise": 0.0, "drift": 0.0}
    placed = replace(instrument, clock_bound_ns=(instrument.clock_bound_ns or 0.0) + integral.period_s * 1e9)
    return Budget(
        **{**noise, "noise": math.inf if few else noise["noise"]},
        spread=0.0,
        clock=clock_error_j(integral, command, placed),
        gain=(instrument.accuracy or 0.0) * abs(joules) / _SQRT3,
        zero=0.0 if baseline else (instrument.zero_w or 0.0) / _SQRT3 * seconds,
    )


def _quiet(inputs: PowerInputs) -> Baseline | None:
    """The idle baselines, by which the noise of the meter is known."""
    return Baseline.of(inputs.batches, _mean(inputs.idle_before), _mean(inputs.idle_after))


def _per_second(budget: Budget, seconds: float) -> Budget:
    return Budget(**{name: getattr(budget, name) / seconds for name in Budget.__dataclass_fields__})


def _idle_uncertainty_w(baseline: Baseline, instrument: Instrument) -> float:
    gain_w = (instrument.accuracy or 0.0) * abs(float(baseline.power_w.mean())) / _SQRT3
    return math.hypot(baseline.noise_w(), baseline.drift_w, gain_w, (instrument.zero_w or 0.0) / _SQRT3)
