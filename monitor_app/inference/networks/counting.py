# SPDX-License-Identifier: Apache-2.0
"""The costs of a network that is loaded: counted where this torch can, else from the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor_app.inference.networks.counts import Costs, known_costs
from monitor_app.inference.networks.old_torch import can_count

if TYPE_CHECKING:
    from torch import nn

    from monitor_app.inference.networks.network import Network


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
