# SPDX-License-Identifier: Apache-2.0
"""An energy cap is a bound on accuracy and on operations.

With constant power P the energy of an image is E = P t, so the hull A - k/t becomes A - k P / E, and operations of a t
become a E / P. Both are tested against energy that was measured: each network is held against the bound that all
others draw, at its own joules. A power that differs between networks shows as one that lies above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import CONFIDENCE, Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.hyperbola import LEAST, Hull, fit_hull
from monitor_app.analysis.findings.regression import about, fit_line, mean_of
from monitor_app.analysis.findings.scatter import far_above, left_out_errors, nine_of_ten
from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.analysis.statistics.pareto import upper_hull
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6


def energy_bounds_accuracy(table: Table, margins: Margins) -> Finding:
    """Whether any network is more accurate at its joules than A - k P / E of the others, and how sure that bound is."""
    _, large = table.headline(table.net_j.values)
    seconds = table.seconds.values[:, large] if table.batches.size else np.empty(0)
    hull = fit_hull(seconds, table.top1.values)
    verdict = Verdict.NOT_ENOUGH_DATA
    sentence = f"Net energy and accuracy of {LEAST} networks on the upper hull of accuracy against time are needed."
    statistics: tuple[Statistic, ...] = ()
    watts = table.net_w.values[:, large] if table.batches.size else np.empty(0)
    if hull is not None and np.isfinite(watts[hull.rows]).all() and (table.net_j.values[hull.rows, large] > 0).all():
        power, power_error = mean_of(watts[np.isfinite(watts)]), _mean_and_error(watts)[1]
        joules = float(np.median(table.net_j.values[hull.rows, large]))
        at_cap, factor = _bound_at(hull, power, power_error, joules), _factor(hull, power, power_error)
        excesses = _excesses(table, large)
        most = max(excesses, key=lambda excess: excess.points)
        above = [excess.row for excess in excesses if excess.shown_above(0.0, len(excesses))]
        verdict = _judge(hull, at_cap, excesses, margins)
        statistics = (
            Statistic("A", hull.line.intercept, "%"),
            Statistic("k P", factor, "% J"),
            Statistic("Mean net power", power, "W"),
            Statistic(f"Bound at {number(joules)} J an image", at_cap, "%"),
            Statistic(f"Most above the bound of the others, {table.titles[most.row]}", most.estimate, "points"),
        )
        exceptional = (
            f"more than scatter: {listed([table.titles[row] for row in above], most=6)}"
            if above
            else "no more than scatter"
        )
        sentence = (
            f"At batch {table.batches[large]} accuracy is at most {number(hull.line.intercept.value)} % - "
            f"{interval(factor, '% J')} / E, so {interval(at_cap, '%')} for {number(joules)} J an image; "
            f"{table.titles[most.row]} lies most above the bound of the others, by "
            f"{interval(most.estimate, 'points')}, {exceptional}."
        )
    return Finding(
        key="energy-accuracy",
        claim="A cap on energy an image is an upper bound on accuracy.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin=(
            f"No network more than {margins.above:g} points above the bound of the others, and the bound known to "
            f"{margins.bound:g} points"
        ),
        caution=table.caution,
        simulated=table.power_simulated,
    )


def energy_bounds_operations(table: Table, margins: Margins) -> Finding:
    """Whether operations for a joule are alike enough for a cap on energy to cap operations."""
    _, large = table.headline(table.net_j.values)
    joules = table.net_j.values[:, large] if table.batches.size else np.empty(0)
    known = np.flatnonzero((joules > 0) & np.isfinite(table.operations_g)) if joules.size else np.empty(0, int)
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Net energy and operations of {LEAST_NETWORKS} networks are needed at one batch size."
    if len(known) >= LEAST_NETWORKS:
        ratios = table.operations_g[known] / joules[known]
        factor, above = nine_of_ten(ratios), far_above(ratios, margins.prediction)
        verdict = all_of(
            within(factor, 0.0, margins.prediction), Verdict.DOES_NOT_HOLD if len(above) else Verdict.HOLDS
        )
        logs = mean_of(np.log(ratios))
        typical = Estimate(*(math.exp(each) for each in (logs.value, logs.low, logs.high)))
        most, worst = float(ratios.max()), float(left_out_errors(ratios).max())
        statistics = (
            Statistic("a / P, typical operations for a joule", typical, "G-op/J"),
            Statistic("Most operations for a joule", Estimate(most, most, most), "G-op/J"),
            Statistic("Most above what the others let expect", Estimate(worst, worst, worst), ""),
            Statistic("Factor for nine of ten further networks", factor, ""),
        )
        sentence = (
            f"At batch {table.batches[large]} a joule buys {interval(typical, 'G-op')}, {number(most)} G-op at most "
            f"({table.titles[known[int(ratios.argmax())]]}); nine of ten further networks would lie within a factor of "
            f"{interval(factor)}."
        )
    return Finding(
        key="energy-operations",
        claim="A cap on energy an image is an upper bound on the number of operations.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin=(
            f"Nine of ten further networks within a factor of {margins.prediction:g}, and none shown to lie above the "
            "others by more than that"
        ),
        caution=table.caution,
        simulated=table.power_simulated,
    )


def _judge(hull: Hull, at_cap: Estimate, excesses: Sequence[_Excess], margins: Margins) -> Verdict:
    if any(excess.shown_above(margins.above, len(excesses)) for excess in excesses):
        return Verdict.DOES_NOT_HOLD
    known = max(at_cap.high - at_cap.value, at_cap.value - at_cap.low) <= margins.bound and hull.line.slope.high < 0
    below = all(excess.shown_below(margins.above) for excess in excesses)
    return Verdict.HOLDS if known and below else Verdict.NOT_ENOUGH_DATA


def _factor(hull: Hull, power: Estimate, power_error: float) -> Estimate:
    """The product k P, both uncertain, in % J."""
    k, freedom = -hull.line.slope.value, hull.line.freedom
    quantile = t_quantile((1 + CONFIDENCE) / 2, freedom)
    error = math.hypot((hull.line.slope.high - hull.line.slope.value) / quantile * power.value, k * power_error)
    return about(k * power.value, error, freedom)


def _mean_and_error(watts: Floats) -> tuple[float, float]:
    known = watts[np.isfinite(watts)]
    return float(known.mean()), float(known.std(ddof=1)) / math.sqrt(len(known))


def _bound_at(hull: Hull, power: Estimate, power_error: float, joules: float) -> Estimate:
    """A - k P / E there, in %."""
    line, hertz = hull.line, power.value / joules
    there = line.at(hertz)
    error = (there.high - there.value) / t_quantile((1 + CONFIDENCE) / 2, line.freedom)
    return about(there.value, math.hypot(error, line.slope.value * power_error / joules), line.freedom)


@dataclass(frozen=True, slots=True)
class _Excess:
    """Of one network above the bound that all others draw, at its own joules; points of top-1."""

    row: int
    points: float
    error: float
    """Standard uncertainty of the bound and of what was measured."""
    scatter: float
    """The same with the scatter of the others about their bound."""
    freedom: int

    @property
    def estimate(self) -> Estimate:
        return about(self.points, self.error, self.freedom)

    def shown_above(self, margin: float, tests: int) -> bool:
        """Further than the others let expect, as one of so many tests that err together in 5 %."""
        return self.points - t_quantile(1 - (1 - CONFIDENCE) / 2 / tests, self.freedom) * self.scatter > margin

    def shown_below(self, margin: float) -> bool:
        """Not by more than the margin, at 5 %; all must be, which keeps the error of the whole."""
        return self.points + t_quantile((1 + CONFIDENCE) / 2, self.freedom) * self.error <= margin


def _excesses(table: Table, column: int) -> list[_Excess]:
    seconds, joules = table.seconds.values[:, column], table.net_j.values[:, column]
    watts = table.net_w.values[:, column]
    known = np.flatnonzero(np.isfinite(seconds) & (joules > 0) & np.isfinite(table.top1.values))
    found = []
    for row in known.tolist():
        others = known[known != row]
        rows = others[upper_hull(seconds[others], table.top1.values[others])]
        if len(rows) < LEAST - 1:
            continue
        power_w, power_error = _mean_and_error(watts[others])
        line, hertz = fit_line(1 / seconds[rows], table.top1.values[rows]), power_w / float(joules[row])
        relative = math.hypot(table.net_j.errors[row, column] / joules[row], power_error / power_w)
        measured = math.hypot(table.top1.errors[row], line.slope.value * hertz * relative)
        points = float(table.top1.values[row]) - line.at(hertz).value
        scatter = line.deviation_at(hertz)
        # The bound itself is known better than where a further network lies about it.
        bound = math.sqrt(max(scatter**2 - line.deviation**2, 0.0))
        found.append(_Excess(row, points, math.hypot(bound, measured), math.hypot(scatter, measured), line.freedom))
    return found
