# SPDX-License-Identifier: Apache-2.0
"""Do the intervals of time, energy, power and accuracy hold the true value? The tables of docs/trust.md.

    python tests/benchmarks/bench_coverage.py [DRAWS [TABLE ...]]

TABLE is batches, meters, faults, percentiles or accuracy; all of them without one.

Simulates DRAWS runs (400 take some five minutes) for each number of batches and each correlation of consecutive batch
times. Times scatter by 20 % about their mean as a first-order autoregression; a run takes two seconds, or longer where
that many batches of 20 ms do; the board takes a constant 11.8 W above 1.3 W
of idle power while a batch runs; the meter gives a thousand values a second with 0.1 W of noise. The tables of meters
and faults have a power that wanders by 0.2 W (`tests/analysis/run/slow_meters.py`). All of them pass through the
functions that the program itself uses. Prints a table for each quantity: how many of the 95 % intervals hold the true
value, in percent, and the median half-width relative to the value. "withheld" means that the program gives no interval,
or leaves the run out of findings, and says why; with a percentage, in that share of the runs.
"""

from __future__ import annotations

import math
import sys
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.analysis.run.energy import COVERAGE_FACTOR, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.latency import summarise_latency
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.analysis.statistics.short_series import log_likelihood, posterior
from tests.analysis.run.slow_meters import METERS, Meter, measured
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


def main(draws: int, *chosen: str) -> None:
    """Simulate and print."""
    tables = {"batches": batches, "meters": meters, "faults": faults, "percentiles": percentiles, "accuracy": accuracy}
    for name in chosen or tables:
        tables[name](draws)


def table(title: str, draws: int, columns: list[str], rows: dict[str, list[Callable[[], str]]]) -> None:
    """Print it, each entry as soon as it is known."""
    print(f"\n**{title}** ({draws} runs for each entry)\n")
    print(f"| {' | '.join(columns)} |")
    print("|---" * len(columns) + "|")
    for name, entries in rows.items():
        print(f"| {name} | {' | '.join(each() for each in entries)} |", flush=True)


RUNS_S = (1.0, 2.0, 5.0, 10.0, 20.0)
RATES_HZ = (1000, 50, 10, 5, 2, 1)


def meters(draws: int) -> None:
    """Net energy of a run by the rate of the meter, how it makes its values, and the length of the run."""
    rows = {
        f"{rate_hz}/s, {kind}": [
            lambda rate_hz=rate_hz, kind=kind, span_s=span_s: seen_entry(  # type: ignore[misc]
                draws, lambda _: Meter(rate_hz, *METERS[kind]), span_s, net=True
            )
            for span_s in RUNS_S
        ]
        for rate_hz in RATES_HZ
        for kind in (METERS if rate_hz <= 10 else ("reads at once",))
    }
    table("Net energy, by meter", draws, ["meter", *(f"run of {span_s:g} s" for span_s in RUNS_S)], rows)


GAIN, ZERO_W, BOUND_S, LAG_S = 0.03, 0.1, 0.02, 0.5


def faults(draws: int) -> None:
    """Energy and power of a run of five seconds, by what is wrong with the meter or the board."""

    def rows_of(*, net: bool, power: bool) -> dict[str, list[Callable[[], str]]]:
        return {
            name: [
                lambda rate_hz=rate_hz, meter=meter, options=options: seen_entry(  # type: ignore[misc]
                    draws, lambda random: meter(random, rate_hz), 5.0, net=net, power=power, **options
                )
                for rate_hz in FAULT_RATES_HZ
            ]
            for name, (meter, options) in FAULTS.items()
        }

    columns = ["fault", *(f"{rate_hz}/s" for rate_hz in FAULT_RATES_HZ)]
    table("Net energy, by fault", draws, columns, rows_of(net=True, power=False))
    table("Gross energy, by fault", draws, columns, rows_of(net=False, power=False))
    table("Net power, by fault", draws, columns, rows_of(net=True, power=True))


