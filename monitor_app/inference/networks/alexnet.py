# SPDX-License-Identifier: Apache-2.0
"""AlexNet as Caffe ships it (bvlc_alexnet): grouped convolutions, local response normalisation before pooling.

Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012; the
shapes are those of models/bvlc_alexnet in BVLC/caffe. torchvision's `alexnet` is another network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AlexNet(nn.Module):
    """(n, 3, 227, 227) to (n, 1000) scores; 224 fits as well, since the pooling rounds up."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4),  # 55 x 55, of 224 54 x 54
            nn.ReLU(),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # 27 x 27
            nn.Conv2d(96, 256, 5, padding=2, groups=2),
            nn.ReLU(),
            nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # 13 x 13
            nn.Conv2d(256, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),  # 6 x 6
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, 1000),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(1))


class BnAlexNet(nn.Module):
    """AlexNet as two towers that meet only before the linear layers, with batch normalisation.

    (n, 3, 227, 227) to (n, 1000) scores; 224 fits as well. The file behind the plotted point is no longer public. This
    is the two-tower network of soumith/imagenet-multiGPU.torch (models/alexnet.lua) with a normalisation after every
    convolution and hidden linear layer, as its sibling alexnetowtbn.lua has it; it has the plotted parameters and
    operations to every digit, and the one-tower sibling has not.
    """

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
