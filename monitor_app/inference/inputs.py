# SPDX-License-Identifier: Apache-2.0
"""What a network takes: named arrays with shapes and types, and arrays of random values for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
    """Random values for one pass."""
    rng = np.random.default_rng(seed)
    return tuple(each.random(batch_size, rng) for each in inputs)
