# SPDX-License-Identifier: Apache-2.0
"""The costs of a network that is loaded: from the table, or counted where it is in none and this torch can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.inference.networks.counts import Costs, known_costs
from monitor_app.inference.networks.old_torch import can_count

if TYPE_CHECKING:
    from torch import nn

    from monitor_app.inference.networks.network import Network


def costs_of(network: Network, module: nn.Module) -> Costs:
    """What one image costs: as the table of named networks has it, or counted where this torch can.

    Counted it is as well where the network that was built is not that of the table.

    Raises:
        InferenceError: a user's own network does not make scores of such an image.
    """
    parameters = sum(each.numel() for each in module.parameters())
    known = None if network.own else known_costs(network.name)
    if known is not None and known.parameters == parameters:
        return known
    if can_count():
        # It imports parts of torch that an older one does not have
        from monitor_app.inference.networks.costs import count_costs

        return count_costs(network, module)
    return known or Costs(parameters, macs=None, operations=None)


def load_packages(network: Network, small: Network) -> None:
    """Import everything that building a network and knowing its costs needs, and keep no network.

    Args:
        network: that which will be loaded.
        small: one that takes a moment to build, in place of a user's own, which would be built in earnest.
    """
    if not can_count():
        # Without the meta device a network would be built in earnest too
        small.build()
        return
    from monitor_app.inference.networks.costs import build_without_weights, count_costs

    if network.own:
        count_costs(small)
    else:
        build_without_weights(network)
