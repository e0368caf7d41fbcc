# SPDX-License-Identifier: Apache-2.0
"""Two machines with clocks of their own, and a pipe with delays between them, computed without waiting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from monitor_app.remote.clock import LinkClock, RoundTrip

BOARD_ZERO_NS = 12_345_678_901_234
HOST_ZERO_NS = 987_654_321_012_345


@dataclass
class Oscillator:
    """Counted time against true time: a constant error, a slow wander, and NTP's changes of rate."""

    zero_ns: int
    ppm: float = 0.0
    wander_ppm: float = 0.0
    wander_s: float = 600.0
    phase: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()
    """(from this second on, by so many ppm faster)."""

    def ns(self, true_s: float) -> int:
        turn = 2 * math.pi / self.wander_s
        wandered = self.wander_ppm / turn * (math.sin(turn * true_s + self.phase) - math.sin(self.phase))
        stepped = sum(ppm * max(0.0, true_s - at_s) for at_s, ppm in self.steps)
        micros = self.ppm * true_s + wandered + stepped
        return self.zero_ns + round(true_s * 1e9) + round(micros * 1e3)


@dataclass
class Pipe:
    """One direction: so many ms, give or take, in order; a share of packets late by up to `late_ms`."""

    ms: float
    jitter_ms: float
    late: float = 0.0
    late_ms: float = 50.0
    free_s: float = 0.0

    def arrives_s(self, sent_s: float, rng: np.random.Generator) -> float:
        delay_ms = self.ms + rng.uniform(-self.jitter_ms, self.jitter_ms) + rng.exponential(0.02)
        if rng.random() < self.late:
            delay_ms += rng.uniform(0, self.late_ms)
        self.free_s = max(self.free_s, sent_s + delay_ms / 1e3)
        return self.free_s


@dataclass
class Trial:
    """Each estimate against the truth: one for each answer, of a stamp of the board shortly before it."""

    error_ns: list[int] = field(default_factory=list)
    bound_ns: list[int] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)

    @property
    def outside(self) -> int:
        return int((np.abs(self.error_ns) > np.array(self.bound_ns)).sum())

    def bounds_after(self, seconds: float) -> np.ndarray:
        return np.array(self.bound_ns)[np.array(self.at_s) > seconds]


def simulate(
    host: Oscillator, board: Oscillator, up: Pipe, down: Pipe, seconds: float, seed: int, per_s: float = 5.0
) -> Trial:
    """Questions and answers for so long, and what the clock says of stamps of the board meanwhile."""
    rng = np.random.default_rng(seed)
    clock, trial = LinkClock(), Trial()
    at_s, count = 0.1, 0
    while at_s < seconds:
        received_s = up.arrives_s(at_s, rng)
        replied_s = received_s + 20e-6 + rng.exponential(20e-6)
        answered_s = down.arrives_s(replied_s, rng)
        clock.add(RoundTrip(host.ns(at_s), board.ns(received_s), board.ns(replied_s), host.ns(answered_s)))
        count += 1
        if count >= 8:
            stamp_s = replied_s - rng.uniform(0, 0.2) if rng.random() < 0.8 else replied_s + rng.uniform(0, 0.2)
            board_ns = np.array([board.ns(stamp_s)], np.int64)
            trial.error_ns.append(int(clock.host_ns(board_ns)[0]) - host.ns(stamp_s))
            trial.bound_ns.append(clock.bound_ns(board_ns))
            trial.at_s.append(stamp_s)
        at_s = max(at_s + (1 / 8 if count < 8 else 1 / per_s), answered_s + 1e-4)
    return trial
