# SPDX-License-Identifier: Apache-2.0
"""Biases in convolutions that batch normalisation makes useless, as Torch's own files had them.

The 2016 study counted the parameters of such files, so that its ResNet-101 and -152 and its Inception-v3 have
a little more of them than torchvision's. The answers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from monitor_app.inference.networks.torchvision_models import build_torchvision

if TYPE_CHECKING:
    from monitor_app.inference.networks.weights import StateDict


def build_with_conv_biases(name: str) -> nn.Module:
    """The network of torchvision of that name with a bias of zero in every convolution that had none."""
    module = build_torchvision(name)
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and layer.bias is None:
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels, device=layer.weight.device))
    return module


def fill_conv_biases(state: StateDict, module: nn.Module) -> StateDict:
    """`state` of torchvision's network with those zeros beside it."""
    biases = {
        f"{name}.bias": torch.zeros(layer.out_channels)
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d)
    }
    return biases | state
