# SPDX-License-Identifier: Apache-2.0
"""The file that a back end other than PyTorch runs for a network, and what is known of the network in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor_app.core.back_ends import BACK_ENDS
from monitor_app.core.errors import InferenceError
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.networks.weights import file_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.inference.messages import Load
    from monitor_app.inference.networks.counts import Costs
    from monitor_app.inference.networks.network import Network


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A network as a file."""

    network: Network
    path: Path
    costs: Costs | None
    """Of one image; None where they are not known."""
    weights: str | None
    """What its weights are called; None: random, and accuracy is not measured."""
    weights_sha256: str | None


def model_file(command: Load, back_end: str) -> ModelFile:
    """The file that `back_end` runs for the network of `command`.

    Raises:
        InferenceError: there is none that it can run.
    """
    network, row = find_network(command.network), BACK_ENDS[back_end]
    if network.file is None or not network.file.name.lower().endswith((*row.suffixes, *row.takes)):
        kinds = " or ".join((*row.suffixes, *row.takes))
        raise InferenceError(f"{row.title} runs files that end in {kinds}, and {network.title} is none: name such one.")
    return ModelFile(network, network.file, None, network.source, file_sha256(network.file))
