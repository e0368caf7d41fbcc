# SPDX-License-Identifier: Apache-2.0
"""Accuracy and time are hyperbolic: on the upper hull accuracy is A - k / t, so linear in throughput (figure 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict
from monitor_app.analysis.findings.regression import UPPER, Line, akaike, fit_line
from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.analysis.statistics.pareto import upper_hull
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST = 6
"""Networks on the hull; with fewer the correction of AICc forbids every comparison with three coefficients."""
EXPONENTS = np.linspace(-4.0, 2.0, 1201)
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Hull:
    """The networks on the upper hull at one batch size, and what was fitted to them."""

    rows: NDArray[np.intp]
    line: Line
    """Accuracy in % against throughput in Hz; A is its intercept and k, in % s, its slope with the sign turned."""
    evidence: Mapping[str, float]
    """AICc of every form, by name."""
    exponent: Estimate
    """Of time, in A + B t^p; -1 for the hyperbola."""
    refuted: bool
    """That exponent is not -1, by an interval of 97.5 %: networks come onto the hull by their scatter too."""

    @property
    def rival(self) -> str:
        """The best other form with two coefficients."""
        return min(_RIVALS, key=lambda name: self.evidence[name])

    @property
    def lead(self) -> float:
        """By how much its AICc is larger than that of the hyperbola."""
        return self.evidence[self.rival] - self.evidence[HYPERBOLA]

    @property
    def lead_of_all(self) -> float:
        """The same against every form, the one with a free exponent too, of which the hyperbola is a case."""
        return min(each for name, each in self.evidence.items() if name != HYPERBOLA) - self.evidence[HYPERBOLA]

    @property
    def hyperbolic(self) -> bool:
        """The exponent agrees with -1."""
        return self.exponent.low <= -1 <= self.exponent.high


HYPERBOLA = "A - k/t"
FREE = "A - k/t^p"
_RIVALS = ("linear in t", "linear in log t", "power law c t^p")


def fit_hull(seconds: Floats, top1: Floats) -> Hull | None:
    """Of times an image and accuracy in %, both of shape (n,); None where too few are on the hull."""
    rows = upper_hull(seconds, top1)
    if len(rows) < LEAST:
        return None
    times_s, percent = seconds[rows], top1[rows]
    count, total = len(rows), float(((percent - percent.mean()) ** 2).sum())

    def evidence(squares: float, coefficients: int) -> float:
        return akaike(max(squares, _ROUNDING * total), count, coefficients)

    of_exponent = _squares(times_s, percent)
    fits = {
        HYPERBOLA: evidence(_line_squares(1 / times_s, percent), 2),
        "linear in t": evidence(_line_squares(times_s, percent), 2),
        "linear in log t": evidence(_line_squares(np.log(times_s), percent), 2),
        "power law c t^p": evidence(_power_law_squares(times_s, percent), 2),
        FREE: evidence(float(of_exponent.min()), 3),
    }
    surely = _exponent(of_exponent, count, (3 + UPPER) / 4)
    refuted = not surely.low <= -1 <= surely.high
    return Hull(rows, fit_line(1 / times_s, percent), fits, _exponent(of_exponent, count, UPPER), refuted)


def accuracy_and_time(table: Table, margins: Margins) -> Finding:
    """Which form the upper hull has at the larger headline batch, by AICc."""
    seconds = table.seconds.values
    columns = dict.fromkeys(reversed(table.headline(seconds)))
    hulls = {c: fit_hull(seconds[:, c], table.top1.values) if seconds.size else None for c in columns}
    large = next(iter(columns))
    hull = hulls[large]
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = f"{LEAST} networks with measured accuracy are needed on the upper hull of accuracy against time."
    caution = table.caution
    if hull is not None:
        verdict = _verdict(hull, margins.evidence)
        constant, k = hull.line.intercept, _k(hull.line)
        sentence = (
            f"At batch {table.batches[large]} accuracy = A - k/t fits the {len(hull.rows)} networks on the upper hull "
            f"best with A = {interval(constant, '%')} and k = {interval(k, '% ms', 1e3)}; the best other form, "
            f"{hull.rival}, has an AICc that is {number(abs(hull.lead))} {'higher' if hull.lead > 0 else 'lower'}, and "
            f"the exponent of time, left free, is {interval(hull.exponent)}."
        )
        if not hull.hyperbolic:
            caution = f"{caution} The exponent of time is not -1, so the hyperbola describes the hull roughly.".strip()
    return Finding(
        key="accuracy-time",
        claim="Accuracy and time an image are hyperbolic: the best accuracy is A - k/t, linear in images a second.",
        verdict=verdict,
        sentence=sentence,
        statistics=tuple(s for c, each in hulls.items() if each for s in _statistics(int(table.batches[c]), each)),
        figure="top1-throughput",
        margin=(
            f"An AICc {margins.evidence:g} lower than that of the other forms, and a free exponent that agrees with -1 "
            f"and not with 0; refuted by a form whose AICc is {margins.evidence:g} lower and an exponent that is not -1"
        ),
        caution=caution,
        simulated=table.times_simulated,
    )


def _verdict(hull: Hull, evidence: float) -> Verdict:
    """AICc chooses a form and has no error rate; the interval of the exponent has one, so both must agree."""
    if hull.lead >= evidence and hull.hyperbolic and hull.exponent.high < 0:
        return Verdict.HOLDS
    refuted = hull.lead_of_all <= -evidence and hull.refuted
    return Verdict.DOES_NOT_HOLD if refuted else Verdict.NOT_ENOUGH_DATA


def _statistics(batch: int, hull: Hull) -> tuple[Statistic, ...]:
    k = _k(hull.line)
    lead = Estimate(hull.lead, hull.lead, hull.lead)
    return (
        Statistic(f"A at batch {batch}", hull.line.intercept, "%"),
        Statistic(f"k at batch {batch}", Estimate(1e3 * k.value, 1e3 * k.low, 1e3 * k.high), "% ms"),
        Statistic(f"Exponent of time left free at batch {batch}", hull.exponent, ""),
        Statistic(f"AICc of {hull.rival} less that of {HYPERBOLA} at batch {batch}", lead, ""),
    )


def _k(line: Line) -> Estimate:
    return Estimate(-line.slope.value, -line.slope.high, -line.slope.low)


def _squares(times_s: Floats, percent: Floats) -> Floats:
    """Residual squares of A + B t^p for each of `EXPONENTS`, shape (p,)."""
    logs = np.log(times_s) - np.log(times_s).mean()
    powers = EXPONENTS[:, np.newaxis]
    nearly_zero = np.abs(powers) < 1e-9
    raised = np.where(nearly_zero, logs, np.expm1(powers * logs) / np.where(nearly_zero, 1.0, powers))
    from_mean = raised - raised.mean(axis=1, keepdims=True)
    about = percent - percent.mean()
    squares: Floats = float(about @ about) - (from_mean @ about) ** 2 / (from_mean**2).sum(axis=1)
    return np.maximum(squares, 0.0)


def _line_squares(x: Floats, y: Floats) -> float:
    about, rest = x - x.mean(), y - y.mean()
    return max(float(rest @ rest) - float(about @ rest) ** 2 / float(about @ about), 0.0)


def _power_law_squares(times_s: Floats, percent: Floats) -> float:
    raised = np.exp(EXPONENTS[:, np.newaxis] * (np.log(times_s) - np.log(times_s).mean()))
    squares = float(percent @ percent) - (raised @ percent) ** 2 / (raised**2).sum(axis=1)
    return max(float(squares.min()), 0.0)


def _exponent(squares: Floats, count: int, upper: float) -> Estimate:
    """The exponent of the least squares, and all that an F test with one and n - 3 degrees does not exclude."""
    freedom = count - 3
    least = int(squares.argmin())
    limit = squares[least] * (1 + t_quantile(upper, freedom) ** 2 / freedom)
    kept = EXPONENTS[squares <= limit]
    return Estimate(float(EXPONENTS[least]), float(kept[0]), float(kept[-1]))
