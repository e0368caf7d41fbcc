# SPDX-License-Identifier: Apache-2.0
"""The fourteen networks of Canziani, Paszke and Culurciello (2016), with the shapes that were plotted there.

`_2016` ends the name of one whose plain name is that of another network. The plotted numbers stand in
resources/reference/canziani2016_networks.csv.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from monitor_app.inference.networks.network import INCEPTION, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from monitor_app.inference.networks.weights import StateDict

PAPER_NAMES = (
    "alexnet_2016",
    "bn_alexnet",
    "bn_nin",
    "enet",
    "googlenet_2016",
    "resnet18",
    "vgg16",
    "vgg19",
    "resnet34",
    "resnet50",
    "resnet101_2016",
    "resnet152_2016",
    "inception_v3_2016",
    "inception_v4_2016",
)

_PLAIN = {
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "resnet18": "ResNet-18",
    "resnet34": "ResNet-34",
    "resnet50": "ResNet-50",
}
_RESNET50_DIFFERS = "The Torch file of that name normalises after the residual sum and not before it, at the same cost."
_COUNTED_AT_224 = "Evaluated at 227 pixels and counted at 224, as in the paper."
_BIASES = (
    "{} with biases in its convolutions, as the paper's file had them; they are zero and change no answer, and "
    "torchvision's weights fit."
)

NAMESAKES = {
    "alexnet": "Another shape than the paper's AlexNet, which is alexnet_2016.",
    "googlenet": "Another shape than the paper's GoogLeNet, which is googlenet_2016.",
    "resnet101": "The paper's, without the unused biases that it counted, as resnet101_2016 has them.",
    "resnet152": "The paper's, without the unused biases that it counted, as resnet152_2016 has them.",
    "inception_v3": "The paper's, without the unused biases that it counted, as inception_v3_2016 has them.",
}
"""How torchvision's networks differ from those of the paper that are called the same."""


def paper_networks(torchvision: Mapping[str, Network]) -> list[Network]:
    """All fourteen, in the order of the paper's first figure (by accuracy)."""
    own = {network.name: network for network in _BY_HAND}
    plain = {name: replace(torchvision[name], title=title, paper_name=title) for name, title in _PLAIN.items()}
    plain["resnet50"] = replace(plain["resnet50"], differs=_RESNET50_DIFFERS)
    biased = {
        network.name: network
        for network in (
            _with_biases(torchvision["resnet101"], "ResNet-101"),
            _with_biases(torchvision["resnet152"], "ResNet-152"),
            _with_biases(torchvision["inception_v3"], "Inception-v3"),
        )
    }
    every = own | plain | biased
    return [every[name] for name in PAPER_NAMES]


def _build(module: str, name: str) -> nn.Module:
    found = getattr(importlib.import_module(module), name)
    return cast("Callable[[], nn.Module]", found)()


def _with_biases(network: Network, title: str) -> Network:
    return replace(
        network,
        name=f"{network.name}_2016",
        title=title,
        build=partial(_build_biased, network.name),
        paper_name=title,
        differs=_BIASES.format(f"torchvision's {network.name}"),
        adapt=partial(_adapt_biased, network.adapt),
    )


def _build_biased(name: str) -> nn.Module:
    from monitor_app.inference.networks.conv_biases import build_with_conv_biases

    return build_with_conv_biases(name)


def _adapt_biased(
    first: Callable[[StateDict, nn.Module], StateDict] | None, state: StateDict, module: nn.Module
) -> StateDict:
    from monitor_app.inference.networks.conv_biases import fill_conv_biases

    return fill_conv_biases(first(state, module) if first else state, module)


_BY_HAND = (
    Network(
        name="alexnet_2016",
        title="AlexNet",
        build=partial(_build, "monitor_app.inference.networks.alexnet", "AlexNet"),
        input_pixels=227,
        counted_pixels=224,
        source="Caffe bvlc_alexnet, written by hand",
        paper_name="AlexNet",
        differs=f"{_COUNTED_AT_224} The paper's operations ignore its groups: it needs 1.44 G, not 2.26 G.",
    ),
    Network(
        name="bn_alexnet",
        title="BN-AlexNet",
        build=partial(_build, "monitor_app.inference.networks.alexnet", "BnAlexNet"),
        input_pixels=227,
        counted_pixels=224,
        source="soumith/imagenet-multiGPU.torch alexnet with batch normalisation, written by hand",
        paper_name="BN-AlexNet",
        differs=f"Reconstructed from the plotted parameters and operations. {_COUNTED_AT_224}",
    ),
    Network(
        name="bn_nin",
        title="BN-NIN",
        build=partial(_build, "monitor_app.inference.networks.bn_nin", "BnNin"),
        source="soumith/imagenet-multiGPU.torch ninbn, written by hand",
        paper_name="BN-NIN",
        differs="Batch normalisation is folded into the convolutions, as the paper counted it.",
    ),
    Network(
        name="enet",
        title="ENet",
        build=partial(_build, "monitor_app.inference.networks.enet", "ENet"),
        source="e-lab, Training ENet on ImageNet, version 12, written by hand",
        paper_name="ENet",
    ),
    Network(
        name="googlenet_2016",
        title="GoogLeNet",
        build=partial(_build, "monitor_app.inference.networks.googlenet", "GoogLeNet"),
        source="e-lab/imagenet-multiGPU.torch googlenetFixed_cudnn, written by hand",
        paper_name="GoogLeNet",
        differs="The ReLU behind the last layer of the original is left out; the paper's accuracy is the Caffe net's.",
    ),
    Network(
        name="inception_v4_2016",
        title="Inception-v4 (as plotted)",
        build=partial(_build, "monitor_app.inference.networks.inception_resnet", "InceptionResNet"),
        input_pixels=299,
        preprocessing=INCEPTION,
        source="lim0606/torch-inception-resnet-v2, written by hand",
        paper_name="Inception-v4",
        differs="The point that the paper names Inception-v4 is this Inception-ResNet-v2 of 5, 10 and 5 blocks.",
    ),
)