FAULT_RATES_HZ = (1000, 50, 5)
FAULTS: dict[str, tuple[Callable[[np.random.Generator, float], Meter], dict[str, Any]]] = {
    "none": (lambda _, rate_hz: Meter(rate_hz), {}),
    "10 % of the samples lost": (lambda _, rate_hz: Meter(rate_hz), {"keep": 0.9, "packet": 5}),
    "half of the samples lost": (lambda _, rate_hz: Meter(rate_hz), {"keep": 0.5, "packet": 5}),
    "gain off by up to 3 %, as stated": (
        lambda random, rate_hz: Meter(rate_hz, gain=1 / (1 + random.uniform(-GAIN, GAIN))),
        {"stated": Instrument(None, GAIN, 0.0)},
    ),
    "zero off by up to 0.1 W, as stated": (
        lambda random, rate_hz: Meter(rate_hz, zero_w=random.uniform(-ZERO_W, ZERO_W)),
        {"stated": Instrument(None, 0.0, 0.0, ZERO_W)},
    ),
    "clocks known to 20 ms": (
        lambda random, rate_hz: Meter(rate_hz, late_s=random.uniform(-BOUND_S, BOUND_S)),
        {"stated": Instrument(None, 0.0, BOUND_S * 1e9)},
    ),
    "0.5 s late, not known": (lambda _, rate_hz: Meter(rate_hz, late_s=LAG_S), {}),
    "idle power rises by 0.2 W": (lambda _, rate_hz: Meter(rate_hz), {"idle_drift_w": 0.2}),
}
"""The meter, and what it states or what else happens."""


def seen_entry(
    draws: int,
    meter: Callable[[np.random.Generator], Meter],
    span_s: float,
    *,
    net: bool,
    power: bool = False,
    **options: Any,
) -> str:
    """Energy of these very images, or mean power over these very batches, without what other runs would show."""
    outcomes: list[Outcome] = []
    for seed in range(draws):
        random = np.random.default_rng([2, seed])
        seen = measured(random, meter(random), span_s, **options)
        found, true = seen.found, seen.net_j_per_image if net else seen.gross_j_per_image
        figure = None if found is None else found.net if net else found.gross
        if found is None or figure is None or found.net_w is None or found.doubts:
            outcomes.append((0.0, math.inf, true))
        elif power:
            budget, scale = found.net_w if net else found.full_w, found.images / found.seconds
            outcomes.append((figure.j_per_image * scale, COVERAGE_FACTOR * budget.combined, true * scale))
        else:
            outcomes.append((figure.j_per_image, COVERAGE_FACTOR * figure.budget.measured, true))
    return entry(outcomes)


SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def percentiles(draws: int) -> None:
    """Of batch times that are log-normal about 20 ms; those with a share of the intervals below a half are left out."""
    rows = {}
    for count, rho in ((1100, 0.0), (2000, 0.5), (4000, 0.9)):
        series = 0.02 * np.exp(0.05 * autoregressive(np.random.default_rng(3), rho, count, draws))
        found = [summarise_latency(each, resamples=250) for each in series]
        entries = []
        for name, share in SHARES.items():
            true = 0.02 * math.exp(0.05 * NormalDist().inv_cdf(share))
            shown = [estimate for each in found if (estimate := getattr(each, name)) is not None]
            held = [estimate.low <= true <= estimate.high for estimate in shown]
            text = f"{100 * np.mean(held):.1f}" if len(held) >= draws / 2 else "withheld"
            entries.append(lambda text=text: text)  # type: ignore[misc]
        rows[f"{count:,} batches, correlation {rho:g}"] = entries
    table("Percentiles of time", draws, ["series", *SHARES], rows)


def accuracy(draws: int) -> None:
    """Wilson's interval of top-1 on this number of images; ten times the runs, since each is cheap."""
    random = np.random.default_rng(4)

    def one(images: int, true: float) -> str:
        found = [wilson(int(right), images) for right in random.binomial(images, true, 10 * draws)]
        held = [each is not None and each.low <= true <= each.high for each in found]
        half = float(np.median([(each.high - each.low) / 2 for each in found if each is not None]))
        return f"{100 * np.mean(held):.1f}, ± {100 * half:.2g} points"

    rows = {
        f"{images:,}": [lambda images=images, true=true: one(images, true) for true in TRUE]  # type: ignore[misc]
        for images in (20, 100, 1000, 5000, 50_000)
    }
    table("Top-1 accuracy", 10 * draws, ["images", *(f"true {100 * true:g} %" for true in TRUE)], rows)


TRUE = (0.5, 0.7, 0.9)


def batches(draws: int) -> None:
    """Time, energy and power by the number of batches and the correlation of their times."""
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
    known = np.isfinite(half)
    if not known.any():
        return "withheld"
    held = np.abs(value - true)[known] <= half[known]
    text = f"{100 * np.mean(held):.1f}, ± {100 * np.median(half[known]) / true[0]:.2g} %"
    return text if known.all() else f"{text}; withheld in {100 * np.mean(~known):.0f} %"


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["400"])[0]), *sys.argv[2:])
