# SPDX-License-Identifier: Apache-2.0
"""BN-AlexNet: AlexNet as two towers that meet only before the linear layers, with batch normalisation.

The file behind the plotted point is no longer public. This is the two-tower network of
soumith/imagenet-multiGPU.torch (models/alexnet.lua) with a normalisation after every convolution and hidden
linear layer, as its sibling alexnetowtbn.lua has it; it has the plotted parameters and operations to every
digit, and the one-tower sibling has not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BnAlexNet(nn.Module):
    """(n, 3, 227, 227) to (n, 1000) scores; 224 fits as well."""

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleList([_tower(), _tower()])
        self.classifier = nn.Sequential(*_linear(256 * 6 * 6, 4096), *_linear(4096, 4096), nn.Linear(4096, 1000))

    def forward(self, images: Tensor) -> Tensor:
        maps = torch.cat([tower(images) for tower in self.towers], dim=1)
        return self.classifier(maps.flatten(1))


def _tower() -> nn.Sequential:
    return nn.Sequential(
        *_convolution(3, 48, 11, stride=4, padding=2),  # 56 x 56, of 224 55 x 55
        nn.MaxPool2d(3, 2),  # 27 x 27
        *_convolution(48, 128, 5, padding=2),
        nn.MaxPool2d(3, 2),  # 13 x 13
        *_convolution(128, 192, 3, padding=1),
        *_convolution(192, 192, 3, padding=1),
        *_convolution(192, 128, 3, padding=1),
        nn.MaxPool2d(3, 2),  # 6 x 6
    )


def _convolution(maps: int, out: int, kernel: int, stride: int = 1, padding: int = 0) -> tuple[nn.Module, ...]:
    return nn.Conv2d(maps, out, kernel, stride, padding), nn.BatchNorm2d(out), nn.ReLU()


def _linear(values: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(values, out), nn.BatchNorm1d(out), nn.ReLU()
