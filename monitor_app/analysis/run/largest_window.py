# SPDX-License-Identifier: Apache-2.0
"""Where in an interval the mean power over a window of a given length is largest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.integration import Integral

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.run.inputs import Readings

    Floats = NDArray[np.float64]

AT_ONCE = 1 << 18
"""Windows that are computed at a time, which takes a dozen numbers of each."""
LEAST_COVERAGE = 0.99
"""Fraction of a window that must have samples; energy across a gap is not known."""
_S = 1e-9


@dataclass(frozen=True, slots=True)
class LargestWindow:
    """The window with the largest mean power, and the mean power of all others; arrays of shape (n,)."""

    start_ns: int
    end_ns: int
    mean_w: float
    energy_j: float
    starts_ns: NDArray[np.int64]
    means_w: Floats
    """Of the window that begins then; not a number where samples are missing."""

    @property
    def alone(self) -> LargestWindow:
        """Without all others, of which there are as many as samples."""
        return replace(self, starts_ns=self.starts_ns[:0].copy(), means_w=self.means_w[:0].copy())


def largest_window(power: Readings, length_ns: int) -> LargestWindow | None:
    """Of the windows that begin at a sample; None where none fits or none is complete."""
    if len(power.values) < 2 or length_ns <= 0:
        return None
    first, last = int(power.times_ns[0]), int(power.times_ns[-1]) - length_ns
    if last < first:
        return None
    starts = power.times_ns[(power.times_ns >= first) & (power.times_ns <= last)]
    integral = Integral(power)
    parts = (starts[k : k + AT_ONCE] for k in range(0, len(starts), AT_ONCE))
    means = np.concatenate([_means(integral, part, length_ns) for part in parts])
    if not np.isfinite(means).any():
        return None
    best = int(np.nanargmax(means))
    start = int(starts[best])
    mean_w = float(means[best])
    return LargestWindow(start, start + length_ns, mean_w, mean_w * length_ns * _S, starts, means)


def _means(integral: Integral, starts: NDArray[np.int64], length_ns: int) -> Floats:
    """The mean power of windows; not a number where samples are missing."""
    ends = starts + length_ns
    means = integral.between(starts, ends) / (length_ns * _S)
    means[integral.covered_s(starts, ends) < LEAST_COVERAGE * length_ns * _S] = np.nan
    return means
