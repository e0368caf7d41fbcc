# SPDX-License-Identifier: Apache-2.0
"""TensorRT as a back end, by the bindings that a board brings. For the child only.

A pass is what the device does between inputs that are in its memory and outputs that are, as trtexec counts compute;
the device's own time of it is taken by events. An engine from an ONNX file is built for the first size of a batch that
comes, and again for a larger one, before the pass and outside its time.
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorrt

from monitor_app.core.errors import InferenceError
from monitor_app.inference.back_ends.cpu import cpu_name
from monitor_app.inference.back_ends.cuda_runtime import CudaRuntime, GpuMemory
from monitor_app.inference.back_ends.file_inputs import (
    arranged,
    batch_of,
    file_input,
    image_side,
    shape_at,
    with_side,
)
from monitor_app.inference.back_ends.model_file import in_precision, model_file
from monitor_app.inference.back_ends.tensor_rt_build import OnnxFile, Recipe, kept_engine
from monitor_app.inference.back_ends.tensor_rt_engine import Log, execution
from monitor_app.inference.back_ends.torch_options import refuse_torch_options
from monitor_app.inference.networks.weights import file_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.cuda_runtime import DeviceArray
    from monitor_app.inference.back_ends.model_file import ModelFile
    from monitor_app.inference.back_ends.tensor_rt_engine import Execution, Tensor
    from monitor_app.inference.inputs import Input
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Load, Pulses

NAME = "tensorrt"
WORK_BYTES = 64 << 20
AS_BUILT = "as the engine was built, which it does not say"


class TensorRT:
    """The back end of this process."""

    def __init__(self, library: Any = None) -> None:
        self._library = library
        self._runtimes: dict[int, CudaRuntime] = {}

    def versions(self) -> dict[str, str]:
        return {"tensorrt": str(tensorrt.__version__)}

    def devices(self) -> dict[str, str]:
        # The processor is listed where the others are; TensorRT runs nothing on it
        return {"cpu": cpu_name(), **self._runtime("cuda:0").names()}

    def warm_imports(self, command: Load) -> None:
        """The context of the GPU, and the library, which allocates on it with the first engine."""
        self._runtime(command.device)
        tensorrt.Runtime(Log())

    def load(self, command: Load) -> TensorRTModel:
        started = perf_counter()
        refuse_torch_options(command, NAME)
        runtime = self._runtime(command.device)
        file = model_file(command, NAME)
        if command.precision != "fp16" or file.precision != "fp32":
            # fp16 of a file in fp32 is what the builder makes itself
            file = in_precision(file, command, symmetric=True)
        return TensorRTModel(file, runtime, command, started)

    def device_memory(self, device: str) -> DeviceMemory | None:
        return GpuMemory(self._runtime(device))

    def work(self, command: Pulses) -> Callable[[], object]:
        runtime = self._runtime(command.device)
        memory = runtime.allocate(WORK_BYTES)

        def fill() -> None:
            for _ in range(16):
                runtime.fill(memory)

        return fill

    def free(self) -> None:
        gc.collect()

    def _runtime(self, device: str) -> CudaRuntime:
        name, _, number = device.partition(":")
        if name != "cuda" or not (number or "0").isdigit():
            raise InferenceError(f"TensorRT runs networks on a GPU and not on {device}: set device to cuda.")
        index = int(number or "0")
        if index not in self._runtimes:
            self._runtimes[index] = CudaRuntime(index, self._library)
        return self._runtimes[index]


class TensorRTModel:
    """An engine with its memory on the device."""

    def __init__(self, file: ModelFile, runtime: CudaRuntime, command: Load, started: float) -> None:
        self._runtime = runtime
        self.calibrated_with = frozenset(file.calibrated_with)
        self._log = Log()
        self._events = runtime.event(), runtime.event()
        self._memory: dict[str, DeviceArray] = {}
        self._batch_size, self._largest = 0, 0
        self._execution: Execution | None = None
        self._onnx: OnnxFile | None = None
        self._recipe = Recipe(file.path, file_sha256(file.path), command.precision, runtime.name)
        if file.path.suffix.lower() == ".onnx":
            self._onnx = OnnxFile(file.path, file.network, self._log)
            self.inputs: tuple[Input, ...] = self._onnx.inputs
        else:
            self._execution = execution(file.path.read_bytes(), str(file.path), self._log)
            self.inputs = tuple(
                file_input(each.name, each.shape, each.dtype, file.network)
                for each in self._execution.tensors
                if each.is_input
            )
        side = image_side(self.inputs)
        self.network = with_side(file.network, side)
        self.loaded = file.loaded(side, started, self._settings(command))

    def phase(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The arrays as they are on the device."""
        fitting = {
            each.name: arranged(array, each, self.network) for array, each in zip(arrays, self.inputs, strict=True)
        }
        batch_size = batch_of(arrays, self.inputs)
        if batch_size != self._batch_size:
            self._set_batch(batch_size)
        self._put(fitting)
        return fitting

    def run(self, prepared: dict[str, NDArray[Any]]) -> Any:
        if prepared is not self._within:
            self._put(prepared)
        engine = self._execution
        assert engine is not None
        self._runtime.record(self._events[0])
        if not engine.enqueue(self._runtime.stream):
            raise InferenceError(f"{self.network.title} failed in a pass ({self._log.reason}): build its engine again.")
        self._runtime.record(self._events[1])

    def synchronize(self) -> None:
        self._runtime.synchronize()

    def device_ns(self) -> int | None:
        return self._runtime.between_ns(*self._events)

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        """Of the last pass: the device has one place for each output."""
        assert self._execution is not None
        made = (
            self._runtime.copy_out(self._memory[each.name], self._execution.output_shape(each), each.dtype)
            for each in self._execution.tensors
            if not each.is_input
        )
        return tuple(made)

    def _settings(self, command: Load) -> dict[str, str]:
        if self._onnx is None:
            return {"engine": AS_BUILT}
        tf32 = "on" if command.precision == "tf32" else "off"
        return {"engine": f"built here for {command.precision}", "TF32": tf32}

    def _put(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, array in arrays.items():
            self._runtime.copy_in(array, self._memory[name])
        self._within = arrays

    def _set_batch(self, batch_size: int) -> None:
        self._batch_size, self._within = 0, {}
        if self._onnx is not None and batch_size > self._largest:
            # Before the next is there, so that both are never in memory
            self._execution = None
            self._memory.clear()
            built = kept_engine(self._onnx, self._recipe, batch_size)
            self._execution, self._largest = execution(built, self.network.title, self._log), batch_size
        engine = self._execution
        assert engine is not None
        given = {each.name: shape_at(each, batch_size) for each in self.inputs}
        for tensor in engine.tensors:
            if tensor.is_input and not self._takes(tensor, given[tensor.name]):
                raise InferenceError(
                    f"{self.network.title} cannot take a batch of {batch_size} ({self._log.reason}): its engine was "
                    "built for others; build it again, or name the .onnx file."
                )
        for tensor in engine.tensors:
            self._place(engine, tensor, given.get(tensor.name) or engine.output_shape(tensor))
        self._batch_size = batch_size

    def _takes(self, tensor: Tensor, shape: tuple[int, ...]) -> bool:
        assert self._execution is not None
        if None not in tensor.shape:
            return tensor.shape == shape
        self._log.error = ""
        return self._execution.set_input_shape(tensor, shape)

    def _place(self, engine: Execution, tensor: Tensor, shape: tuple[int, ...]) -> None:
        what = f"The output {tensor.name} of {self.network.title}"
        if min(shape, default=1) < 0:
            raise InferenceError(f"{what} has a size that is known only after a pass: end the network before it.")
        if tensor.dtype.isupper():
            raise InferenceError(f"{what} is of the type {tensor.dtype}, which numpy lacks: convert it to another one.")
        size_bytes = _bytes_of(shape, tensor.dtype)
        self._memory.pop(tensor.name, None)
        self._memory[tensor.name] = memory = self._runtime.allocate(size_bytes)
        engine.bind(tensor, memory.address)


def _bytes_of(shape: tuple[int, ...], dtype: str) -> int:
    size = np.dtype(dtype).itemsize
    for each in shape:
        size *= each
    return size
