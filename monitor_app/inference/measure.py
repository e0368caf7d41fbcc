# SPDX-License-Identifier: Apache-2.0
"""The loops that run a network: timed passes and the accuracy pass. The same for every back end.

Between the two stamps of a pass nothing happens but the pass: inputs are made before, images are decoded
before, the load signal is set before and cleared after, reports are grouped, the garbage collector is off.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.host_time import host_time_ns
from monitor_app.core.runs import RIGHT, UNANSWERED, WRONG, Phase
from monitor_app.inference.images import BadImageError, read_images
from monitor_app.inference.inputs import random_arrays
from monitor_app.inference.messages import Batches, PhaseDone
from monitor_app.inference.passes import Report, no_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.back_end import Model
    from monitor_app.inference.datasets import Dataset
    from monitor_app.inference.passes import BusySignal

NAMED_AT_MOST = 5

logger = logging.getLogger(__name__)


class Runner:
    """Runs phases of one network after another.

    Args:
        model: the network.
        load_signal: high during each forward pass.
        send: takes each group of finished batches.
        stopped: asked between batches; True ends the phase.
        seed: of the random inputs.
    """

    def __init__(
        self,
        model: Model,
        load_signal: BusySignal,
        send: Callable[[Batches], None],
        stopped: Callable[[], bool],
        seed: int = 0,
    ) -> None:
        self._model = model
        self._load_signal = load_signal
        self._send = send
        self._stopped = stopped
        self._seed = seed

    def run_for(self, phase: Phase, batch_size: int, min_s: float, min_batches: int) -> PhaseDone:
        """Run random inputs until both `min_s` seconds and `min_batches` batches (at least one) have passed."""
        prepared = self._model.prepare(random_arrays(self._model.inputs, batch_size, self._seed))
        report = Report(phase, self._send)
        with self._model.phase(), no_garbage_collection(), report:
            started = host_time_ns()
            while not (stopped := self._stopped()):
                if report.batches >= max(1, min_batches) and host_time_ns() - started >= min_s * 1e9:
                    break
                _, start_ns, end_ns, device_ns = self._pass(prepared)
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
        with self._model.phase(), report:
            for images, labels, places in self._decoded(dataset, batch_size, bad):
                outputs, start_ns, end_ns, device_ns = self._pass(self._model.prepare([images]))
                scores = self._model.arrays(outputs)[0]
                if not report.batches and (misfit := dataset.misfit(scores.shape[1], self._model.network.title)):
                    return PhaseDone(Phase.ACCURACY, 0, 0, reason=misfit)
                right = best_answers(scores) == labels[:, None]
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

    def _pass(self, prepared: Any) -> tuple[Any, int, int, int | None]:
        """The outputs, the start and end by the host's clock, and what the device took by its own, or None."""
        model = self._model
        model.synchronize()
        self._load_signal.set(True, host_time_ns())
        start_ns = host_time_ns()
        try:
            outputs = model.run(prepared)
            model.synchronize()
        finally:
            end_ns = host_time_ns()
            self._load_signal.set(False, end_ns)
        return outputs, start_ns, end_ns, model.device_ns()

    def _decoded(
        self, dataset: Dataset, batch_size: int, bad: list[str]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64], list[int]]]:
        """Batches of images with their labels and their places in the data set."""
        network = self._model.network
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
                yield np.stack(arrays), np.array(labels, np.int64), places
                arrays, labels, places = [], [], []


def best_answers(scores: NDArray[Any], count: int = 5) -> NDArray[np.int64]:
    """The classes with the highest scores, the best first: (images, up to `count`). Of equal ones the first counts."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return order.astype(np.int64, copy=False)


def _name_bad(bad: list[str]) -> str | None:
    if not bad:
        return None
    more = ", ..." if len(bad) > NAMED_AT_MOST else ""
    return f"{len(bad)} images could not be used: {', '.join(bad[:NAMED_AT_MOST])}{more}"
