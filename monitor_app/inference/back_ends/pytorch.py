# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a back end: eager, compiled, TorchScript and ExportedProgram. Imports torch: for the child only."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import MemoryKind
from monitor_app.inference.back_ends.cpu import cpu_name
from monitor_app.inference.inputs import images_of
from monitor_app.inference.memory import gpu_bytes_of
from monitor_app.inference.messages import Load, Loaded
from monitor_app.inference.networks.counting import costs_of, load_packages
from monitor_app.inference.networks.old_torch import compiled
from monitor_app.inference.networks.registry import Network, find_network
from monitor_app.inference.networks.weights import apply_weights, file_sha256
from monitor_app.inference.networks.weights_files import find_weights
from monitor_app.inference.pulses import SIZE
from monitor_app.inference.torch_missing import PACKAGES
from monitor_app.inference.versions import installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray
    from torch import nn

    from monitor_app.inference.inputs import Input
    from monitor_app.inference.messages import Pulses

SMALL = "squeezenet1_1"
"""A network of the registry that takes a moment to count."""
PRECISIONS = {"fp32": torch.float32, "tf32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class PyTorch:
    """The back end of this process."""

    def versions(self) -> dict[str, str]:
        return installed_versions(*PACKAGES)

    def devices(self) -> dict[str, str]:
        names = {"cpu": cpu_name()}
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            names[f"cuda:{index}"] = torch.cuda.get_device_name(index)
        return names

    def warm_imports(self, command: Load) -> None:
        # Some 100 MB of packages, which would else pass for what the first network of a process needs
        load_packages(find_network(command.network), find_network(SMALL))

    def load(self, command: Load) -> TorchModel:
        return _load(command, self.device(command.device))

    def device_memory(self, device: str) -> CudaMemory | None:
        found = self.device(device)
        return CudaMemory(found) if found.type == "cuda" else None

    def work(self, command: Pulses) -> Callable[[], object]:
        torch.set_num_threads(command.threads)
        device = torch.device(command.device)
        factor = torch.randn(SIZE, SIZE, device=device)

        def multiply() -> None:
            with torch.inference_mode():
                torch.mm(factor, factor)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)

        return multiply

    def free(self) -> None:
        gc.collect()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def device(self, name: str) -> torch.device:
        """The device of that name. Raises InferenceError where this torch sees none."""
        names = self.devices()
        full = "cuda:0" if name == "cuda" else name
        if full not in names:
            raise InferenceError(f"This torch sees no device {name!r}: use one of {', '.join(names)}.")
        return torch.device(full)


class TorchModel:
    """A network in memory, in evaluation mode, on its device."""

    def __init__(
        self,
        network: Network,
        module: nn.Module,
        device: torch.device,
        dtype: torch.dtype,
        layout: torch.memory_format,
        loaded: Loaded,
    ) -> None:
        self.network = network
        self.loaded = loaded
        self.inputs: tuple[Input, ...] = (images_of(network.input_pixels),)
        self.run: Callable[[Any], Any] = self._run_on_cuda if device.type == "cuda" else module
        self.module = module
        self._device = device
        self._dtype = dtype
        self._layout = layout
        self._events: _CudaEvents | None = None

    def phase(self) -> AbstractContextManager[object]:
        mode: AbstractContextManager[object] = torch.inference_mode()
        return mode

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> torch.Tensor:
        images = torch.from_numpy(arrays[0])
        return images.to(self._device, self._dtype, memory_format=self._layout)

    def synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def device_ns(self) -> int | None:
        return self._events.elapsed_ns() if self._events is not None else None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        return (outputs.float().cpu().numpy(),)

    def _run_on_cuda(self, images: torch.Tensor) -> Any:
        # A pair for each pass, since the one before may not have been read
        self._events = events = _CudaEvents(self._device)
        events.begin()
        outputs = self.module(images)
        events.end()
        return outputs


def _load(command: Load, device: torch.device) -> TorchModel:
    """Build the network, give it weights and put it on its device.

    Sets torch's thread count and seed for the process: the thread count belongs to the thread that sets it.
    """
    started = perf_counter()
    network = find_network(command.network)
    dtype = _dtype(command.precision)
    torch.set_num_threads(command.threads)
    settings = _set_up(command, device)
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
        settings=settings,
    )
    return TorchModel(network, module, device, dtype, layout, loaded)


def _set_up(command: Load, device: torch.device) -> dict[str, str]:
    """Set what changes a time and is torch's own; all of it as it then is, by name."""
    settings = {"threads": str(command.threads), "threads between operators": str(torch.get_num_interop_threads())}
    if device.type == "cpu":
        mkldnn = getattr(torch.backends, "mkldnn", None)
        if mkldnn is not None:
            settings["oneDNN"] = _on(mkldnn.is_available() and getattr(mkldnn, "enabled", True))
        return settings
    tf32 = command.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = command.cudnn_benchmark
    return {
        **settings,
        "TF32": _on(tf32),
        "cudnn.benchmark": _on(command.cudnn_benchmark),
        "CUDA": str(torch.version.cuda),
        "cuDNN": str(torch.backends.cudnn.version()),
    }


def _on(value: bool) -> str:
    return "on" if value else "off"


def _own_weights(network: Network, request: str) -> tuple[str | None, str | None]:
    """What the weights that came with a user's own network are called, and their file's SHA-256."""
    if not network.own or request == "none":
        return None, None
    return network.source, file_sha256(network.file) if network.file else None


def _dtype(precision: str) -> torch.dtype:
    dtype = PRECISIONS.get(precision)
    if dtype is None:
        raise InferenceError(f"PyTorch runs no network in {precision!r} here: use one of {', '.join(PRECISIONS)}.")
    return dtype


class CudaMemory:
    """By torch's own allocator, and by the driver."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        torch.zeros(1, device=device)
        torch.cuda.synchronize(device)

    @property
    def integrated(self) -> bool:
        return bool(getattr(torch.cuda.get_device_properties(self._device), "is_integrated", False))

    def forget_peaks(self) -> None:
        torch.cuda.reset_peak_memory_stats(self._device)

    def read(self) -> dict[MemoryKind, int]:
        found = {
            MemoryKind.CUDA_ALLOCATED: torch.cuda.max_memory_allocated(self._device),
            MemoryKind.CUDA_RESERVED: torch.cuda.max_memory_reserved(self._device),
        }
        # An old torch does not know it
        uuid = getattr(torch.cuda.get_device_properties(self._device), "uuid", None)
        by_driver = None if uuid is None else gpu_bytes_of(os.getpid(), str(uuid))
        if by_driver is not None:
            found[MemoryKind.NVML] = by_driver
        return found


class _CudaEvents:
    """A pair of marks in the GPU's own stream of work."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.current_stream(device)
        self._pair = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)

    def begin(self) -> None:
        self._pair[0].record(self._stream)

    def end(self) -> None:
        self._pair[1].record(self._stream)

    def elapsed_ns(self) -> int:
        """Between the two, once the device has been synchronised."""
        return round(float(self._pair[0].elapsed_time(self._pair[1])) * 1e6)
