# SPDX-License-Identifier: Apache-2.0
"""Sessions of a command whose power is a known function of time: steps, of which every integral is exact."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.clock import ClockState
from monitor_app.core.runs import OWN_PROGRAM, Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import Quantity, Role, Signal, SourceInfo
from monitor_app.session.writer import SessionWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

START_NS = 10_000_000_000
IDLE_W = 2.0
S = 1_000_000_000
BOUND_NS = 2_000


@dataclass(frozen=True)
class Work:
    """A span: from when to when, in s after the start of the command, and the power meanwhile."""

    name: str
    start_s: float
    end_s: float
    power_w: float
    images: int = 0


class Steps:
    """Power that is idle but for spans that do not overlap; ``base_w`` while the command runs."""

    def __init__(self, work: Sequence[Work], command_s: float, base_w: float = IDLE_W) -> None:
        edges = [(0.0, base_w)]
        for each in work:
            edges += [(each.start_s, each.power_w), (each.end_s, base_w)]
        edges.append((command_s, IDLE_W))
        self._at = np.array([edge for edge, _ in edges])
        self._w = np.array([power for _, power in edges])
        areas = np.diff(self._at) * self._w[:-1]
        self._sums = np.concatenate(([0.0], np.cumsum(areas)))

    def power(self, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        place = np.searchsorted(self._at, at_s, "right") - 1
        return np.where(place < 0, IDLE_W, self._w[np.maximum(place, 0)])

    def energy(self, until_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the start of the command, negative before it."""
        place = np.searchsorted(self._at, until_s, "right") - 1
        inside = self._sums[np.maximum(place, 0)] + (until_s - self._at[np.maximum(place, 0)]) * self.power(until_s)
        return np.where(place < 0, IDLE_W * until_s, inside)


def write_program(
    path: Path,
    work: Sequence[Work],
    command_s: float,
    *,
    rate_hz: float,
    noise_w: float = 0.0,
    means: bool = False,
    base_w: float = IDLE_W,
    phase: float = 0.0,
    gap_s: tuple[float, float] | None = None,
    seed: int = 0,
    moments: Sequence[tuple[str, float]] = (),
) -> None:
    """A session of one run.

    Args:
        path: of a new session.
        work: its spans.
        command_s: how long the command takes.
        rate_hz: of the meter.
        noise_w: of each value.
        means: each value is the mean over the period before it, else the power at its time.
        base_w: power of the command outside its spans.
        phase: of the values, as a fraction of their period.
        gap_s: no values from when to when.
        seed: of the noise.
        moments: marks.
    """
    steps = Steps(work, command_s, base_w)
    times_s = (np.arange(int(-3 * rate_hz), int((command_s + 3) * rate_hz)) + phase) / rate_hz
    values = (steps.energy(times_s) - steps.energy(times_s - 1 / rate_hz)) * rate_hz if means else steps.power(times_s)
    values = values + noise_w * np.random.default_rng(seed).standard_normal(len(values))
    signal = Signal("power", Quantity.POWER, Role.TOTAL, "<f4", resolution=1e-4, accuracy=0.001)
    with_writer = SessionWriter(path)
    with_writer.add_source(1, SourceInfo("meter", "lines", "a meter", "1", "", rate_hz, (signal,)))
    times_ns = START_NS + np.round(times_s * 1e9).astype(np.int64)
    for first in range(0, len(values), 5000):
        part = slice(first, min(first + 5000, len(values)))
        inside = np.ones(len(times_s[part]), np.bool_)
        if gap_s is not None:
            inside = (times_s[part] < gap_s[0]) | (times_s[part] >= gap_s[1])
        for run in np.split(np.flatnonzero(inside), np.flatnonzero(np.diff(np.flatnonzero(inside)) > 1) + 1):
            if len(run):
                at = times_ns[part][run]
                with_writer.write_block(
                    1, first + int(run[0]), (values[part][run].astype(np.float32),), int(at[0]), int(at[-1])
                )
    with_writer.write_clock(1, START_NS, ClockState(rate_hz, BOUND_NS))
    _write_run(with_writer, work, command_s, moments)
    with_writer.close()


def _write_run(
    writer: SessionWriter, work: Sequence[Work], command_s: float, moments: Sequence[tuple[str, float]]
) -> None:
    def at(seconds: float) -> int:
        return START_NS + round(seconds * S)

    spec = RunSpec("program", precision="", device=OWN_PROGRAM, threads=0)
    writer.add_run(1, 1, spec, "./program", RunState.DONE)
    writer.add_program(1, json.dumps(["./program"]))
    spans = ((Phase.IDLE_BEFORE, -2.5, -0.5), (Phase.TIMED, 0.0, command_s),
             (Phase.IDLE_AFTER, command_s + 0.5, command_s + 2.5))  # fmt: skip
    for number, (phase, start_s, end_s) in enumerate(spans, 1):
        writer.open_span(number, 1, phase, at(start_s))
        writer.close_span(number, at(end_s))
    writer.write_batches(1, [Batch(Phase.TIMED, at(0.0), at(command_s), 1)])
    writer.write_work(1, [(each.name, at(each.start_s), at(each.end_s), each.images) for each in work])
    writer.write_work(1, [(name, at(seconds), None, None) for name, seconds in moments])
    writer.end_program(1, 0, (len(work) + len(moments), 0, 0, 0))
