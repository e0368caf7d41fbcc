# SPDX-License-Identifier: Apache-2.0
"""What an older torch or torchvision lacks, and what is done instead: the one place that knows of it.

JetPack 4 ends at torch 1.10 with torchvision 0.11, JetPack 5 at torch 2.1. docs/networks.md has the table.
Imports torch: for the child only.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, cast

import torch

from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.counts import Costs, known_costs

if TYPE_CHECKING:
    from types import ModuleType

    from torch import nn

    from monitor_app.inference.networks.network import Network

COUNTS_FROM = (2, 3)
"""The first torch whose counts are those of counts.csv."""
COMPILES_FROM = (2, 0)

_TORCHVISION_SINCE = {
    "convnext_": "0.12",
    "vit_": "0.12",
    "regnet_y_128gf": "0.12",
    "efficientnet_v2_": "0.13",
    "resnext101_64x4d": "0.13",
    "swin_t": "0.13",
    "swin_s": "0.13",
    "swin_b": "0.13",
    "swin_v2_": "0.14",
    "maxvit_": "0.14",
}
"""By how the name begins: the torchvision that brought the network. All others are in 0.11."""


def costs_of(network: Network, module: nn.Module) -> Costs:
    """What one image costs: counted, or where this torch cannot count, as the table of named networks has it.

    Raises:
        InferenceError: a user's own network does not make scores of such an image.
    """
    if can_count():
        # It imports parts of torch that an older one does not have
        from monitor_app.inference.networks.costs import count_costs

        return count_costs(network, module)
    known = None if network.own else known_costs(network.name)
    return known or Costs(sum(each.numel() for each in module.parameters()), macs=None, operations=None)


def load_packages(network: Network, small: Network) -> None:
    """Import everything that building and counting a network needs, and keep no network.

    Args:
        network: that which will be loaded.
        small: one that takes a moment to build, in place of a user's own, which would be built in earnest.
    """
    named = small if network.own else network
    if can_count():
        from monitor_app.inference.networks.costs import count_costs

        count_costs(named)
    else:
        # Without the meta device a network would be built in earnest too
        small.build()


def can_count() -> bool:
    """Whether this torch counts operations as the table does."""
    return torch_version() >= COUNTS_FROM


def torch_version() -> tuple[int, int]:
    """Major and minor; NVIDIA's own builds are called 2.1.0a0+41361538.nv23.06."""
    found = re.match(r"(\d+)\.(\d+)", torch.__version__)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def compiled(module: nn.Module) -> nn.Module:
    """The module by torch.compile. Raises InferenceError where this torch has none."""
    if torch_version() < COMPILES_FROM:
        raise InferenceError(
            f"torch.compile needs torch 2.0 or newer, and this is {torch.__version__}: leave `compiled` out."
        )
    return cast("nn.Module", torch.compile(module))


def model_of(torchvision: ModuleType, name: str, title: str, **options: Any) -> nn.Module:
    """The network of torchvision of that name with random weights.

    Args:
        torchvision: the package.
        name: as torchvision calls it.
        title: as people do.
        options: what its function takes.

    Raises:
        InferenceError: this torchvision does not have it; the sentence says which one does.
    """
    build = getattr(importlib.import_module("torchvision.models"), name, None)
    if build is None:
        raise InferenceError(
            f"{title} needs torchvision {torchvision_since(name)} or newer, and this is {torchvision.__version__}: "
            "run another network, or install a newer torchvision where there is one for this machine."
        )
    return cast("nn.Module", build(**options))


def torchvision_since(name: str) -> str:
    """The torchvision that brought the network of that name."""
    return next((since for begin, since in _TORCHVISION_SINCE.items() if name.startswith(begin)), "0.11")
