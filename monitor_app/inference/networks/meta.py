# SPDX-License-Identifier: Apache-2.0
"""Building a network without its weights: shapes on torch's meta device, and no memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from torch import nn

    from monitor_app.inference.networks.network import Network

# What weights are made with. `torch.device("meta")` would take arange and tensor as well, with which some
# networks work out their widths and then need the numbers.
_ALLOCATORS = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}


def build_without_weights(network: Network) -> nn.Module:
    """The network in evaluation mode with every parameter and buffer on the meta device."""
    with _AllocateNothing():
        module = network.build().eval()
    return module.to("meta")


class _AllocateNothing(TorchFunctionMode):
    """Has tensors made on the meta device unless a device is named."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in _ALLOCATORS and named.get("device") is None:
            named = {**named, "device": "meta"}
        return func(*args, **named)
