# SPDX-License-Identifier: Apache-2.0
"""The results of one run: latency, power, energy per image, memory, accuracy. Pure functions of its inputs.

An image stands for the unit of the run's work, which may be a frame, a token or a request (`core.models.units`).

Power is averaged over the timed span without a guard at its start: the warm-up before it has brought the board to its
plateau, and the guard keeps the pause between the two, and errors of the clocks, out of the average. Net power is
power minus the idle baseline, measured before and after the run. Energy is that of the timed batches themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.analysis.run.command_energy import energy_of_command
from monitor_app.analysis.run.energy import EnergySummary, energy_of_run
from monitor_app.analysis.run.inputs import mean_over
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.latency import LatencySummary, summarise_latency
from monitor_app.analysis.run.load.scenarios import scenario_notes
from monitor_app.analysis.run.load.under_load import LoadResult, latency_under_load, load_result
from monitor_app.analysis.run.parts import PartResult, part_results
from monitor_app.analysis.run.stages import StageResult, stage_results
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.analysis.statistics.short_series import LEAST
from monitor_app.core.estimate import exact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from monitor_app.analysis.run.correlation import Correlations
    from monitor_app.analysis.run.inputs import PowerInputs, RunInputs
    from monitor_app.analysis.run.integration import Mean
    from monitor_app.core.estimate import Estimate, Metric, Proportion
    from monitor_app.session.rows import MemoryRow, RunRow

    Floats = NDArray[np.float64]


TOO_FEW = (
    f"Fewer than {LEAST} timed batches are too few for an interval of their mean time and energy, as they do not show "
    "how strongly consecutive batches are correlated. Time at least as many, or run the network at smaller batch sizes "
    "in the same session."
)


@dataclass(frozen=True, slots=True)
class Power:
    """Mean power of the board. None: not measured."""

    full_w: float
    """Over the timed span, without the guard."""
    idle_w: float | None
    net_w: float | None
    coverage: float
    """Fraction of the samples of the timed span that were recorded, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that was measured of one run; None where it was not."""

    run: RunRow
    images: int
    """Timed images, or other units of the run's work."""
    timed_s: float
    images_per_s: float | None
    latency: LatencySummary | None
    """Of a batch, from the arrival of its request to its answer, by the host's clock."""
    device_latency: LatencySummary | None
    """The same by the device's own events."""
    power: Power | None
    energy: EnergySummary | None
    memory: tuple[MemoryRow, ...]
    top1: Proportion | None
    top5: Proportion | None
    parts: tuple[PartResult, ...] = ()
    """Of a model that generates: prefill and decode."""
    metrics: tuple[Metric, ...] = ()
    """Accuracy by a metric of the user's own."""
    correlation_runs: tuple[int, ...] = ()
    """Other runs of the session that the correlation of these batches is known from."""
    load: LoadResult | None = None
    """What requests with arrivals of their own met; None: each was issued as its pass began."""
    passes: LatencySummary | None = None
    """Service times, where they are not the latencies."""
    stages: tuple[StageResult, ...] = ()
    """Of passes that were timed end to end."""

    @property
    def service(self) -> LatencySummary | None:
        """Of the passes alone, without what a request waited for before."""
        return self.passes or self.latency

    @property
    def unit(self) -> str:
        """The word for what is counted as an image here."""
        return self.run.unit

    def part(self, kind: str) -> PartResult | None:
        """The parts of one kind, core.runs.PREFILL or DECODE; None where the run has none."""
        return next((each for each in self.parts if each.kind == kind), None)

    @property
    def seconds_per_image(self) -> Estimate | None:
        """The time per image: the mean time of a timed batch over its images, the same wherever it is shown."""
        service = self.service
        if service is None or service.mean is None or not self.images:
            return None
        return service.mean.scaled(service.count / self.images)

    def up_to_date(self, correlations: Correlations) -> bool:
        """Whether the session shows no more of the correlation of these batches than when this was computed."""
        batches = self.latency.count if self.latency else 0
        return self.correlation_runs == correlations.runs_for(self.run, batches)

    @property
    def full_uncertainty_w(self) -> float | None:
        """Standard uncertainty of the power under load."""
        return None if self.energy is None else self.energy.full_w.combined

    @property
    def idle_uncertainty_w(self) -> float | None:
        """Standard uncertainty of the idle power."""
        return None if self.energy is None else self.energy.idle_uncertainty_w

    @property
    def net_uncertainty_w(self) -> float | None:
        """Standard uncertainty of the net power."""
        return None if self.energy is None or self.energy.net_w is None else self.energy.net_w.combined

    @property
    def notes(self) -> tuple[str, ...]:
        """The warnings that belong to these results, each one sentence."""
        unsteady = (self.run.warm_up_note,) if self.run.steady == 0 and self.run.warm_up_note else ()
        few = (TOO_FEW,) if self.service and self.service.mean and math.isinf(self.service.mean.high) else ()
        load = tuple(self.load.notes) if self.load else ()
        rules = tuple(scenario_notes(self.run.load, self.timed_s, self.images))
        return (*load, *unsteady, *few, *rules, *(self.energy.all_warnings if self.energy else ()))


