# SPDX-License-Identifier: Apache-2.0
"""Boards whose truth is known, drawn many times, and how often a verdict of theirs is wrong.

A board at the margin is the hardest: neither "holds" nor "does not hold" is shown there, so both are errors, and each
may come in one of twenty draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor_app.analysis.findings.density import density_ranking, density_ratios
from monitor_app.analysis.findings.energy_bound import energy_bounds_accuracy, energy_bounds_operations
from monitor_app.analysis.findings.finding import Finding, Margins, Verdict
from monitor_app.analysis.findings.hyperbola import accuracy_and_time
from monitor_app.analysis.findings.memory import memory_and_parameters, memory_knee
from monitor_app.analysis.findings.operations_time import operations_and_time, steeper_with_batch
from monitor_app.analysis.findings.power_architecture import power_and_architecture, power_deviation
from monitor_app.analysis.findings.power_batch import power_and_batch
from monitor_app.analysis.findings.slowest_network import slowest_network
from monitor_app.analysis.findings.speed_up import speed_up
from monitor_app.analysis.findings.table import Measured, Table
from monitor_app.core.canziani2016 import NET_W
from tests.analysis.campaigns import BATCHES, NAMES, published_facts, published_times

Floats = NDArray[np.float64]
Random = np.random.Generator
Draw = Callable[[Random], Table]
DRAWS = 500
"""Of `tests/benchmarks/bench_findings.py`; the suite draws fewer."""
MARGINS = Margins()

TITLES = tuple(NAMES)
N, B = len(TITLES), len(BATCHES)
SIXTEEN = BATCHES.index(16)
DOUBLINGS = np.log2(BATCHES) - 3
"""About their mean."""
FACTS = [published_facts()[title] for title in TITLES]
OPERATIONS_G = np.array([(each.operations or 0) * 1e-9 for each in FACTS])
PARAMETERS_M = np.array([(each.parameters or 0) * 1e-6 for each in FACTS])
TOP1 = np.array([each.top1_percent or 0.0 for each in FACTS])


@dataclass(frozen=True, slots=True)
class Board:
    """One truth for one claim."""

    name: str
    claim: Callable[[Table, Margins], Finding]
    draw: Draw
    truth: Verdict | None
    """None: at the margin."""
    power: float = 0.0
    """How often the truth is found at least."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often each verdict was given, 0 to 1."""

    holds: float
    does_not_hold: float
    undecided: float

    def of(self, verdict: Verdict) -> float:
        return {Verdict.HOLDS: self.holds, Verdict.DOES_NOT_HOLD: self.does_not_hold}.get(verdict, self.undecided)


def rates(board: Board, draws: int = DRAWS, seed: int = 2016) -> Rates:
    random = np.random.default_rng(seed)
    found = Counter(board.claim(board.draw(random), MARGINS).verdict for _ in range(draws))
    undecided = found[Verdict.INCONCLUSIVE] + found[Verdict.NOT_ENOUGH_DATA]
    return Rates(found[Verdict.HOLDS] / draws, found[Verdict.DOES_NOT_HOLD] / draws, undecided / draws)


def table(
    seconds: Floats | None = None,
    watts: Floats | None = None,
    *,
    watts_error: float = 0.0,
    seconds_error: float = 0.0,
    memory_mb: Floats | None = None,
    top1: Floats = TOP1,
    top1_error: float = 0.2,
    operations_g: Floats = OPERATIONS_G,
    parameters_m: Floats = PARAMETERS_M,
) -> Table:
    """Arrays of shape (n, b), and (n,) for what belongs to a network; errors as a share, of top-1 in points."""
    shape = (len(top1), B)
    nothing = np.full(shape, np.nan)
    seconds = nothing if seconds is None else seconds
    watts = nothing if watts is None else watts
    joules = watts * seconds
    return Table(
        titles=TITLES[: shape[0]],
        papers=TITLES[: shape[0]],
        batches=np.array(BATCHES),
        seconds=Measured(seconds, np.abs(seconds) * seconds_error),
        net_w=Measured(watts, np.abs(watts) * watts_error),
        net_j=Measured(joules, np.abs(joules) * np.hypot(watts_error, seconds_error)),
        memory_mb=nothing if memory_mb is None else memory_mb,
        operations_g=operations_g,
        parameters_mb=parameters_m * 4,
        parameters_m=parameters_m,
        top1=Measured(top1, np.full(shape[0], top1_error)),
        times_simulated=False,
        power_simulated=False,
        caution="",
    )


