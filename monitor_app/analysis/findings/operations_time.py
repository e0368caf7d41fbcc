# SPDX-License-Identifier: Apache-2.0
"""Operations predict time linearly, with a steeper slope at the larger batch size (figure 7)."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, effect, within
from monitor_app.analysis.findings.scatter import left_out_errors, prediction_factor
from monitor_app.analysis.statistics.bootstrap import percentile_interval, redraw
from monitor_app.analysis.statistics.regression import mean_of, slopes, straight_line
from monitor_app.core.canziani2016 import ALEXNETS
from monitor_app.core.estimate import Estimate, exact
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.finding import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6
_TOO_FEW = f"Times and operations of at least {LEAST_NETWORKS} networks are needed at {{}}."


def operations_and_time(table: Table, margins: Margins) -> Finding:
    """How well operations predict the time of a further network, at both headline batch sizes."""
    columns = dict.fromkeys(table.headline(table.seconds.values))
    factors: list[Estimate] = []
    statistics: list[Statistic] = []
    parts: list[str] = []
    for column in columns:
        times_ms, operations_g = _pairs(table, column)
        if len(times_ms) < LEAST_NETWORKS:
            continue
        batch, line, rates = table.batches[column], straight_line(times_ms, operations_g), operations_g / times_ms * 1e3
        slope = line.slope_estimate()
        factors.append(prediction_factor(rates))
        errors = np.abs(np.log(left_out_errors(rates)))
        statistics += [
            Statistic(f"Slope at batch {batch}", slope, "G-op/ms"),
            Statistic(f"Intercept at batch {batch}", line.intercept_estimate(), "G-op"),
            Statistic(f"Explained variance at batch {batch}", exact(line.r_squared), ""),
            Statistic(f"Exponent of time at batch {batch}", _exponent(times_ms, operations_g), ""),
            Statistic(f"Highest over lowest rate at batch {batch}", exact(float(rates.max() / rates.min())), ""),
            Statistic(
                f"Median error factor of leave-one-out prediction at batch {batch}",
                exact(float(np.exp(np.median(errors)))),
                "",
            ),
            Statistic(f"Factor of the 90 % prediction interval at batch {batch}", factors[-1], ""),
            *_families(table, column),
        ]
        parts.append(
            f"At batch {batch} the slope of operations against time is {interval(slope, 'G-op/ms')}, and networks do "
            f"{number(float(rates.min()))} to {number(float(rates.max()))} G-op/s, a factor of "
            f"{number(float(rates.max() / rates.min()))}. A 90 % prediction interval for the "
            f"rate of another network spans a factor of {interval(factors[-1])} either way."
        )
    verdict = all_of(*(within(factor, 0.0, margins.prediction) for factor in factors))
    return Finding(
        key="operations-time",
        claim="The number of operations is a reliable estimate of the inference time.",
        verdict=verdict if factors else Verdict.NOT_ENOUGH_DATA,
        sentence=" ".join(parts) if parts else _TOO_FEW.format("one batch size"),
        statistics=tuple(statistics),
        figure="operations-time",
        margin=f"A 90 % prediction interval within a factor of {margins.prediction:g} at both batch sizes",
        caution=_caution(table),
        simulated=table.times_simulated,
    )


def steeper_with_batch(table: Table, margins: Margins) -> Finding:
    """The ratio of the slopes of operations against time at both headline batch sizes, paired by network."""
    small, large = table.headline(table.seconds.values)
    first, second = (table.seconds.values[:, column] * 1e3 if table.batches.size else None for column in (small, large))
    verdict, sentence = Verdict.NOT_ENOUGH_DATA, _TOO_FEW.format("two batch sizes")
    statistics: tuple[Statistic, ...] = ()
    if first is not None and second is not None and small != large:
        known = np.isfinite(first) & np.isfinite(second) & np.isfinite(table.operations_g)
        if known.sum() >= LEAST_NETWORKS and _varied(first[known]) and _varied(second[known]):
            ratio = slope_ratio(first[known], second[known], table.operations_g[known])
            verdict = _steeper(ratio, margins.steeper)
            sentence = (
                f"The slope of operations against time at batch {table.batches[large]} is {interval(ratio)} times that "
                f"at batch {table.batches[small]}: {effect(_less_one(ratio))}."
            )
            statistics = (Statistic(f"Slope at batch {table.batches[large]} over {table.batches[small]}", ratio, ""),)
    return Finding(
        key="operations-slope",
        claim="Operations rise more steeply with time at batch 16 than at batch 1.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-time",
        margin=f"A ratio of slopes above 1; refuted where it is below {margins.steeper:g}",
        caution=_caution(table),
        simulated=table.times_simulated,
    )


def slope_ratio(first_ms: Floats, second_ms: Floats, operations_g: Floats) -> Estimate:
    """Slope of operations against the second times over that against the first, all (n,); bootstrap over networks."""
    drawn = redraw(len(operations_g))
    found = [slopes(each[np.newaxis], operations_g[np.newaxis])[0] for each in (second_ms, first_ms)]
    many = [slopes(each[drawn], operations_g[drawn]) for each in (second_ms, first_ms)]
    # Two lines have four coefficients.
    degrees_of_freedom = len(operations_g) - 4
    return percentile_interval(float(found[0] / found[1]), many[0] / many[1], degrees_of_freedom=degrees_of_freedom)


def _less_one(ratio: Estimate) -> Estimate:
    return Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1, ratio.level)


def _steeper(ratio: Estimate, least: float) -> Verdict:
    if ratio.high < least:
        return Verdict.DOES_NOT_HOLD
    return Verdict.HOLDS if ratio.low > 1 else Verdict.INCONCLUSIVE


def _pairs(table: Table, column: int) -> tuple[Floats, Floats]:
    if not table.batches.size:
        return np.empty(0), np.empty(0)
    times_ms = table.seconds.values[:, column] * 1e3
    known = np.isfinite(times_ms) & np.isfinite(table.operations_g)
    times_ms, operations_g = times_ms[known], table.operations_g[known]
    return (times_ms, operations_g) if _varied(times_ms) and _varied(operations_g) else (np.empty(0), np.empty(0))


def _varied(values: Floats) -> bool:
    return bool(values.size and np.ptp(values) > 0)


def _families(table: Table, column: int) -> list[Statistic]:
    """Geometric mean of operations per second of each family of at least two networks, the fastest first."""
    rates = table.operations_g / table.seconds.values[:, column]
    members: dict[str, list[float]] = {}
    for title, rate in zip(table.titles, rates.tolist(), strict=True):
        if math.isfinite(rate):
            members.setdefault(family_of(title), []).append(math.log(rate))
    means = {name: mean_of(np.array(logs)) for name, logs in members.items() if len(logs) > 1}
    return [
        Statistic(f"{name} at batch {table.batches[column]}", mean.exponential(700.0), "G-op/s")
        for name, mean in sorted(means.items(), key=lambda each: -each[1].value)
    ]


def family_of(title: str) -> str:
    """ResNet of ResNet-18, AlexNet of BN-AlexNet."""
    return re.split(r"[-_ \d]", title.removeprefix("BN-"), maxsplit=1)[0] or title


def _exponent(times_ms: Floats, operations_g: Floats) -> Estimate:
    """1 where operations are proportional to time."""
    return straight_line(np.log(times_ms), np.log(operations_g)).slope_estimate()


def _caution(table: Table) -> str:
    if ALEXNETS[0] not in table.papers:
        return table.caution
    counted = "AlexNet's operations are counted as in the paper, which ignores its groups; it does a third fewer."
    return f"{table.caution} {counted}".strip()
