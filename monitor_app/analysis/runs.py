# SPDX-License-Identifier: Apache-2.0
"""What one run cost: latency, power, energy an image, accuracy, each from the session file alone.

Power is averaged over the timed span but for a guard at its start: the warm-up before it has brought the board to
its plateau, and the guard keeps the pause between the two, and an error of the clocks, from the average. Net is
what lies above the idle baseline, measured before and after the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.intervals import Proportion, wilson
from monitor_app.analysis.signals import total_power
from monitor_app.core.runs import Phase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor_app.session.reader import SessionReader
    from monitor_app.session.rows import RunRow, SignalRow, SpanRow
    from monitor_app.session.waveform import Statistics

GUARD_S = 0.25
"""Several time constants of a board's supply; at most a tenth of the span is given up for it."""
IDLE_PHASES = (Phase.IDLE_BEFORE.value, Phase.IDLE_AFTER.value)


@dataclass(frozen=True, slots=True)
class Latency:
    """Time of a forward pass of one batch, over all timed batches."""

    batches: int
    mean_s: float
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float


@dataclass(frozen=True, slots=True)
class Power:
    """Mean power of the board and the energy of an image. None: that baseline or span was not measured."""

    full_w: float
    """Over the timed span, the guard left out."""
    idle_w: float | None
    net_w: float | None
    gross_j_per_image: float
    net_j_per_image: float | None
    net_uncertainty_j: float | None
    """One standard deviation: drift of the baseline, the clock bound, the gain of the instrument."""
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
    latency: Latency | None
    power: Power | None
    top1: Proportion | None
    top5: Proportion | None


def run_results(reader: SessionReader) -> list[RunResult]:
    """All runs of the session, in order."""
    return [run_result(reader, run) for run in reader.runs()]


def run_result(reader: SessionReader, run: RunRow) -> RunResult:
    """One run, as far as it has come."""
    batches = reader.batches(run_id=run.id)
    timed = batches[batches["phase"] == Phase.TIMED.value]
    evaluated = batches[batches["phase"] == Phase.ACCURACY.value]
    images = int(timed["images"].sum())
    timed_s = float(timed["end_ns"].max() - timed["start_ns"].min()) * 1e-9 if len(timed) else 0.0
    return RunResult(
        run=run,
        images=images,
        timed_s=timed_s,
        images_per_s=images / timed_s if timed_s else None,
        latency=_latency(timed),
        power=_power(reader, run, timed),
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


def _latency(timed: NDArray[np.void]) -> Latency | None:
    if len(timed) == 0:
        return None
    seconds = (timed["end_ns"] - timed["start_ns"]) * 1e-9
    p50, p90, p95, p99 = (float(q) for q in np.percentile(seconds, (50, 90, 95, 99)))
    return Latency(len(timed), float(seconds.mean()), p50, p90, p95, p99)


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
    images = int(timed["images"].sum())
    spans = idle_spans(reader.spans(run.id))
    baselines = [reader.statistics(signal.id, start + delay_ns, end + delay_ns) for start, end in spans]
    idle_w = mean_over(baselines)
    per_image_s = (end_ns - first_ns) * 1e-9 / images
    net_w = None if idle_w is None else full.mean - idle_w
    return Power(
        full_w=full.mean,
        idle_w=idle_w,
        net_w=net_w,
        gross_j_per_image=full.mean * per_image_s,
        net_j_per_image=None if net_w is None else net_w * per_image_s,
        net_uncertainty_j=None
        if net_w is None
        else _uncertainty_w(reader, signal, full, baselines, end_ns) * per_image_s,
        coverage=full.coverage,
    )


def _uncertainty_w(
    reader: SessionReader, signal: SignalRow, full: Statistics, baselines: list[Statistics], end_ns: int
) -> float:
    """Standard uncertainty of the net power, in watts, for a window that lies on the plateau."""
    means = [each.mean for each in baselines if each.count]
    drift_w = (max(means) - min(means)) / 2 if means else 0.0
    clock = reader.clock(signal.source, until_ns=end_ns)
    # A window moved by the bound takes in so much of what its edges would hold if they were at the step.
    clock_w = abs(full.mean - means[0]) * clock.bound_ns * 1e-9 / full.duration_s if clock and means else 0.0
    # The gain is the same for idle and full, so its error is a part of their difference.
    gain_w = (signal.accuracy or 0.0) * (full.mean - (mean_over(baselines) or 0.0)) / math.sqrt(3)
    return math.sqrt(drift_w**2 / 3 + clock_w**2 / 3 + gain_w**2)
