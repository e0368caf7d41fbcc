# SPDX-License-Identifier: Apache-2.0
"""Made-up traces of power of which the spectrum and the energy are known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.analysis.findings import trace as of_traces
from monitor_app.analysis.findings.finding import Finding, Margins, Verdict
from monitor_app.analysis.findings.trace import Trace
from monitor_app.analysis.run.inputs import Readings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IDLE_W, LOAD_W = 1.3, 11.8
BATCH_S = 0.020


def trace(
    load_w: Callable[[np.ndarray], np.ndarray],
    *,
    rate_hz: float,
    noise_w: float = 0.0,
    seed: int = 0,
    seconds: float = 1.0,
    around_s: float = 1.0,
) -> Trace:
    """Power above idle as a function of the seconds since the first batch, of which the run has one each 20 ms."""
    random = np.random.default_rng(seed)
    count = round((seconds + 2 * around_s) * rate_hz)
    times_ns = np.round(np.arange(count) / rate_hz * 1e9).astype(np.int64)
    begin_ns = np.arange(round(seconds / BATCH_S), dtype=np.int64) * round(BATCH_S * 1e9) + round(around_s * 1e9)
    watts = IDLE_W + load_w(times_ns * 1e-9 - around_s) + noise_w * random.standard_normal(count)
    idle = IDLE_W + noise_w * random.standard_normal(round(rate_hz))
    return Trace(Readings(times_ns, watts), rate_hz, begin_ns, begin_ns + round(BATCH_S * 1e9), idle)


# Each alone: both together take several times as long as that of the bandwidth
_FINDINGS = {"bandwidth": of_traces._bandwidth_finding, "slow-meters": of_traces._slow_meters_finding}


@dataclass(frozen=True, slots=True)
class TraceBoard:
    """One truth for a finding that is made of traces."""

    name: str
    key: str
    """Of the finding."""
    truth: Verdict
    draw: Callable[[np.random.Generator], Sequence[Trace]]

    def finding(self, random: np.random.Generator) -> Finding:
        found = _FINDINGS[self.key](self.draw(random), Margins(), False)
        assert found.key == self.key
        return found


def trace_rates(board: TraceBoard, draws: int, seed: int = 2016) -> dict[Verdict, float]:
    """How often each verdict was given, 0 to 1."""
    random = np.random.default_rng(seed)
    found = Counter(board.finding(random).verdict for _ in range(draws))
    return {verdict: found[verdict] / draws for verdict in Verdict}


def rippling(highest_hz: float, noise_w: float = 0.3) -> Callable[[np.random.Generator], list[Trace]]:
    """Three components of 0.5 W up to a frequency, of random phases, under white noise of the meter."""

    def make(random: np.random.Generator) -> list[Trace]:
        traces = []
        for seed in random.integers(1 << 30, size=4).tolist():
            phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, size=3)
            parts = list(zip((0.3, 0.6, 1.0), phases, strict=True))

            def load_w(times_s: np.ndarray, parts: list[tuple[float, float]] = parts) -> np.ndarray:
                ripple = sum(np.sin(2 * np.pi * share * highest_hz * times_s + phase) for share, phase in parts)
                return LOAD_W + 0.7 * np.asarray(ripple)

            traces.append(trace(load_w, rate_hz=8000, noise_w=noise_w, seed=seed, around_s=0.0))
        return traces

    return make


def wandering(swing: float) -> Callable[[np.random.Generator], list[Trace]]:
    """Power goes up and down by that share within each batch, and board and meter are busy all the time."""

    def make(random: np.random.Generator) -> list[Trace]:
        phases = random.uniform(0, 2 * np.pi, size=4)
        seeds = random.integers(1 << 30, size=4).tolist()

        def load_w(phase: float) -> Callable[[np.ndarray], np.ndarray]:
            return lambda times_s: LOAD_W * (1 + swing * np.sin(2 * np.pi * 7 * times_s + phase))

        return [trace(load_w(p), rate_hz=1000, noise_w=0.01, seed=s) for p, s in zip(phases, seeds, strict=True)]

    return make


TRACE_BOARDS = (
    TraceBoard("components up to 1.4 kHz", "bandwidth", Verdict.HOLDS, rippling(1400)),
    TraceBoard("components up to 200 Hz", "bandwidth", Verdict.DOES_NOT_HOLD, rippling(200)),
    TraceBoard("components up to 3.5 kHz", "bandwidth", Verdict.DOES_NOT_HOLD, rippling(3500)),
    TraceBoard("30 % up and down seven times a second", "slow-meters", Verdict.HOLDS, wandering(0.3)),
    TraceBoard("steady to 0.5 %", "slow-meters", Verdict.DOES_NOT_HOLD, wandering(0.005)),
)
