# SPDX-License-Identifier: Apache-2.0
"""The list of networks with what each costs, for `monitor-app networks`.

Imports torch only for a network that is in no table, such as the user's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitor_app.core.back_ends import is_foreign_file
from monitor_app.inference.networks.counts import Costs, conventions, known_costs
from monitor_app.inference.networks.registry import NETWORKS, USUAL_NAMES, find_network
from monitor_app.inference.networks.weights_files import usual_title
from monitor_app.inference.onnx_files.workshop import description
from monitor_app.inference.torch_missing import require_torch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.inference.networks.network import Network


@dataclass(frozen=True, slots=True)
class Listed:
    """A network and its costs."""

    network: Network
    costs: Costs
    weights: str | None
    """Those that are on this machine and would be used; None: random, and accuracy is not measured."""

    def as_json(self) -> dict[str, Any]:
        """One object of `networks --json`, see docs/networks.md."""
        network, costs = self.network, self.costs
        return {
            "name": network.name,
            "title": network.title,
            "paper_name": network.paper_name,
            "parameters": costs.parameters,
            "operations": costs.operations,
            "macs": costs.macs,
            "uncounted": list(costs.uncounted),
            "input_pixels": network.input_pixels,
            "counted_pixels": network.cost_pixels,
            "weights": self.weights,
            "weights_published": network.published.title if network.published else None,
            "source": network.source,
            "differs": network.differs,
            "conventions": conventions(network, costs),
        }


def list_networks(names: Sequence[str] = (), *, every: bool = False) -> list[Listed]:
    """Those of `names`, else every network that has a name, else the usual ones.

    Raises:
        UnknownNetworkError: one of `names` is none.
        InferenceError: a network of the user's cannot be had, a package of weights is damaged, or torch is not
            installed and a network that is in no table has to be counted.
    """
    return [_listed(find_network(name)) for name in names or (NETWORKS if every else USUAL_NAMES)]


def _of_a_file(network: Network, file: Path) -> Costs:
    """Of a file for another back end than PyTorch; of most of them nothing can be counted."""
    found = description(file, network.cost_pixels) if file.suffix.lower() == ".onnx" else {"costs": None}
    return Costs(**found["costs"]) if found["costs"] else Costs(None, None, None)


def _listed(network: Network) -> Listed:
    if network.complete is not None:
        require_torch()
        network = network.complete()
    costs = None if network.own else known_costs(network.name)
    if costs is None and network.file is not None and is_foreign_file(str(network.file)):
        costs = _of_a_file(network, network.file)
    if costs is None:
        require_torch()
        from monitor_app.inference.networks.costs import count_costs

        costs = count_costs(network)
    return Listed(network, costs, network.source if network.own else usual_title(network))
