# SPDX-License-Identifier: Apache-2.0
"""Operations predict the time, linearly, and with a steeper slope at the larger batch (figure 7)."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings.finding import Finding, Statistic, Verdict, all_of, within
from monitor_app.analysis.findings.paper import ALEXNETS
from monitor_app.analysis.findings.regression import exponential, fit_line, mean_of, percentiles, redraw, slopes
from monitor_app.analysis.findings.scatter import left_out_errors, nine_of_ten
from monitor_app.core.estimate import Estimate
from monitor_app.core.formatting import interval, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.analysis.findings.margins import Margins
    from monitor_app.analysis.findings.table import Table

    Floats = NDArray[np.float64]

LEAST_NETWORKS = 6
_TOO_FEW = f"Times and operations of {LEAST_NETWORKS} networks are needed at {{}}."


def operations_and_time(table: Table, margins: Margins) -> Finding:
    """How well operations predict the time of a network that was left out, at both headline batches."""
    columns = dict.fromkeys(table.headline(table.seconds.values))
    factors: list[Estimate] = []
    statistics: list[Statistic] = []
    parts: list[str] = []
    for column in columns:
        times_ms, operations_g = _pairs(table, column)
        if len(times_ms) < LEAST_NETWORKS:
            continue
        batch, line, rates = table.batches[column], fit_line(times_ms, operations_g), operations_g / times_ms * 1e3
        factors.append(nine_of_ten(rates))
        errors = np.abs(np.log(left_out_errors(rates)))
        statistics += [
            Statistic(f"Slope at batch {batch}", line.slope, "G-op/ms"),
            Statistic(f"Intercept at batch {batch}", line.intercept, "G-op"),
            Statistic(f"Explained variance at batch {batch}", _plain(line.explained), ""),
            Statistic(f"Exponent of time at batch {batch}", _exponent(times_ms, operations_g), ""),
            Statistic(f"Highest over lowest rate at batch {batch}", _plain(float(rates.max() / rates.min())), ""),
            Statistic(
                f"Median factor off when left out at batch {batch}", _plain(float(np.exp(np.median(errors)))), ""
            ),
            Statistic(f"Factor for nine of ten further networks at batch {batch}", factors[-1], ""),
            *_families(table, column),
        ]
        parts.append(
            f"at batch {batch} operations rise by {interval(line.slope, 'G-op/ms')}, networks do "
            f"{number(float(rates.min()))} to {number(float(rates.max()))} G-op/s, and nine of ten further ones would "
            f"be predicted within a factor of {interval(factors[-1])}"
        )
    verdict = all_of(*(within(factor, 0.0, margins.prediction) for factor in factors))
    return Finding(
        key="operations-time",
        claim="The number of operations is a reliable estimate of the time of inference.",
        verdict=verdict if factors else Verdict.NOT_ENOUGH_DATA,
        sentence=_capital("; ".join(parts)) if parts else _TOO_FEW.format("one batch size"),
        statistics=tuple(statistics),
        figure="operations-time",
        margin=f"Nine of ten further networks within a factor of {margins.prediction:g}, at both batch sizes",
        caution=_caution(table),
        simulated=table.times_simulated,
    )


def steeper_with_batch(table: Table, margins: Margins) -> Finding:
    """The ratio of the slopes of operations against time at both headline batches, networks drawn in pairs."""
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
                f"At batch {table.batches[large]} the slope of operations against time is {interval(ratio)} times that "
                f"at batch {table.batches[small]}."
            )
            statistics = (Statistic(f"Slope at batch {table.batches[large]} over {table.batches[small]}", ratio, ""),)
    return Finding(
        key="operations-slope",
        claim="Operations rise more steeply with time at batch 16 than at batch 1.",
        verdict=verdict,
        sentence=sentence,
        statistics=statistics,
        figure="operations-time",
        margin=f"A ratio of slopes above 1; none where it is below {margins.steeper:g}",
        caution=_caution(table),
        simulated=table.times_simulated,
    )


def slope_ratio(first_ms: Floats, second_ms: Floats, operations_g: Floats) -> Estimate:
    """Slope of operations against the second times over that against the first; bootstrap over networks, all (n,)."""
    drawn = redraw(len(operations_g))
    found = [slopes(each[np.newaxis], operations_g[np.newaxis])[0] for each in (second_ms, first_ms)]
    many = [slopes(each[drawn], operations_g[drawn]) for each in (second_ms, first_ms)]
    # Two lines have four coefficients.
    return percentiles(float(found[0] / found[1]), many[0] / many[1], freedom=len(operations_g) - 4)


def _steeper(ratio: Estimate, least: float) -> Verdict:
    if ratio.high < least:
        return Verdict.DOES_NOT_HOLD
    return Verdict.HOLDS if ratio.low > 1 else Verdict.NOT_ENOUGH_DATA


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
    """Geometric mean of operations a second of every family with two networks or more, the fastest first."""
    rates = table.operations_g / table.seconds.values[:, column]
    members: dict[str, list[float]] = {}
    for title, rate in zip(table.titles, rates.tolist(), strict=True):
        if math.isfinite(rate):
            members.setdefault(family_of(title), []).append(math.log(rate))
    means = {name: mean_of(np.array(logs)) for name, logs in members.items() if len(logs) > 1}
    return [
        Statistic(f"{name} at batch {table.batches[column]}", exponential(mean), "G-op/s")
        for name, mean in sorted(means.items(), key=lambda each: -each[1].value)
    ]


def family_of(title: str) -> str:
    """ResNet of ResNet-18, AlexNet of BN-AlexNet."""
    return re.split(r"[-_ \d]", title.removeprefix("BN-"), maxsplit=1)[0] or title


def _exponent(times_ms: Floats, operations_g: Floats) -> Estimate:
    """1 where operations are proportional to time."""
    return fit_line(np.log(times_ms), np.log(operations_g)).slope


def _caution(table: Table) -> str:
    if ALEXNETS[0] not in table.papers:
        return table.caution
    counted = "AlexNet's operations are counted as in the paper, without its groups; it really does a third fewer."
    return f"{table.caution} {counted}".strip()


def _plain(value: float) -> Estimate:
    return Estimate(value, value, value)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
