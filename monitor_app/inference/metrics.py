# SPDX-License-Identifier: Apache-2.0
"""Accuracy by a function of the user's own: what it is given, and what it may answer (docs/any-model.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.core.runs import Phase
from monitor_app.inference.messages import PhaseDone
from monitor_app.inference.networks.own import call_function

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.back_end import Model
    from monitor_app.inference.inputs import Input
    from monitor_app.inference.messages import ScoresRow
    from monitor_app.inference.passes import Report

MOST_METRICS = 16
CONTRACT = "have it return a dict of names, each with the scores of the items or with one number"


class MetricError(InferenceError):
    """A metric of the user's own that cannot be used."""


class Evaluation:
    """What a metric function is given: the model to run, and what to run it on.

    Args:
        inputs: what the model takes.
        images: as the plan names it, often a folder; empty where it names none.
        batch_size: of the run.
        run_pass: carries out one pass with these arrays.
        stopped: the user has stopped the run.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        images: str,
        batch_size: int,
        run_pass: Callable[[Sequence[NDArray[Any]]], tuple[NDArray[Any], ...]],
        stopped: Callable[[], bool],
    ) -> None:
        self.inputs = tuple(inputs)
        self.images = images
        self.batch_size = batch_size
        self._run_pass = run_pass
        self._stopped = stopped

    @property
    def stopped(self) -> bool:
        """The user has stopped the run: end the loop, and return what there is."""
        return self._stopped()

    def __call__(self, *arrays: NDArray[Any], **named: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """One pass, in the order of `inputs` or by their names: the outputs as arrays of numpy.

        Raises:
            MetricError: there are not as many arrays as inputs.
        """
        try:
            given = arrays or tuple(named[each.name] for each in self.inputs)
        except KeyError as error:
            raise MetricError(f"The model needs the input {error.args[0]}, which the metric does not give.") from None
        if len(given) != len(self.inputs):
            raise MetricError(f"The model takes {len(self.inputs)} inputs and the metric gives {len(given)}.")
        return self._run_pass(given)


def evaluate_own(
    model: Model,
    report: Report,
    batch_size: int,
    images: str,
    passes: Callable[[Any], Any],
    stopped: Callable[[], bool],
) -> PhaseDone:
    """Call the metric of a model with all that it needs.

    Args:
        model: which.
        report: of the accuracy phase; each pass becomes a row of it.
        batch_size: of the run.
        images: as the plan names them, or empty.
        passes: carries out a timed pass: outputs, start, end and the device's own time.
        stopped: the user has stopped the run.

    Raises:
        MetricError: the function fails, or answers with something else than scores.
    """
    spec = model.network.model
    reference = spec.metric if spec is not None else ""

    def run_pass(arrays: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        outputs, start_ns, end_ns, device_ns = passes(model.prepare(arrays))
        items = [len(array) for each, array in zip(model.inputs, arrays, strict=True) if None in each.shape[:1]]
        report.add((start_ns, end_ns, items[0] if items else 1, None, None, device_ns))
        return model.arrays(outputs)

    evaluation = Evaluation(model.inputs, images, batch_size, run_pass, stopped)
    with model.phase(), report:
        answer = call_function(reference, "take the model to run, and return scores", evaluation)
    return PhaseDone(
        Phase.ACCURACY, report.batches, report.images, stopped=stopped(), scores=scores_of(answer, reference)
    )


def scores_of(answer: object, reference: str) -> tuple[ScoresRow, ...]:
    """What a metric function has returned. Raises MetricError."""
    if not isinstance(answer, Mapping) or not 0 < len(answer) <= MOST_METRICS:
        raise MetricError(f"{reference} returned {type(answer).__name__}: {CONTRACT}.")
    return tuple(_row(str(name), scores, reference) for name, scores in answer.items())


def _row(name: str, scores: object, reference: str) -> ScoresRow:
    try:
        values = np.asarray(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise MetricError(f"{reference} gave {name} no numbers ({first_line(error)}): {CONTRACT}.") from error
    if values.size == 0 or values.ndim > 1 or not np.isfinite(values).all():
        raise MetricError(f"{reference} gave {name} no score, or one that is no number: {CONTRACT}.")
    mean = float(values.mean())
    if values.ndim == 0:
        return name, mean, None, 0, False
    counted = bool(np.isin(values, (0.0, 1.0)).all())
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return name, mean, deviation, len(values), counted
