# SPDX-License-Identifier: Apache-2.0
"""Accuracy and time are hyperbolic: on the Pareto front accuracy is A - k / t, so linear in throughput (figure 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.chance import HYPERBOLA, LINEAR, LOGARITHM, POWER_LAW, RIVALS, Measurement
from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict
from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.pareto import best_for_cost
from monitor_app.analysis.statistics.regression import StraightLine, akaike, straight_line
from monitor_app.core.estimate import FINDING_LEVEL, Estimate, exact
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST = 6
"""Networks on the front; for fewer the AICc of a form with three coefficients is infinite."""
EXPONENTS = np.linspace(-4.0, 2.0, 1201)
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Bound:
    """The networks on the Pareto front at one batch size, and the curves that were fitted to them."""

    rows: NDArray[np.intp]
    line: StraightLine
    """Accuracy in % against throughput in Hz: A is its intercept, and k in % s is its negated slope."""
    evidence: Mapping[str, float]
    """AICc of each form, by name."""
    exponent: Estimate
    """Of time, in A + B t^p; -1 for the hyperbola."""
    refuted: bool
    """-1 lies outside a 97.5 % interval of that exponent; wider, as scatter also puts networks on the front."""

    @property
    def rival(self) -> str:
        """The best of the other forms with two coefficients."""
        return min(RIVALS, key=lambda name: self.evidence[name])

    @property
    def lead(self) -> float:
        """Its AICc minus that of the hyperbola."""
        return self.evidence[self.rival] - self.evidence[HYPERBOLA]

    @property
    def lead_of_all(self) -> float:
        """The same for the best of all other forms, including the one with a free exponent."""
        return min(each for name, each in self.evidence.items() if name != HYPERBOLA) - self.evidence[HYPERBOLA]

    @property
    def hyperbolic(self) -> bool:
        """-1 lies in the interval of the exponent."""
        return self.exponent.low <= -1 <= self.exponent.high


FREE = "A - k/t^p"
CHANCE = 0.05
"""Probability below which chance does not explain the form of a front."""
CHANCE_OF_ROOT = 0.03
"""The same of A - k/sqrt(t); lower, since the scatter is estimated from a front that chance has chosen."""


def fit_bound(seconds: Floats, top1: Floats) -> Bound | None:
    """Of times per image and accuracy in %, both of shape (n,); None where too few networks are on the front."""
    rows = best_for_cost(seconds, top1)
    if len(rows) < LEAST:
        return None
    times_s, percent = seconds[rows], top1[rows]
    count, total = len(rows), float(((percent - percent.mean()) ** 2).sum())

    def evidence(residual: float, coefficients: int) -> float:
        return akaike(max(residual, _ROUNDING * total), count, coefficients)

    of_exponent = _residuals_by_exponent(times_s, percent)
    fits = {
        HYPERBOLA: evidence(_line_residual(1 / times_s, percent), 2),
        LINEAR: evidence(_line_residual(times_s, percent), 2),
        LOGARITHM: evidence(_line_residual(np.log(times_s), percent), 2),
        POWER_LAW: evidence(_power_law_residual(times_s, percent), 2),
        FREE: evidence(float(of_exponent.min()), 3),
    }
    wider = _exponent(of_exponent, count, 0.975)
    refuted = not wider.low <= -1 <= wider.high
    return Bound(rows, straight_line(1 / times_s, percent), fits, _exponent(of_exponent, count, FINDING_LEVEL), refuted)


def accuracy_and_time(table: Table, margins: Margins) -> Finding:
    """Which form the Pareto front has at the larger headline batch size, by AICc."""
    seconds = table.seconds.values
    columns = dict.fromkeys(reversed(table.headline(seconds)))
    bounds = {c: fit_bound(seconds[:, c], table.top1.values) if seconds.size else None for c in columns}
    large = next(iter(columns))
    bound = bounds[large]
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = f"At least {LEAST} networks with measured accuracy are needed on the Pareto front of accuracy and time."
    caution = table.caution
    if bound is not None:
        measured = Measurement.of(seconds[:, large], table.top1.values, table.top1.errors, LEAST)
        verdict = _weighed(_verdict(bound, margins.evidence), bound, measured)
        sentence = (
            f"At batch {table.batches[large]} the fit of accuracy = A - k/t to the {len(bound.rows)} networks on the "
            f"Pareto front gives A = {interval(bound.line.intercept_estimate(), '%')} and "
            f"k = {interval(_k(bound.line), '% ms', 1e3)}. The AICc of the best other form, {bound.rival}, is "
            f"{number(abs(bound.lead))} {'higher' if bound.lead > 0 else 'lower'}. A fit with a free exponent of time "
            f"gives {interval(bound.exponent)}. {_size(bound, seconds[:, large])}"
        )
        if not bound.hyperbolic:
            caution = f"{caution} The exponent of time is not -1, so the hyperbola is only approximate.".strip()
    return Finding(
        key="accuracy-time",
        claim="Accuracy and time per image are hyperbolic: the best accuracy is A - k/t, linear in images per second.",
        verdict=verdict,
        sentence=sentence,
        statistics=tuple(s for c, each in bounds.items() if each for s in _statistics(int(table.batches[c]), each)),
        figure="top1-throughput",
        margin=(
            f"An AICc at least {margins.evidence:g} below that of the other forms, and a free exponent whose interval "
            f"holds -1 and not 0. Refuted by a form whose AICc is {margins.evidence:g} lower together with an exponent "
            "that is not -1. Either verdict needs a front that the uncertainty of the accuracies explains in less than "
            f"{CHANCE:.0%} of the cases"
        ),
        caution=caution,
        simulated=table.times_simulated,
    )


def _size(bound: Bound, seconds: Floats) -> str:
    """What half of the time costs, from the middle of the front."""
    middle_s = float(np.exp(np.log(seconds[bound.rows]).mean()))
    points = _k(bound.line).value / middle_s
    change = f"{'lowers' if points > 0 else 'raises'} this accuracy by {number(abs(points))} points"
    return f"Half of {number(middle_s * 1e3)} ms per image {change}."


def _verdict(bound: Bound, evidence: float) -> Verdict:
    """AICc selects a form but has no error rate; the interval of the exponent has one, so both must agree."""
    if bound.lead >= evidence and bound.hyperbolic and bound.exponent.high < 0:
        return Verdict.HOLDS
    refuted = bound.lead_of_all <= -evidence and bound.refuted
    return Verdict.DOES_NOT_HOLD if refuted else Verdict.INCONCLUSIVE


def _weighed(verdict: Verdict, bound: Bound, measured: Measurement) -> Verdict:
    """The same, unless the uncertainty of the accuracies explains the form of the front."""
    explained = (
        (
            verdict is Verdict.HOLDS
            and (measured.chance_of_lead(bound.rival) > CHANCE or measured.chance_of_root() > CHANCE_OF_ROOT)
        )
        or (verdict is Verdict.DOES_NOT_HOLD and measured.chance_of_misfit() > CHANCE)
    )  # fmt: skip
    return Verdict.INCONCLUSIVE if explained else verdict


def _statistics(batch: int, bound: Bound) -> tuple[Statistic, ...]:
    return (
        Statistic(f"A at batch {batch}", bound.line.intercept_estimate(), "%"),
        Statistic(f"k at batch {batch}", _k(bound.line).scaled(1e3), "% ms"),
        Statistic(f"Free exponent of time at batch {batch}", bound.exponent, ""),
        Statistic(f"AICc of {bound.rival} minus that of {HYPERBOLA} at batch {batch}", exact(bound.lead), ""),
    )


def _k(line: StraightLine) -> Estimate:
    slope = line.slope_estimate()
    return Estimate(-slope.value, -slope.high, -slope.low, slope.level)


def _residuals_by_exponent(times_s: Floats, percent: Floats) -> Floats:
    """Residual sum of squares of A + B t^p for each of `EXPONENTS`, shape (p,)."""
    logs = np.log(times_s) - np.log(times_s).mean()
    powers = EXPONENTS[:, np.newaxis]
    nearly_zero = np.abs(powers) < 1e-9
    raised = np.where(nearly_zero, logs, np.expm1(powers * logs) / np.where(nearly_zero, 1.0, powers))
    from_mean = raised - raised.mean(axis=1, keepdims=True)
    about = percent - percent.mean()
    residual: Floats = float(about @ about) - (from_mean @ about) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(residual, 0.0)


def _line_residual(x: Floats, y: Floats) -> float:
    about, rest = x - x.mean(), y - y.mean()
    return max(float(rest @ rest) - float(about @ rest) ** 2 / float(about @ about), 0.0)


def _power_law_residual(times_s: Floats, percent: Floats) -> float:
    raised = np.exp(EXPONENTS[:, np.newaxis] * (np.log(times_s) - np.log(times_s).mean()))
    residual = float(percent @ percent) - (raised @ percent) ** 2 / (raised**2).sum(axis=1)
    return max(float(residual.min()), 0.0)


def _exponent(residuals: Floats, count: int, level: float) -> Estimate:
    """The best exponent; the interval holds all that an F test with 1 and n - 3 degrees of freedom does not reject."""
    degrees_of_freedom = count - 3
    least = int(residuals.argmin())
    limit = residuals[least] * (1 + t_quantile((1 + level) / 2, degrees_of_freedom) ** 2 / degrees_of_freedom)
    kept = EXPONENTS[residuals <= limit]
    return Estimate(float(EXPONENTS[least]), float(kept[0]), float(kept[-1]), level)