def power_batch(change: float, noise: float = 0.02, each: float = 0.0) -> Draw:
    """Net power that changes by a share of its mean from batch 1 to 64, and by one's own share in each network."""

    def draw(random: Random) -> Table:
        own = change + each * random.permutation(np.resize((-1.0, 1.0), N))
        watts = NET_W * (1 + 0.06 * random.standard_normal((N, 1)) + own[:, np.newaxis] * DOUBLINGS / 6)
        return table(watts=watts * (1 + noise * random.standard_normal((N, B))))

    return draw


def power_architecture(spread: float, trend: float = 0.0, noise: float = 0.01) -> Draw:
    """Net power with a standard deviation between networks, and a change from the fewest to the most operations."""
    logs = np.log(OPERATIONS_G)
    reach = (logs - logs.mean()) / np.ptp(logs)

    def draw(random: Random) -> Table:
        watts = NET_W * (1 + spread * random.standard_normal(N) + trend * reach)
        measured = watts[:, np.newaxis] * (1 + noise * random.standard_normal((N, B)))
        return table(watts=measured, watts_error=noise)

    return draw


def rate_spread(factor: float) -> Draw:
    """Operations a second that lie within a factor of the mean for nine of ten further networks."""
    deviation = np.log(factor) / 1.6448536 / np.sqrt(1 + 1 / N)

    def draw(random: Random) -> Table:
        rates_g = 200 * np.exp(deviation * random.standard_normal((N, 1)))
        seconds = OPERATIONS_G[:, np.newaxis] / rates_g * np.ones(B)
        return table(seconds, NET_W * np.ones((N, B)), watts_error=0.01, seconds_error=0.01)

    return draw


def slopes_apart(ratio: float, noise: float = 0.05, scatter: float = 0.2) -> Draw:
    """Times at batch 16 shorter by a ratio than at batch 1, each network with its own rate."""

    def draw(random: Random) -> Table:
        one = OPERATIONS_G / 170 * np.exp(scatter * random.standard_normal(N))
        share = np.exp(noise * random.standard_normal((N, B)))
        return table(one[:, np.newaxis] * np.where(np.arange(B) < SIXTEEN, 1.0, 1 / ratio) * share)

    return draw


def hull(form: Callable[[Floats], Floats], noise: float = 0.7) -> Draw:
    """Top-1 that follows a form of the time in ms over 7 to 150 ms, but for noise in points."""

    def draw(random: Random) -> Table:
        times_ms = np.exp(random.uniform(np.log(7), np.log(150), N))
        top1 = form(times_ms) + noise * random.standard_normal(N)
        seconds = times_ms[:, np.newaxis] * 1e-3 * np.ones(B)
        return table(seconds, NET_W * np.ones((N, B)), watts_error=0.01, top1=top1)

    return draw


def counted_hull(form: Callable[[Floats], Floats], images: int) -> Draw:
    """Top-1 that follows a form of the paper's times in ms at batch 1, counted on this number of images."""
    times_ms = np.array([published_times()[title][1] or np.nan for title in TITLES]) * 1e3

    def draw(random: Random) -> Table:
        top1 = 100 * random.binomial(images, form(times_ms) / 100) / images
        seconds = times_ms[:, np.newaxis] * 1e-3 * np.ones(B)
        drawn = table(seconds, NET_W * np.ones((N, B)), watts_error=0.01, top1=top1)
        return replace(drawn, top1=Measured(top1, np.sqrt(np.maximum(top1 * (100 - top1), 1.0) / images)))

    return draw


