# SPDX-License-Identifier: Apache-2.0
"""Straight lines by least squares, what they predict of a point that they have not seen, and their comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import CONFIDENCE
from monitor_app.analysis.statistics.distributions import chi_square_quantile, t_quantile
from monitor_app.analysis.statistics.regression import straight_line
from monitor_app.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UPPER = (1 + CONFIDENCE) / 2
"""Share of a distribution below the upper end of an interval."""


@dataclass(frozen=True, slots=True)
class Line:
    """y = intercept + slope x through n points, with Student intervals; residuals alike and normal."""

    intercept: Estimate
    slope: Estimate
    deviation: float
    """Standard deviation of the residuals, with n - 2 degrees of freedom."""
    freedom: int
    middle: float
    """Mean of x."""
    extent: float
    """Sum of squares of x about its mean."""
    explained: float
    """Share of the variance of y that it explains, 0 to 1."""

    def at(self, x: float) -> Estimate:
        """The line itself there."""
        spread = math.sqrt(1 / (self.freedom + 2) + (x - self.middle) ** 2 / self.extent)
        return about(self.intercept.value + self.slope.value * x, self.deviation * spread, self.freedom)

    def deviation_at(self, x: float) -> float:
        """Standard deviation of a further point about the line as it was found."""
        return self.deviation * math.sqrt(1 + 1 / (self.freedom + 2) + (x - self.middle) ** 2 / self.extent)


def fit_line(x: Floats, y: Floats) -> Line:
    """Of at least three points of which x is not the same in all, both of shape (n,)."""
    line = straight_line(x, y)
    freedom = line.count - 2
    at_zero = float(line.spread(np.zeros(1))[0])
    return Line(
        intercept=about(line.intercept, line.deviation * at_zero, freedom),
        slope=about(line.slope, line.deviation / math.sqrt(line.extent), freedom),
        deviation=line.deviation,
        freedom=freedom,
        middle=line.middle,
        extent=line.extent,
        explained=line.explained,
    )


def about(value: float, error: float, freedom: int) -> Estimate:
    """The Student interval of a value with that standard error."""
    half = t_quantile(UPPER, freedom) * error
    return Estimate(value, value - half, value + half)


def mean_of(values: Floats) -> Estimate:
    """Mean of at least two values with its Student interval."""
    count = len(values)
    return about(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(count), count - 1)


def exponential(logs: Estimate) -> Estimate:
    """Of an estimate of a logarithm; capped where it is too large for a number."""
    return Estimate(*(math.exp(min(each, 700.0)) for each in (logs.value, logs.low, logs.high)))


def deviation_of(values: Floats, upper: float = UPPER) -> Estimate:
    """Standard deviation of at least two normal values with its chi-square interval, of which ``upper`` lies below."""
    freedom = len(values) - 1
    found = float(values.std(ddof=1))
    low, high = (found * math.sqrt(freedom / chi_square_quantile(share, freedom)) for share in (upper, 1 - upper))
    return Estimate(found, low, high)


def akaike(squares: float, count: int, coefficients: int) -> float:
    """AICc (Hurvich and Tsai 1989) of a least-squares fit of ``count`` points; the deviation is one parameter more.

    Infinite where there are too few points for the correction.
    """
    parameters = coefficients + 1
    if count - parameters - 1 <= 0:
        return math.inf
    correction = 2 * parameters * (parameters + 1) / (count - parameters - 1)
    return count * math.log(squares / count) + 2 * parameters + correction


def redraw(count: int, draws: int = 2000, seed: int = 0) -> NDArray[np.intp]:
    """Which of ``count`` networks are in each bootstrap sample (Efron 1979), shape (draws, count)."""
    return np.random.default_rng(seed).integers(count, size=(draws, count))


def slopes(x: Floats, y: Floats) -> Floats:
    """Least-squares slopes of many series at once, shape (r,) from (r, n); not a number where x does not vary."""
    from_mean = x - x.mean(axis=-1, keepdims=True)
    extent = (from_mean**2).sum(axis=-1)
    found: Floats = np.divide((from_mean * y).sum(axis=-1), extent, out=np.full(len(x), np.nan), where=extent > 0)
    return found


def percentiles(value: float, drawn: Floats, *, freedom: int | None = None) -> Estimate:
    """The percentile interval of what was drawn, around a value.

    With ``freedom`` for drawn networks it is expanded as Hesterberg (2015, The American Statistician 69:371) does: a
    bootstrap of few values is too narrow, by the missing degrees of freedom and for not being Student's.
    """
    upper = UPPER
    if freedom is not None:
        lost = math.sqrt((freedom + 2) / freedom)
        upper = (1 + math.erf(lost * t_quantile(UPPER, freedom) / math.sqrt(2))) / 2
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value, -math.inf, math.inf)
    low, high = np.quantile(drawn, (1 - upper, upper))
    return Estimate(value, min(value, float(low)), max(value, float(high)))
