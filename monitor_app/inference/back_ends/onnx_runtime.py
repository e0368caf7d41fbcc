# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as a back end, with its providers for the processor, CUDA and TensorRT. For the child only.

A pass begins with its inputs where the device has them and ends with its outputs left there, synchronised, as with
PyTorch: both are bound before (IO binding), so that no pass copies to or from the host.
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import onnxruntime

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.inference.back_ends.cpu import cpu_name, multiplication
from monitor_app.inference.back_ends.model_file import in_precision, model_file
from monitor_app.inference.back_ends.onnx_gpu import OnnxGpuMemory, multiplication_by
from monitor_app.inference.back_ends.onnx_providers import (
    CPU,
    Provider,
    devices,
    provider_of,
    running_providers,
    session_options,
)
from monitor_app.inference.inputs import inputs_of_file
from monitor_app.inference.messages import Load
from monitor_app.inference.versions import installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.model_file import ModelFile
    from monitor_app.inference.inputs import Input
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Pulses
    from monitor_app.inference.networks.network import Network

_TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int16)": "int16", "tensor(int8)": "int8", "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}  # fmt: skip


class OnnxRuntime:
    """The back end of this process.

    Args:
        name: a key of core.back_ends: with the provider for CUDA on a GPU, or with that for TensorRT.
    """

    def __init__(self, name: str = "onnxruntime") -> None:
        self._name = name

    def versions(self) -> dict[str, str]:
        # Builds for GPUs are packages of other names
        return {**installed_versions("onnx"), "onnxruntime": onnxruntime.__version__}

    def devices(self) -> dict[str, str]:
        return devices(self._name, cpu_name())

    def warm_imports(self, command: Load) -> None:
        """Nothing: the library is one piece."""

    def load(self, command: Load) -> OnnxModel:
        started = perf_counter()
        provider = provider_of(self._name, command)
        file = in_precision(model_file(command, self._name), command, symmetric=provider.on_gpu)
        options = session_options(command)
        session = _open(file.path, options, provider)
        settings = {**provider.settings, **running_providers(session, provider)}
        return OnnxModel(file, session, provider, settings, command, started)

    def device_memory(self, device: str) -> DeviceMemory | None:
        provider = provider_of(self._name, Load("", device=device))
        return OnnxGpuMemory(provider.index) if provider.on_gpu else None

    def work(self, command: Pulses) -> Callable[[], object]:
        provider = provider_of(self._name, Load("", device=command.device, threads=command.threads))
        return multiplication_by(provider) if provider.on_gpu else multiplication()

    def free(self) -> None:
        gc.collect()


class OnnxModel:
    """A session of ONNX Runtime."""

    def __init__(
        self,
        file: ModelFile,
        session: onnxruntime.InferenceSession,
        provider: Provider,
        settings: dict[str, str],
        command: Load,
        started: float,
    ) -> None:
        self.network = file.network
        described = [(each.name, _shape(each.shape, file.network), _type(each.type)) for each in session.get_inputs()]
        self.inputs = inputs_of_file(described, file.network.model, file.network.title)
        self.calibrated_with = frozenset(file.calibrated_with)
        self._outputs = [each.name for each in session.get_outputs()]
        self._session = session
        self._provider = provider
        self.loaded = file.loaded(_pixels(self.inputs), started, settings)

    def phase(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> Any:
        binding = self._session.io_binding()
        for each, array in zip(self.inputs, arrays, strict=True):
            value = onnxruntime.OrtValue.ortvalue_from_numpy(
                array.astype(each.dtype, copy=False), self._provider.memory, self._provider.index
            )
            binding.bind_ortvalue_input(each.name, value)
        for name in self._outputs:
            binding.bind_output(name, self._provider.memory, self._provider.index)
        if self._provider.on_gpu:
            binding.synchronize_inputs()
        return binding

    def run(self, prepared: Any) -> Any:
        # Returns when the device has done the pass
        self._session.run_with_iobinding(prepared)
        return prepared

    def synchronize(self) -> None:
        """Nothing: `run` returns when the outputs are there."""

    def device_ns(self) -> int | None:
        return None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        return tuple(outputs.copy_outputs_to_cpu())


def _open(path: Path, options: onnxruntime.SessionOptions, provider: Provider) -> onnxruntime.InferenceSession:
    try:
        # The second one is for operators that the first does not have; which ran which is recorded
        session = onnxruntime.InferenceSession(
            str(path), options, providers=[(provider.name, provider.options), *([] if provider.name == CPU else [CPU])]
        )
        session.disable_fallback()
    # The library raises a class for each status, derived from nothing else and without a name to import
    except Exception as error:
        raise _cannot_open(path, error) from error
    return session


def _cannot_open(path: Path, error: Exception) -> Exception:
    said = str(error)
    # [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from x.onnx failed: ...
    reason = said.rpartition(" failed:")[2].strip().partition("\n")[0][:300].rstrip(".") or first_line(error)
    kind = type(error).__name__
    if "allocate memory" in said or "bad_alloc" in said or "out of memory" in said.lower():
        return error
    if kind == "NoSuchFile":
        return InferenceError(f"There is no file {path}: name one that is there.")
    if "opset" in said.lower():
        return InferenceError(
            f"{path} needs a newer ONNX Runtime than {onnxruntime.__version__} ({reason}): export it with a lower "
            "opset, or install a newer one."
        )
    if kind == "NotImplemented" or "No Op registered" in said:
        return InferenceError(
            f"{path} has an operator that ONNX Runtime {onnxruntime.__version__} does not know ({reason}): export it "
            "without it."
        )
    if kind == "InvalidProtobuf":
        return InferenceError(f"{path} is not an ONNX file, or is damaged: export it again.")
    return InferenceError(f"{path} cannot be opened by ONNX Runtime ({reason}): export it again.")


def _type(name: str) -> str:
    return _TYPES.get(name, name)


def _shape(shape: Sequence[int | str | None], network: Network) -> list[int | str | None]:
    """The shape of an input; of images that may be of any size with that which the name of the network ends in."""
    sizes = list(shape)
    if len(sizes) == 4 and network.model is None:
        sizes[2:] = [size if isinstance(size, int) else network.input_pixels for size in sizes[2:]]
    return sizes


def _pixels(inputs: Sequence[Input]) -> int | None:
    """The side of the images; None where it takes something else."""
    shape = inputs[0].shape if len(inputs) == 1 else ()
    return shape[-1] if len(shape) == 4 else None
