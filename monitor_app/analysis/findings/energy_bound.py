# SPDX-License-Identifier: Apache-2.0
"""A cap on energy is an upper bound on accuracy and on operations.

With constant power P the energy of an image is E = P t, so the bound A - k / t becomes A - k P / E, and operations a t
become a E / P. Both are tested with measured energies: each network is compared with the bound of all the others at
its own energy. Where power differs between networks, some lie above that bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.hyperbola import LEAST, Bound, fit_bound
from monitor_app.analysis.findings.scatter import far_above, left_out_errors, prediction_factor
from monitor_app.analysis.statistics.intervals import t_quantile
from monitor_app.analysis.statistics.pareto import best_for_cost
from monitor_app.analysis.statistics.regression import mean_of, straight_line, student
from monitor_app.core.estimate import FINDING_LEVEL, exact
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table
    from monitor_app.core.estimate import Estimate

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6


def energy_bounds_accuracy(table: Table, margins: Margins) -> Finding:
    """Whether any network lies above the bound A - k P / E of the others, and how well that bound is known."""
    _, large = table.headline(table.net_j.values)
    seconds = table.seconds.values[:, large] if table.batches.size else np.empty(0)
    bound = fit_bound(seconds, table.top1.values)
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = f"Net energy of at least {LEAST} networks on the Pareto front of accuracy and time is needed."
    statistics: tuple[Statistic, ...] = ()
    watts = table.net_w.values[:, large] if table.batches.size else np.empty(0)
    if bound is not None and np.isfinite(watts[bound.rows]).all() and (table.net_j.values[bound.rows, large] > 0).all():
        power, power_error = mean_of(watts[np.isfinite(watts)]), _mean_and_error(watts)[1]
        joules = float(np.median(table.net_j.values[bound.rows, large]))
        at_cap, factor = _bound_at(bound, power, power_error, joules), _factor(bound, power, power_error)
        excesses = _excesses(table, large)
        most = max(excesses, key=lambda excess: excess.points)
        above = [excess.row for excess in excesses if excess.shown_above(0.0, len(excesses))]
        verdict = _judge(bound, at_cap, excesses, margins)
        statistics = (
            Statistic("A", bound.line.intercept_estimate(), "%"),
            Statistic("k P", factor, "% J"),
            Statistic("Mean net power", power, "W"),
            Statistic(f"Bound at {number(joules)} J per image", at_cap, "%"),
            Statistic(
                f"Largest excess over the bound of the others, {table.titles[most.row]}", most.estimate, "points"
            ),
        )
        exceptional = (
            f"Scatter does not explain the excess of {listed([table.titles[row] for row in above], most=6)}."
            if above
            else "Scatter explains the excess of every network."
        )
        sentence = (
            f"At batch {table.batches[large]} the bound on accuracy is {number(bound.line.intercept)} % - "
            f"{interval(factor, '% J')} / E, which is {interval(at_cap, '%')} at {number(joules)} J per image. "
            f"{table.titles[most.row]} lies furthest above the bound of the others, by "
            f"{interval(most.estimate, 'points')}. {exceptional} Half of that energy "
            f"{'lowers' if factor.value > 0 else 'raises'} the bound by {number(abs(factor.value) / joules)} points."
        )
    return Finding(
        key="energy-accuracy",
        claim="A cap on energy per image is an upper bound on accuracy.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin=(
            f"No network more than {margins.above:g} points above the bound of the others, and a bound that is known "
            f"to within {margins.bound:g} points"
        ),
        caution=table.caution,
        simulated=table.power_simulated,
    )


def energy_bounds_operations(table: Table, margins: Margins) -> Finding:
    """Whether operations per joule are so similar that a cap on energy is a cap on operations."""
    _, large = table.headline(table.net_j.values)
    joules = table.net_j.values[:, large] if table.batches.size else np.empty(0)
    known = np.flatnonzero((joules > 0) & np.isfinite(table.operations_g)) if joules.size else np.empty(0, int)
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Net energy and operations of at least {LEAST_NETWORKS} networks are needed at one batch size."
    if len(known) >= LEAST_NETWORKS:
        ratios = table.operations_g[known] / joules[known]
        factor, above = prediction_factor(ratios), far_above(ratios, margins.prediction)
        verdict = all_of(
            within(factor, 0.0, margins.prediction), Verdict.DOES_NOT_HOLD if len(above) else Verdict.HOLDS
        )
        typical = mean_of(np.log(ratios)).exponential()
        most, worst = float(ratios.max()), float(left_out_errors(ratios).max())
        statistics = (
            Statistic("a / P, geometric mean of operations per joule", typical, "G-op/J"),
            Statistic("Most operations per joule", exact(most), "G-op/J"),
            Statistic("Largest factor above the prediction from the others", exact(worst), ""),
            Statistic("Factor of the 90 % prediction interval", factor, ""),
        )
        sentence = (
            f"At batch {table.batches[large]} networks do {interval(typical, 'G-op')} per joule (geometric mean), and "
            f"{table.titles[known[int(ratios.argmax())]]} does the most, {number(most)} G-op, "
            f"{number(most / typical.value)} times as much. A 90 % prediction "
            f"interval for another network spans a factor of {interval(factor)} either way."
        )
    return Finding(
        key="energy-operations",
        claim="A cap on energy per image is an upper bound on the number of operations.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin=(
            f"A 90 % prediction interval within a factor of {margins.prediction:g}, and no network shown to exceed the "
            "others by more than that"
        ),
        caution=table.caution,
        simulated=table.power_simulated,
    )


def _judge(bound: Bound, at_cap: Estimate, excesses: Sequence[_Excess], margins: Margins) -> Verdict:
    if any(excess.shown_above(margins.above, len(excesses)) for excess in excesses):
        return Verdict.DOES_NOT_HOLD
    known = max(at_cap.high - at_cap.value, at_cap.value - at_cap.low) <= margins.bound
    falls = bound.line.slope_estimate().high < 0
    below = all(excess.shown_below(margins.above) for excess in excesses)
    return Verdict.HOLDS if known and falls and below else Verdict.INCONCLUSIVE


def _factor(bound: Bound, power: Estimate, power_error: float) -> Estimate:
    """The product k P in % J; both factors are uncertain."""
    slope, degrees_of_freedom = bound.line.slope_estimate(), bound.line.degrees_of_freedom
    quantile = t_quantile((1 + slope.level) / 2, degrees_of_freedom)
    k = -slope.value
    error = math.hypot((slope.high - slope.value) / quantile * power.value, k * power_error)
    return student(k * power.value, error, degrees_of_freedom)


def _mean_and_error(watts: Floats) -> tuple[float, float]:
    known = watts[np.isfinite(watts)]
    return float(known.mean()), float(known.std(ddof=1)) / math.sqrt(len(known))


def _bound_at(bound: Bound, power: Estimate, power_error: float, joules: float) -> Estimate:
    """A - k P / E in %, at one energy E."""
    line, hertz = bound.line, power.value / joules
    there = line.estimate_at(hertz)
    error = (there.high - there.value) / t_quantile((1 + there.level) / 2, line.degrees_of_freedom)
    return student(there.value, math.hypot(error, line.slope * power_error / joules), line.degrees_of_freedom)


@dataclass(frozen=True, slots=True)
class _Excess:
    """By how many points of top-1 a network lies above the bound of all the others, at its own energy."""

    row: int
    points: float
    error: float
    """Standard uncertainty, of the bound and of the measurement together."""
    scatter: float
    """The same, with the scatter of the others about their bound."""
    degrees_of_freedom: int

    @property
    def estimate(self) -> Estimate:
        return student(self.points, self.error, self.degrees_of_freedom)

    def shown_above(self, margin: float, tests: int) -> bool:
        """Whether scatter does not explain the excess; ``tests`` such tests together err in 5 % (Bonferroni)."""
        probability = 1 - (1 - FINDING_LEVEL) / 2 / tests
        return self.points - t_quantile(probability, self.degrees_of_freedom) * self.scatter > margin

    def shown_below(self, margin: float) -> bool:
        """Whether the excess is shown to be within the margin, at 5 %; as all must be, so is the whole."""
        return self.points + t_quantile((1 + FINDING_LEVEL) / 2, self.degrees_of_freedom) * self.error <= margin


def _excesses(table: Table, column: int) -> list[_Excess]:
    seconds, joules = table.seconds.values[:, column], table.net_j.values[:, column]
    watts = table.net_w.values[:, column]
    known = np.flatnonzero(np.isfinite(seconds) & (joules > 0) & np.isfinite(table.top1.values))
    found = []
    for row in known.tolist():
        others = known[known != row]
        rows = others[best_for_cost(seconds[others], table.top1.values[others])]
        if len(rows) < LEAST - 1:
            continue
        power_w, power_error = _mean_and_error(watts[others])
        line, hertz = straight_line(1 / seconds[rows], table.top1.values[rows]), power_w / float(joules[row])
        relative = math.hypot(table.net_j.errors[row, column] / joules[row], power_error / power_w)
        measured = math.hypot(table.top1.errors[row], line.slope * hertz * relative)
        points = float(table.top1.values[row]) - line.estimate_at(hertz).value
        scatter = line.prediction_deviation(hertz)
        # The uncertainty of the bound itself is smaller than that of a further network about it.
        bound = math.sqrt(max(scatter**2 - line.deviation**2, 0.0))
        error, spread = math.hypot(bound, measured), math.hypot(scatter, measured)
        found.append(_Excess(row, points, error, spread, line.degrees_of_freedom))
    return found
