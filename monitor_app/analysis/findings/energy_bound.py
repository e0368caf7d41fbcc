# SPDX-License-Identifier: Apache-2.0
"""An energy cap is a bound on accuracy and on operations.

With constant power P the energy of an image is E = P t, so the hull A - k/t becomes A - k P / E, and operations of a t
become a E / P. Both are tested against energy that was measured: each network is held against the bound that all
others draw, at its own joules. A power that differs between networks shows as one that lies above.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.bootstrap import Estimate
from monitor_app.analysis.findings.distributions import t_quantile
from monitor_app.analysis.findings.finding import CONFIDENCE, Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.front import upper_hull
from monitor_app.analysis.findings.hyperbola import LEAST, Hull, fit_hull
from monitor_app.analysis.findings.regression import about, fit_line, mean_of
from monitor_app.analysis.findings.scatter import far_above, left_out_errors, nine_of_ten
from monitor_app.analysis.findings.wording import interval, names, number

if TYPE_CHECKING:
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
    if hull is not None and np.isfinite(watts[hull.rows]).all():
        power = mean_of(watts[np.isfinite(watts)])
        joules = float(np.median(table.net_j.values[hull.rows, large]))
        at_cap, factor = _bound_at(hull, power, joules), _factor(hull, power)
        above = _above(table, large, hull, power)
        verdict = _judge(hull, at_cap, bool(len(above)), margins.bound)
        statistics = (
            Statistic("A", hull.line.intercept, "%"),
            Statistic("k P", factor, "% J"),
            Statistic("Mean net power", power, "W"),
            Statistic(f"Bound at {number(joules)} J an image", at_cap, "%"),
        )
        verdict_on_networks = (
            f"{names([table.titles[row] for row in above])} lies above it."
            if len(above)
            else "no network lies above it by more than its error."
        )
        sentence = (
            f"At batch {table.batches[large]} accuracy is at most {number(hull.line.intercept.value)} % - "
            f"{interval(factor, '% J')} / E, so {interval(at_cap, '%')} for {number(joules)} J an image; "
            f"{verdict_on_networks}"
        )
    return Finding(
        key="energy-accuracy",
        claim="A cap on energy an image is an upper bound on accuracy.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="top1-energy",
        margin=f"No network above the bound by more than its error, and the bound known to {margins.bound:g} points",
        caution=table.caution,
        simulated=table.power_simulated,
    )


def energy_bounds_operations(table: Table, margins: Margins) -> Finding:
    """Whether operations for a joule are alike enough for a cap on energy to cap operations."""
    _, large = table.headline(table.net_j.values)
    joules = table.net_j.values[:, large] if table.batches.size else np.empty(0)
    known = np.flatnonzero(np.isfinite(joules) & np.isfinite(table.operations_g)) if joules.size else np.empty(0, int)
    verdict = Verdict.NOT_ENOUGH_DATA
    statistics: tuple[Statistic, ...] = ()
    sentence = f"Net energy and operations of {LEAST_NETWORKS} networks are needed at one batch size."
    if len(known) >= LEAST_NETWORKS:
        ratios = table.operations_g[known] / joules[known]
        factor, above = nine_of_ten(ratios), far_above(ratios)
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
        margin=f"No network above the others by more than their scatter, nine of ten within a factor of "
        f"{margins.prediction:g}",
        caution=table.caution,
        simulated=table.power_simulated,
    )


def _judge(hull: Hull, at_cap: Estimate, above: bool, margin: float) -> Verdict:
    if above or hull.line.slope.low >= 0:
        return Verdict.DOES_NOT_HOLD
    known = max(at_cap.high - at_cap.value, at_cap.value - at_cap.low) <= margin and hull.line.slope.high < 0
    return Verdict.HOLDS if known else Verdict.NOT_ENOUGH_DATA


def _factor(hull: Hull, power: Estimate) -> Estimate:
    """The product k P, both uncertain, in % J."""
    k, freedom = -hull.line.slope.value, hull.line.freedom
    quantile = t_quantile((1 + CONFIDENCE) / 2, freedom)
    error = math.hypot((hull.line.slope.high - hull.line.slope.value) / quantile * power.value, k * _error(power))
    return about(k * power.value, error, freedom)


def _bound_at(hull: Hull, power: Estimate, joules: float) -> Estimate:
    """A - k P / E there, in %."""
    line, hertz = hull.line, power.value / joules
    there = line.at(hertz)
    error = (there.high - there.value) / t_quantile((1 + CONFIDENCE) / 2, line.freedom)
    return about(there.value, math.hypot(error, line.slope.value * _error(power) / joules), line.freedom)


def _above(table: Table, column: int, hull: Hull, power: Estimate) -> NDArray[np.intp]:
    """Rows above the bound of all others by more than its error and theirs; one false in twenty campaigns."""
    seconds, joules = table.seconds.values[:, column], table.net_j.values[:, column]
    known = np.flatnonzero(np.isfinite(seconds) & np.isfinite(joules) & np.isfinite(table.top1.values))
    found = []
    for row in known.tolist():
        others = known[known != row]
        rows = others[upper_hull(seconds[others], table.top1.values[others])]
        if len(rows) < LEAST - 1:
            continue
        line, hertz = fit_line(1 / seconds[rows], table.top1.values[rows]), power.value / joules[row]
        relative = math.hypot(table.net_j.errors[row, column] / joules[row], _error(power) / power.value)
        error = math.hypot(line.deviation_at(hertz), table.top1.errors[row], line.slope.value * hertz * relative)
        excess = table.top1.values[row] - line.at(hertz).value
        if excess > t_quantile(1 - (1 - CONFIDENCE) / 2 / len(known), line.freedom) * error:
            found.append(row)
    return np.array(found, dtype=np.intp)


def _error(power: Estimate) -> float:
    """Standard error that a wide Student interval comes from, roughly: 1.645 for many networks."""
    return (power.high - power.value) / 1.645
