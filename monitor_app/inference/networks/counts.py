# SPDX-License-Identifier: Apache-2.0
"""What one image costs a network, and what was counted of it. Imports no torch.

The costs of every network that has a name stand in counts.csv, so that listing them needs neither torch nor
the seconds that a count takes; `tabulate` writes it, and the tests count again.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from monitor_app.core.back_ends import is_foreign_file
from monitor_app.core.files.package_data import package_text

if TYPE_CHECKING:
    from monitor_app.inference.networks.network import Network


GROUPS_MISLEAD_FROM = 2.0
"""Where ignoring groups multiplies a network's operations by more than this, the count of 2016 is withheld."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Of one image."""

    parameters: int | None
    """None: the file is of a kind that cannot be counted."""
    macs: int | None
    """Multiply-accumulates of convolutions and matrix products, by group; None: some cannot be counted."""
    operations: int | None
    """In the convention of Canziani et al. 2016; None: that convention would mislead, or macs is None."""
    uncounted: tuple[str, ...] = ()
    """Operators that ran and are in no count of MACs, by torch's names, sorted; those that only move data left out."""


def known_costs(name: str) -> Costs | None:
    """The costs of a network that has a name, from the table; None where it is not in it."""
    return _table().get(name)


def conventions(network: Network, costs: Costs) -> dict[str, str]:
    """What exactly was counted: a sentence for parameters, macs and operations each."""
    at = f"one image of {network.cost_pixels} x {network.cost_pixels}"
    macs = f"multiply-accumulates of convolutions and matrix products, taking groups into account, {at}"
    operations = (
        "Canziani et al. 2016: multiplications and additions counted separately, every convolution with a bias, "
        f"groups ignored, {at}"
    )
    if costs.operations is None:
        operations = "withheld: the count of 2016 ignores groups and would more than double this network's operations"
    if costs.macs is None:
        macs = operations = f"withheld: the network runs operators whose cost is not known ({at})"
    parameters = "all of them, as built; buffers are not counted"
    if network.file is not None and is_foreign_file(str(network.file)):
        parameters = "the elements of all weights in the file, as they are there"
    if costs.parameters is None:
        parameters = macs = operations = "unknown: the kind of the file is not counted"
    return {"parameters": parameters, "macs": macs, "operations": operations}


@cache
def _table() -> dict[str, Costs]:
    rows = csv.DictReader(package_text("monitor_app.inference.networks", "counts.csv").splitlines())
    return {
        row["name"]: Costs(
            parameters=int(row["parameters"]),
            macs=int(row["macs"]) if row["macs"] else None,
            operations=int(row["operations"]) if row["operations"] else None,
            uncounted=tuple(row["uncounted"].split()),
        )
        for row in rows
    }
