# SPDX-License-Identifier: Apache-2.0
"""A series as a histogram and as a cumulative distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_BINS, MOST_BINS = 5, 80
MOST_STEPS = 2000
"""Of a cumulative distribution; with more values it is read at quantiles."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges: shapes (n + 1,) and (n,)."""

    edges: Floats
    counts: NDArray[np.int64]

    def outline(self) -> tuple[Floats, Floats]:
        """As a line of steps that begins and ends at zero, both of shape (2 n + 2,)."""
        x = np.repeat(self.edges, 2)
        y = np.concatenate(([0.0], np.repeat(self.counts.astype(np.float64), 2), [0.0]))
        return x, y


def histogram(values: Floats) -> Histogram:
    """Of values of shape (n,), n at least 1: the width of bins is that of Freedman and Diaconis (1981), rounded.

    A few very slow batches would otherwise leave all others in one bin, so there are at most ``MOST_BINS`` of them.
    """
    low, high = float(values.min()), float(values.max())
    least = max(abs(high), 1e-30) * 1e-9
    quarter, three = np.quantile(values, (0.25, 0.75))
    width = 2 * float(three - quarter) / len(values) ** (1 / 3)
    span = max(high - low, least)
    bins = min(max(math.ceil(span / width) if width > least else LEAST_BINS, LEAST_BINS), MOST_BINS)
    edges = np.linspace(low, low + span, bins + 1)
    edges[-1] = max(edges[-1], high)
    return Histogram(edges, np.histogram(values, edges)[0].astype(np.int64))


def cumulative(values: Floats) -> tuple[Floats, Floats]:
    """The value that is not exceeded by each fraction of 0 to 1; both of shape (m,)."""
    ordered = np.sort(values)
    if len(ordered) > MOST_STEPS:
        fractions = np.linspace(0.0, 1.0, MOST_STEPS)
        return np.quantile(ordered, fractions), fractions
    fractions = np.arange(len(ordered) + 1) / len(ordered)
    return np.repeat(ordered, 2), np.repeat(fractions, 2)[1:-1]