def run_result(inputs: RunInputs) -> RunResult:
    """One run, as far as it has come."""
    timed, power = inputs.timed, inputs.power
    known = inputs.correlation
    prior = None if known is None else known.probabilities
    alone = inputs.run.own_program
    images = int(timed.images.sum())
    timed_s = float(timed.end_ns.max() - timed.start_ns.min()) * 1e-9 if len(timed.images) else 0.0
    idle = _idle(power)
    energy = None if power is None else energy_of_command(power) if alone else _energy(power, idle, prior)
    load = load_result(inputs)
    passes = _of_command(timed.seconds) if alone else _latency(timed.seconds, inputs.effort.resamples, prior)
    return RunResult(
        run=inputs.run,
        images=images,
        timed_s=timed_s,
        images_per_s=images / timed_s if timed_s else None,
        latency=latency_under_load(inputs, load) if load else passes,
        device_latency=_latency(inputs.device_s, inputs.effort.resamples, prior),
        power=None if power is None else _power(power),
        energy=energy,
        memory=inputs.memory,
        top1=wilson(inputs.top1.correct, inputs.top1.images),
        top5=wilson(inputs.top5.correct, inputs.top5.images),
        parts=_parts(inputs, idle, energy, prior),
        metrics=inputs.metrics,
        correlation_runs=() if known is None else known.run_ids,
        load=load,
        passes=passes if load else None,
        stages=stage_results(inputs),
    )


def _latency(seconds: Floats, resamples: int, prior: Floats | None) -> LatencySummary | None:
    return summarise_latency(seconds, resamples=resamples, prior=prior) if len(seconds) else None


def _of_command(seconds: Floats) -> LatencySummary | None:
    """The time of the one command of a run, which has no scatter."""
    if not len(seconds):
        return None
    return replace(summarise_latency(seconds, resamples=1), mean=exact(float(seconds[0])))


def _power(inputs: PowerInputs) -> Power | None:
    full, idle_w = inputs.full, mean_over(inputs.idle)
    if full.count == 0:
        return None
    return Power(full.mean, idle_w, None if idle_w is None else full.mean - idle_w, full.coverage)


def _idle(inputs: PowerInputs | None) -> tuple[Mean | None, Mean | None]:
    if inputs is None:
        return None, None
    before, after = (None if each is None else mean_power(each) for each in (inputs.idle_before, inputs.idle_after))
    return before, after


def _energy(inputs: PowerInputs, idle: tuple[Mean | None, Mean | None], prior: Floats | None) -> EnergySummary | None:
    return energy_of_run(inputs.power, inputs.batches, inputs.instrument, *idle, inputs.clocks_hz, prior=prior)


def _parts(
    inputs: RunInputs, idle: tuple[Mean | None, Mean | None], energy: EnergySummary | None, prior: Floats | None
) -> tuple[PartResult, ...]:
    if not len(inputs.parts):
        return ()
    power = inputs.power
    delay_ns = 0 if power is None else int(power.batches.start_ns[0] - inputs.timed.start_ns[0])
    # What a slow supply moves out of a request it moves from one of its parts into the next as well
    figure = None if energy is None else energy.net or energy.gross
    pauses_j = 0.0 if figure is None or energy is None else figure.budget.pauses * energy.images
    resamples = inputs.effort.resamples
    return part_results(inputs.parts, power, idle, delay_ns, pauses_j, resamples=resamples, prior=prior)
