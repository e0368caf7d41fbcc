# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a back end: eager, compiled, TorchScript and ExportedProgram. Imports torch: for the child only."""

from __future__ import annotations

import gc
import importlib
import os
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from monitor_app.core.back_ends import TORCH, precision_refused
from monitor_app.core.errors import InferenceError
from monitor_app.core.runs import MemoryKind
from monitor_app.inference.back_ends.cpu import cpu_name
from monitor_app.inference.back_ends.torch_generators import make_generator
from monitor_app.inference.built_modules import build_with_weights
from monitor_app.inference.generating import GeneratingModel
from monitor_app.inference.inputs import described_inputs
from monitor_app.inference.memory import gpu_bytes_of
from monitor_app.inference.messages import Load, Loaded
from monitor_app.inference.networks.counting import load_packages
from monitor_app.inference.networks.old_torch import COMPILES_FROM, compiled, torch_version
from monitor_app.inference.networks.registry import Network, find_network, network_of
from monitor_app.inference.pulses import SIZE
from monitor_app.inference.torch_missing import PACKAGES
from monitor_app.inference.torch_tensors import arrays_of, call_of, tensors_of
from monitor_app.inference.versions import installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

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
        load_packages(network_of(command), find_network(SMALL))
        if command.compiled and torch_version() >= COMPILES_FROM:
            importlib.import_module("torch._dynamo")

    def load(self, command: Load) -> TorchModel | GeneratingModel:
        network, device = network_of(command), self.device(command.device)
        if network.model is not None and network.model.generates:
            return _load_generator(command, network, device)
        return _load(command, network, device)

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
        self.inputs: tuple[Input, ...] = described_inputs(network.model, network.input_pixels)
        self._call = module if self._takes_images else call_of(module, self.inputs)
        self.run: Callable[[Any], Any] = self._run_on_cuda if device.type == "cuda" else self._call
        self.module = module
        self.calibrated_with: frozenset[Path] = frozenset()
        self._device = device
        self._dtype = dtype
        self._layout = layout
        self._events: _CudaEvents | None = None

    def phase(self) -> AbstractContextManager[object]:
        mode: AbstractContextManager[object] = torch.inference_mode()
        return mode

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> torch.Tensor | tuple[torch.Tensor, ...]:
        tensors = tensors_of(arrays, self._device, self._dtype, self._layout)
        # A lone tensor is what a module is called with, without a function in between
        return tensors[0] if self._takes_images else tensors

    def synchronize(self) -> None:
        _synchronize(self._device)

    def device_ns(self) -> int | None:
        return self._events.elapsed_ns() if self._events is not None else None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        return arrays_of(outputs, self.network.title)

    @property
    def _takes_images(self) -> bool:
        return self.network.model is None or not self.network.model.inputs

    def _run_on_cuda(self, prepared: Any) -> Any:
        # A pair for each pass, since the one before may not have been read
        self._events = events = _CudaEvents(self._device)
        events.begin()
        outputs = self._call(prepared)
        events.end()
        return outputs


def _load(command: Load, network: Network, device: torch.device) -> TorchModel:
    """Build the network, give it weights and put it on its device.

    Sets torch's thread count and seed for the process: the thread count belongs to the thread that sets it.
    """
    started = perf_counter()
    dtype = _dtype(command.precision)
    torch.set_num_threads(command.threads)
    settings = _set_up(command, device)
    built = build_with_weights(network, command.weights, command.seed)
    module, costs = built.module, built.costs
    images = network.model is None or not network.model.inputs
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
        input_pixels=network.input_pixels if images else None,
        weights=built.weights,
        weights_sha256=built.weights_sha256,
        seconds=perf_counter() - started,
        settings=settings,
    )
    return TorchModel(network, module, device, dtype, layout, loaded)


def _load_generator(command: Load, network: Network, device: torch.device) -> GeneratingModel:
    started = perf_counter()
    assert network.model is not None, "what generates is described"
    torch.set_num_threads(command.threads)
    settings = _set_up(command, device)
    torch.manual_seed(command.seed)
    random = command.weights == "none"
    generator, module = make_generator(network, device, _dtype(command.precision), random=random)
    loaded = Loaded(
        network=network.name,
        title=network.title,
        parameters=None if module is None else sum(each.numel() for each in module.parameters()),
        macs=None,
        operations=None,
        input_pixels=None,
        weights=None if random else network.source,
        weights_sha256=None,
        seconds=perf_counter() - started,
        settings={**settings, "prompt tokens": str(network.model.prompt_tokens), "new tokens": _new_tokens(network)},
    )
    return GeneratingModel(
        network, loaded, generator, network.model, partial(_synchronize, device), torch.inference_mode
    )


def _new_tokens(network: Network) -> str:
    return str(network.model.new_tokens if network.model is not None else 0)


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


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


def _dtype(precision: str) -> torch.dtype:
    dtype = PRECISIONS.get(precision)
    if dtype is None:
        raise InferenceError(precision_refused(TORCH, precision) or f"There is no precision {precision!r}.")
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
