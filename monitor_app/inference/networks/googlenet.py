# SPDX-License-Identifier: Apache-2.0
"""GoogLeNet with a factorised first convolution and no normalisation of any kind.

Szegedy et al., "Going Deeper with Convolutions", 2014, in the form that the authors of the 2016 study trained
and counted: models/googlenetFixed_cudnn.lua (Canziani, 2016) in the history of e-lab/imagenet-multiGPU.torch.
The 7x7 convolution is applied to each colour alone, and a 1x1 convolution mixes the colours. The auxiliary
classifiers and dropout, which serve training alone, are left out, and so is the ReLU behind the last layer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GoogLeNet(nn.Module):
    """(n, 3, 224, 224) to (n, 1000) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _ByColour(8, 7, stride=2, padding=3),  # 24 x 112 x 112
            nn.ReLU(),
            *_convolution(24, 64, 1),
            _halve(),  # 56 x 56
            *_convolution(64, 64, 1),
            *_convolution(64, 192, 3),
            _halve(),  # 28 x 28
            _Inception(192, 64, (96, 128), (16, 32), 32),
            _Inception(256, 128, (128, 192), (32, 96), 64),
            _halve(),  # 14 x 14
            _Inception(480, 192, (96, 208), (16, 48), 64),
            _Inception(512, 160, (112, 224), (24, 64), 64),
            _Inception(512, 128, (128, 256), (24, 64), 64),
            _Inception(512, 112, (144, 288), (32, 64), 64),
            _Inception(528, 256, (160, 320), (32, 128), 128),
            _halve(),  # 7 x 7
            _Inception(832, 256, (160, 320), (32, 128), 128),
            _Inception(832, 384, (192, 384), (48, 128), 128),
            nn.AvgPool2d(7),
        )
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(1))


class _ByColour(nn.Module):
    """A convolution for each colour plane. Three and not one in three groups, as in the original."""

    def __init__(self, out: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.planes = nn.ModuleList(nn.Conv2d(1, out, kernel, stride, padding) for _ in range(3))

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([plane(images[:, [colour]]) for colour, plane in enumerate(self.planes)], dim=1)


class _Inception(nn.Module):
    """Four branches side by side: 1x1, 3x3, 5x5 and pooled; pairs are (reduced to, out)."""

    def __init__(self, maps: int, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*_convolution(maps, one, 1)),
                nn.Sequential(*_convolution(maps, three[0], 1), *_convolution(*three, 3)),
                nn.Sequential(*_convolution(maps, five[0], 1), *_convolution(*five, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), *_convolution(maps, pooled, 1)),
            ]
        )

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


def _convolution(maps: int, out: int, kernel: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(maps, out, kernel, padding=kernel // 2), nn.ReLU()


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)
