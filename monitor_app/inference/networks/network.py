# SPDX-License-Identifier: Apache-2.0
"""What is known of a network before it is built. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from monitor_app.core.models.spec import ModelSpec
    from monitor_app.inference.networks.weights import PackagedWeights, StateDict


TIMM, TRANSFORMERS = "timm:", "transformers:"
"""Begin the names of networks that a package of that name makes."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From a photograph to what a network takes: resize, central crop, (value - mean) / std.

    Values run from 0 to 1 before mean and std are applied; channels are red, green, blue.
    """

    resize_pixels: int = 256
    """The short side before the crop."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


IMAGENET = Preprocessing()
"""What most of torchvision's weights were trained with."""

INCEPTION = Preprocessing(resize_pixels=342, mean=(0.5,) * 3, std=(0.5,) * 3)
"""What the Inceptions of 299 pixels take; the crop is the same share of the image as 224 of 256."""


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """ImageNet weights that are published for download, with the names that their publisher uses."""

    tag: str
    """As torchvision names them: IMAGENET1K_V1."""
    url: str
    """Ends in the file's name, which ends in the first eight digits of its SHA-256."""
    size_bytes: int
    top1_percent: float
    top5_percent: float

    @property
    def title(self) -> str:
        """For people."""
        return f"torchvision {self.tag}, {self.size_bytes / 1e6:.0f} MB, top-1 {self.top1_percent:.2f} %"


@dataclass(frozen=True, slots=True)
class Network:
    """One network and all that is needed to run it."""

    name: str
    title: str
    """As people write it."""
    build: Callable[[], nn.Module]
    """A fresh module, on the default device and with random weights unless it is the user's own; imports torch."""
    input_pixels: int = 224
    weights: PackagedWeights | None = None
    """Where its weights come from when none are named; None: random, and accuracy is not measured."""
    preprocessing: Preprocessing = field(default=IMAGENET)
    source: str = ""
    """Where its shape comes from."""
    paper_name: str | None = None
    """Its name in Canziani et al. 2016 when it is the network that was plotted there, else None."""
    differs: str | None = None
    """What sets it apart from the paper's network of that name; None where nothing does, or there is none."""
    counted_pixels: int | None = None
    """The input size that its costs are counted at, where that is not `input_pixels`."""
    published: PublishedWeights | None = None
    """Weights that can be downloaded for it."""
    adapt: Callable[[StateDict, nn.Module], StateDict] | None = None
    """From a published state dict to one for the module that `build` makes, where the two differ."""
    own: bool = False
    """The user's: `build` gives it with its weights."""
    file: Path | None = None
    """What a user's own is read from, if it is not a function."""
    model: ModelSpec | None = None
    """What the profile says of it; None: it is a classifier of images."""
    complete: Callable[[], Network] | None = None
    """The same network with what only its package knows, which is imported for it; None: all is known."""

    @property
    def cost_pixels(self) -> int:
        """The input size that its costs are counted at."""
        return self.counted_pixels or self.input_pixels
