# SPDX-License-Identifier: Apache-2.0
"""Replaying published figures in real time, as if a network ran: the loops of the child that needs no torch.

Batches take real time: their time stamps are real, the load signal is high meanwhile, and a delay of the system makes
a batch longer. Their nominal durations follow from the published time and a seed.
"""

from __future__ import annotations

import hashlib
import math
import random
from time import sleep
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.canziani2016 import NET_DEVIATION_W, NET_W, published
from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import RIGHT, UNANSWERED, WRONG, ImageAnswers, Phase
from monitor_app.inference.messages import Batches, PhaseDone
from monitor_app.inference.passes import Report, no_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.inference.arrivals import Requests
    from monitor_app.inference.passes import BusySignal

COLD = 1.5
"""Factor by which the first pass of a network takes longer."""
SPREAD = 0.005
"""Relative standard deviation of the duration of a pass."""
CORRELATION = 0.3
"""Of the duration of a pass with that of the one before."""

OUTLIERS = {("AlexNet", 1): 0.88, ("VGG-16", 2): 0.88}
"""Loads relative to those of the same network at other batch sizes. In the paper AlexNet at batch 1 and a VGG at batch
2 draw less; which VGG, and how much less, was not published and is chosen here."""

IMAGES = 50_000
IMAGES_A_ROW = 500
ROW_NS = 5_000_000

_SPIN_NS = 300_000


def pass_factors(seed: int) -> Iterator[float]:
    """The duration of each pass since loading, relative to the published one; endless.

    After the cold first one they are log-normal, correlated with their predecessors, and have the mean 1.
    """
    rng = random.Random(seed)
    state = rng.gauss(0.0, 1.0)
    cold = COLD
    while True:
        yield cold * math.exp(SPREAD * state - SPREAD**2 / 2)
        cold = 1.0
        state = CORRELATION * state + math.sqrt(1 - CORRELATION**2) * rng.gauss(0.0, 1.0)


def load_of(name: str, batch_size: int, seed: int) -> float:
    """Net power of a network relative to the paper's mean of 11.8 W.

    The paper gives only the mean and the standard deviation of 0.7 W, so which network draws how much follows from the
    seed. Over the fourteen networks both values are exactly those of the paper, and as in its figure 8 power has no
    direction with the operations.
    """
    names = list(published())
    logs = np.log([each.operations for each in published().values()])
    logs -= logs.mean()
    drawn = np.random.default_rng(seed).standard_normal(len(names))
    drawn -= drawn.mean()
    drawn -= logs * (logs @ drawn) / (logs @ logs)
    own = float(drawn[names.index(name)] / drawn.std(ddof=1))
    return (1 + NET_DEVIATION_W / NET_W * own) * OUTLIERS.get((name, batch_size), 1.0)


def image_answers(top1_percent: float, seed: int) -> ImageAnswers:
    """The answer to each of `IMAGES`; as many are right as exactly the published accuracy. Which ones is our choice.

    Images are of different difficulty, in an order that follows from the seed: a network is right on the easiest.
    """
    difficulty = np.random.default_rng(seed).permutation(IMAGES)
    right = difficulty < round(IMAGES * top1_percent / 100)
    images_sha256 = hashlib.sha256(f"{IMAGES} replayed images, seed {seed}".encode()).hexdigest()
    return ImageAnswers(images_sha256, "".join(np.where(right, RIGHT, WRONG).tolist()))


class Replayer:
    """Replays one phase after another.

    Args:
        load_signal: high during each pass.
        send: takes each group of finished batches.
        stopped: asked between batches; True ends the phase.
    """

    def __init__(self, load_signal: BusySignal, send: Callable[[Batches], None], stopped: Callable[[], bool]) -> None:
        self._load_signal = load_signal
        self._send = send
        self._stopped = stopped

    def run_for(self, phase: Phase, batch_size: int, lengths_s: Iterator[float], requests: Requests) -> PhaseDone:
        """Answer requests until there are no more, each with a pass of the next of these lengths."""
        report, stopped = Report(phase, self._send), False
        late_ns = 0
        with no_garbage_collection(), report:
            requests.begin()
            while (arrival_ns := requests.wait(self._stopped)) is not None:
                length_ns = round(next(lengths_s) * 1e9)
                # The next batches make up for a delay of the system, so that a busy computer does not slow the board
                wanted_ns = max(length_ns - late_ns, length_ns // 2)
                start_ns, end_ns = self._pass(wanted_ns)
                late_ns = min(late_ns + end_ns - start_ns - length_ns, length_ns)
                requests.answered(end_ns)
                row = (start_ns, end_ns, batch_size, None, None, None)
                report.add(row, arrival_ns=arrival_ns if requests.own_arrivals else None)
            stopped = self._stopped()
        return PhaseDone(phase, report.batches, report.images, stopped, unserved=0 if stopped else requests.unserved)

    def evaluate(self, answers: ImageAnswers) -> PhaseDone:
        """Replay an accuracy pass with these answers, a row of images at a time."""
        report = Report(Phase.ACCURACY, self._send)
        stopped = False
        with report:
            for start in range(0, len(answers.top1), IMAGES_A_ROW):
                row = answers.top1[start : start + IMAGES_A_ROW]
                start_ns, end_ns = self._pass(ROW_NS)
                report.add((start_ns, end_ns, len(row), row.count(RIGHT), None, None))
                if stopped := self._stopped():
                    break
        done = answers.top1[: report.images].ljust(len(answers.top1), UNANSWERED)
        return PhaseDone(Phase.ACCURACY, report.batches, report.images, stopped, None, answers.images_sha256, done)

    def _pass(self, length_ns: int) -> tuple[int, int]:
        self._load_signal.set(True, host_time_ns())
        start_ns = host_time_ns()
        _wait_until(start_ns + length_ns)
        end_ns = host_time_ns()
        self._load_signal.set(False, end_ns)
        return start_ns, end_ns


def _wait_until(end_ns: int) -> None:
    # Sleeping is less precise than the duration of a batch must be
    left_ns = end_ns - host_time_ns() - _SPIN_NS
    if left_ns > 0:
        sleep(left_ns / 1e9)
    while host_time_ns() < end_ns:
        pass
