# SPDX-License-Identifier: Apache-2.0
"""The inputs of a model file: where its batch and its images lie, and arrays arranged for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError
from monitor_app.inference.inputs import Input, described_inputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor_app.inference.networks.network import Network, Preprocessing

CHANNELS = (1, 3)
"""Of images that are photographs."""


def file_input(name: str, shape: Sequence[int | None], dtype: str, network: Network) -> Input:
    """An input as the file describes it, with its batch left open.

    The first dimension is the batch where it is open, or where there are two or more. Of images, other open dimensions
    are the side that the user has named, or the usual one.

    Args:
        name: of the input.
        shape: None for every dimension that the file leaves open.
        dtype: as numpy calls it.
        network: which the file holds.

    Raises:
        InferenceError: dimensions are open for which no size is known.
    """
    told = {each.name: each for each in described_inputs(network.model, 0)} if _is_described(network) else {}
    if name in told:
        return replace(told[name], dtype=dtype)
    batched = len(shape) > 1 or (len(shape) == 1 and shape[0] is None)
    sizes = list(shape)
    if batched:
        sizes[0] = None
    if is_images(sizes):
        sizes[1:] = [network.input_pixels if size is None else size for size in sizes[1:]]
    if None in sizes[1:]:
        shown = ", ".join("?" if size is None else str(size) for size in shape)
        raise InferenceError(
            f"The input {name} of {network.title} has the open shape ({shown}), and only the batch may be open: export "
            "it with fixed sizes."
        )
    return Input(name, tuple(sizes), dtype)


def _is_described(network: Network) -> bool:
    return network.model is not None and bool(network.model.inputs)


def is_images(shape: Sequence[int | None]) -> bool:
    """Whether it is that of photographs, with the channels first or last."""
    return len(shape) == 4 and (shape[1] in CHANNELS or shape[3] in CHANNELS)


def has_channels_last(shape: Sequence[int | None]) -> bool:
    """Whether it is that of photographs with the channels last, as TensorFlow has them."""
    return len(shape) == 4 and shape[3] in CHANNELS and shape[1] not in CHANNELS


def image_side(inputs: Sequence[Input]) -> int | None:
    """The side of the square images that a network takes; None where it takes something else."""
    if len(inputs) != 1 or not is_images(inputs[0].shape):
        return None
    sides = set(inputs[0].shape[1:3] if has_channels_last(inputs[0].shape) else inputs[0].shape[2:])
    return sides.pop() if len(sides) == 1 else None


def with_side(network: Network, side: int | None) -> Network:
    """The network of a file, which says itself how large its images are; they are cropped as the usual ones are."""
    if side is None or side == network.input_pixels:
        return network
    resized = round(network.preprocessing.resize_pixels * side / network.input_pixels)
    return replace(network, input_pixels=side, preprocessing=replace(network.preprocessing, resize_pixels=resized))


def arranged(array: NDArray[Any], into: Input, network: Network) -> NDArray[Any]:
    """An array as an input takes it, in one piece: images with their channels last where it has them last.

    Real values for an input of bytes are the pixels of photographs, from which `preprocessing` is taken away again.

    Raises:
        InferenceError: it has another shape than the input.
    """
    wanted = into.shape[1:]
    if array.shape[1:] != wanted and has_channels_last(into.shape) and array.ndim == len(into.shape):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != len(into.shape) or array.shape[1:] != wanted:
        raise InferenceError(
            f"{network.title} takes {_shown(into.shape)} as its input {into.name} and no {_shown(array.shape)}: give "
            "it such, or name another network."
        )
    if into.dtype == "uint8" and array.dtype.kind == "f":
        array = _pixels(array, network.preprocessing, channels_last=has_channels_last(into.shape))
    return np.ascontiguousarray(array, np.dtype(into.dtype))


def batch_of(arrays: Sequence[NDArray[Any]], inputs: Sequence[Input]) -> int:
    """The size of the batch that these arrays are for; 1 where no input has a batch."""
    sizes = [array.shape[0] for array, each in zip(arrays, inputs, strict=True) if each.shape[:1] == (None,)]
    return int(sizes[0]) if sizes else 1


def shape_at(each: Input, batch_size: int) -> tuple[int, ...]:
    """Of an input, for a batch of that size."""
    return tuple(batch_size if size is None else size for size in each.shape)


def _pixels(array: NDArray[Any], preprocessing: Preprocessing, *, channels_last: bool) -> NDArray[Any]:
    along = (1, 1, 1, -1) if channels_last else (1, -1, 1, 1)
    mean, std = (np.array(each, np.float32).reshape(along) for each in (preprocessing.mean, preprocessing.std))
    pixels: NDArray[Any] = np.clip(np.rint((array * std + mean) * np.float32(255)), 0, 255)
    return pixels


def _shown(shape: Sequence[int | None]) -> str:
    return " x ".join("batch" if size is None else str(size) for size in shape) or "one number"
