# SPDX-License-Identifier: Apache-2.0
"""From a Load command to a network that is ready to run. Imports torch: for the child only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import torch
from torch import nn

from monitor_app.core.errors import InferenceError
from monitor_app.inference.messages import Load, Loaded
from monitor_app.inference.networks.counting import costs_of, load_packages
from monitor_app.inference.networks.old_torch import compiled
from monitor_app.inference.networks.registry import Network, find_network
from monitor_app.inference.networks.weights import apply_weights, file_sha256
from monitor_app.inference.networks.weights_files import find_weights

SMALL = "squeezenet1_1"
"""A network of the registry that takes a moment to count."""
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class RunningNetwork:
    """A network in memory, in evaluation mode, on its device."""

    network: Network
    module: nn.Module
    device: torch.device
    dtype: torch.dtype
    layout: torch.memory_format
    loaded: Loaded

    def arranged(self, images: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, height, width) where and as the network takes them."""
        return images.to(self.device, self.dtype, memory_format=self.layout)


def load_network(command: Load) -> RunningNetwork:
    """Build the network, give it weights and put it on its device.

    Sets torch's thread count and seed for the process; call it on the thread that will run the network,
    because the thread count belongs to that.

    Raises:
        InferenceError: an unknown network, precision or device, weights that do not fit, or a user's own network
            that cannot be had.
    """
    started = perf_counter()
    network = find_network(command.network)
    dtype = _dtype(command.precision)
    device = find_device(command.device)
    torch.set_num_threads(command.threads)
    weights = find_weights(network, command.weights)
    torch.manual_seed(command.seed)
    module = network.build().eval()
    costs = costs_of(network, module)
    if weights is not None:
        if network.adapt is not None:
            weights = replace(weights, state=network.adapt(weights.state, module))
        apply_weights(module, weights, network.title)
    title, sha256 = (weights.title, weights.sha256) if weights else _own_weights(network, command.weights)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    layout = torch.channels_last if command.channels_last else torch.contiguous_format
    module.to(device=device, dtype=dtype, memory_format=layout)
    if command.compiled:
        # Code is generated in the first passes, which belong to the warm-up.
        module = compiled(module)
    loaded = Loaded(
        network=network.name,
        title=network.title,
        parameters=costs.parameters,
        macs=costs.macs,
        operations=costs.operations,
        input_pixels=network.input_pixels,
        weights=title,
        weights_sha256=sha256,
        seconds=perf_counter() - started,
    )
    return RunningNetwork(network, module, device, dtype, layout, loaded)


def prepare_for(name: str) -> None:
    """Load into memory everything that building and counting this network needs, except the network.

    Some 100 MB of packages, which would else pass for what the first network of a process needs.
    Raises InferenceError.
    """
    load_packages(find_network(name), find_network(SMALL))


def _own_weights(network: Network, request: str) -> tuple[str | None, str | None]:
    """What the weights that came with a user's own network are called, and their file's SHA-256."""
    if not network.own or request == "none":
        return None, None
    return network.source, file_sha256(network.file) if network.file else None


def device_names() -> dict[str, str]:
    """Devices that a Load command may name, and the name that each gives itself."""
    names = {"cpu": _cpu_name()}
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        names[f"cuda:{index}"] = torch.cuda.get_device_name(index)
    return names


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            named = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
            return next(named, "CPU") or "CPU"
    except OSError:
        return "CPU"


def _dtype(precision: str) -> torch.dtype:
    dtype = PRECISIONS.get(precision)
    if dtype is None:
        raise InferenceError(f"There is no precision {precision!r}: use one of {', '.join(PRECISIONS)}.")
    return dtype


def find_device(name: str) -> torch.device:
    """The device of that name. Raises InferenceError where this torch sees none."""
    names = device_names()
    full = "cuda:0" if name == "cuda" else name
    if full not in names:
        raise InferenceError(f"This torch sees no device {name!r}: use one of {', '.join(names)}.")
    return torch.device(full)
