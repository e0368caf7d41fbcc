# SPDX-License-Identifier: Apache-2.0
"""Between arrays of numpy and what a module of torch takes and returns. Imports torch: for the child only."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import nn

    from monitor_app.inference.inputs import Input


def tensors_of(
    arrays: Sequence[NDArray[Any]], device: torch.device, dtype: torch.dtype, layout: torch.memory_format
) -> tuple[torch.Tensor, ...]:
    """On the device; real numbers in the precision of the network, whole ones as they are."""
    return tuple(_tensor(array, device, dtype, layout) for array in arrays)


def _tensor(array: NDArray[Any], device: torch.device, dtype: torch.dtype, layout: torch.memory_format) -> torch.Tensor:
    tensor = torch.from_numpy(array)
    of_type = dtype if tensor.is_floating_point() else tensor.dtype
    if tensor.ndim == 4:
        return tensor.to(device, of_type, memory_format=layout)
    return tensor.to(device, of_type)


def call_of(module: nn.Module, inputs: Sequence[Input]) -> Callable[[tuple[torch.Tensor, ...]], Any]:
    """One pass over several tensors: by the names of the inputs where `forward` has them all, else in their order."""
    names = [each.name for each in inputs]
    try:
        known = set(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        known = set()
    if not known.issuperset(names):
        return lambda tensors: module(*tensors)
    return lambda tensors: module(**dict(zip(names, tensors, strict=True)))


def tensors_in(outputs: Any) -> Iterator[torch.Tensor]:
    """All tensors of what a module has returned, in order: of tuples, lists, dicts and dataclasses as well."""
    if isinstance(outputs, torch.Tensor):
        yield outputs
    elif isinstance(outputs, Mapping):
        for each in outputs.values():
            yield from tensors_in(each)
    elif isinstance(outputs, (tuple, list)):
        for each in outputs:
            yield from tensors_in(each)
    else:
        # As dataclasses.fields does, which an old Python does not have
        for name in getattr(type(outputs), "__dataclass_fields__", ()):
            yield from tensors_in(getattr(outputs, name))


def arrays_of(outputs: Any, title: str) -> tuple[NDArray[Any], ...]:
    """The same on the host as arrays, real numbers as float32. Raises InferenceError where there is no tensor."""
    arrays = tuple(_array(each) for each in tensors_in(outputs))
    if not arrays:
        raise InferenceError(f"{title} returned {type(outputs).__name__} without a tensor: have it return its answers.")
    return arrays


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    plain = tensor.detach()
    if plain.is_floating_point():
        plain = plain.float()
    array: NDArray[Any] = plain.cpu().numpy()
    return array
