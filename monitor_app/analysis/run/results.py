# SPDX-License-Identifier: Apache-2.0
"""What one run cost: latency, power, energy an image, memory, accuracy, each from the session file alone.

Power is averaged over the timed span but for a guard at its start: the warm-up before it has brought the board to
its plateau, and the guard keeps the pause between the two, and an error of the clocks, from the average. Net is
what lies above the idle baseline, measured before and after the run. Energy is that of the timed batches themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.run.energy import Batches, EnergySummary, Instrument, energy_of_run
from monitor_app.analysis.run.integration import mean_power
from monitor_app.analysis.run.latency import LatencySummary, summarise_latency
from monitor_app.analysis.run.signals import frequencies, total_power
from monitor_app.analysis.run.steadiness import Readings
from monitor_app.analysis.statistics.bootstrap import RESAMPLES
from monitor_app.analysis.statistics.intervals import wilson
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.core.estimate import Proportion
    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import MemoryRow, RunRow, SignalRow, SpanRow
    from monitor_app.session.waveform import Statistics

GUARD_S = 0.25
"""Several time constants of a board's supply; at most a tenth of the span is given up for it."""
IDLE_PHASES = (Phase.IDLE_BEFORE.value, Phase.IDLE_AFTER.value)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is spent on the figures of a run."""

    most_samples: int = 4_000_000
    """Of power; where there are more, means of neighbours stand for them."""
    resamples: int = RESAMPLES
    """For the intervals of latencies."""


LIVE = Effort(most_samples=20_000, resamples=50)
"""Some milliseconds, for a window that goes on drawing: the same figures with rougher intervals."""


@dataclass(frozen=True, slots=True)
class Power:
    """Mean power of the board. None: that was not measured."""

    full_w: float
    """Over the timed span, the guard left out."""
    idle_w: float | None
    net_w: float | None
    coverage: float
    """Share of the samples of the timed span that are there, 0 to 1."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run with everything that was measured of it; None where it was not."""

    run: RunRow
    images: int
    """Timed images."""
    timed_s: float
    images_per_s: float | None
    latency: LatencySummary | None
    """Of a batch, by the host's clock."""
    device_latency: LatencySummary | None
    """The same by the device's own events."""
    power: Power | None
    energy: EnergySummary | None
    memory: tuple[MemoryRow, ...]
    top1: Proportion | None
    top5: Proportion | None

    @property
    def net_uncertainty_w(self) -> float | None:
        """Standard uncertainty of the net power."""
        if self.energy is None or self.energy.net is None or not self.images:
            return None
        figure = self.energy.net
        seconds_per_image = self.energy.seconds / self.energy.images
        return figure.uncertainty_j / seconds_per_image if seconds_per_image else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user of the figures must know, each one sentence."""
        energy = self.energy
        found = () if energy is None else (*energy.throttled, *energy.notes)
        doubtful = (energy.doubtful,) if energy is not None and energy.doubtful else ()
        unsteady = (self.run.warm_up_note,) if self.run.steady == 0 and self.run.warm_up_note else ()
        return (*unsteady, *doubtful, *found)


def run_results(reader: SessionReader, effort: Effort = Effort()) -> list[RunResult]:
    """All runs of the session, in order."""
    return [run_result(reader, run, effort) for run in reader.runs()]


def run_result(reader: SessionReader, run: RunRow, effort: Effort = Effort()) -> RunResult:
    """One run, as far as it has come."""
    batches = reader.batches(run_id=run.id)
    timed = batches[batches["phase"] == Phase.TIMED.value]
    evaluated = batches[batches["phase"] == Phase.ACCURACY.value]
    images = int(timed["images"].sum())
    timed_s = float(timed["end_ns"].max() - timed["start_ns"].min()) * 1e-9 if len(timed) else 0.0
    seconds = (timed["end_ns"] - timed["start_ns"]) * 1e-9
    by_device = timed["device_ns"][timed["device_ns"] >= 0] * 1e-9
    return RunResult(
        run=run,
        images=images,
        timed_s=timed_s,
        images_per_s=images / timed_s if timed_s else None,
        latency=_latency(seconds, effort),
        device_latency=_latency(by_device, effort),
        power=_power(reader, run, timed),
        energy=_energy(reader, run, timed, effort),
        memory=tuple(reader.memory(run.id)),
        top1=_accuracy(evaluated, "top1"),
        top5=_accuracy(evaluated, "top5"),
    )


def delay_of(reader: SessionReader, source_id: int, until_ns: int) -> int:
    """By how much a source shows later what the board does; 0 where it was not found or is no more than its bound."""
    found = reader.alignment(source_id, until_ns)
    return found.delay_ns if found is not None and abs(found.delay_ns) > found.bound_ns else 0


def idle_spans(spans: list[SpanRow]) -> list[tuple[int, int]]:
    """Start and end of the idle baselines that are complete."""
    return [(s.start_ns, s.end_ns) for s in spans if s.phase in IDLE_PHASES and s.end_ns is not None]


def mean_over(statistics: list[Statistics]) -> float | None:
    """Mean of all samples of several windows together, or None where there are none."""
    count = sum(each.count for each in statistics)
    return sum(each.count * each.mean for each in statistics if each.count) / count if count else None


def _accuracy(evaluated: NDArray[np.void], answer: str) -> Proportion | None:
    judged = evaluated[evaluated[answer] >= 0]
    return wilson(int(judged[answer].sum()), int(judged["images"].sum()))


def _latency(seconds: NDArray[np.float64], effort: Effort) -> LatencySummary | None:
    return summarise_latency(seconds, resamples=effort.resamples) if len(seconds) else None


def _power(reader: SessionReader, run: RunRow, timed: NDArray[np.void]) -> Power | None:
    signal = total_power(reader)
    if signal is None or len(timed) == 0:
        return None
    first_ns, end_ns = int(timed["start_ns"].min()), int(timed["end_ns"].max())
    guard_ns = min(round(GUARD_S * 1e9), (end_ns - first_ns) // 10)
    delay_ns = delay_of(reader, signal.source, end_ns)
    full = reader.statistics(signal.id, first_ns + guard_ns + delay_ns, end_ns + delay_ns)
    if full.count == 0:
        return None
    spans = idle_spans(reader.spans(run.id))
    idle_w = mean_over([reader.statistics(signal.id, start + delay_ns, end + delay_ns) for start, end in spans])
    return Power(full.mean, idle_w, None if idle_w is None else full.mean - idle_w, full.coverage)


def _energy(reader: SessionReader, run: RunRow, timed: NDArray[np.void], effort: Effort) -> EnergySummary | None:
    signal = total_power(reader)
    if signal is None or len(timed) == 0:
        return None
    end_ns = int(timed["end_ns"].max())
    delay_ns = delay_of(reader, signal.source, end_ns)
    clock = reader.clock(signal.source, until_ns=end_ns)
    bound_ns = clock.bound_ns if clock is not None else None
    batches = Batches(timed["start_ns"] + delay_ns, timed["end_ns"] + delay_ns, timed["images"])
    span = int(batches.start_ns[0]), int(batches.end_ns[-1])
    around_ns = (bound_ns or 0) + _two_samples_ns(reader, signal)
    power = _readings(reader, signal, span[0] - around_ns, span[1] + around_ns, effort)
    idle = {
        each.phase: mean_power(_readings(reader, signal, each.start_ns + delay_ns, each.end_ns + delay_ns, effort))
        for each in reader.spans(run.id)
        if each.phase in IDLE_PHASES and each.end_ns is not None
    }
    return energy_of_run(
        power,
        batches,
        Instrument(_resolution_w(reader, signal, *span), signal.accuracy, bound_ns),
        idle.get(Phase.IDLE_BEFORE.value),
        idle.get(Phase.IDLE_AFTER.value),
        {each.name: _readings(reader, each, *span, effort) for each in frequencies(reader)},
    )


def _resolution_w(reader: SessionReader, power: SignalRow, start_ns: int, end_ns: int) -> float | None:
    """One step of a power. Of a product: a step of each factor, at the mean of the other (JCGM 100:2008, 5.1.2)."""
    if power.resolution is not None or not power.is_product:
        return power.resolution
    factors = [signal for signal in reader.signals() if signal.id in {power.factor_a, power.factor_b}]
    means = [reader.statistics(signal.id, start_ns, end_ns).mean for signal in factors]
    steps = [signal.resolution for signal in factors]
    if len(factors) != 2 or None in steps:
        return None
    a_step, b_step = (float(step or 0.0) for step in steps)
    return math.hypot(a_step * means[1], b_step * means[0])


def _two_samples_ns(reader: SessionReader, signal: SignalRow) -> int:
    rate_hz = reader.sample_rate_hz((signal.factor_a or signal.id) if signal.is_product else signal.id)
    return round(2e9 / rate_hz) if rate_hz else 0


def _readings(reader: SessionReader, signal: SignalRow, start_ns: int, end_ns: int, effort: Effort) -> Readings:
    """Samples of a span, or means of neighbours where they are too many; each at the middle of what it stands for."""
    groups = reader.envelope(signal.id, start_ns, end_ns, effort.most_samples)
    middle = (groups.samples_per_column - 1) / (2 * groups.samples_per_column)
    times_ns = groups.start_ns + np.round((groups.end_ns - groups.start_ns) * middle).astype(np.int64)
    return Readings(times_ns, groups.mean)
