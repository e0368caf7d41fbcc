# SPDX-License-Identifier: Apache-2.0
"""ENet for ImageNet, the twelfth version of "Training ENet on ImageNet" (Culurciello, e-lab, 2016).

A classifier, not the segmentation network of Paszke et al. 2016 that gave it its blocks. Written from the
published description of the layers. Dropout is left out: it does nothing outside training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

NORM_EPS = 1e-3


class ENet(nn.Module):
    """(n, 3, 224, 224) to (n, 1000) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.initial = _Initial()  # 16 x 112 x 112
        self.stages = nn.Sequential(
            _Bottleneck(16, 64, down=True, squeeze=1),  # 56 x 56
            _Bottleneck(64, 128),
            _Bottleneck(128, 128),
            _Bottleneck(128, 256, down=True),  # 28 x 28
            _Bottleneck(256, 256),
            _Bottleneck(256, 256, dilation=2),
            _Bottleneck(256, 512, down=True),  # 14 x 14
            _Bottleneck(512, 512),
            _Bottleneck(512, 512, dilation=4),
            _Bottleneck(512, 1024, down=True),  # 7 x 7
            _Bottleneck(1024, 1024),
            _Bottleneck(1024, 1024, dilation=8),
            nn.AvgPool2d(7),
        )
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.stages(self.initial(images)).flatten(1))


class _Initial(nn.Module):
    """Thirteen maps of a convolution beside the three colours at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 13, 3, stride=2, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.activation = nn.Sequential(nn.BatchNorm2d(16, NORM_EPS), nn.PReLU(16))

    def forward(self, images: Tensor) -> Tensor:
        return self.activation(torch.cat([self.convolution(images), self.pool(images)], dim=1))


class _Bottleneck(nn.Module):
    """Squeezed, convolved and widened again, and added to its input; `down` halves the size."""

    def __init__(self, maps: int, out: int, *, down: bool = False, dilation: int = 1, squeeze: int = 4) -> None:
        super().__init__()
        inner, step = out // squeeze, 2 if down else 1
        self.branch = nn.Sequential(
            nn.Conv2d(maps, inner, step, stride=step, bias=False),
            nn.BatchNorm2d(inner, NORM_EPS),
            nn.PReLU(inner),
            nn.Conv2d(inner, inner, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm2d(inner, NORM_EPS),
            nn.PReLU(inner),
            nn.Conv2d(inner, out, 1, bias=False),
            nn.BatchNorm2d(out, NORM_EPS),
        )
        self.pool = nn.MaxPool2d(2) if down else nn.Identity()
        self.added_maps = out - maps
        self.activation = nn.PReLU(out)

    def forward(self, maps: Tensor) -> Tensor:
        passed = self.pool(maps)
        if self.added_maps:
            passed = pad(passed, (0, 0, 0, 0, 0, self.added_maps))
        return self.activation(self.branch(maps) + passed)
