# SPDX-License-Identifier: Apache-2.0
"""What chance does to the form of a Pareto front: the accuracy of each network is counted on a number of images.

Errors of counting do not only scatter the networks about a bound. They also decide which networks lie on the front, so
a front of few images favours those that were lucky, and looks curved where the bound is not. The form of a front is
therefore compared with fronts that are drawn from a given form with those errors (a parametric bootstrap; Williams
1970, Biometrics 26:23, "Discrimination between regression models to determine the pattern of enzyme synthesis").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 400
EXPONENTS = np.linspace(-4.0, 2.0, 121)
"""Of time, in A + B t^p."""
HYPERBOLA, LOGARITHM, LINEAR, POWER_LAW = "A - k/t", "linear in log t", "linear in t", "power law c t^p"
ROOT = "A - k/sqrt(t)"
RIVALS = (LINEAR, LOGARITHM, POWER_LAW)
"""The other forms with two coefficients."""
_EXPONENT_OF = {HYPERBOLA: -1.0, LOGARITHM: 0.0, LINEAR: 1.0, ROOT: -0.5}
_LEAST_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Fronts:
    """Statistics of the fronts of r draws, shapes (r,); 0 and minus infinity where too few networks are on one."""

    misfit: Floats
    """By how much a free exponent fits better than the hyperbola, as a ratio of variances."""
    lead: Floats
    """By how much the hyperbola fits better than the best rival: twice the logarithm of the likelihood ratio."""
    lead_over_root: Floats
    """The same over A - k/sqrt(t), the form halfway to one that is linear in log t."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All n networks at one batch size, by rising time, shapes (n,)."""

    times: Floats
    """Per image, in units of their geometric mean."""
    percent: Floats
    errors: Floats
    """Standard uncertainties of the accuracy in points."""
    least: int
    """Networks that a front must have."""

    @classmethod
    def of(cls, seconds: Floats, percent: Floats, errors: Floats, least: int) -> Measurement:
        """Of networks in any order; those without a time or an accuracy are left out."""
        order = np.argsort(seconds, kind="stable")
        known = order[np.isfinite(seconds[order]) & np.isfinite(percent[order])]
        times = seconds[known] / np.exp(np.log(seconds[known]).mean())
        return cls(times, percent[known], np.nan_to_num(errors[known]), least)

    def chance_of_misfit(self) -> float:
        """Probability of a misfit at least as large as the measured one where the bound is a hyperbola."""
        return float((self._drawn(HYPERBOLA).misfit >= self._statistics(self.percent[np.newaxis]).misfit).mean())

    def chance_of_lead(self, rival: str) -> float:
        """Probability of a lead of the hyperbola at least as large as the measured one where the rival is true."""
        return float((self._drawn(rival).lead >= self._statistics(self.percent[np.newaxis]).lead).mean())

    def chance_of_root(self) -> float:
        """Probability of a lead of the hyperbola over A - k/sqrt(t) at least as large where that form is true.

        Errors of the accuracies hide the difference between the two, while AICc prefers one of them all the same.
        """
        measured = self._statistics(self.percent[np.newaxis]).lead_over_root
        return float((self._drawn(ROOT).lead_over_root >= measured).mean())

    def _drawn(self, form: str) -> Fronts:
        """Fronts of networks on a bound of that form, fitted to those on the front; the others are below it.

        A network below the bound may be on it, and have been unlucky, so it is put higher by its error.
        """
        on_front = _on_front(self.percent[np.newaxis])[0]
        bound = self._bound(form, on_front)
        residual = (self.percent - bound)[on_front]
        scatter = float(residual @ residual) / max(len(residual) - 2, 1)
        mean = np.where(on_front, bound, np.minimum(bound, self.percent + self.errors))
        noise = np.where(on_front, np.sqrt(np.maximum(scatter, self.errors**2)), self.errors)
        drawn = np.random.default_rng(0).standard_normal((DRAWS, len(mean)))
        return self._statistics(mean + noise * drawn)

    def _bound(self, form: str, on_front: NDArray[np.bool_]) -> Floats:
        """That form through the networks on the front, at the times of all."""
        if form == POWER_LAW:
            slope, log = np.polyfit(np.log(self.times[on_front]), np.log(self.percent[on_front]), 1)
            return np.asarray(np.exp(log + slope * np.log(self.times)), dtype=np.float64)
        x = _raised(self.times, np.array([_EXPONENT_OF[form]]))[0]
        slope, intercept = np.polyfit(x[on_front], self.percent[on_front], 1)
        return np.asarray(intercept + slope * x, dtype=np.float64)

    def _statistics(self, percent: Floats) -> Fronts:
        """Of accuracies of shape (r, n)."""
        on_front = _on_front(percent).astype(np.float64)
        counts = on_front.sum(axis=1)
        residuals = _residuals(_raised(self.times, EXPONENTS), on_front, percent)
        at = {form: residuals[:, np.abs(EXPONENTS - exponent).argmin()] for form, exponent in _EXPONENT_OF.items()}
        power = _residuals_through_zero(self.times ** EXPONENTS[:, np.newaxis], on_front, percent).min(axis=1)
        least = residuals.min(axis=1)
        enough = counts >= self.least
        rival = np.minimum(np.minimum(at[LINEAR], at[LOGARITHM]), power)
        return Fronts(
            misfit=np.where(enough, (at[HYPERBOLA] - least) / least * (counts - 3), 0.0),
            lead=np.where(enough, counts * np.log(rival / at[HYPERBOLA]), -np.inf),
            lead_over_root=np.where(enough, counts * np.log(at[ROOT] / at[HYPERBOLA]), -np.inf),
        )


def _on_front(percent: Floats) -> NDArray[np.bool_]:
    """Whether a network is more accurate than all faster ones, shape (r, n), by rising time."""
    best = np.maximum.accumulate(percent, axis=1)
    kept = np.ones(percent.shape, dtype=np.bool_)
    kept[:, 1:] = percent[:, 1:] > best[:, :-1]
    return kept


def _raised(times: Floats, exponents: Floats) -> Floats:
    """(t^p - 1) / p, which is log t for p = 0, shape (p, n)."""
    logs, powers = np.log(times), exponents[:, np.newaxis]
    nearly_zero = np.abs(powers) < _LEAST_ROUNDING
    raised: Floats = np.where(nearly_zero, logs, np.expm1(powers * logs) / np.where(nearly_zero, 1.0, powers))
    return raised


def _residuals(x: Floats, kept: Floats, y: Floats) -> Floats:
    """Residual sums of squares of straight lines in each x of shape (p, n) through the kept y of shape (r, n)."""
    counts = kept.sum(axis=1, keepdims=True)
    y = y - (kept * y).sum(axis=1, keepdims=True) / counts
    s_xx = kept @ (x**2).T - (kept @ x.T) ** 2 / counts
    squares: Floats = (kept * y**2).sum(axis=1, keepdims=True) - ((kept * y) @ x.T) ** 2 / np.maximum(s_xx, 1e-300)
    return np.maximum(squares, _LEAST_ROUNDING)


def _residuals_through_zero(x: Floats, kept: Floats, y: Floats) -> Floats:
    """The same of lines without an intercept."""
    squares: Floats = (kept * y**2).sum(axis=1, keepdims=True) - ((kept * y) @ x.T) ** 2 / (kept @ (x**2).T)
    return np.maximum(squares, _LEAST_ROUNDING)
