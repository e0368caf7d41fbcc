# SPDX-License-Identifier: Apache-2.0
"""The network behind the point that the 2016 study calls Inception-v4: an Inception-ResNet-v2 of 5, 10, 5 blocks.

Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning", 2016, with
the widths of lim0606/torch-inception-resnet-v2, which mends two sums that do not add up in the article (1152
maps after the first reduction, 2048 after the second). It has the plotted parameters and operations to every
digit, the former with a bias in every convolution, as Torch had them; the real Inception-v4 has 42.68 million
parameters. Dropout is left out: it does nothing outside training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RESIDUAL_SCALE = 0.1


class InceptionResNet(nn.Module):
    """(n, 3, 299, 299) to (n, 1000) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _stem(),  # 384 x 35 x 35
            *(_block_a() for _ in range(5)),
            _reduction_a(),  # 1152 x 17 x 17
            *(_block_b() for _ in range(10)),
            _reduction_b(),  # 2048 x 8 x 8
            *(_block_c() for _ in range(5)),
            nn.AvgPool2d(8),
        )
        self.classifier = nn.Linear(2048, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(1))


class _SideBySide(nn.Module):
    """Branches of one input, their maps in a row."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


class _Residual(nn.Module):
    """A little of what the branches say, added to their input."""

    def __init__(self, branches: _SideBySide, said: int, maps: int) -> None:
        super().__init__()
        self.branches = branches
        self.widen = nn.Conv2d(said, maps, 1)
        self.activation = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.activation(maps + RESIDUAL_SCALE * self.widen(self.branches(maps)))


def _stem() -> nn.Module:
    return nn.Sequential(
        _conv(3, 32, 3, stride=2, pad=False),  # 149 x 149
        _conv(32, 32, 3, pad=False),
        _conv(32, 64, 3),  # 147 x 147
        _SideBySide(_halve(), _conv(64, 96, 3, stride=2, pad=False)),  # 160 x 73 x 73
        _SideBySide(
            nn.Sequential(_conv(160, 64, 1), _conv(64, 96, 3, pad=False)),
            nn.Sequential(_conv(160, 64, 1), _conv(64, 64, (7, 1)), _conv(64, 64, (1, 7)), _conv(64, 96, 3, pad=False)),
        ),  # 192 x 71 x 71
        _SideBySide(_conv(192, 192, 3, stride=2, pad=False), _halve()),
    )


def _block_a() -> nn.Module:
    branches = _SideBySide(
        _conv(384, 32, 1),
        nn.Sequential(_conv(384, 32, 1), _conv(32, 32, 3)),
        nn.Sequential(_conv(384, 32, 1), _conv(32, 48, 3), _conv(48, 64, 3)),
    )
    return _Residual(branches, 128, 384)


def _reduction_a() -> nn.Module:
    return _SideBySide(
        _halve(),
        _conv(384, 384, 3, stride=2, pad=False),
        nn.Sequential(_conv(384, 256, 1), _conv(256, 256, 3), _conv(256, 384, 3, stride=2, pad=False)),
    )


def _block_b() -> nn.Module:
    branches = _SideBySide(
        _conv(1152, 192, 1),
        nn.Sequential(_conv(1152, 128, 1), _conv(128, 160, (1, 7)), _conv(160, 192, (7, 1))),
    )
    return _Residual(branches, 384, 1152)


def _reduction_b() -> nn.Module:
    return _SideBySide(
        _halve(),
        nn.Sequential(_conv(1152, 256, 1), _conv(256, 384, 3, stride=2, pad=False)),
        nn.Sequential(_conv(1152, 256, 1), _conv(256, 256, 3, stride=2, pad=False)),
        nn.Sequential(_conv(1152, 256, 1), _conv(256, 256, 3), _conv(256, 256, 3, stride=2, pad=False)),
    )


def _block_c() -> nn.Module:
    branches = _SideBySide(
        _conv(2048, 192, 1),
        nn.Sequential(_conv(2048, 192, 1), _conv(192, 224, (1, 3)), _conv(224, 256, (3, 1))),
    )
    return _Residual(branches, 448, 2048)


def _conv(maps: int, out: int, kernel: int | tuple[int, int], *, stride: int = 1, pad: bool = True) -> nn.Module:
    """A convolution, normalised and cut at zero; `pad` keeps the size."""
    height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = (height // 2, width // 2) if pad else 0
    return nn.Sequential(nn.Conv2d(maps, out, (height, width), stride, padding), nn.BatchNorm2d(out), nn.ReLU())


def _halve() -> nn.Module:
    return nn.MaxPool2d(3, 2)
