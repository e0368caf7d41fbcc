# SPDX-License-Identifier: Apache-2.0
"""The power of many batches laid over each other at their start: their mean with its band, and their spread.

Samples are not taken in step with batches, so each batch is read at the same times since its start, on the straight
line between two of its samples. The band of the mean is simultaneous: the whole mean of all such batches lies in it
with a probability of 95 %, not only each of its points. It is drawn from blocks of consecutive batches, which resemble
each other (Politis and Romano 1992), and is as wide as the largest deviation of 95 of 100 draws, in standard errors
(Westfall and Young 1993, "Resampling-Based Multiple Testing", the maximum of t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.integration import Integral
from monitor_app.analysis.statistics.bootstrap import blocks_for
from monitor_app.core.estimate import RESULT_LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Batches, Readings

    Floats = NDArray[np.float64]

POINTS = 300
MOST_BATCHES = 1000
"""More are thinned out evenly: they would change nothing that can be seen."""
LEAST_BATCHES = 10
LEAST_SAMPLES = 10
"""In a batch, to show what is inside it."""
BEFORE, AFTER = 0.1, 0.25
"""What is shown beside the batch, as fractions of its length."""
DRAWS = 400
_S = 1e-9


@dataclass(frozen=True, slots=True)
class Folded:
    """Arrays of shape (points,), W; ``times_s`` is since the start of a batch."""

    times_s: Floats
    mean: Floats
    low: Floats
    """Ends of the simultaneous 95 % band of the mean."""
    high: Floats
    spread: tuple[Floats, Floats, Floats, Floats]
    """5, 25, 75 and 95 % of the batches."""
    length_s: float
    """Median length of the batches."""
    batches: int
    draws: Floats
    """Deviations of resampled means from the mean, shape (DRAWS, points)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Of two folded waveforms, the second less the first, on common times; W."""

    times_s: Floats
    mean: Floats
    low: Floats
    high: Floats

    @property
    def real(self) -> NDArray[np.bool_]:
        """Where zero lies outside the band, which covers all times together."""
        found: NDArray[np.bool_] = (self.low > 0) | (self.high < 0)
        return found


def fold(power: Readings, batches: Batches) -> Folded | str:
    """Of at least ten batches; a sentence that says why it cannot be done."""
    if len(batches.images) < LEAST_BATCHES or len(power.values) < 2:
        return f"There are {len(batches.images)} batches, and at least {LEAST_BATCHES} are needed."
    integral = Integral(power)
    length_s = float(np.median(batches.seconds))
    if integral.period_s * LEAST_SAMPLES > length_s:
        return (
            f"The meter gives a value every {1e3 * integral.period_s:.3g} ms and a batch takes {1e3 * length_s:.3g} "
            f"ms: what happens inside it cannot be seen."
        )
    times_s = np.linspace(-BEFORE * length_s, (1 + AFTER) * length_s, POINTS)
    matrix = _matrix(power, integral, batches, times_s)
    if len(matrix) < LEAST_BATCHES:
        return "Samples of the power are missing in nearly all of these batches."
    mean = matrix.mean(axis=0)
    draws = _draws(matrix)
    half = _half_width(draws)
    spread = np.quantile(matrix, (0.05, 0.25, 0.75, 0.95), axis=0)
    p05, p25, p75, p95 = spread
    return Folded(times_s, mean, mean - half, mean + half, (p05, p25, p75, p95), length_s, len(matrix), draws)


def difference(first: Folded, second: Folded) -> Difference:
    """As far as both reach."""
    start = max(first.times_s[0], second.times_s[0])
    end = min(first.times_s[-1], second.times_s[-1])
    times_s = np.linspace(start, end, POINTS)
    means = [np.interp(times_s, each.times_s, each.mean) for each in (first, second)]
    draws = [_at(each, times_s) for each in (first, second)]
    half = _half_width(draws[1] - draws[0])
    mean = means[1] - means[0]
    return Difference(times_s, mean, mean - half, mean + half)


def _at(folded: Folded, times_s: Floats) -> Floats:
    """Its draws at other times, shape (DRAWS, points)."""
    return np.array([np.interp(times_s, folded.times_s, row) for row in folded.draws])


def _matrix(power: Readings, integral: Integral, batches: Batches, times_s: Floats) -> Floats:
    """A row for each batch of which no sample is missing, shape (n, points)."""
    offsets_ns = np.round(times_s / _S).astype(np.int64)
    first_ns, last_ns = int(power.times_ns[0]), int(power.times_ns[-1])
    starts_ns = batches.start_ns
    starts_ns = starts_ns[(starts_ns + offsets_ns[0] >= first_ns) & (starts_ns + offsets_ns[-1] <= last_ns)]
    whole_s = float(times_s[-1] - times_s[0])
    covered_s = integral.covered_s(starts_ns + offsets_ns[0], starts_ns + offsets_ns[-1])
    starts_ns = starts_ns[covered_s >= whole_s - integral.period_s]
    if not len(starts_ns):
        return np.empty((0, len(times_s)))
    kept = np.linspace(0, len(starts_ns) - 1, min(len(starts_ns), MOST_BATCHES)).round().astype(np.intp)
    starts_ns = starts_ns[kept]
    # Relative to the first sample: a float cannot hold nanoseconds since the host was started exactly.
    at_s = (starts_ns[:, np.newaxis] + offsets_ns - first_ns) * _S
    found: Floats = np.interp(at_s, (power.times_ns - first_ns) * _S, power.values)
    return found


def _draws(matrix: Floats) -> Floats:
    """Deviations of the means of resampled batches, shape (DRAWS, points)."""
    count = len(matrix)
    about = matrix - matrix.mean(axis=0)
    blocks = blocks_for(matrix.mean(axis=1))
    length = min(blocks.length, count)
    starts = np.random.default_rng(0).integers(count, size=(DRAWS, math.ceil(count / length)))
    chosen = (starts[:, :, np.newaxis] + np.arange(length)).reshape(DRAWS, -1)[:, :count] % count
    weights = np.array([np.bincount(row, minlength=count) for row in chosen]) / count
    found: Floats = blocks.inflation * (weights @ about)
    return found


def _half_width(draws: Floats) -> Floats:
    """Of the simultaneous band, shape (points,)."""
    error = np.maximum(draws.std(axis=0), 1e-300)
    largest = np.abs(draws / error).max(axis=1)
    half: Floats = float(np.quantile(largest, RESULT_LEVEL)) * error
    return half
