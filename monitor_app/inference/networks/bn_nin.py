# SPDX-License-Identifier: Apache-2.0
"""BN-NIN: Network in Network trained with batch normalisation, which is folded into its convolutions here.

Lin, Chen, Yan, "Network In Network", 2013; the shapes are those of models/ninbn.lua in
soumith/imagenet-multiGPU.torch. The plotted 8.64 million parameters are those of the folded network (8.66
before). Folding changes no answer and is what one does before inference.
"""

from __future__ import annotations

from torch import Tensor, nn


class BnNin(nn.Module):
    """(n, 3, 224, 224) to (n, 1000) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(3, 96, 11, stride=4, padding=5),  # 56 x 56
            nn.MaxPool2d(3, 2, padding=1),
            *_block(96, 256, 5, padding=2),  # 28 x 28
            nn.MaxPool2d(3, 2, padding=1),
            *_block(256, 384, 3, padding=1),  # 14 x 14
            nn.MaxPool2d(3, 2, padding=1),
            *_block(384, 1024, 3, padding=1),  # 7 x 7
            nn.AvgPool2d(7),
        )
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).flatten(1))


def _block(maps: int, out: int, kernel: int, stride: int = 1, padding: int = 0) -> tuple[nn.Module, ...]:
    """A convolution and, at each point of its maps, a network of two layers."""
    return (
        nn.Conv2d(maps, out, kernel, stride, padding),
        nn.ReLU(),
        nn.Conv2d(out, out, 1),
        nn.ReLU(),
        nn.Conv2d(out, out, 1),
        nn.ReLU(),
    )
