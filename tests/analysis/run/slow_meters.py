# SPDX-License-Identifier: Apache-2.0
"""Runs of a board of known energy as meters see them that are slow compared with the run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from monitor_app.analysis.run.energy import EnergySummary, energy_of_run
from monitor_app.analysis.run.inputs import Batches, Instrument, Readings, baseline_span
from monitor_app.analysis.run.integration import mean_power
from monitor_app.core.runs import Phase

LOAD_W, IDLE_W, NOISE_W, WANDER_W = 11.8, 1.3, 0.1, 0.2
IDLE_S, BATCH_S, IMAGES = 4.0, 0.05, 8
GRID_HZ, NODES_HZ, MEMORY = 1000, 20, 0.85
EPOCH_NS = 10**15


@dataclass(frozen=True)
class Meter:
    """How a meter makes its values."""

    rate_hz: float
    averages: bool = False
    """Over its period; else it reads at once."""
    stamp: float = 1.0
    """Where in its period the time of a mean lies: 0 at its start, 1 at its end."""
    zero_w: float = 0.0
    gain: float = 1.0
    late_s: float = 0.0
    """Of the times that it gives."""


METERS = {"reads at once": (False, 1.0), "mean at its end": (True, 1.0), "mean in its middle": (True, 0.5),
          "mean at its start": (True, 0.0)}  # fmt: skip
"""Whether it averages, and its stamp."""


@dataclass(frozen=True)
class Seen:
    """What was found of a run, and what is true of it."""

    found: EnergySummary | None
    net_j_per_image: float
    gross_j_per_image: float


def measured(
    rng: np.random.Generator,
    meter: Meter,
    span_s: float,
    *,
    stated: Instrument = Instrument(None, 0.0, 0.0),  # noqa: B008
    keep: float = 1.0,
    packet: int = 10,
    idle_drift_w: float = 0.0,
) -> Seen:
    """Idle, batches back to back at a power that wanders, and idle again, through `energy_of_run`.

    Args:
        rng: of everything.
        meter: what it is measured by.
        span_s: of the batches together.
        stated: the errors that the meter states.
        keep: fraction of its values that arrive, lost in packets.
        packet: values in a packet.
        idle_drift_w: by how much idle power rises from the first baseline to the second.
    """
    lengths = BATCH_S * np.maximum(rng.normal(1, 0.02, max(round(span_s / BATCH_S), 1)), 0.2)
    edges_s = IDLE_S + np.concatenate(([0.0], np.cumsum(lengths)))
    total_s = edges_s[-1] + IDLE_S
    times_s = np.arange(round(total_s * GRID_HZ)) / GRID_HZ
    busy = (times_s >= edges_s[0]) & (times_s < edges_s[-1])
    above_w = busy * (LOAD_W + wandering(rng, times_s))
    idle_w = IDLE_W + idle_drift_w * times_s / total_s
    at_s, seen_w = meter_values(rng, meter, times_s, above_w + idle_w)
    arrived = np.repeat(rng.random(len(at_s) // packet + 1) < keep, packet)[: len(at_s)]
    times_ns, values = in_ns(at_s[arrived] + meter.late_s), seen_w[arrived]
    batches = Batches(in_ns(edges_s[:-1]), in_ns(edges_s[1:]), np.full(len(lengths), IMAGES))
    period_ns = round(1e9 / meter.rate_hz)

    def part(start_ns: int, end_ns: int) -> Readings:
        kept = (times_ns >= start_ns) & (times_ns < end_ns)
        return Readings(times_ns[kept], values[kept])

    before = baseline_span(Phase.IDLE_BEFORE.value, EPOCH_NS, int(in_ns(edges_s[0])), period_ns)
    after = baseline_span(Phase.IDLE_AFTER.value, int(in_ns(edges_s[-1] + 0.3)), int(in_ns(total_s)), period_ns)
    around_ns = 2 * period_ns + round(stated.clock_bound_ns or 0)
    power = part(int(batches.start_ns[0]) - around_ns, int(batches.end_ns[-1]) + around_ns)
    found = energy_of_run(power, batches, stated, mean_power(part(*before)), mean_power(part(*after)))
    images = IMAGES * len(lengths)
    net_j, gross_j = (float((watts * busy).sum()) / GRID_HZ for watts in (above_w, above_w + idle_w))
    return Seen(found, net_j / images, gross_j / images)


def wandering(rng: np.random.Generator, times_s: np.ndarray) -> np.ndarray:
    """A power that keeps its value for some tenths of a second."""
    fresh = rng.normal(size=round(times_s[-1] * NODES_HZ) + 2).tolist()
    # Plain numbers, for which a step takes a tenth of the time
    nodes = list(accumulate(fresh, lambda before, new: MEMORY * before + (1 - MEMORY**2) ** 0.5 * new))
    return WANDER_W * np.interp(times_s, np.arange(len(nodes)) / NODES_HZ, nodes)


def meter_values(
    rng: np.random.Generator, meter: Meter, times_s: np.ndarray, watts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Times and values, from a moment on that nothing decides."""
    period_s = 1 / meter.rate_hz
    ends_s = np.arange(rng.uniform(1, 2) * period_s, times_s[-1], period_s)
    values = np.interp(ends_s, times_s, watts)
    if meter.averages:
        energy_j = np.concatenate(([0.0], np.cumsum(watts))) / GRID_HZ
        edges_s = np.append(times_s, times_s[-1] + 1 / GRID_HZ)
        values = (np.interp(ends_s, edges_s, energy_j) - np.interp(ends_s - period_s, edges_s, energy_j)) / period_s
        ends_s = ends_s - (1 - meter.stamp) * period_s
    return ends_s, meter.gain * values + meter.zero_w + rng.normal(0, NOISE_W, len(values))


def in_ns(seconds: np.ndarray) -> np.ndarray:
    return EPOCH_NS + np.round(np.asarray(seconds) * 1e9).astype(np.int64)
