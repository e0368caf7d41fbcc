# SPDX-License-Identifier: Apache-2.0
"""Warnings about the energies of a run, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.inputs import Readings
from monitor_app.analysis.run.steadiness import find_change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Batches, Instrument
    from monitor_app.analysis.run.integration import Mean

CLOCK_FRACTION = 0.1
"""Largest ratio of the bound of the clocks to the time of a batch without a warning."""
LEAST_CLOCK_CHANGE = 0.02
"""Smallest relative change of a clock frequency that is worth a warning."""
MOST_BETWEEN = 0.05
"""Largest fraction of the run between batches without a warning."""
MOST_MISSING = 0.05
"""Largest fraction of the time of the batches without samples of power and without a warning."""
MOST_DISAGREEMENT = 0.2
"""Largest difference of the two idle powers, as a fraction of the net power."""
MOST_SETTLING = 0.1
"""Largest change of idle power within a baseline, as a fraction of the net power."""
LEAST_STEP = 0.1
"""Scatter of the samples of a baseline, as a fraction of the net power, from which a part of the work is in it."""
LEAST_RISE = 0.02
"""Smallest net power, as a fraction of idle power."""
CLEAR_RISE = 0.2
"""Net power, as a fraction of idle power, that no board at rest shows by chance."""
SIGMAS = 3.0
"""What is less than this many standard uncertainties is noise."""
_S = 1e-9


def timing_warning(batches: Batches, instrument: Instrument) -> str | None:
    """Why energies of single batches are not reliable, or None."""
    bound_ms, batch_ms = (instrument.clock_bound_ns or 0.0) * 1e-6, float(np.median(batches.seconds)) * 1e3
    if bound_ms <= CLOCK_FRACTION * batch_ms:
        return None
    return (
        f"The times of the power are known only to {bound_ms:.3g} ms and a batch takes {batch_ms:.3g} ms, so "
        "the energy of a single batch is not reliable; the uncertainty of the mean over the run includes this."
    )


def throttling_warnings(
    batches: Batches, energy_j: NDArray[np.float64], clocks_hz: Mapping[str, Readings]
) -> Iterator[str]:
    """Signs of throttling: changes in the latency or the power of batches, or in a clock of the board."""
    alike = batches.images == np.median(batches.images)
    begin_ns, end_ns = int(batches.start_ns[0]), int(batches.end_ns[-1])
    quantities = {"Latency": batches.seconds, "Power": energy_j / batches.seconds}
    for name, values in quantities.items():
        found = find_change(Readings(batches.end_ns[alike], values[alike]))
        if found is not None:
            start_s, stop_s = ((at - begin_ns) * _S for at in (found.start_ns, found.end_ns))
            higher = "higher" if found.relative > 0 else "lower"
            yield (
                f"{name} was {abs(found.relative):.0%} {higher} from {start_s:.1f} s to {stop_s:.1f} s of the run "
                "than in the rest of it."
            )
    for name, clock in clocks_hz.items():
        inside = clock.values[(clock.times_ns >= begin_ns) & (clock.times_ns <= end_ns)]
        if len(inside) and inside.min() < (1 - LEAST_CLOCK_CHANGE) * inside.max():
            yield f"Clock {name} was between {inside.min() / 1e6:.0f} and {inside.max() / 1e6:.0f} MHz during the run."


def power_doubts(during: Mean, before: Mean | None, after: Mean | None) -> Iterator[str]:
    """Why net power and energy cannot be those of the run; a cell with such a run is left out of findings."""
    means = [mean for mean in (before, after) if mean is not None]
    if not means:
        return
    idle_w = sum(mean.value_w for mean in means) / len(means)
    net_w = during.value_w - idle_w
    noise_w = SIGMAS * math.hypot(during.uncertainty_w, *(mean.uncertainty_w for mean in means))
    change_w = abs(after.value_w - before.value_w) if before is not None and after is not None else 0.0
    disagree = change_w > MOST_DISAGREEMENT * net_w
    # A step within a baseline makes its mean uncertain: what has risen by much lags, however uncertain its idle is.
    lags = disagree and net_w > CLEAR_RISE * abs(idle_w)
    if net_w < LEAST_RISE * abs(idle_w) or (net_w < noise_w and not lags):
        yield (
            f"Power did not rise: it was {idle_w:.3g} W when idle and {during.value_w:.3g} W during the run. Does the "
            "instrument measure the board that the network ran on?"
        )
        return
    if before is not None and after is not None and disagree and (lags or change_w > noise_w):
        yield (
            f"Idle power was {before.value_w:.3g} W before the run and {after.value_w:.3g} W after it: the meter "
            "lags by more than settle_s, or something else was running."
        )
        return
    for name, mean, other in (("before", before, after), ("after", after, before)):
        if mean is not None and (_settles(mean, net_w) or _has_step(mean, other, net_w)):
            yield (
                f"Idle power {name} the run was still changing, by {mean.drift_w_per_s:+.3g} W/s: settle_s is shorter "
                "than the lag of the meter and the board."
            )


def _settles(mean: Mean, net_w: float) -> bool:
    """Whether idle power changes within a baseline by more than noise explains."""
    change_w = abs(mean.drift_w_per_s) * mean.duration_s
    # A slope over the duration has sqrt(12) times the standard uncertainty of the mean.
    return change_w > max(MOST_SETTLING * net_w, SIGMAS * math.sqrt(12) * mean.uncertainty_w)


def _has_step(mean: Mean, other: Mean | None, net_w: float) -> bool:
    """Whether the work ends or begins within a baseline, which makes its mean uncertain: the other one has none."""
    return other is not None and mean.deviation_w > max(LEAST_STEP * net_w, SIGMAS * other.deviation_w)


def measurement_warnings(
    batches: Batches,
    used: Batches,
    instrument: Instrument,
    period_s: float,
    coverage: float,
    before: Mean | None,
    after: Mean | None,
) -> Iterator[str]:
    """What was left out or is unknown.

    ``used`` are the batches that power was measured for, ``coverage`` the fraction of their time that has samples.
    """
    left_out = len(batches.images) - len(used.images)
    if left_out:
        yield f"{left_out} of {len(batches.images)} batches are left out, as no power was recorded while they ran."
    if coverage < 1 - MOST_MISSING:
        yield (f"Power was recorded for {coverage:.0%} of the time of the batches; straight lines bridge the rest.")
    batch_s = float(np.median(used.seconds))
    if period_s > batch_s / 2:
        yield (
            f"The meter gives a value every {period_s * 1e3:.3g} ms and a batch takes {batch_s * 1e3:.3g} ms, so only "
            "the mean over the run is measured, not single batches."
        )
    between = 1 - float(used.seconds.sum()) * 1e9 / int(used.end_ns[-1] - used.start_ns[0])
    if between > MOST_BETWEEN:
        yield f"{between:.0%} of the run lies between batches; the energy of that time is not counted."
    if instrument.accuracy is None:
        yield "The meter does not state its accuracy, so the uncertainty does not include it."
    if instrument.clock_bound_ns is None:
        yield "The error of the times of the power is unknown, so the uncertainty does not include it."
    if (before is None) != (after is None):
        yield "Idle power was measured only before or only after the run, so its drift is extrapolated."