def bound_with_outlier(points: float, noise: float = 0.7) -> Draw:
    """Accuracy on the bound by energy, but for one network whose lower power puts it this many points above."""

    def draw(random: Random) -> Table:
        times_s = np.exp(random.uniform(np.log(0.007), np.log(0.15), N))
        times_s[0] = 0.015
        top1 = 79.8 - 0.182 / times_s + noise * random.standard_normal(N) * (np.arange(N) > 0)
        watts = NET_W * np.exp(0.01 * random.standard_normal(N))
        watts[0] *= 1 / (1 + points * times_s[0] / 0.182)
        return table(times_s[:, np.newaxis] * np.ones(B), watts[:, np.newaxis] * np.ones(B), top1=top1)

    return draw


def energy_follows_time(exponent: float) -> Draw:
    """Net energy an image that grows as a power of its time, to 20 %."""

    def draw(random: Random) -> Table:
        seconds = OPERATIONS_G / 200 * np.exp(0.1 * random.standard_normal(N))
        joules = 0.5 * (seconds / 0.03) ** exponent * np.exp(0.2 * random.standard_normal(N))
        return table(seconds[:, np.newaxis] * np.ones(B), (joules / seconds)[:, np.newaxis] * np.ones(B))

    return draw


def gains(alexnet: float, others: float, noise: float = 0.05) -> Draw:
    """Time an image at batch 1 over that at batch 64."""

    def draw(random: Random) -> Table:
        own = np.where(np.arange(N) < 2, alexnet, others * np.exp(0.1 * random.standard_normal(N)))
        share = np.exp(noise * random.standard_normal((N, B)))
        seconds = OPERATIONS_G[:, np.newaxis] / 170 * own[:, np.newaxis] ** (-np.log2(BATCHES) / 6) * share
        return table(seconds, seconds_error=noise)

    return draw


def memory_parameters(floor: float, knee: float, slope: float, noise: float = 8.0, least_mb: float = 0.0) -> Draw:
    """Memory in MB by parameters in MB; networks smaller than some are left out."""
    behind = np.maximum(PARAMETERS_M * 4 - knee, 0.0)

    def draw(random: Random) -> Table:
        memory = floor + slope * behind + noise * random.standard_normal(N)
        memory[least_mb > PARAMETERS_M * 4] = np.nan
        return table(memory_mb=memory[:, np.newaxis] * np.ones(B))

    return draw


def memory_batch(share: float, noise: float = 1.0) -> Draw:
    """Memory of 4 networks that grows by MB an image, before its knee by a share of what it does behind."""

    def draw(random: Random) -> Table:
        knee, each = random.uniform(6, 24, (N, 1)), random.uniform(20, 60, (N, 1))
        batches = np.array(BATCHES, dtype=np.float64)
        memory = 200 + each * (share * np.minimum(batches, knee) + np.maximum(batches - knee, 0.0))
        measured = memory + noise * random.standard_normal((N, B))
        return table(memory_mb=np.where(np.arange(N)[:, np.newaxis] < 4, measured, np.nan))

    return draw


def density(own: float, images: int = 50_000) -> Draw:
    """Accuracy as published, measured on this number of images; parameters of ENet by a factor more."""

    def draw(random: Random) -> Table:
        error = 100 * np.sqrt(TOP1 / 100 * (1 - TOP1 / 100) / images)
        parameters_m = PARAMETERS_M * np.where(np.array(TITLES) == "ENet", own, 1.0)
        measured = TOP1 + error * random.standard_normal(N)
        return replace(table(parameters_m=parameters_m), top1=Measured(measured, error))

    return draw


