# SPDX-License-Identifier: Apache-2.0
"""Net power does not depend on the architecture (claim of figure 8), and its standard deviation is 0.7 W."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.paper import NET_DEVIATION_W, NET_W
from monitor_app.analysis.findings.regression import UPPER, deviation_of, fit_line, mean_of
from monitor_app.analysis.statistics.distributions import t_quantile
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 5
_SURER = (1 + UPPER) / 2
"""In place of `UPPER`, where two tests share its error."""
_TOO_FEW = f"Net power of {LEAST_NETWORKS} networks is needed at one batch size."
_ENERGY = (
    "That power is alike says nothing of energy: net energy an image is proportional to the time it takes, so the "
    "slowest network costs most."
)


def power_and_architecture(table: Table, margins: Margins) -> Finding:
    """Equivalence of the spread between networks at the larger headline batch, with its upper limit."""
    _, large = table.headline(table.net_w.values)
    watts = _known(table.net_w.values, large)
    verdict, sentence = Verdict.NOT_ENOUGH_DATA, _TOO_FEW
    statistics: tuple[Statistic, ...] = ()
    if len(watts) >= LEAST_NETWORKS and watts.mean() > 0:
        relative, trend = _relative(_deviation(table, large), watts), _trend(table, large)
        margin_w = margins.power * float(watts.mean())
        verdict = all_of(within(relative, 0.0, margins.spread), _of_trend(trend, margin_w))
        if verdict is Verdict.DOES_NOT_HOLD:
            # Either alone refutes it, so each must be surer for both to err in one of twenty.
            wider = _relative(_deviation(table, large, _SURER), watts)
            surer = (within(wider, 0.0, margins.spread), _of_trend(_trend(table, large, _SURER), margin_w))
            verdict = verdict if Verdict.DOES_NOT_HOLD in surer else Verdict.NOT_ENOUGH_DATA
        statistics = _spreads(table, large, trend)
        sentence = (
            f"At batch {table.batches[large]} the net power of {len(watts)} networks is {number(float(watts.mean()))} "
            f"W with a standard deviation of {interval(relative, '%', 100)} of it, from {number(float(watts.min()))} "
            f"to {number(float(watts.max()))} W."
        )
    return Finding(
        key="power-architecture",
        claim="Net power at full load does not depend on the architecture.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-power",
        margin=f"A standard deviation of {margins.spread:.0%} of the mean",
        caution=f"{table.caution} {_ENERGY}".strip(),
        simulated=table.power_simulated,
    )


def power_deviation(table: Table, margins: Margins) -> Finding:
    """The standard deviation against the paper's 0.7 W in 11.8 W, as a share, so that any board can be judged."""
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
            Statistic("Standard deviation as a share of the mean", _times(relative, 100), "%"),
            Statistic("Standard deviation beyond that of measuring", Estimate(beyond, beyond, beyond), "W"),
        )
        sentence = (
            f"At batch {table.batches[large]} net power is {interval(mean_of(watts), 'W')} with a standard deviation "
            f"of {interval(found, 'W')} over {len(watts)} networks, {interval(relative, '%', 100)} of the mean"
            f"{_compared(verdict, relative.value, published)}."
        )
    return Finding(
        key="power-deviation",
        claim=f"Net power is {NET_W} W with a standard deviation of {NET_DEVIATION_W} W, {published:.1%} of it.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-power",
        margin=f"{published:.1%} of the mean, to a factor of {margins.deviation:g}; the watts themselves are the TX1's",
        caution=table.caution,
        simulated=table.power_simulated,
    )


def _spreads(table: Table, large: int, trend: Estimate | None) -> tuple[Statistic, ...]:
    small, _ = table.headline(table.net_w.values)
    found = []
    for column in dict.fromkeys((small, large)):
        watts = _known(table.net_w.values, column)
        if len(watts) >= LEAST_NETWORKS and watts.mean() > 0:
            relative = _times(_relative(_deviation(table, column), watts), 100)
            found.append(Statistic(f"Standard deviation at batch {table.batches[column]}", relative, "% of the mean"))
    return (*found, Statistic("Change from the fewest to the most operations", trend, "W"))


def _trend(table: Table, column: int, upper: float = UPPER) -> Estimate | None:
    """What a straight line against the logarithm of operations changes by over all networks."""
    watts, logs = table.net_w.values[:, column], np.log(table.operations_g)
    known = np.isfinite(watts) & np.isfinite(logs)
    reach = float(np.ptp(logs[known])) if known.any() else 0.0
    if known.sum() < LEAST_NETWORKS or reach == 0:
        return None
    line = fit_line(logs[known], watts[known])
    half = t_quantile(upper, line.freedom) * line.deviation / math.sqrt(line.extent)
    return _times(Estimate(line.slope.value, line.slope.value - half, line.slope.value + half), reach)


def _of_trend(trend: Estimate | None, margin_w: float) -> Verdict:
    """A trend that is not shown to be any is no objection; one that is shown must also be shown to be small."""
    if trend is None or trend.low <= 0 <= trend.high:
        return Verdict.HOLDS
    return within(trend, -margin_w, margin_w)


def _compared(verdict: Verdict, found: float, published: float) -> str:
    if verdict is not Verdict.DOES_NOT_HOLD:
        return ""
    return ", less than the paper's" if found < published else ", more than the paper's"


def _deviation(table: Table, column: int, upper: float = UPPER) -> Estimate:
    """Between networks. Its lower end is what is left when all uncertainty of measuring was noise that adds to it."""
    found = deviation_of(_known(table.net_w.values, column), upper)
    return Estimate(found.value, _less(found.low, _noise_w(table, column)), found.high)


def _noise_w(table: Table, column: int) -> float:
    errors = table.net_w.errors[:, column]
    return math.sqrt(float((errors[np.isfinite(table.net_w.values[:, column])] ** 2).mean()))


def _less(deviation: float, noise: float) -> float:
    return math.sqrt(max(deviation**2 - noise**2, 0.0))


def _relative(deviation: Estimate, watts: Floats) -> Estimate:
    return _times(deviation, 1 / float(watts.mean()))


def _times(estimate: Estimate, factor: float) -> Estimate:
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor)


def _known(values: Floats, column: int) -> Floats:
    of_column = values[:, column] if values.size else np.empty(0)
    return of_column[np.isfinite(of_column)]
