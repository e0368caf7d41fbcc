# SPDX-License-Identifier: Apache-2.0
"""The networks that can be run, by name.

Importing this file imports no torch: a network is built only when its `build` is called.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor_app.core.errors import InferenceError
from monitor_app.core.models.spec import model_of_text
from monitor_app.inference.networks.network import IMAGENET, Network, Preprocessing
from monitor_app.inference.networks.own import own_network
from monitor_app.inference.networks.packaged import (
    EFFICIENTNET_LITE,
    PACKAGED_NAMES,
    network_of_package,
    packaged_networks,
)
from monitor_app.inference.networks.paper import NAMESAKES, PAPER_NAMES, paper_networks
from monitor_app.inference.networks.torchvision_models import torchvision_networks

if TYPE_CHECKING:
    from monitor_app.core.models.spec import ModelSpec
    from monitor_app.inference.messages import Load

__all__ = [
    "NETWORKS",
    "USUAL_NAMES",
    "find_network",
    "network_of",
    "network_title",
    "UnknownNetworkError",
    "Network",
    "Preprocessing",
    "IMAGENET",
    "EFFICIENTNET_LITE",
]

USUAL_NAMES = (*PAPER_NAMES, *PACKAGED_NAMES)
"""Those that are listed unless all are asked for."""


class UnknownNetworkError(InferenceError):
    """No network of that name."""


def find_network(name: str) -> Network:
    """The network of that name, which may also be a file or a `module:function` of the user's.

    Raises:
        UnknownNetworkError: there is none; the sentence names the nearest.
        OwnNetworkError: it is a file that is not there.
    """
    network = NETWORKS.get(name) or network_of_package(name) or own_network(name)
    if network is not None:
        return network
    near = _nearest(name)
    said = f"the nearest are {', '.join(near)} " if near else ""
    raise UnknownNetworkError(
        f"There is no network named {name!r}; {said}(`monitor-app networks --all` lists them, and one of your own is "
        "named by its file or as module:function)."
    )


def network_of(command: Load) -> Network:
    """The network that a command names, with what the profile says of it and what only its package knows.

    Raises:
        InferenceError: there is none, or its package is not installed.
    """
    try:
        model = model_of_text(command.model) if command.model else None
    except (ValueError, TypeError, LookupError) as error:
        raise InferenceError("The description of the model is no text of this version: update both ends.") from error
    network = find_network(command.network if model is None else model.reference)
    if network.complete is not None:
        network = network.complete()
    return network if model is None else replace(network, title=model.name, model=model)


def network_title(name: str, model: ModelSpec | None = None) -> str:
    """How people write that network; one that the profile describes, and whatever else was asked for, as it is."""
    if model is not None:
        return name
    try:
        return find_network(name).title
    except InferenceError:
        return name


def _nearest(name: str) -> list[str]:
    """Up to four names like it, also where a title is what it is like."""
    plain = {_plain(text): known for known, network in NETWORKS.items() for text in (network.title, known)}
    near = difflib.get_close_matches(_plain(name), plain, n=4, cutoff=0.5)
    return list(dict.fromkeys(plain[each] for each in near))


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _every() -> dict[str, Network]:
    torchvision = {network.name: network for network in torchvision_networks()}
    torchvision |= {name: replace(torchvision[name], differs=differs) for name, differs in NAMESAKES.items()}
    usual = {each.name: each for each in [*paper_networks(torchvision), *packaged_networks(torchvision)]}
    return usual | {name: network for name, network in torchvision.items() if name not in usual}


NETWORKS: dict[str, Network] = _every()
"""Every network that has a name: the paper's, those that come with weights, torchvision's."""
