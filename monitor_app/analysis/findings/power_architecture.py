# SPDX-License-Identifier: Apache-2.0
"""Net power does not depend on the architecture (claim of figure 8), and its standard deviation is 0.7 W."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, compared_with, effect, within
from monitor_app.analysis.statistics.regression import deviation_of, mean_of, straight_line
from monitor_app.core.canziani2016 import NET_DEVIATION_W, NET_W
from monitor_app.core.estimate import FINDING_LEVEL, Estimate, exact
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 5
_HALVED = (1 + FINDING_LEVEL) / 2
"""Confidence level in place of `FINDING_LEVEL` where two tests share its error rate (Bonferroni)."""
_TOO_FEW = f"Net power of at least {LEAST_NETWORKS} networks is needed at one batch size."
_ENERGY = (
    "Equal power does not mean equal energy: net energy per image is power multiplied by time, so the slowest network "
    "takes the most."
)


def power_and_architecture(table: Table, margins: Margins) -> Finding:
    """Whether the standard deviation between networks is within its margin at the larger headline batch size."""
    _, large = table.headline(table.net_w.values)
    watts = _known(table.net_w.values, large)
    verdict, sentence = Verdict.NOT_ENOUGH_DATA, _TOO_FEW
    statistics: tuple[Statistic, ...] = ()
    if len(watts) >= LEAST_NETWORKS and watts.mean() > 0:
        relative, trend = _relative(_deviation(table, large), watts), _trend(table, large)
        margin_w = margins.power * float(watts.mean())
        verdict = all_of(within(relative, 0.0, margins.spread), _of_trend(trend, margin_w))
        if verdict is Verdict.DOES_NOT_HOLD:
            # Either test alone refutes the claim, so each is done at half the error rate (Bonferroni).
            wider = _relative(_deviation(table, large, _HALVED), watts)
            both = (within(wider, 0.0, margins.spread), _of_trend(_trend(table, large, _HALVED), margin_w))
            verdict = verdict if Verdict.DOES_NOT_HOLD in both else Verdict.INCONCLUSIVE
        statistics = _spreads(table, large, trend)
        sentence = (
            f"At batch {table.batches[large]} the net power of {len(watts)} networks differs "
            f"{compared_with(margins.spread, verdict)}: its mean is {number(float(watts.mean()))} W and its relative "
            f"standard deviation {interval(relative, '%', 100)}; it ranges from {number(float(watts.min()))} to "
            f"{number(float(watts.max()))} W{_trend_words(trend, float(watts.mean()))}."
        )
    return Finding(
        key="power-architecture",
        claim="Net power at full load does not depend on the architecture.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-power",
        margin=f"A standard deviation of at most {margins.spread:.0%} of the mean",
        caution=f"{table.caution} {_ENERGY}".strip(),
        simulated=table.power_simulated,
    )


def power_deviation(table: Table, margins: Margins) -> Finding:
    """The relative standard deviation, compared with the paper's 0.7 W of 11.8 W, so that any board can be tested."""
    _, large = table.headline(table.net_w.values)
    watts = _known(table.net_w.values, large)
    verdict, sentence = Verdict.NOT_ENOUGH_DATA, _TOO_FEW
    statistics: tuple[Statistic, ...] = ()
    published = NET_DEVIATION_W / NET_W
    if len(watts) >= LEAST_NETWORKS and watts.mean() > 0:
        found = _deviation(table, large)
        relative = _relative(found, watts)
        verdict = within(relative, published / margins.deviation, published * margins.deviation)
        beyond = _less(found.value, _noise_w(table, large))
        statistics = (
            Statistic("Mean net power", mean_of(watts), "W"),
            Statistic("Standard deviation of net power", found, "W"),
            Statistic("Relative standard deviation", relative.scaled(100), "%"),
            Statistic("Standard deviation without measurement uncertainty", exact(beyond), "W"),
        )
        sentence = (
            f"At batch {table.batches[large]} net power is {interval(mean_of(watts), 'W')} with a standard deviation "
            f"of {interval(found, 'W')} over {len(watts)} networks, which is {interval(relative, '%', 100)} of the mean"
            f"{_compared(verdict, relative.value, published)}."
        )
    return Finding(
        key="power-deviation",
        claim=f"Net power is {NET_W} W with a standard deviation of {NET_DEVIATION_W} W, {published:.1%} of the mean.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-power",
        margin=f"{published:.1%} of the mean within a factor of {margins.deviation:g}; the power itself is the TX1's",
        caution=table.caution,
        simulated=table.power_simulated,
    )


def _spreads(table: Table, large: int, trend: Estimate | None) -> tuple[Statistic, ...]:
    small, _ = table.headline(table.net_w.values)
    found = []
    for column in dict.fromkeys((small, large)):
        watts = _known(table.net_w.values, column)
        if len(watts) >= LEAST_NETWORKS and watts.mean() > 0:
            relative = _relative(_deviation(table, column), watts).scaled(100)
            found.append(Statistic(f"Standard deviation at batch {table.batches[column]}", relative, "% of the mean"))
    return (*found, Statistic("Change from the fewest to the most operations", trend, "W"))


def _trend(table: Table, column: int, level: float = FINDING_LEVEL) -> Estimate | None:
    """Change of a straight line against the logarithm of operations, from the fewest to the most of them."""
    watts, logs = table.net_w.values[:, column], np.log(table.operations_g)
    known = np.isfinite(watts) & np.isfinite(logs)
    reach = float(np.ptp(logs[known])) if known.any() else 0.0
    if known.sum() < LEAST_NETWORKS or reach == 0:
        return None
    return straight_line(logs[known], watts[known]).slope_estimate(level).scaled(reach)


def _trend_words(trend: Estimate | None, mean_w: float) -> str:
    if trend is None:
        return ""
    return f", and from the fewest to the most operations {effect(trend.scaled(1 / mean_w))}"


def _of_trend(trend: Estimate | None, margin_w: float) -> Verdict:
    """A trend that is not significant does not count against the claim; a significant one must be shown to be small."""
    if trend is None or trend.low <= 0 <= trend.high:
        return Verdict.HOLDS
    return within(trend, -margin_w, margin_w)


def _compared(verdict: Verdict, found: float, published: float) -> str:
    if verdict is not Verdict.DOES_NOT_HOLD:
        return ""
    return ", less than in the paper" if found < published else ", more than in the paper"


def _deviation(table: Table, column: int, level: float = FINDING_LEVEL) -> Estimate:
    """Between networks. The lower end assumes that all measurement uncertainty is noise, which adds to the spread."""
    found = deviation_of(_known(table.net_w.values, column), level)
    return Estimate(found.value, _less(found.low, _noise_w(table, column)), found.high, level)


def _noise_w(table: Table, column: int) -> float:
    errors = table.net_w.errors[:, column]
    return math.sqrt(float((errors[np.isfinite(table.net_w.values[:, column])] ** 2).mean()))


def _less(deviation: float, noise: float) -> float:
    return math.sqrt(max(deviation**2 - noise**2, 0.0))


def _relative(deviation: Estimate, watts: Floats) -> Estimate:
    return deviation.scaled(1 / float(watts.mean()))


def _known(values: Floats, column: int) -> Floats:
    of_column = values[:, column] if values.size else np.empty(0)
    return of_column[np.isfinite(of_column)]
