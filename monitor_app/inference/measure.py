# SPDX-License-Identifier: Apache-2.0
"""The loops that run a network: timed passes and the accuracy pass. Imports torch: for the child only.

Between the two stamps of a pass nothing happens but the pass: inputs are made before, images are decoded
before, the load signal is set before and cleared after, reports are grouped, the garbage collector is off.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import RIGHT, UNANSWERED, WRONG, Phase
from monitor_app.inference.images import BadImageError, read_images
from monitor_app.inference.messages import Batches, PhaseDone
from monitor_app.inference.passes import Report, no_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from monitor_app.inference.datasets import Dataset
    from monitor_app.inference.loading import RunningNetwork
    from monitor_app.inference.passes import BusySignal

NAMED_AT_MOST = 5

logger = logging.getLogger(__name__)


class Runner:
    """Runs phases of one network after another.

    Args:
        running: the network.
        load_signal: high during each forward pass.
        send: takes each group of finished batches.
        stopped: asked between batches; True ends the phase.
    """

    def __init__(
        self,
        running: RunningNetwork,
        load_signal: BusySignal,
        send: Callable[[Batches], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._running = running
        self._load_signal = load_signal
        self._send = send
        self._stopped = stopped

    def run_for(self, phase: Phase, batch_size: int, min_s: float, min_batches: int) -> PhaseDone:
        """Run random images until both `min_s` seconds and `min_batches` batches (at least one) have passed."""
        running = self._running
        pixels = running.network.input_pixels
        images = running.arranged(torch.randn(batch_size, 3, pixels, pixels))
        report = Report(phase, self._send)
        with torch.inference_mode(), no_garbage_collection(), report:
            started = host_time_ns()
            while not (stopped := self._stopped()):
                if report.batches >= max(1, min_batches) and host_time_ns() - started >= min_s * 1e9:
                    break
                _, start_ns, end_ns, device_ns = self._pass(images)
                report.add((start_ns, end_ns, batch_size, None, None, device_ns))
        return PhaseDone(phase, report.batches, report.images, stopped)

    def evaluate(self, batch_size: int, dataset: Dataset) -> PhaseDone:
        """Count right answers over all images of `dataset`; the last batch may be smaller.

        An image that cannot be decoded is left out, counted and named in `reason`. Nothing is counted where the
        network was trained on other classes; `reason` says so.
        """
        report = Report(Phase.ACCURACY, self._send)
        bad = list(dataset.unlabelled)
        of_images = [UNANSWERED] * len(dataset.images)
        stopped = False
        with torch.inference_mode(), report:
            for images, labels, places in self._decoded(dataset, batch_size, bad):
                answers, start_ns, end_ns, device_ns = self._pass(images)
                if not report.batches and (misfit := dataset.misfit(answers.shape[1], self._running.network.title)):
                    return PhaseDone(Phase.ACCURACY, 0, 0, reason=misfit)
                best = answers.topk(min(5, answers.shape[1]), dim=1).indices.cpu()
                right = best == labels[:, None]
                top1, top5 = int(right[:, 0].sum()), int(right.sum())
                for place, first in zip(places, right[:, 0].tolist(), strict=True):
                    of_images[place] = RIGHT if first else WRONG
                report.add((start_ns, end_ns, len(labels), top1, top5, device_ns))
                if stopped := self._stopped():
                    break
        return PhaseDone(
            Phase.ACCURACY,
            report.batches,
            report.images,
            stopped,
            _name_bad(bad),
            dataset.sha256,
            "".join(of_images),
        )

    def _pass(self, images: torch.Tensor) -> tuple[torch.Tensor, int, int, int | None]:
        """The answers, the start and end by the host's clock, and what the device took by its own, or None."""
        events = _CudaEvents(self._running.device) if self._running.device.type == "cuda" else None
        self._synchronize()
        self._load_signal.set(True, host_time_ns())
        start_ns = host_time_ns()
        try:
            if events:
                events.begin()
            answers = self._running.module(images)
            if events:
                events.end()
            self._synchronize()
        finally:
            end_ns = host_time_ns()
            self._load_signal.set(False, end_ns)
        return answers, start_ns, end_ns, events.elapsed_ns() if events else None

    def _synchronize(self) -> None:
        if self._running.device.type == "cuda":
            torch.cuda.synchronize(self._running.device)

    def _decoded(
        self, dataset: Dataset, batch_size: int, bad: list[str]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor, list[int]]]:
        """Batches of images with their labels and their places in the data set."""
        network = self._running.network
        arrays: list[np.ndarray] = []
        labels: list[int] = []
        places: list[int] = []
        read = read_images(dataset.images, network.preprocessing, network.input_pixels)
        for place, (image, values) in enumerate(read):
            if isinstance(values, BadImageError):
                logger.warning("%s", values)
                bad.append(image.file.name)
            else:
                arrays.append(values)
                labels.append(image.label)
                places.append(place)
            if arrays and (len(arrays) == batch_size or place == len(dataset.images) - 1):
                images = self._running.arranged(torch.from_numpy(np.stack(arrays)))
                yield images, torch.tensor(labels), places
                arrays, labels, places = [], [], []


class _CudaEvents:
    """A pair of marks in the GPU's own stream of work."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._pair = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def begin(self) -> None:
        self._pair[0].record(self._stream)

    def end(self) -> None:
        self._pair[1].record(self._stream)

    def elapsed_ns(self) -> int:
        """Between the two, once the device has been synchronised."""
        return round(float(self._pair[0].elapsed_time(self._pair[1])) * 1e6)


def _name_bad(bad: list[str]) -> str | None:
    if not bad:
        return None
    more = ", ..." if len(bad) > NAMED_AT_MOST else ""
    return f"{len(bad)} images could not be used: {', '.join(bad[:NAMED_AT_MOST])}{more}"
