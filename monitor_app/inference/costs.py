# SPDX-License-Identifier: Apache-2.0
"""What one image costs a network, counted without running it: parameters, multiply-accumulates, operations.

Counted on torch's meta device, which knows shapes and holds no data, so that the largest network takes a
fraction of a second and no memory. Imports torch: for the child and the list of networks only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC2701 - it has no other name
from torch.utils.flop_counter import FlopCounterMode

from monitor_app.core.runs import NetworkFacts
from monitor_app.inference.networks.registry import Network, find_network


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one image."""

    parameters: int
    macs: int
    """Multiply-accumulates of convolutions and matrix products, groups honoured."""
    operations: int
    """In the convention of Canziani et al. 2016, see `OperationCounter`."""


def network_costs(name: str) -> NetworkFacts:
    """What is known of a network before it is loaded. `weights` says where those would come from.

    Raises:
        UnknownNetworkError: there is no such network.
        WeightsError: its package of weights is damaged.
    """
    network = find_network(name)
    costs = count_costs(network)
    source = network.weights
    found = source if source is not None and source.locate() is not None else None
    return NetworkFacts(
        network=network.name,
        title=network.title,
        parameters=costs.parameters,
        macs=costs.macs,
        operations=costs.operations,
        input_pixels=network.input_pixels,
        weights=found.title if found else None,
        weights_sha256=found.sha256 if found else None,
    )


def count_costs(network: Network) -> Costs:
    """Count one image of `network.input_pixels` squared."""
    with torch.device("meta"):
        module = network.build().eval()
        image = torch.empty(1, 3, network.input_pixels, network.input_pixels)
    return count_module_costs(module, image)


def count_module_costs(module: nn.Module, image: torch.Tensor) -> Costs:
    """Count one forward pass of `module` over `image` (1, 3, height, width)."""
    flops = FlopCounterMode(display=False)
    operations = OperationCounter()
    # Under inference_mode, old versions of torch count nothing
    with torch.no_grad(), flops, operations:
        module(image)
    return Costs(
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        macs=flops.get_total_flops() // 2,
        operations=operations.total,
    )


class OperationCounter(TorchDispatchMode):
    """Counts operations as Canziani, Paszke and Culurciello (2016) did.

    A multiplication and an addition are two. A convolution costs outputs * (2 * kernel area * input channels + 1):
    a bias is always counted and groups are ignored, as their counter ignored them, which flatters no grouped or
    depthwise network. A linear layer costs 2 * weights + biases, an activation of the ReLU family 1 an element,
    the sum of two tensors 2 an element. Batch normalisation is nothing, since it folds into the convolution
    before it; pooling is nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in _CONVOLUTIONS:
            self.total += _convolution(args, result)
        elif name in _PRODUCTS:
            self.total += _product(name, args, result)
        elif name in _RELUS:
            self.total += int(result.numel())
        elif name in _SUMS and isinstance(args[1], torch.Tensor) and args[0].shape == args[1].shape:
            self.total += 2 * int(result.numel())
        return result


_CONVOLUTIONS = {"convolution", "_convolution"}
_PRODUCTS = {"addmm", "mm", "bmm"}
_RELUS = {"relu", "relu_", "hardtanh", "hardtanh_"}
_SUMS = {"add", "add_"}


def _convolution(args: tuple[Any, ...], result: torch.Tensor) -> int:
    image, weight = args[0], args[1]
    area = int(weight[0, 0].numel())
    return int(result.numel()) * (2 * area * int(image.shape[1]) + 1)


def _product(name: str, args: tuple[Any, ...], result: torch.Tensor) -> int:
    inner = int(args[1 if name == "addmm" else 0].shape[-1])
    bias = 1 if name == "addmm" else 0
    return int(result.numel()) * (2 * inner + bias)
