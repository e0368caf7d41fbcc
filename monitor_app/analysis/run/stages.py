# SPDX-License-Identifier: Apache-2.0
"""Time and energy of the stages of a pass that is timed end to end.

The energy of a stage is that of the board while the stage ran, over all passes of the run. Most stages are short: what
a meter shows of them is theirs only where it gives several values within one, and where its clock is known to a small
part of it. Elsewhere there is no energy, and a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR, clock_error_j
from monitor_app.analysis.run.inputs import Batches
from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.statistics.short_series import half_width, mean_of
from monitor_app.core.estimate import Estimate
from monitor_app.core.runs import STAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import PowerInputs, RunInputs

    Floats = NDArray[np.float64]

LEAST_SAMPLES = 3
"""Of power in a stage: with fewer, those at its ends are half its neighbours'."""
CLOCK_FRACTION = 0.1
_SQRT3 = 3**0.5
_S = 1e-9


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage over the timed passes of a run."""

    name: str
    """One of core.runs.STAGES."""
    mean: Estimate
    """Time in a pass, s."""
    part: float
    """Of the time of all passes, 0 to 1."""
    gross_j: Estimate | None
    """Energy of the board in one pass, J; None where it cannot be told from those of its neighbours."""
    no_energy: str | None
    """Why, in one sentence."""


def stage_results(inputs: RunInputs) -> tuple[StageResult, ...]:
    """In their order; empty for a run that was not timed end to end."""
    stamps_ns = inputs.stages_ns
    if not len(stamps_ns):
        return ()
    whole_s = float((stamps_ns[:, -1] - stamps_ns[:, 0]).sum()) * _S
    return tuple(
        _stage(name, stamps_ns[:, place], stamps_ns[:, place + 1], whole_s, inputs) for place, name in enumerate(STAGES)
    )


def _stage(
    name: str, start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], whole_s: float, inputs: RunInputs
) -> StageResult:
    seconds = (end_ns - start_ns).astype(np.float64) * _S
    mean = mean_of(seconds)
    mean = Estimate(mean.value, max(mean.low, 0.0), mean.high)
    energy = _energy(Batches(start_ns, end_ns, np.ones(len(seconds), np.int64)), inputs)
    found, why = (energy, None) if isinstance(energy, Estimate) else (None, energy)
    return StageResult(name, mean, float(seconds.sum()) / whole_s if whole_s else 0.0, found, why)


def _energy(stage: Batches, inputs: RunInputs) -> Estimate | str:
    """Of one pass."""
    power = inputs.power
    if power is None or len(power.power.values) < 2:
        return "No power was recorded."
    delay_ns = int(power.batches.start_ns[0] - inputs.timed.start_ns[0])
    return _energy_at(stage.delayed(delay_ns), power)


def _energy_at(stage: Batches, power: PowerInputs) -> Estimate | str:
    integral = Integral(power.power)
    typical_s = float(np.median(stage.seconds))
    if integral.period_s * LEAST_SAMPLES > typical_s:
        return (
            f"The meter gives a value every {1e3 * integral.period_s:.3g} ms, and this stage takes "
            f"{1e3 * typical_s:.3g} ms."
        )
    bound_s = (power.instrument.clock_bound_ns or 0.0) * _S
    if bound_s > CLOCK_FRACTION * typical_s:
        return (
            f"The times of the power are known only to {1e3 * bound_s:.3g} ms, and this stage takes "
            f"{1e3 * typical_s:.3g} ms."
        )
    joules: Floats = integral.between(stage.start_ns, stage.end_ns)
    count, value = len(joules), float(joules.mean())
    gain = (power.instrument.accuracy or 0.0) * abs(value) / _SQRT3
    zero = (power.instrument.zero_w or 0.0) / _SQRT3 * float(stage.seconds.mean())
    clock = clock_error_j(integral, stage, power.instrument) / count
    half = float(np.hypot(half_width(joules), COVERAGE_FACTOR * np.sqrt(gain**2 + zero**2 + clock**2)))
    return Estimate(value, value - half, value + half)
