# SPDX-License-Identifier: Apache-2.0
"""LiteRT (TensorFlow Lite) as a back end, on the processor. For the child only.

A pass is one `invoke`: inputs are put where the interpreter reads them before, and outputs are copied out after it, as
the benchmark tool of LiteRT counts. Another size of the batch resizes the inputs before the pass.
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError, first_line
from monitor_app.inference.back_ends.cpu import cpu_name, multiplication
from monitor_app.inference.back_ends.file_inputs import (
    arranged,
    batch_of,
    file_input,
    image_side,
    shape_at,
    with_side,
)
from monitor_app.inference.back_ends.model_file import model_file
from monitor_app.inference.back_ends.quantised import quantised_as
from monitor_app.inference.back_ends.torch_options import refuse_torch_options
from monitor_app.inference.versions import installed_versions

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    # Its older name, of which boards with an old Python have builds
    from tflite_runtime.interpreter import Interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.model_file import ModelFile
    from monitor_app.inference.inputs import Input
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Load, Pulses
    from monitor_app.inference.networks.network import Network

NAME = "litert"


class LiteRT:
    """The back end of this process."""

    def versions(self) -> dict[str, str]:
        found = installed_versions("ai-edge-litert", "tflite-runtime")
        return {name: version for name, version in found.items() if version != "not installed"}

    def devices(self) -> dict[str, str]:
        return {"cpu": cpu_name()}

    def warm_imports(self, command: Load) -> None:
        """Nothing: the library is one piece."""

    def load(self, command: Load) -> LiteRTModel:
        started = perf_counter()
        refuse_torch_options(command, NAME)
        if command.device != "cpu":
            raise InferenceError(f"LiteRT runs networks on the processor here and not on {command.device}: use cpu.")
        file = model_file(command, NAME)
        return LiteRTModel(_opened(file, command.threads), file, command, started)

    def device_memory(self, device: str) -> DeviceMemory | None:
        return None

    def work(self, command: Pulses) -> Callable[[], object]:
        return multiplication()

    def free(self) -> None:
        gc.collect()


class LiteRTModel:
    """An interpreter with its tensors allocated."""

    def __init__(self, interpreter: Any, file: ModelFile, command: Load, started: float) -> None:
        self._interpreter = interpreter
        self._within: list[NDArray[Any]] = []
        described = interpreter.get_input_details()
        self._places = tuple(int(each["index"]) for each in described)
        self._quantised = tuple(quantised_as(each) for each in described)
        self._outputs = tuple((int(each["index"]), quantised_as(each)) for each in interpreter.get_output_details())
        self.inputs = tuple(_input(each, index, file.network) for index, each in enumerate(described))
        side = image_side(self.inputs)
        self.network = with_side(file.network, side)
        self.calibrated_with = frozenset(file.calibrated_with)
        self._batch_size = 0
        self._resize(1)
        _check_precision(command, self.network, "int8" if _is_quantised(interpreter) else "fp32")
        self.loaded = file.loaded(
            side,
            started,
            {
                "threads": str(command.threads),
                "XNNPACK": _delegated(interpreter),
                "types of tensors": _types(interpreter),
            },
        )

    def phase(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        made = []
        for array, each, quantised in zip(arrays, self.inputs, self._quantised, strict=True):
            fitting = arranged(array, each, self.network)
            made.append(fitting if quantised is None else quantised.from_real(fitting))
        batch_size = batch_of(arrays, self.inputs)
        if batch_size != self._batch_size:
            self._resize(batch_size)
        self._put(made)
        return made

    def run(self, prepared: list[NDArray[Any]]) -> Any:
        if prepared is not self._within:
            self._put(prepared)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise _failure(error, f"{self.network.title} failed in a pass") from error

    def synchronize(self) -> None:
        """Nothing: `run` returns when the outputs are there."""

    def device_ns(self) -> int | None:
        return None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        """Of the last pass: the interpreter has one place for each output."""
        read = ((self._interpreter.get_tensor(place), quantised) for place, quantised in self._outputs)
        return tuple(array if quantised is None else quantised.to_real(array) for array, quantised in read)

    def _put(self, arrays: list[NDArray[Any]]) -> None:
        for place, array in zip(self._places, arrays, strict=True):
            self._interpreter.set_tensor(place, array)
        self._within = arrays

    def _resize(self, batch_size: int) -> None:
        self._batch_size, self._within = 0, []
        try:
            for place, each in zip(self._places, self.inputs, strict=True):
                self._interpreter.resize_tensor_input(place, shape_at(each, batch_size))
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            what = f"{self.network.title} cannot take a batch of {batch_size}"
            raise _failure(error, what, "convert it for that batch, or use the one that it was made for") from error
        self._batch_size = batch_size


def _opened(file: ModelFile, threads: int) -> Any:
    try:
        return Interpreter(model_path=str(file.path), num_threads=threads)
    except (RuntimeError, ValueError) as error:
        raise InferenceError(
            f"{file.path} cannot be opened by LiteRT ({first_line(error)}): convert it again."
        ) from error


def _input(described: Any, index: int, network: Network) -> Input:
    # Without an open dimension the signature is the shape, or is left out
    signature = described.get("shape_signature", described["shape"])
    shape = signature if len(signature) == len(described["shape"]) else described["shape"]
    sizes = [None if size < 0 else int(size) for size in shape]
    dtype = "float32" if quantised_as(described) else np.dtype(described["dtype"]).name
    return file_input(str(described["name"]) or f"input {index}", sizes, dtype, network)


def _is_quantised(interpreter: Any) -> bool:
    """Whether any tensors are, be it the weights alone."""
    tensors = interpreter.get_tensor_details()
    return any(_kind(each) in "iu" and each["quantization_parameters"]["scales"].size for each in tensors)


def _kind(described: Any) -> str:
    return str(np.dtype(described["dtype"]).kind)


def _types(interpreter: Any) -> str:
    """Of the tensors; those of whole numbers may be sizes and places."""
    return ", ".join(sorted({np.dtype(each["dtype"]).name for each in interpreter.get_tensor_details()}))


def _check_precision(command: Load, network: Network, fitting: str) -> None:
    if command.precision != fitting:
        raise InferenceError(
            f"{network.title} was converted for {fitting}, and LiteRT runs a file in no other precision: set precision "
            f'= "{fitting}", or convert it for {command.precision}.'
        )


def _delegated(interpreter: Any) -> str:
    """How much of the network XNNPACK runs; the names of operators have no public place."""
    listed = getattr(interpreter, "_get_ops_details", None)
    if listed is None:
        return "not known"
    return "on" if any(each["op_name"] == "DELEGATE" for each in listed()) else "off"


def _failure(error: Exception, what: str, then: str = "convert it again") -> InferenceError:
    text = str(error).lower()
    if "alloc" in text and ("bad_alloc" in text or "memory" in text):
        return NotEnoughMemoryError(f"{what}: memory ran out; use a smaller batch.")
    return InferenceError(f"{what} ({first_line(error)}): {then}.")
