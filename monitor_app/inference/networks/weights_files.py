# SPDX-License-Identifier: Apache-2.0
"""Where the weights of a network are found: in a package, in torch's cache, in a file, in a directory of files.

The ways to ask for them are in docs/networks.md. Importing this file imports no torch.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.inference.networks.hub import cached, fetch, published_name
from monitor_app.inference.networks.weights import (
    SUFFIXES,
    Weights,
    WeightsError,
    check_sha256,
    file_sha256,
    read_state_dict,
)

if TYPE_CHECKING:
    from monitor_app.inference.networks.network import Network

# Ends the name of a network of the paper whose plain name is torchvision's
_PAPER = "_2016"


def find_weights(network: Network, request: str) -> Weights | None:
    """The weights of `network` that `request` asks for; None where there are none to be had.

    What is published for torchvision's namesake still has to go through `network.adapt`.

    Args:
        network: whose.
        request: `auto` (what is on this machine), `hub` (the same, and published ones are downloaded), `none`, the
            path of a state dict, or that of a directory of them.

    Raises:
        WeightsError: they are there and wrong, the path is not a state dict, or a download fails.
    """
    if request == "none":
        return None
    if request in {"auto", "hub"}:
        return _usual(network, download=request == "hub")
    file = _named(network, request)
    if file is None:
        return None
    published = network.published
    is_published = published is not None and file.name == published_name(published)
    return _read(file, f"torchvision {published.tag}, {file}" if published and is_published else str(file))


def locate_weights(network: Network, request: str) -> Path | None:
    """The file that `find_weights` would read, which is not opened; fetched where that is asked for.

    Raises:
        WeightsError: as `find_weights`, as far as is seen without opening it.
    """
    if request == "none":
        return None
    if request not in {"auto", "hub"}:
        return _named(network, request)
    located = network.weights.locate() if network.weights is not None else None
    if located is not None or network.published is None:
        return located
    return fetch(network.published) if request == "hub" else cached(network.published)


def _named(network: Network, request: str) -> Path | None:
    path = Path(request).expanduser()
    return _in_directory(path, network) if path.is_dir() else path


def usual_title(network: Network) -> str | None:
    """What `auto` would use, without opening it; None: there is nothing on this machine.

    Raises:
        WeightsError: a package of weights is damaged.
    """
    if network.weights is not None and network.weights.locate() is not None:
        return network.weights.title
    if network.published is not None and cached(network.published) is not None:
        return _cached_title(network)
    return None


def _usual(network: Network, *, download: bool) -> Weights | None:
    packaged, published = network.weights, network.published
    located = packaged.locate() if packaged is not None else None
    if packaged is not None and located is not None:
        sha256 = file_sha256(located)
        packaged.check(sha256)
        return Weights(packaged.title, sha256, packaged.read(located))
    if published is None:
        return None
    file = fetch(published) if download else cached(published)
    return None if file is None else _read(file, _cached_title(network))


def _cached_title(network: Network) -> str:
    assert network.published is not None
    return f"torchvision {network.published.tag}, {published_name(network.published)} in torch's cache"


def _read(file: Path, title: str) -> Weights:
    sha256 = file_sha256(file)
    check_sha256(file, sha256)
    return Weights(title, sha256, read_state_dict(file))


def _in_directory(folder: Path, network: Network) -> Path | None:
    """The file of `network` among those of `folder`, by its name."""
    if network.file is not None:
        # Brings its own, and may lie in this very folder
        return None
    try:
        names = {entry.name for entry in folder.iterdir() if entry.is_file()}
    except OSError as error:
        raise WeightsError(
            f"The weights in {folder} cannot be listed ({error.strerror}): name a directory that can be read."
        ) from error
    for name in _names(network):
        found = _matching(names, name, network)
        if len(found) > 1:
            raise WeightsError(
                f"{folder} holds several files of weights for {network.title} ({', '.join(found)}): leave one of "
                f"them there, or call it {name}{SUFFIXES[0]}."
            )
        if found:
            return folder / found[0]
    return None


def _names(network: Network) -> list[str]:
    """What its weights may be called after."""
    name = network.title if network.own else network.name
    takes_namesakes = network.published is not None and name.endswith(_PAPER)
    return [name, name.removesuffix(_PAPER)] if takes_namesakes else [name]


def _matching(names: set[str], name: str, network: Network) -> list[str]:
    exact = [name + suffix for suffix in SUFFIXES]
    if network.published is not None:
        exact.append(published_name(network.published))
    for each in exact:
        if each in names:
            return [each]
    hashed = re.compile(re.escape(name) + r"-[0-9a-f]{8,64}(" + "|".join(map(re.escape, SUFFIXES)) + ")")
    return sorted(each for each in names if hashed.fullmatch(each))
