# SPDX-License-Identifier: Apache-2.0
"""Simulated boards whose true miss ratio, energy, power and accuracy are known, as evidence for requirements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import lfilter

from monitor_app.analysis.require.evidence import Evidence, evidence_of
from monitor_app.analysis.run.inputs import Answers, Batches, Effort, Instrument, PowerInputs, Readings, RunInputs
from monitor_app.analysis.run.results import run_result
from monitor_app.core.estimate import Proportion
from monitor_app.core.runs import RunState
from monitor_app.session.rows import RunRow
from monitor_app.session.waveform import Statistics
from tests.analysis.series import autoregressive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DEADLINE_S = 0.03
"""Batches take 20 ms: an interruption of 0.1 s is five of them."""


@dataclass(frozen=True)
class Correlated:
    """Log-normal latencies, of which neighbours are correlated as in a first-order autoregression."""

    rho: float

    def latencies_s(self, rng: np.random.Generator, ratio: float, count: int) -> Floats:
        """A fraction ``ratio`` of all such latencies is above ``DEADLINE_S``."""
        noise = rng.normal(size=count)
        noise[1:] *= math.sqrt(1 - self.rho**2)
        normal = lfilter([1.0], [1.0, -self.rho], noise)
        found: Floats = DEADLINE_S * np.exp(0.15 * (normal - NormalDist().inv_cdf(1 - ratio)))
        return found


@dataclass(frozen=True)
class Bursts:
    """Quick batches, and bursts of slow ones that miss the deadline, of this mean length (geometric)."""

    length: float
    fixed: bool = False
    """All bursts have this length, up to the ends of the series."""

    def latencies_s(self, rng: np.random.Generator, ratio: float, count: int) -> Floats:
        """As of `Correlated`."""
        slow = np.zeros(count, bool)
        begin = ratio / (self.length * (1 - ratio))  # probability that a burst begins at a quick batch
        at = -50 * round(self.length)  # long enough before the series for its start to be like any other place
        while at < count:
            at += int(rng.geometric(min(begin, 1.0))) - 1
            length = round(self.length) if self.fixed else int(rng.geometric(1 / self.length))
            slow[max(at, 0) : max(at + length, 0)] = True
            at += length + 1
        found: Floats = np.where(slow, 0.05, 0.02) * np.exp(0.05 * rng.normal(size=count))
        return found


def timed(latencies_s: Floats) -> Evidence:
    """A run with these latencies, of which nothing else was measured."""
    return Evidence(
        "resnet18", "ResNet-18 b1", 1, (1,), latencies_s, float(latencies_s.sum()), None, None, None,
        "" if len(latencies_s) else "No batch has been timed yet.", "No power.", "No accuracy.", False, False,
    )  # fmt: skip


def answered(correct: int, images: int) -> Evidence:
    """A network that gave that many right answers."""
    return Evidence(
        "resnet18", "ResNet-18 b1", 1, (1,), np.empty(0), 0.0, None, None, Proportion(correct, images, 0.0, 1.0),
        "No batch has been timed yet.", "No power.", "", False, False,
    )  # fmt: skip


LOAD_W, IDLE_W, NOISE_W, RATE_HZ = 11.8, 1.3, 0.3, 500
WANDER_W, REPETITION_W = 0.3, 0.1
"""Standard deviation of the power of a batch about that of its run, and of a run about that of all."""
BATCH_S, IMAGES, RHO = 0.02, 4, 0.7
GAIN, ZERO_W = 0.01, 0.03
"""Limits of the errors that the meter states, within which it is off."""
TRUE_J = (LOAD_W + IDLE_W) * BATCH_S / IMAGES
TRUE_W = LOAD_W + IDLE_W


def metered(
    rng: np.random.Generator, *, cycles: int, batches: int, gain: float = GAIN, zero_w: float = ZERO_W
) -> Evidence:
    """What the `runs` of a board show."""
    inputs = runs(rng, cycles=cycles, batches=batches, gain=gain, zero_w=zero_w)
    results = [run_result(each) for each in inputs]
    [found] = evidence_of(results, {each.run.id: each.timed.seconds for each in inputs}, power_simulated=True)
    return found


def runs(
    rng: np.random.Generator, *, cycles: int, batches: int, gain: float = GAIN, zero_w: float = ZERO_W
) -> list[RunInputs]:
    """Of a board that takes ``TRUE_J`` for an image and ``TRUE_W`` in the mean over all such runs.

    A single run is that of a board whose runs do not differ, since it shows nothing of how they would.
    """
    differ_w = REPETITION_W if cycles > 1 else 0.0
    error, zero = 1 + rng.uniform(-gain, gain), rng.uniform(-zero_w, zero_w)
    return [_run(rng, number, batches, differ_w, error, zero, gain, zero_w) for number in range(1, cycles + 1)]


def _run(
    rng: np.random.Generator,
    number: int,
    count: int,
    differ_w: float,
    error: float,
    zero: float,
    gain: float,
    zero_w: float,
) -> RunInputs:
    # Times and powers of batches are independent of each other, so the mean energy is the product of their means
    seconds = BATCH_S * np.maximum(1 + 0.1 * autoregressive(rng, RHO, count)[0], 0.2)
    watts = LOAD_W + IDLE_W + differ_w * rng.normal() + WANDER_W * autoregressive(rng, RHO, count)[0]
    ends_s = 1 + np.cumsum(seconds)
    times_s = np.arange(round((ends_s[-1] + 1) * RATE_HZ)) / RATE_HZ
    of_batch = np.searchsorted(ends_s, times_s, "right")
    busy = (times_s >= 1) & (of_batch < count)
    true = np.where(busy, watts[np.minimum(of_batch, count - 1)], IDLE_W)
    values = true * error + zero + NOISE_W * rng.normal(size=len(times_s))
    power = Readings(_in_ns(times_s), values)
    parts = times_s < 0.99, times_s > ends_s[-1] + 0.01
    before, after = (Readings(power.times_ns[part], power.values[part]) for part in parts)
    batches = Batches(_in_ns(np.append(1, ends_s[:-1])), _in_ns(ends_s), np.full(count, IMAGES))
    full = values[busy]
    statistics = Statistics(
        len(full),
        float(full.min()),
        float(full.max()),
        float(full.mean()),
        float(full.var()),
        len(full),
        float(ends_s[-1] - 1),
    )
    return RunInputs(
        run=run_row(number),
        timed=batches,
        device_s=np.empty(0),
        memory=(),
        top1=Answers(0, 0),
        top5=Answers(0, 0),
        power=PowerInputs(
            batches, power, statistics, (), before, after, Instrument(None, gain, 0.5e9 / RATE_HZ, zero_w or None)
        ),
        effort=Effort(resamples=10),
    )


def run_row(number: int, **changes: object) -> RunRow:
    """A completed run of ResNet-18."""
    values: dict[str, object] = {
        "id": number, "cycle": number, "network": "resnet18", "title": "ResNet-18", "batch_size": IMAGES,
        "precision": "fp32", "device": "cpu", "threads": 1, "channels_last": 0, "compiled": 0, "power_mode": None,
        "clocks": None, "state": RunState.DONE.value, "error": None, "started_ns": 0, "ended_ns": 1,
        "parameters": None, "macs": None, "operations": None, "input_pixels": 224, "weights": None,
        "weights_sha256": None, "dataset": None, "accuracy_note": None, "steady": None, "warm_up_note": None,
    }  # fmt: skip
    return RunRow(**{**values, **changes})  # type: ignore[arg-type]


def series(kind: Correlated | Bursts, seed: int, ratio: float, count: int, boards: int) -> Iterator[Floats]:
    """Latencies of that many boards."""
    for board in range(boards):
        yield kind.latencies_s(np.random.default_rng([seed, board]), ratio, count)


def _in_ns(seconds: Floats) -> NDArray[np.int64]:
    return np.round(seconds * 1e9).astype(np.int64)
