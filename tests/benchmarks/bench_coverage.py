# SPDX-License-Identifier: Apache-2.0
"""Do the intervals of time, energy and power hold the true value as often as they say? The tables of docs/trust.md.

    python tests/benchmarks/bench_coverage.py [DRAWS]

Simulates DRAWS runs (400 take some five minutes) for each number of batches and each correlation of consecutive batch
times. Times scatter by 20 % about their mean as a first-order autoregression; a run takes two seconds, or longer where
that many batches of 20 ms do; the board takes a constant 11.8 W above 1.3 W
of idle power while a batch runs; the meter gives a thousand values a second with 0.1 W of noise. All of them pass
through the functions that the program itself uses. Prints a table for each quantity: how many of the 95 % intervals
hold the true value, in percent, and the median half-width relative to the value. "withheld" means that the program
gives no interval.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.latency import summarise_latency
from monitor_app.analysis.statistics.short_series import log_likelihood, posterior
from tests.analysis.series import autoregressive

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Outcome = tuple[float, float, float]
    """The estimate, half of its interval, and the true value."""

COUNTS = (3, 5, 10, 30, 100, 1000)
RHOS = (0.0, 0.3, 0.5, 0.7, 0.9)
RUN_S, LEAST_BATCH_S, SCATTER = 2.0, 0.02, 0.2
LOAD_W, IDLE_W, NOISE_W, RATE_HZ = 11.8, 1.3, 0.1, 1000
IMAGES = 8
ELSEWHERE = 100
"""Batches of other runs of the same network, where they are used."""


def main(draws: int) -> None:
    """Simulate and print."""
    quantities: dict[str, Callable[[Floats, Floats, np.random.Generator], Outcome]] = {
        "Time per batch": lambda times_s, _, __: time_of(times_s, None),
        "Time per batch, 100 batches of the network in other runs": lambda times_s, other_s, _: time_of(
            times_s, posterior(log_likelihood(other_s))
        ),
        "Net energy per image": lambda times_s, _, random: energy_and_power_of(times_s, random)[0],
        "Net power": lambda times_s, _, random: energy_and_power_of(times_s, random)[1],
    }
    for title, of in quantities.items():
        print(f"\n**{title}** ({draws} runs for each entry)\n")
        print(f"| batches | {' | '.join(f'correlation {rho:g}' for rho in RHOS)} |")
        print("|---" * (len(RHOS) + 1) + "|")
        for count in COUNTS:
            entries = []
            for number, rho in enumerate(RHOS):
                random = np.random.default_rng([1, number])
                entries.append(entry([of(*run, random) for run in runs_of(rho, count, draws, random)]))
            print(f"| {count:,} | {' | '.join(entries)} |", flush=True)


def runs_of(rho: float, count: int, draws: int, random: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Batch times of a run, and those of other runs of the same network, in s."""
    series = mean_s(count) * np.maximum(1 + SCATTER * autoregressive(random, rho, count, draws), 0.1)
    others = autoregressive(random, rho, ELSEWHERE, draws)
    return list(zip(series, others, strict=True))


def mean_s(count: int) -> float:
    """The true mean time of a batch."""
    return max(RUN_S / count, LEAST_BATCH_S)


def time_of(times_s: Floats, prior: Floats | None) -> Outcome:
    mean = summarise_latency(times_s, resamples=200, prior=prior).mean
    assert mean is not None
    # The interval is even, but for a lower end that would be below 0.
    return mean.value, mean.high - mean.value, mean_s(len(times_s))


def energy_and_power_of(latencies_s: Floats, random: np.random.Generator) -> tuple[Outcome, Outcome]:
    """Of a second idle, the batches back to back, and a second idle."""
    ends_s = 1 + np.cumsum(latencies_s)
    times_s = np.arange(round((ends_s[-1] + 1) * RATE_HZ)) / RATE_HZ
    watts = IDLE_W + np.where((times_s >= 1) & (times_s < ends_s[-1]), LOAD_W, 0)
    power = Readings(in_ns(times_s), watts + random.normal(0, NOISE_W, len(times_s)))
    parts = times_s < 0.99, times_s > ends_s[-1] + 0.01
    before, after = (mean_power(Readings(power.times_ns[part], power.values[part])) for part in parts)
    batches = Batches(in_ns(np.append(1, ends_s[:-1])), in_ns(ends_s), np.full(len(latencies_s), IMAGES))
    # One sample lies between idle and load: the times of the power are known to half a period.
    found = energy_of_run(power, batches, Instrument(None, 0.0, 0.5e9 / RATE_HZ), before, after)
    assert found is not None
    assert found.net is not None
    assert found.net_w is not None
    watts_found = found.net.j_per_image * found.images / found.seconds
    return (
        (found.net.j_per_image, found.net.expanded_j, LOAD_W * mean_s(len(latencies_s)) / IMAGES),
        (watts_found, COVERAGE_FACTOR * found.net_w.combined, LOAD_W),
    )


def in_ns(seconds: Floats) -> NDArray[np.int64]:
    return np.round(seconds * 1e9).astype(np.int64)


def entry(outcomes: list[Outcome]) -> str:
    value, half, true = np.array(outcomes).T
    if not np.isfinite(half).any():
        return "withheld"
    return f"{100 * np.mean(np.abs(value - true) <= half):.1f}, ± {100 * np.median(half) / true[0]:.2g} %"


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["400"])[0]))
