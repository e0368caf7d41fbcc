# SPDX-License-Identifier: Apache-2.0
"""Counting what one image costs a network: parameters, multiply-accumulates, operations.

Counted on torch's meta device, which knows shapes and holds no data, so that the largest network takes a
fraction of a second and no memory; a user's own network runs once, on zeros. Imports torch: for the child and
for networks that are in no table. docs/networks.md says what the numbers mean.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC2701 - it has no other name
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from monitor_app.core.errors import InferenceError
from monitor_app.inference.inputs import described_inputs
from monitor_app.inference.networks.counts import GROUPS_MISLEAD_FROM, Costs
from monitor_app.inference.torch_tensors import call_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor_app.inference.inputs import Input
    from monitor_app.inference.networks.network import Network


def count_costs(network: Network, module: nn.Module | None = None) -> Costs:
    """Count one image of `network.cost_pixels` squared.

    Args:
        network: which.
        module: what its `build` made, where that is at hand; used for a user's own network only.

    Raises:
        InferenceError: it cannot be built, or a user's own does not make scores of such an image.
    """
    side = network.cost_pixels
    if not network.own:
        return count_module_costs(build_without_weights(network), torch.empty(1, 3, side, side, device="meta"))
    module = module or network.build()
    if network.model is not None and network.model.inputs:
        return _count_described(network, module)
    weight = next(module.parameters(), None)
    try:
        costs, scores = _count(module, torch.zeros(1, 3, side, side, device=None if weight is None else weight.device))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if "allocate memory" in str(error):
            raise
        raise InferenceError(
            f"{network.title} cannot take an image of {side} x {side} ({_words(error)}): name the size that it takes, "
            f"as in {network.name.partition('@')[0]}@299."
        ) from error
    if network.model is not None:
        # An answer of any form; the count of 2016 is one of classifiers
        return costs if _is_row_of_scores(scores) else replace(costs, operations=None)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or scores.shape[0] != 1:
        given = f"shape {tuple(scores.shape)}" if isinstance(scores, torch.Tensor) else f"a {type(scores).__name__}"
        raise InferenceError(
            f"{network.title} answers one image with {given} and not with a row of scores: have it return a tensor of "
            "(images, classes), or describe it in a table [[model]] of the profile."
        )
    return costs


def _count_described(network: Network, module: nn.Module) -> Costs:
    """One item of the inputs that the profile describes, filled with zeros, which are tokens and indices as well."""
    inputs = described_inputs(network.model, network.input_pixels)
    weight = next(module.parameters(), None)
    device = None if weight is None else weight.device
    arrays = [np.zeros([1 if size is None else size for size in each.shape], each.dtype) for each in inputs]
    try:
        costs, _ = _count(_Called(module, inputs), tuple(torch.from_numpy(array).to(device) for array in arrays))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if "allocate memory" in str(error):
            raise
        raise InferenceError(
            f"{network.title} cannot take the inputs that the profile describes ({_words(error)}): correct its tables "
            "[model.input]."
        ) from error
    return replace(costs, operations=None)


class _Called(nn.Module):
    """A module that takes its tensors as one tuple."""

    def __init__(self, module: nn.Module, inputs: Sequence[Input]) -> None:
        super().__init__()
        self.module = module
        self._call = call_of(module, inputs)

    def forward(self, tensors: tuple[torch.Tensor, ...]) -> Any:
        return self._call(tensors)


def _is_row_of_scores(answer: object) -> bool:
    return isinstance(answer, torch.Tensor) and answer.ndim == 2 and answer.shape[0] == 1


def count_module_costs(module: nn.Module, image: torch.Tensor) -> Costs:
    """Count one forward pass of `module` over `image` (1, 3, height, width)."""
    return _count(module, image)[0]


def _count(module: nn.Module, image: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[Costs, Any]:
    """The costs, and what the module answered."""
    flops = FlopCounterMode(display=False)
    counter = OperationCounter()
    # Under inference_mode, old versions of torch count nothing
    with torch.no_grad(), _nothing_fused(), flops, counter:
        answer = module(image)
    known = not counter.opaque
    misleads = counter.total > GROUPS_MISLEAD_FROM * counter.total_by_group
    parameters = sum(parameter.numel() for parameter in module.parameters())
    # Parameters that cost nothing say that torch saw none of the work, not that there was none.
    unseen = bool(parameters) and not counter.total and not flops.get_total_flops()
    known = known and not unseen
    costs = Costs(
        parameters=parameters,
        macs=flops.get_total_flops() // 2 if known else None,
        operations=counter.total if known and not misleads else None,
        uncounted=tuple(sorted(counter.uncounted)),
    )
    return costs, answer


@contextmanager
def _nothing_fused() -> Iterator[None]:
    """Attention as the matrix products that it is made of, since the fused operators are not counted everywhere."""
    mha, attention = torch.backends.mha, torch.backends.cuda
    fast, flash, efficient = (
        mha.get_fastpath_enabled(),
        attention.flash_sdp_enabled(),
        attention.mem_efficient_sdp_enabled(),
    )
    mha.set_fastpath_enabled(False)
    attention.enable_flash_sdp(False)
    attention.enable_mem_efficient_sdp(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(fast)
        attention.enable_flash_sdp(flash)
        attention.enable_mem_efficient_sdp(efficient)


class OperationCounter(TorchDispatchMode):
    """Counts operations as Canziani, Paszke and Culurciello (2016) did.

    A multiplication and an addition are two. A convolution costs outputs * (2 * kernel area * input channels + 1):
    a bias is always counted and groups are ignored, as their counter ignored them, which flatters no grouped or
    depthwise network; `total_by_group` is the same with groups honoured. A linear layer costs 2 * weights +
    biases, an activation of the ReLU family 1 an element, a tensor times a number 1 an element, the sum of two
    tensors 2 an element. Batch normalisation is nothing, since it folds into the convolution before it; pooling
    is nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.total_by_group = 0
        self.uncounted: set[str] = set()
        """Operators in no count of MACs that do more than move data."""
        self.opaque: set[str] = set()
        """Those of them that may hide products of matrices."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        packet = getattr(func, "overloadpacket", func)
        name = packet.__name__
        if name in _CONVOLUTIONS:
            self.total += _convolution(args, result, groups=1)
            self.total_by_group += _convolution(args, result, groups=int(args[8]))
        else:
            operations = _other(name, args, result)
            self.total += operations
            self.total_by_group += operations
        if packet not in flop_registry and not getattr(func, "is_view", False):
            self._note(name, getattr(func, "namespace", "torch"))
        return result

    def _note(self, name: str, namespace: str) -> None:
        if namespace in {"aten", "prim", "prims"}:
            if name not in _MOVES:
                self.uncounted.add(name.rstrip("_"))
            if name in _OPAQUE:
                self.opaque.add(name)
        else:
            self.uncounted.add(f"{namespace}::{name}")
            self.opaque.add(f"{namespace}::{name}")


_CONVOLUTIONS = {"convolution", "_convolution"}
_PRODUCTS = {"addmm", "baddbmm", "mm", "bmm"}
_WITH_SUM = {"addmm", "baddbmm"}
_RELUS = {"relu", "relu_", "hardtanh", "hardtanh_", "prelu", "_prelu_kernel"}
_SUMS = {"add", "add_"}
_SCALES = {"mul", "mul_"}
# Making, copying and arranging
_MOVES = {
    "_fused_sdp_choice", "_reshape_copy", "_to_copy", "_unsafe_view", "arange", "as_strided_", "cat",
    "channel_shuffle", "clone", "constant_pad_nd", "contiguous", "copy_", "empty", "empty_like", "empty_strided",
    "fill_", "full", "full_like", "index", "new_empty", "new_full", "new_ones", "new_zeros", "ones", "ones_like",
    "repeat", "roll", "scalar_tensor", "stack", "zero_", "zeros", "zeros_like",
}  # fmt: skip
_OPAQUE = {
    "_mkldnn_linear", "_native_multi_head_attention", "_scaled_dot_product_attention_math_for_mps",
    "_scaled_dot_product_flash_attention_for_cpu", "_thnn_fused_gru_cell", "_thnn_fused_lstm_cell",
    "_transformer_encoder_layer_fwd", "_weight_int4pack_mm", "_weight_int8pack_mm", "mkldnn_linear",
    "mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn",
}  # fmt: skip


def _other(name: str, args: tuple[Any, ...], result: Any) -> int:
    if name in _PRODUCTS:
        return _product(name, args, result)
    if name in _RELUS:
        return int(result.numel())
    if name in _SUMS and isinstance(args[1], torch.Tensor) and args[0].shape == args[1].shape:
        return 2 * int(result.numel())
    if name in _SCALES and _is_number(args[1]):
        return int(result.numel())
    return 0


def _is_number(value: Any) -> bool:
    return not isinstance(value, torch.Tensor) or value.ndim == 0


def _convolution(args: tuple[Any, ...], result: torch.Tensor, groups: int) -> int:
    area, maps = int(args[1][0, 0].numel()), int(args[0].shape[1])
    return int(result.numel()) * (2 * area * maps // groups + 1)


def _product(name: str, args: tuple[Any, ...], result: torch.Tensor) -> int:
    bias = 1 if name in _WITH_SUM else 0
    inner = int(args[bias].shape[-1])
    return int(result.numel()) * (2 * inner + bias)


def _words(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # TorchScript puts its own stack first and the cause last
    text = (lines[-1] if lines else "").rstrip(".")[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


# What weights are made with. `torch.device("meta")` would take arange and tensor as well, with which some
# networks work out their widths and then need the numbers.
_ALLOCATORS = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}
# What weights are filled with, besides the functions of torch.nn.init
_FILLS = {torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.fill_, torch.Tensor.zero_}


def build_without_weights(network: Network) -> nn.Module:
    """The network in evaluation mode with every parameter and buffer on the meta device."""
    with _AllocateNothing():
        module = network.build().eval()
    return module.to("meta")


class _AllocateNothing(TorchFunctionMode):
    """Has tensors made on the meta device unless a device is named, and does not fill those with first values.

    Filling what holds nothing takes as long as building the network does, and has torch import its compiler.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _FILLS or getattr(func, "__module__", None) == "torch.nn.init":
            filled = args[0] if args else named["tensor"]
            if filled.is_meta:
                return filled
        if func in _ALLOCATORS and named.get("device") is None:
            named = {**named, "device": "meta"}
        return func(*args, **named)
