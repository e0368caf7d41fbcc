# SPDX-License-Identifier: Apache-2.0
"""The loops that run a network: timed passes and the accuracy pass. Imports torch: for the child only.

Between the two stamps of a pass nothing happens but the pass: inputs are made before, images are decoded
before, the lamp is lit before and put out after, reports are grouped, the garbage collector is off.
"""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from monitor_app.core.runs import Phase
from monitor_app.inference.datasets import BadImageError, Dataset, read_image
from monitor_app.inference.messages import Batches, PhaseDone, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.inference.loading import RunningNetwork

REPORT_EVERY_NS = 50_000_000
NAMED_AT_MOST = 5

logger = logging.getLogger(__name__)


class BusyLamp(Protocol):
    """What tells a simulated board when the network runs."""

    def set(self, busy: bool, host_ns: int) -> None: ...


class NoLamp:
    """Where there is no simulated board."""

    def set(self, busy: bool, host_ns: int) -> None:
        """Nothing."""


class Runner:
    """Runs phases of one network after another.

    Args:
        running: the network.
        lamp: lit during each forward pass.
        send: takes each group of finished batches.
        stopped: asked between batches; True ends the phase.
    """

    def __init__(
        self,
        running: RunningNetwork,
        lamp: BusyLamp,
        send: Callable[[Batches], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._running = running
        self._lamp = lamp
        self._send = send
        self._stopped = stopped

    def run_for(self, phase: Phase, batch_size: int, min_s: float, min_batches: int) -> PhaseDone:
        """Run random images until both `min_s` seconds and `min_batches` batches (at least one) have passed."""
        running = self._running
        pixels = running.network.input_pixels
        images = torch.randn(batch_size, 3, pixels, pixels).to(running.device, running.dtype)
        report = _Report(phase, self._send)
        with torch.inference_mode(), _no_garbage_collection(), report:
            started = perf_counter_ns()
            while not (stopped := self._stopped()):
                if report.batches >= max(1, min_batches) and perf_counter_ns() - started >= min_s * 1e9:
                    break
                _, start_ns, end_ns = self._pass(images)
                report.add((start_ns, end_ns, batch_size, None, None))
        return PhaseDone(phase, report.batches, report.images, stopped)

    def evaluate(self, batch_size: int, dataset: Dataset) -> PhaseDone:
        """Count right answers over all images of `dataset`; the last batch may be smaller.

        An image that cannot be decoded is left out, counted and named in `reason`.
        """
        report = _Report(Phase.ACCURACY, self._send)
        bad = list(dataset.unlabelled)
        stopped = False
        with torch.inference_mode(), report:
            for images, labels in self._decoded(dataset, batch_size, bad):
                answers, start_ns, end_ns = self._pass(images)
                best = answers.topk(min(5, answers.shape[1]), dim=1).indices.cpu()
                right = best == labels[:, None]
                top1, top5 = int(right[:, 0].sum()), int(right.sum())
                report.add((start_ns, end_ns, len(labels), top1, top5))
                if stopped := self._stopped():
                    break
        return PhaseDone(Phase.ACCURACY, report.batches, report.images, stopped, _name_bad(bad))

    def _pass(self, images: torch.Tensor) -> tuple[torch.Tensor, int, int]:
        self._synchronize()
        self._lamp.set(True, perf_counter_ns())
        start_ns = perf_counter_ns()
        try:
            answers = self._running.module(images)
            self._synchronize()
        finally:
            end_ns = perf_counter_ns()
            self._lamp.set(False, end_ns)
        return answers, start_ns, end_ns

    def _synchronize(self) -> None:
        if self._running.device.type == "cuda":
            torch.cuda.synchronize(self._running.device)

    def _decoded(
        self, dataset: Dataset, batch_size: int, bad: list[str]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        network = self._running.network
        arrays: list[np.ndarray] = []
        labels: list[int] = []
        for position, image in enumerate(dataset.images, start=1):
            try:
                arrays.append(read_image(image.file, network.preprocessing, network.input_pixels))
                labels.append(image.label)
            except BadImageError as error:
                logger.warning("%s", error)
                bad.append(image.file.name)
            if arrays and (len(arrays) == batch_size or position == len(dataset.images)):
                images = torch.from_numpy(np.stack(arrays)).to(self._running.device, self._running.dtype)
                yield images, torch.tensor(labels)
                arrays, labels = [], []


def _name_bad(bad: list[str]) -> str | None:
    if not bad:
        return None
    more = ", ..." if len(bad) > NAMED_AT_MOST else ""
    return f"{len(bad)} images could not be used: {', '.join(bad[:NAMED_AT_MOST])}{more}"


class _Report:
    """Groups rows, so that writing them disturbs one pass in many."""

    def __init__(self, phase: Phase, send: Callable[[Batches], None]) -> None:
        self.batches = 0
        self.images = 0
        self._phase = phase
        self._send = send
        self._rows: list[Row] = []
        self._sent_ns = perf_counter_ns()

    def add(self, row: Row) -> None:
        self.batches += 1
        self.images += row[2]
        self._rows.append(row)
        if row[1] - self._sent_ns >= REPORT_EVERY_NS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._send(Batches(self._phase, tuple(self._rows)))
            self._rows.clear()
        self._sent_ns = perf_counter_ns()

    def __enter__(self) -> _Report:
        return self

    def __exit__(self, *_: object) -> None:
        # Also when a pass failed: what was measured before it is kept
        self._flush()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    # Only off, not run first: a collection takes a tenth of a second, in which the board would cool down
    # between the warm-up and the timed passes. Loading a network collects.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