HOLDS, REFUTED = Verdict.HOLDS, Verdict.DOES_NOT_HOLD
OF_TIME = {
    "hyperbola": lambda t: 79.8 - 182 / t,
    "linear": lambda t: 62 + 0.12 * t,
    "logarithm": lambda t: 48 + 6.5 * np.log(t),
    "root": lambda t: 86 - 85 / np.sqrt(t),
}

BOARDS = (
    Board("power the same at every batch", power_and_batch, power_batch(0.0), HOLDS, 0.99),
    Board("power the same, noise of 8 %", power_and_batch, power_batch(0.0, noise=0.08), HOLDS),
    Board("power changes by 10 % with the batch", power_and_batch, power_batch(0.10), None),
    Board("power changes by 15 % with the batch", power_and_batch, power_batch(0.15), REFUTED, 0.95),
    Board("power changes by 25 % with the batch", power_and_batch, power_batch(0.25), REFUTED, 0.99),
    Board("power up 20 % in some, down in others", power_and_batch, power_batch(0.0, each=0.2), REFUTED, 0.99),
    Board("power up 12 % in some, down in others", power_and_batch, power_batch(0.0, each=0.12), REFUTED),
    Board("power the same in every network", power_and_architecture, power_architecture(0.0), HOLDS, 0.99),
    Board("power spread as in the paper, 5.9 %", power_and_architecture, power_architecture(0.059), HOLDS, 0.60),
    Board("power spread by 10 %", power_and_architecture, power_architecture(0.10, noise=0.0), None),
    Board("power spread by 10 %, 10 % trend", power_and_architecture, power_architecture(0.095, 0.10, 0.0), None),
    Board("power spread by 25 %", power_and_architecture, power_architecture(0.25), REFUTED, 0.90),
    Board("power grows by 40 % with operations", power_and_architecture, power_architecture(0.03, 0.4), REFUTED, 0.99),
    Board("power the same, noise of 20 %", power_and_architecture, power_architecture(0.0, noise=0.2), HOLDS),
    Board("spread as in the paper", power_deviation, power_architecture(0.0593), HOLDS, 0.70),
    Board("spread twice the paper's", power_deviation, power_architecture(0.1186, noise=0.0), None),
    Board("spread half the paper's", power_deviation, power_architecture(0.0297, noise=0.0), None),
    Board("spread a tenth of the paper's", power_deviation, power_architecture(0.006), REFUTED, 0.99),
    Board("accuracy A - k/t", accuracy_and_time, hull(OF_TIME["hyperbola"]), HOLDS, 0.55),
    Board("accuracy A - k/t, scatter of 2 points", accuracy_and_time, hull(OF_TIME["hyperbola"], 2.0), HOLDS),
    Board("accuracy linear in t", accuracy_and_time, hull(OF_TIME["linear"]), REFUTED, 0.90),
    Board("accuracy linear in t, scatter of 2 points", accuracy_and_time, hull(OF_TIME["linear"], 2.0), REFUTED),
    Board("accuracy linear in log t", accuracy_and_time, hull(OF_TIME["logarithm"]), REFUTED, 0.75),
    Board("accuracy linear in log t, scatter of 2", accuracy_and_time, hull(OF_TIME["logarithm"], 2.0), REFUTED),
    Board("accuracy A - k/t^0.5", accuracy_and_time, hull(OF_TIME["root"]), REFUTED),
    Board("accuracy A - k/t^0.5, scatter of 2 points", accuracy_and_time, hull(OF_TIME["root"], 2.0), REFUTED),
    Board("accuracy A - k/t^0.5, 1000 images", accuracy_and_time, counted_hull(OF_TIME["root"], 1000), REFUTED),
    Board("accuracy A - k/t, 1000 images", accuracy_and_time, counted_hull(OF_TIME["hyperbola"], 1000), HOLDS, 0.1),
    Board("accuracy linear in log t, 100 images", accuracy_and_time, counted_hull(OF_TIME["logarithm"], 100), REFUTED),
    Board(
        "accuracy linear in log t, 5000 images",
        accuracy_and_time,
        counted_hull(OF_TIME["logarithm"], 5000),
        REFUTED,
        0.95,
    ),
    Board("energy bounds accuracy", energy_bounds_accuracy, bound_with_outlier(0.0), HOLDS, 0.80),
    Board("a network 5 points above the bound", energy_bounds_accuracy, bound_with_outlier(5.0), None),
    Board("a network 15 points above the bound", energy_bounds_accuracy, bound_with_outlier(15.0), REFUTED, 0.9),
    Board("operations a joule to 1.25", energy_bounds_operations, rate_spread(1.25), HOLDS, 0.99),
    Board("operations a joule to 2", energy_bounds_operations, rate_spread(2.0), None),
    Board("operations a joule to 5", energy_bounds_operations, rate_spread(5.0), REFUTED, 0.95),
    Board("energy grows with time", slowest_network, energy_follows_time(1.0), REFUTED, 0.99),
    Board("energy the same at every time", slowest_network, energy_follows_time(0.0), None),
    Board("energy falls with time", slowest_network, energy_follows_time(-0.5), HOLDS, 0.99),
    Board("operations predict time to 1.4", operations_and_time, rate_spread(1.4), HOLDS, 0.95),
    Board("operations predict time to 2", operations_and_time, rate_spread(2.0), None),
    Board("operations predict time to 5", operations_and_time, rate_spread(5.0), REFUTED, 0.95),
    Board("slopes alike", steeper_with_batch, slopes_apart(1.0), REFUTED),
    Board("slope 1.05 times as steep", steeper_with_batch, slopes_apart(1.05), HOLDS),
    Board("slope 1.25 times as steep", steeper_with_batch, slopes_apart(1.25), HOLDS, 0.95),
    Board("slope 0.9 times as steep", steeper_with_batch, slopes_apart(0.9), REFUTED, 0.90),
    Board("AlexNet 3 times, others 1.3", speed_up, gains(3.0, 1.3), HOLDS, 0.95),
    Board("AlexNet 3.75 times, others 1.3", speed_up, gains(3.75, 1.3), None),
    Board("AlexNet 1.3 times, others 1.3", speed_up, gains(1.3, 1.3), REFUTED, 0.99),
    Board("AlexNet 3 times, others 3", speed_up, gains(3.0, 3.0), REFUTED, 0.99),
    Board("memory floor, then 1.30", memory_and_parameters, memory_parameters(205, 130, 1.3), HOLDS, 0.95),
    Board("memory floor, then 1.625", memory_and_parameters, memory_parameters(205, 130, 1.625), None),
    Board("memory floor, then 2.2", memory_and_parameters, memory_parameters(205, 130, 2.2), REFUTED, 0.99),
    Board("memory proportional, 1.30", memory_and_parameters, memory_parameters(20, 0, 1.3), REFUTED, 0.80),
    Board(
        "memory floor, large networks only",
        memory_and_parameters,
        memory_parameters(205, 60, 1.3, least_mb=90),
        HOLDS,
    ),
    Board("memory flat before its knee", memory_knee, memory_batch(0.0), HOLDS, 0.99),
    Board("memory grows by 25 % before its knee", memory_knee, memory_batch(0.25, noise=4.0), None),
    Board("memory linear from the first image", memory_knee, memory_batch(1.0), REFUTED, 0.99),
    Board("densities as published", density_ranking, density(1.0), HOLDS, 0.99),
    Board("ratios as published", density_ratios, density(1.0), HOLDS, 0.99),
    Board("ratios off by 10 %, 2000 images", density_ratios, density(1 / 1.1, 2000), None),
    Board("ratios off by half", density_ratios, density(1.5), REFUTED, 0.99),
)
