# SPDX-License-Identifier: Apache-2.0
"""The interval of a mean of correlated values, also of few of them.

Ten values say little about how strongly neighbours are correlated, and the interval of their mean depends on that: at a
correlation of 0.9 it is nearly five times as wide as for independent values of the same scatter. An interval that
estimates the correlation from such a series and trusts the estimate is too narrow. We therefore average over all
correlations that are possible, each weighted by how well it explains the series and by how common it is.

The model is a stationary first-order autoregression with a correlation of 0 to 1 between neighbours. Mean and scale
have the usual uninformative priors, so for each correlation the mean has Student's distribution about its generalised
least-squares estimate (Box, Jenkins and Reinsel 2008, "Time Series Analysis", chapter 7). The prior of the correlation
rises with its power of 1.5: its median is 0.76, and nine of ten values lie between 0.30 and 0.98. It rests on
measurements: in series of latencies of networks on a computer with other processes, neighbours had correlations of 0.07
to 0.93 with a median of 0.59. The prior lies above that, on the side of wider intervals: a weight that rises in
proportion to the correlation holds 93 of 100 at a correlation of 0.9 and ten to thirty values, this one 95.

Everything is computed with numpy: scipy takes long to import, and the window and ``show`` do without it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.estimate import RESULT_LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CORRELATIONS: Floats = (np.arange(40) + 0.5) / 40
"""Between neighbours: those that are tried, shape (40,)."""
PRIOR: Floats = CORRELATIONS**1.5 / (CORRELATIONS**1.5).sum()
"""Probability of each, where nothing else is known."""
LEAST = 10
"""Values that an interval needs where the correlation is known from nothing but these values.

With five, an interval that is right at a correlation of 0.9 is more than six times as wide as one that is right at 0.
"""
LEAST_KNOWN = 3
"""Values that it needs where the correlation is known from other series."""
_STEPS = 30
"""Of the bisection for the half-width."""
_ROUNDING = 1e-12
"""A scatter below this fraction of the values is an error of rounding."""


def mean_of(values: Floats, prior: Floats | None = None) -> Estimate:
    """The mean of a series of shape (n,), n at least 1, with its 95 % interval.

    The ends are infinite where the values are too few: see ``LEAST`` and ``LEAST_KNOWN``.

    Args:
        values: in the order in which they were measured.
        prior: probability of each of ``CORRELATIONS``, where it is known from other series.
    """
    value, half = float(values.mean()), half_width(values, prior)
    return Estimate(value, value - half, value + half)


def half_width(values: Floats, prior: Floats | None = None, level: float = RESULT_LEVEL) -> float:
    """Half of the interval of the mean of a series of shape (n,); infinite where the values are too few."""
    count = len(values)
    if count < (LEAST if prior is None else LEAST_KNOWN):
        return math.inf
    terms = _terms(values)
    if terms is None:
        return 0.0
    offset, squares, sums = terms
    weights = _normalised(_log_likelihood(terms, count) + np.log(PRIOR if prior is None else prior))
    error = np.sqrt(squares / ((count - 1) * sums))
    places, below = _student(count - 1)
    # An interval that is wide enough for each correlation is wide enough for all.
    reach = error * student_quantile((1 + level) / 2, count - 1)
    low, high = 0.0, float(np.max(reach + np.abs(offset)))
    # The upper ends and then the lower ones, whose part is taken away
    side = np.repeat((1.0, -1.0), len(offset))
    offsets, errors, parts = np.tile(offset, 2), np.tile(error, 2), side * np.tile(weights, 2)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        inside = float(parts @ np.interp((side * middle - offsets) / errors, places, below))
        low, high = (middle, high) if inside < level else (low, middle)
    return high


def log_likelihood(values: Floats) -> Floats:
    """Of each of ``CORRELATIONS`` given a series of shape (n,), but for a constant; 0 where nothing varies."""
    terms = _terms(values) if len(values) > 1 else None
    return np.zeros(len(CORRELATIONS)) if terms is None else _log_likelihood(terms, len(values))


def posterior(likelihood: Floats) -> Floats:
    """Probability of each of ``CORRELATIONS`` from the sum of the log likelihoods of independent series."""
    return _normalised(likelihood + np.log(PRIOR))


def student_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Of Student's t, as `statistics.intervals.t_quantile` but without scipy; relative error below 1e-3."""
    places, below = _student(degrees_of_freedom)
    return float(np.interp(probability, below, places))


def _terms(values: Floats) -> tuple[Floats, Floats, Floats] | None:
    """For each correlation r: the generalised mean less the plain one, the squares about it, and 1' V^-1 1.

    Both sums are times 1 - r^2, with V the correlation matrix: V^-1 has three diagonals, so they need sums of squares
    and of products of neighbours only. None where the values do not vary.
    """
    count, r = len(values), CORRELATIONS
    off = values - values.mean()
    total = float(off @ off)
    least = _ROUNDING * float(np.abs(values).max())
    if total <= count * least * least:  # a power of a number of a damaged file overflows, a product does not
        return None
    ends = float(off[0] ** 2 + off[-1] ** 2)
    squares = total + r**2 * (total - ends) - 2 * r * float(off[1:] @ off[:-1])
    sums = (1 - r) * (count - (count - 2) * r)
    cross = (1 - r) * r * float(off[0] + off[-1])
    # Squares that are only rounding belong to a straight line, whose correlation is that of the end of the range.
    return cross / sums, np.maximum(squares - cross**2 / sums, _ROUNDING * total), sums


def _log_likelihood(terms: tuple[Floats, Floats, Floats], count: int) -> Floats:
    """With mean and scale integrated out: |V|^(-1/2) (1' V^-1 1)^(-1/2) S^(-(n - 1) / 2)."""
    _, squares, sums = terms
    rest = 1 - CORRELATIONS**2
    found: Floats = -0.5 * ((count - 1) * np.log(squares) + np.log(sums / rest))
    return found


def _normalised(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    found: Floats = weights / weights.sum()
    return found


@lru_cache(maxsize=256)
def _student(degrees_of_freedom: int) -> tuple[Floats, Floats]:
    """Student's distribution: places, and the probability below each; by integration of its density."""
    turns = np.linspace(-14.0, 14.0, 4001)
    places = np.sinh(turns)
    density = np.exp(-(degrees_of_freedom + 1) / 2 * np.log1p(places**2 / degrees_of_freedom)) * np.cosh(turns)
    sums = np.cumsum(density) - density / 2
    return places, sums / float(density.sum())
