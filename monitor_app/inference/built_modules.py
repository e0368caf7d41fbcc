# SPDX-License-Identifier: Apache-2.0
"""A network as a module of torch with the weights that are asked for. Imports torch only when it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.inference.networks.weights import apply_weights, file_sha256
from monitor_app.inference.networks.weights_files import find_weights

if TYPE_CHECKING:
    from torch import nn

    from monitor_app.inference.networks.counts import Costs
    from monitor_app.inference.networks.network import Network


@dataclass(frozen=True, slots=True)
class BuiltModule:
    """A module in evaluation mode on the processor, in fp32."""

    module: nn.Module
    costs: Costs
    weights: str | None
    """What its weights are called; None: random, and accuracy is not measured."""
    weights_sha256: str | None


def build_with_weights(network: Network, request: str, seed: int) -> BuiltModule:
    """Build a network and give it weights; sets torch's seed for the process.

    Args:
        network: which.
        request: as `find_weights` takes it.
        seed: of random weights.

    Raises:
        InferenceError: it cannot be built, counted, or given those weights.
    """
    import torch

    from monitor_app.inference.networks.counting import costs_of

    weights = find_weights(network, request)
    torch.manual_seed(seed)
    module = network.build().eval()
    costs = costs_of(network, module)
    if weights is not None:
        if network.adapt is not None:
            weights = replace(weights, state=network.adapt(weights.state, module))
        apply_weights(module, weights, network.title)
    title, sha256 = (weights.title, weights.sha256) if weights else _own_weights(network, request)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return BuiltModule(module, costs, title, sha256)


def _own_weights(network: Network, request: str) -> tuple[str | None, str | None]:
    """What the weights that came with a user's own network are called, and their file's SHA-256."""
    if not network.own or request == "none":
        return None, None
    return network.source, file_sha256(network.file) if network.file else None
