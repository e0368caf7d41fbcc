# SPDX-License-Identifier: Apache-2.0
"""An engine of TensorRT with the calls of its version: by names since 8.5, by numbers up to 8.4. Imports tensorrt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import tensorrt

from monitor_app.core.errors import InferenceError, NotEnoughMemoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPES = {
    "FLOAT": "float32", "HALF": "float16", "INT8": "int8", "UINT8": "uint8", "INT32": "int32", "INT64": "int64",
    "BOOL": "bool",
}  # fmt: skip
"""Those that numpy has, by the names of TensorRT."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or an output."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    """As numpy calls it, or as TensorRT does where numpy has no such type."""
    is_input: bool


class Execution(Protocol):
    """An engine with a context, ready to be run."""

    tensors: tuple[Tensor, ...]

    def set_input_shape(self, tensor: Tensor, shape: Sequence[int]) -> bool:
        """False where the engine does not take it."""

    def output_shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Once all inputs have theirs; -1 where it depends on their values."""

    def bind(self, tensor: Tensor, address: int) -> None:
        """Where its values are, on the device."""

    def enqueue(self, stream: int) -> bool:
        """Begin a pass. False where it could not begin."""


class Log(tensorrt.ILogger):
    """Keeps the last error, since the calls that fail say only that they did."""

    def __init__(self) -> None:
        tensorrt.ILogger.__init__(self)
        self.error = ""

    def log(self, severity: Any, message: str) -> None:
        """Called by TensorRT."""
        if severity in {tensorrt.ILogger.Severity.ERROR, tensorrt.ILogger.Severity.INTERNAL_ERROR}:
            self.error = message

    @property
    def reason(self) -> str:
        """What was wrong, for a sentence."""
        # It begins with numbers in brackets, and with the place in the sources
        lines = self.error.strip().splitlines()
        return lines[0].rsplit("]", 1)[-1].strip().rstrip(".")[:300] if lines else "without saying why"


def execution(serialized: Any, what: str, log: Log) -> Execution:
    """An engine from its bytes.

    Raises:
        InferenceError: it was built for another GPU or by another version, or is damaged.
    """
    log.error = ""
    tensorrt.init_libnvinfer_plugins(log, "")
    runtime = tensorrt.Runtime(log)
    engine = runtime.deserialize_cuda_engine(serialized)
    if engine is None:
        raise InferenceError(
            f"{what} cannot be opened by TensorRT {tensorrt.__version__} ({log.reason}): an engine runs only on the "
            "kind of GPU and with the version that it was built for; name the .onnx file, from which it is built here."
        )
    context = engine.create_execution_context()
    if context is None:
        raise NotEnoughMemoryError(f"{what} does not fit into the memory of the GPU: use a smaller batch.")
    by_name = hasattr(engine, "num_io_tensors")
    kind: Any = _ByName if by_name else _ByNumber
    made: Execution = kind(runtime, engine, context)
    return made


def numpy_type(dtype: Any) -> str:
    """As numpy calls it, or as TensorRT does where it has none."""
    name = str(dtype.name)
    return TYPES.get(name, name)


def open_sizes(shape: Any) -> tuple[int | None, ...]:
    """None in place of -1."""
    return tuple(None if size < 0 else int(size) for size in shape)


class _ByName:
    """From 8.5 on."""

    def __init__(self, runtime: Any, engine: Any, context: Any) -> None:
        # The runtime has to outlive its engine
        self._held = runtime, engine
        self._context = context
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.tensors = tuple(
            Tensor(
                name,
                open_sizes(engine.get_tensor_shape(name)),
                numpy_type(engine.get_tensor_dtype(name)),
                engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT,
            )
            for name in names
        )

    def set_input_shape(self, tensor: Tensor, shape: Sequence[int]) -> bool:
        return bool(self._context.set_input_shape(tensor.name, tuple(shape)))

    def output_shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tuple(self._context.get_tensor_shape(tensor.name))

    def bind(self, tensor: Tensor, address: int) -> None:
        self._context.set_tensor_address(tensor.name, address)

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v3(stream))


class _ByNumber:
    """Up to 8.4."""

    def __init__(self, runtime: Any, engine: Any, context: Any) -> None:
        self._held = runtime, engine
        self._context = context
        self._addresses = [0] * engine.num_bindings
        self.tensors = tuple(
            Tensor(
                engine.get_binding_name(index),
                open_sizes(engine.get_binding_shape(index)),
                numpy_type(engine.get_binding_dtype(index)),
                bool(engine.binding_is_input(index)),
            )
            for index in range(engine.num_bindings)
        )
        self._numbers = {tensor.name: index for index, tensor in enumerate(self.tensors)}

    def set_input_shape(self, tensor: Tensor, shape: Sequence[int]) -> bool:
        return bool(self._context.set_binding_shape(self._numbers[tensor.name], tuple(shape)))

    def output_shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tuple(self._context.get_binding_shape(self._numbers[tensor.name]))

    def bind(self, tensor: Tensor, address: int) -> None:
        self._addresses[self._numbers[tensor.name]] = address

    def enqueue(self, stream: int) -> bool:
        return bool(self._context.execute_async_v2(self._addresses, stream))
