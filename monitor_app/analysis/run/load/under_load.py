# SPDX-License-Identifier: Apache-2.0
"""A run whose requests arrived by themselves: the rates, the waiting, and the energy with the gaps between passes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.batch_energy import BatchEnergy, Idle, energy_of_batch
from monitor_app.analysis.run.inputs import Batches
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.latency import PROBABILITIES, LatencySummary, latencies_s, summarise_latency, waiting_s
from monitor_app.analysis.run.load.queueing import Queue, latency_estimates, waiting_estimate
from monitor_app.core.estimate import Estimate
from monitor_app.core.offered_load import Arrivals
from monitor_app.core.runs import CAPACITY_HZ, OFFERED_HZ, UNSERVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.analysis.run.inputs import PowerInputs, RunInputs
    from monitor_app.core.offered_load import OfferedLoad
    from monitor_app.session.rows import RunRow

_S = 1e-9


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What was offered and what became of it; None: not known."""

    load: OfferedLoad
    offered_hz: float | None
    """Requests a second; None: as many as were answered."""
    achieved_hz: float
    """Answered requests a second, from the first arrival to the last answer."""
    capacity_hz: float | None
    """The largest rate that can be served, by the warm-up."""
    utilisation: float
    """Fraction of the time for which the server was occupied, by what was offered: above 1 the queue grows."""
    waiting: Estimate | None
    """Mean time from the arrival of a request to the begin of its pass, in s; None: it is of no steady state."""
    unserved: int
    """Requests that had arrived and were not answered as the phase ended."""
    overload: str | None
    """Why the latency is of no steady state, in one sentence; None: it is."""
    phase_energy: BatchEnergy | str | None
    """Of the board from the first arrival to the last answer, gaps included; or why there is none."""
    images: int

    @property
    def phase_j_per_image(self) -> Estimate | None:
        """Gross energy of the whole phase over its images."""
        found = self.phase_energy
        if not isinstance(found, BatchEnergy):
            return None
        whole = Estimate(found.gross_j, found.gross_j - found.expanded_j, found.gross_j + found.expanded_j)
        return whole.scaled(1 / self.images)

    @property
    def notes(self) -> Iterator[str]:
        """What has to be known of these latencies and energies, each one sentence."""
        if self.overload:
            yield self.overload
        if self.unserved:
            yield f"{self.unserved} requests that had arrived were left unanswered as the phase ended."
        if isinstance(self.phase_energy, str):
            yield f"The energy of the whole phase is not known: {self.phase_energy}"


def load_result(inputs: RunInputs) -> LoadResult | None:
    """Of a run with arrivals of its own; None for any other, or where nothing was timed."""
    run, timed, load = inputs.run, inputs.timed, inputs.run.load
    if not load.queues or timed.arrival_ns is None or not len(timed.images):
        return None
    span_s = float(timed.end_ns[-1] - timed.arrival_ns[0]) * _S
    queue = queue_of(run, timed)
    closed = load.kind.arrivals is Arrivals.CLOSED
    unserved = int(_number(run, UNSERVED) or 0)
    overload = None if closed else _overload(queue, unserved)
    return LoadResult(
        load=load,
        offered_hz=None if closed else queue.rate_hz,
        achieved_hz=len(timed.images) / span_s if span_s else 0.0,
        capacity_hz=_number(run, CAPACITY_HZ),
        utilisation=queue.utilisation,
        waiting=None if overload else _waiting(timed, queue, load, inputs.effort.resamples),
        unserved=unserved,
        overload=overload,
        phase_energy=None if inputs.power is None else _phase_energy(inputs.power, timed),
        images=int(timed.images.sum()),
    )


def latency_under_load(inputs: RunInputs, found: LoadResult) -> LatencySummary:
    """Latencies from the arrival, with intervals that hold although requests wait for each other."""
    timed = inputs.timed
    seconds = latencies_s(timed)
    summary = summarise_latency(seconds, resamples=inputs.effort.resamples)
    if found.overload:
        mean = Estimate(float(seconds.mean()), 0.0, math.inf)
        return replace(summary, mean=mean, p50=None, p90=None, p95=None, p99=None)
    if found.load.kind.arrivals is not Arrivals.POISSON:
        return summary
    drawn = latency_estimates(seconds, PROBABILITIES, queue_of(inputs.run, timed), draws=inputs.effort.resamples)
    own = summary.mean, summary.p50, summary.p90, summary.p95, summary.p99
    wider = [_wider(one, other) for one, other in zip(own, drawn or (None,) * len(own), strict=True)]
    return replace(summary, mean=wider[0], p50=wider[1], p90=wider[2], p95=wider[3], p99=wider[4])


def queue_of(run: RunRow, timed: Batches) -> Queue:
    """The server of a run with arrivals: at least one batch."""
    assert timed.arrival_ns is not None, "a run with arrivals"
    free_ns = np.concatenate((timed.arrival_ns[:1], timed.end_ns[:-1]))
    ready_ns = np.maximum(timed.arrival_ns, free_ns)
    rate_hz = _number(run, OFFERED_HZ)
    if not rate_hz:
        span_s = float(timed.end_ns[-1] - timed.arrival_ns[0]) * _S
        rate_hz = len(timed.images) / span_s if span_s else 0.0
    busy_ns, begin_ns = timed.end_ns - ready_ns, timed.start_ns - ready_ns
    return Queue(rate_hz, busy_ns.astype(np.float64) * _S, begin_ns.astype(np.float64) * _S)


def _number(run: RunRow, fact: str) -> float | None:
    try:
        found = float(run.facts[fact])
    except (KeyError, ValueError):
        return None
    return found if math.isfinite(found) and found >= 0 else None


def _overload(queue: Queue, unserved: int) -> str | None:
    if queue.utilisation < 1 and not unserved:
        return None
    most_hz = 1 / float(queue.busy_s.mean()) if queue.busy_s.any() else math.inf
    return (
        f"{queue.rate_hz:.3g} requests a second arrived and at most {most_hz:.3g} can be answered: the queue grows "
        "without bound, and the latency is that of no steady state. Offer less."
    )


def _waiting(timed: Batches, queue: Queue, load: OfferedLoad, resamples: int) -> Estimate | None:
    waits = waiting_s(timed)
    if load.kind.arrivals is Arrivals.POISSON:
        return waiting_estimate(waits, queue, draws=resamples)
    return summarise_latency(waits, resamples=resamples).mean


def _wider(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    """The interval of one, at least as wide as that of the other; None where the first is."""
    if one is None:
        return None
    if other is None:
        return Estimate(one.value, 0.0, math.inf)
    return Estimate(one.value, min(one.low, other.low), max(one.high, other.high))


def _phase_energy(inputs: PowerInputs, timed: Batches) -> BatchEnergy | str:
    """As if the whole phase were one long batch."""
    assert timed.arrival_ns is not None, "a run with arrivals"
    delay_ns = int(inputs.batches.start_ns[0] - timed.start_ns[0])
    first_ns = timed.arrival_ns[:1] + delay_ns
    phase = Batches(first_ns, inputs.batches.end_ns[-1:], np.array([timed.images.sum()]))
    before, after = (None if each is None else mean_power(each) for each in (inputs.idle_before, inputs.idle_after))
    return energy_of_batch(inputs.power, phase, inputs.instrument, Idle(before, after))
