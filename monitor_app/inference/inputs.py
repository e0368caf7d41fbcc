# SPDX-License-Identifier: Apache-2.0
"""What a network takes: named arrays with shapes and types, and arrays of random values for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError
from monitor_app.core.models.spec import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor_app.core.models.spec import ModelInput, ModelSpec

RANDOM_WHOLE_NUMBERS = 100
"""Whole numbers are drawn below this where the network does not say how large they may be: tokens, or indices."""


@dataclass(frozen=True, slots=True)
class Input:
    """One array that a pass takes."""

    name: str
    shape: tuple[int | None, ...]
    """None where the size of the batch stands."""
    dtype: str = "float32"
    """As numpy calls it."""
    below: int | None = None
    """Whole numbers run from 0 to this, which is left out; None: not known."""

    def random(self, batch_size: int, rng: np.random.Generator) -> NDArray[Any]:
        """Values for one pass: standard normal where they are real, uniform where they are whole."""
        shape = tuple(batch_size if size is None else size for size in self.shape)
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            return rng.standard_normal(shape, np.float32).astype(dtype, copy=False)
        if dtype.kind == "b":
            return rng.integers(0, 2, shape).astype(dtype)
        if dtype.kind in "iu":
            most = min(self.below or RANDOM_WHOLE_NUMBERS, int(np.iinfo(dtype).max))
            return rng.integers(0, most, shape).astype(dtype)
        raise InferenceError(
            f"The input {self.name} is of the type {self.dtype}, for which there are no random values: give the "
            "network inputs of numbers."
        )


def images_of(pixels: int, dtype: str = "float32") -> Input:
    """The input of a network that takes images as PyTorch has them."""
    return Input("images", (None, 3, pixels, pixels), dtype)


def random_arrays(inputs: Sequence[Input], batch_size: int, seed: int) -> tuple[NDArray[Any], ...]:
    """Random values for one pass. Raises InferenceError where the network takes batches of another size only."""
    first = inputs[0].shape[:1] if inputs else ()
    if all(None not in each.shape for each in inputs) and first not in ((), (batch_size,)):
        raise InferenceError(
            f"The network takes batches of {first[0]} only: set the batch size to that, or export it with a batch of "
            "any size."
        )
    rng = np.random.default_rng(seed)
    return tuple(each.random(batch_size, rng) for each in inputs)


def described_inputs(model: ModelSpec | None, pixels: int) -> tuple[Input, ...]:
    """What a network takes of which nothing else tells: as the profile describes it, else images of that side."""
    given = model.inputs if model is not None else ()
    return tuple(map(_described, given)) or (images_of(pixels),)


def inputs_of_file(
    found: Iterable[tuple[str, Sequence[int | str | None], str]], model: ModelSpec | None, title: str
) -> tuple[Input, ...]:
    """What a network takes of which its file tells, with what the profile adds.

    An open dimension has its size from the table `dim`, by its name; where it is the first of an input it is else the
    batch. A shape that the profile gives counts in place of the file's.

    Args:
        found: name, shape and type of each input in the order of the file; a dimension is a size, or it is open and
            has a name or None.
        model: what the profile says of it.
        title: of the network.

    Raises:
        InferenceError: a dimension stays open, or the profile describes an input that the file does not have.
    """
    sizes = dict(model.dims) if model is not None else {}
    given = {each.name: each for each in model.inputs} if model is not None else {}
    inputs = []
    for name, shape, dtype in found:
        told = given.pop(name, None)
        if told is not None:
            known = _described(told)
            inputs.append(Input(name, known.shape, dtype, known.below))
        else:
            inputs.append(Input(name, _closed(name, shape, sizes, title), dtype))
    for name in given:
        there = ", ".join(each.name for each in inputs)
        raise InferenceError(f"{title} has no input {name}: describe one of {there}.")
    return tuple(inputs)


def _described(given: ModelInput) -> Input:
    shape = tuple(None if size == BATCH else int(size) for size in given.shape)
    return Input(given.name, shape, given.dtype, given.below or None)


def _closed(
    name: str, shape: Sequence[int | str | None], sizes: Mapping[str, int], title: str
) -> tuple[int | None, ...]:
    closed: list[int | None] = []
    for place, size in enumerate(shape):
        if isinstance(size, int):
            closed.append(size)
        elif size is not None and size in sizes:
            closed.append(sizes[size])
        elif place == 0:
            closed.append(None)
        else:
            what = f"dimension {place + 1}" if size is None else f"dimension {size!r}"
            wanted = f"[model.input.{name}] with its shape" if size is None else f"[model.dim] {size} = ..."
            raise InferenceError(f"The input {name} of {title} leaves its {what} open: give the profile {wanted}.")
    return tuple(closed)
