# SPDX-License-Identifier: Apache-2.0
"""Lines by least squares and normal values, straight or broken: their intervals, predictions, and comparison.

Intervals have the confidence level of findings unless another one is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.statistics.intervals import chi_square_quantile, t_quantile
from monitor_app.core.estimate import FINDING_LEVEL, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StraightLine:
    """y = intercept + slope x through points of equal weight, whose residuals are taken for independent and normal."""

    intercept: float
    slope: float
    count: int
    """Points, at least 3."""
    x_mean: float
    s_xx: float
    """Sum of squares of x about its mean."""
    residual_sum_of_squares: float
    r_squared: float
    """Fraction of the variance of y that the line explains, 0 to 1; 1 where y does not vary."""

    @property
    def degrees_of_freedom(self) -> int:
        """Of the residuals."""
        return self.count - 2

    @property
    def deviation(self) -> float:
        """Standard deviation of the residuals."""
        return math.sqrt(self.residual_sum_of_squares / self.degrees_of_freedom)

    def at(self, x: Floats) -> Floats:
        """The line at each x, shape (n,)."""
        return self.intercept + self.slope * x

    def band(self, x: Floats, level: float = FINDING_LEVEL) -> Floats:
        """Half the width of the confidence band of the line (not of single points) at each x, shape (n,)."""
        relative = np.sqrt(1 / self.count + (x - self.x_mean) ** 2 / self.s_xx)
        half: Floats = t_quantile((1 + level) / 2, self.degrees_of_freedom) * self.deviation * relative
        return half

    def estimate_at(self, x: float, level: float = FINDING_LEVEL) -> Estimate:
        """The line at one x."""
        return self._about(self.intercept + self.slope * x, self._relative_error(x), level)

    def prediction_deviation(self, x: float) -> float:
        """Standard deviation of a further point at that x about the line as it was found."""
        return self.deviation * math.sqrt(1 + 1 / self.count + (x - self.x_mean) ** 2 / self.s_xx)

    def intercept_estimate(self, level: float = FINDING_LEVEL) -> Estimate:
        """The intercept with its Student interval."""
        return self._about(self.intercept, self._relative_error(0.0), level)

    def slope_estimate(self, level: float = FINDING_LEVEL) -> Estimate:
        """The slope with its Student interval."""
        return student(self.slope, self.deviation / math.sqrt(self.s_xx), self.degrees_of_freedom, level)

    def _relative_error(self, x: float) -> float:
        """Standard error of the line, in standard deviations of the residuals."""
        return math.sqrt(1 / self.count + (x - self.x_mean) ** 2 / self.s_xx)

    def _about(self, value: float, relative_error: float, level: float) -> Estimate:
        return student(value, self.deviation * relative_error, self.degrees_of_freedom, level)


def straight_line(x: Floats, y: Floats) -> StraightLine:
    """Of points of shape (n,), n at least 3, of which x is not the same in all."""
    x_mean = float(x.mean())
    dx = x - x_mean
    s_xx = float(dx @ dx)
    slope = float(dx @ y) / s_xx
    rest = y - y.mean() - slope * dx
    residual, total = float(rest @ rest), float(((y - y.mean()) ** 2).sum())
    r_squared = 1 - residual / total if total > 0 else 1.0
    return StraightLine(float(y.mean()) - slope * x_mean, slope, len(x), x_mean, s_xx, residual, r_squared)


LEAST_DRAWN = 4
"""Points below which a line through them says nothing about a further one, so that none is drawn."""


def line_to_draw(x: Floats, y: Floats) -> StraightLine | None:
    """The line through points of shape (n,); None for fewer than `LEAST_DRAWN`, or where x does not vary."""
    if len(x) < LEAST_DRAWN:
        return None
    rounding = 8 * np.finfo(np.float64).eps * float(np.abs(x).max())
    return straight_line(x, y) if float(((x - x.mean()) ** 2).sum()) > len(x) * rounding**2 else None


def slopes(x: Floats, y: Floats) -> Floats:
    """Least-squares slopes of many series at once, shape (r,) from (r, n); not a number where x does not vary."""
    dx = x - x.mean(axis=-1, keepdims=True)
    s_xx = (dx**2).sum(axis=-1)
    found: Floats = np.divide((dx * y).sum(axis=-1), s_xx, out=np.full(len(x), np.nan), where=s_xx > 0)
    return found


def student(value: float, error: float, degrees_of_freedom: int, level: float = FINDING_LEVEL) -> Estimate:
    """The Student interval of a value with that standard error."""
    half = t_quantile((1 + level) / 2, degrees_of_freedom) * error
    return Estimate(value, value - half, value + half, level)


def mean_of(values: Floats, level: float = FINDING_LEVEL) -> Estimate:
    """Mean of at least two values, shape (n,), with its Student interval."""
    count = len(values)
    return student(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(count), count - 1, level)


def deviation_of(values: Floats, level: float = FINDING_LEVEL) -> Estimate:
    """Standard deviation of at least two normal values, shape (n,), with its chi-square interval."""
    degrees_of_freedom, upper = len(values) - 1, (1 + level) / 2
    found = float(values.std(ddof=1))
    quantiles = (chi_square_quantile(each, degrees_of_freedom) for each in (upper, 1 - upper))
    low, high = (found * math.sqrt(degrees_of_freedom / each) for each in quantiles)
    return Estimate(found, low, high, level)


def akaike(residual_sum_of_squares: float, count: int, coefficients: int) -> float:
    """AICc (Hurvich and Tsai 1989) of a least-squares fit of ``count`` points; the deviation is one parameter more.

    Infinite where there are too few points for the correction.
    """
    parameters = coefficients + 1
    if count - parameters - 1 <= 0:
        return math.inf
    correction = 2 * parameters * (parameters + 1) / (count - parameters - 1)
    return count * math.log(residual_sum_of_squares / count) + 2 * parameters + correction


LEAST = 4
"""Points; one more than coefficients, so that one degree of freedom is left for the error."""
_GRID = 128
_REFINEMENTS = 5
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """The least-squares fit of y = floor + slope max(x - knee, 0).

    The intervals of floor and slope are those of its linear approximation there.
    """

    floor: Estimate
    slope: Estimate
    knee: Estimate
    """In units of x; the interval holds all that an F test with 1 and n - 3 degrees of freedom does not reject."""
    deviation: float
    """Standard deviation of the residuals, with n - 3 degrees of freedom."""
    lead: float
    """AICc of the straight line minus that of the broken line."""


def fit_broken_line(x: Floats, y: Floats, above_knee: int = 2) -> BrokenLine | None:
    """Through points of shape (n,), with at least ``above_knee`` values of x, 2 or more, behind the knee.

    None for fewer than four, where x has too few values, or where y does not rise behind any knee.
    """
    values = np.unique(x)
    if len(x) < LEAST or len(values) <= above_knee:
        return None
    first, last = float(values[0]), float(values[-above_knee])
    low, high, knee = first, last, first
    for _ in range(_REFINEMENTS):
        knees = np.linspace(low, high, _GRID)[: None if high < last else -1]
        residual = _residual_sums_of_squares(x, y, knees)
        knee, step = float(knees[residual.argmin()]), float(knees[1] - knees[0])
        low, high = max(knee - step, first), min(knee + step, last)
    above = np.maximum(x - knee, 0.0)
    slope = float((above - above.mean()) @ y / ((above - above.mean()) ** 2).sum())
    if slope <= 0:
        return None
    floor = float(y.mean() - slope * above.mean())
    degrees_of_freedom, least = len(x) - 3, float(((y - floor - slope * above) ** 2).sum())
    deviation = math.sqrt(least / degrees_of_freedom)
    jacobian = np.stack((np.ones_like(x), above, -slope * (x > knee)), axis=1)
    errors = deviation * np.sqrt(np.maximum(np.diag(np.linalg.pinv(jacobian.T @ jacobian)), 0.0))
    total = max(float(((y - y.mean()) ** 2).sum()), _ROUNDING)
    straight = max(float(_residual_sums_of_squares(x, y, np.array([values[0]]))[0]), _ROUNDING * total)
    lead = akaike(straight, len(x), 2) - akaike(max(least, _ROUNDING * total), len(x), 3)
    return BrokenLine(
        floor=student(floor, float(errors[0]), degrees_of_freedom),
        slope=student(slope, float(errors[1]), degrees_of_freedom),
        knee=_profile(x, y, knee, np.linspace(first, last, _GRID * 4)[:-1]),
        deviation=deviation,
        lead=lead,
    )


def _profile(x: Floats, y: Floats, knee: float, places: Floats) -> Estimate:
    """The profile-likelihood interval. A knee at the first value of x is none: all points lie on the slope."""
    degrees_of_freedom = len(x) - 3
    quantile = t_quantile((1 + FINDING_LEVEL) / 2, degrees_of_freedom)
    least = float(_residual_sums_of_squares(x, y, np.array([knee]))[0])
    kept = places[_residual_sums_of_squares(x, y, places) <= least * (1 + quantile**2 / degrees_of_freedom)]
    low, high = min(knee, *kept[:1].tolist(), knee), max(knee, *kept[-1:].tolist(), knee)
    return Estimate(knee, low, high, FINDING_LEVEL)


def _residual_sums_of_squares(x: Floats, y: Floats, knees: Floats) -> Floats:
    """Of the best floor and slope for each knee, shape (k,)."""
    above = np.maximum(x - knees[:, np.newaxis], 0.0)
    from_mean, rest = above - above.mean(axis=1, keepdims=True), y - y.mean()
    squares: Floats = float(rest @ rest) - (from_mean @ rest) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(squares, 0.0)
