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
from monitor_app.inference.end_to_end import EndToEnd
from monitor_app.inference.generating import GeneratingModel
from monitor_app.inference.images import BadImageError, read_images
from monitor_app.inference.inputs import random_arrays
from monitor_app.inference.messages import Batches, PhaseDone
from monitor_app.inference.metrics import evaluate_own
from monitor_app.inference.passes import Report, no_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Set
    from pathlib import Path
    from typing import Any, TypeAlias

    from numpy.typing import NDArray

    from monitor_app.inference.arrivals import Requests
    from monitor_app.inference.back_ends.back_end import Model
    from monitor_app.inference.datasets import Dataset
    from monitor_app.inference.passes import BusySignal

    Pass: TypeAlias = tuple[int, int, int | None, tuple[int, ...]]
    """Start and end, what the device took by its own clock, and the stamps of its stages where it has any."""

NAMED_AT_MOST = 5
NO_SCORES = "{} does not answer an image with a row of scores: name a metric of your own in its table [[model]]"

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

    def run_for(self, phase: Phase, batch_size: int, requests: Requests, dataset: Dataset | None = None) -> PhaseDone:
        """Answer requests until there are no more, each with one pass.

        Args:
            phase: named in the reports.
            batch_size: samples of a request.
            requests: when they arrive.
            dataset: images that each pass decodes, prepares and copies as well; None: random inputs, made before.

        Raises:
            DatasetError: none of the images can be decoded.
        """
        one_pass = self._whole_pass(batch_size, dataset) if dataset is not None else self._network_pass(batch_size)
        report, stopped = Report(phase, self._send), False
        of_parts = self._model if phase is Phase.TIMED and isinstance(self._model, GeneratingModel) else None
        with self._model.phase(), no_garbage_collection(), report:
            requests.begin()
            while (arrival_ns := requests.wait(self._stopped)) is not None:
                start_ns, end_ns, device_ns, stages_ns = one_pass()
                requests.answered(end_ns)
                row = (start_ns, end_ns, batch_size, None, None, device_ns)
                own_ns = arrival_ns if requests.own_arrivals else None
                report.add(row, of_parts.parts if of_parts else (), own_ns, stages_ns)
            stopped = self._stopped()
        return PhaseDone(phase, report.batches, report.images, stopped, unserved=0 if stopped else requests.unserved)

    def _network_pass(self, batch_size: int) -> Callable[[], Pass]:
        """The network alone, on inputs that are there."""
        prepared = self._model.prepare(random_arrays(self._model.inputs, batch_size, self._seed))

        def run() -> Pass:
            _, start_ns, end_ns, device_ns = self._pass(prepared)
            return start_ns, end_ns, device_ns, ()

        return run

    def _whole_pass(self, batch_size: int, dataset: Dataset) -> Callable[[], Pass]:
        """From the bytes of the images to answers on the host."""
        whole = EndToEnd(self._model, dataset, batch_size)

        def run() -> Pass:
            self._load_signal.set(True, host_time_ns())
            try:
                stamps_ns = whole.run()
            finally:
                self._load_signal.set(False, host_time_ns())
            return stamps_ns[0], stamps_ns[-1], self._model.device_ns(), stamps_ns

        return run

    def evaluate_by_metric(self, batch_size: int, images: str) -> PhaseDone:
        """Have the metric of the user's own run the network on what it takes. Raises MetricError."""
        report = Report(Phase.ACCURACY, self._send)
        return evaluate_own(self._model, report, batch_size, images, self._pass, self._stopped)

    def evaluate(self, batch_size: int, dataset: Dataset) -> PhaseDone:
        """Count right answers over all images of `dataset`; the last batch may be smaller.

        An image that cannot be decoded is left out, counted and named in `reason`; so are those with which the network
        was calibrated, as long as there are others. Nothing is counted where the network was trained on other classes;
        `reason` says so.
        """
        report = Report(Phase.ACCURACY, self._send)
        bad = list(dataset.unlabelled)
        asked, note = _fresh_images(dataset, self._model.calibrated_with)
        of_images = [UNANSWERED] * len(dataset.images)
        stopped = False
        with self._model.phase(), report:
            for images, labels, places in self._decoded(dataset, asked, batch_size, bad):
                outputs, start_ns, end_ns, device_ns = self._pass(self._model.prepare([images]))
                scores = self._model.arrays(outputs)[0]
                if scores.ndim != 2:
                    return PhaseDone(Phase.ACCURACY, 0, 0, reason=NO_SCORES.format(self._model.network.title))
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
            "; ".join(filter(None, (_name_bad(bad), note))) or None,
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
        self, dataset: Dataset, asked: Sequence[int], batch_size: int, bad: list[str]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64], list[int]]]:
        """Batches of the images at these places of the data set, with their labels and those places."""
        network = self._model.network
        arrays: list[np.ndarray] = []
        labels: list[int] = []
        places: list[int] = []
        images = [dataset.images[place] for place in asked]
        read = read_images(images, network.preprocessing, network.input_pixels)
        for place, (image, values) in zip(asked, read, strict=True):
            if isinstance(values, BadImageError):
                logger.warning("%s", values)
                bad.append(image.file.name)
            else:
                arrays.append(values)
                labels.append(image.label)
                places.append(place)
            if arrays and (len(arrays) == batch_size or place == asked[-1]):
                yield np.stack(arrays), np.array(labels, np.int64), places
                arrays, labels, places = [], [], []


def _fresh_images(dataset: Dataset, calibrated_with: Set[Path]) -> tuple[list[int], str | None]:
    """The places of the images that the calibration has not seen, and what is to be said of them."""
    every = list(range(len(dataset.images)))
    fresh = [place for place in every if dataset.images[place].file not in calibrated_with]
    if len(fresh) == len(every):
        return every, None
    if not fresh:
        return every, "these are the images that it was calibrated with, on which its accuracy may be too good"
    return fresh, f"{len(every) - len(fresh)} images are left out, because it was calibrated with them"


def best_answers(scores: NDArray[Any], count: int = 5) -> NDArray[np.int64]:
    """The classes with the highest scores, the best first: (images, up to `count`). Of equal ones the first counts."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return order.astype(np.int64, copy=False)


def _name_bad(bad: list[str]) -> str | None:
    if not bad:
        return None
    more = ", ..." if len(bad) > NAMED_AT_MOST else ""
    return f"{len(bad)} images could not be used: {', '.join(bad[:NAMED_AT_MOST])}{more}"
