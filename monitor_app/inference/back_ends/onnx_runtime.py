# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as a back end, with its providers for the processor, CUDA and TensorRT. For the child only."""

from __future__ import annotations

import gc
from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import onnxruntime

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.inference.back_ends.cpu import cpu_name, multiplication
from monitor_app.inference.back_ends.model_file import model_file
from monitor_app.inference.inputs import Input
from monitor_app.inference.messages import Load, Loaded
from monitor_app.inference.versions import installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.model_file import ModelFile
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Pulses

_TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(bool)": "bool",
}  # fmt: skip


class OnnxRuntime:
    """The back end of this process."""

    def versions(self) -> dict[str, str]:
        return {**installed_versions("onnxruntime"), "onnxruntime": onnxruntime.__version__}

    def devices(self) -> dict[str, str]:
        return {"cpu": cpu_name()}

    def warm_imports(self, command: Load) -> None:
        """Nothing: the library is one piece."""

    def load(self, command: Load) -> OnnxModel:
        started = perf_counter()
        file = model_file(command, "onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = command.threads
        options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(str(file.path), options, providers=["CPUExecutionProvider"])
        # The library raises a class for each status, and they have no name to import
        except Exception as error:
            raise InferenceError(f"{file.path} cannot be opened ({first_line(error)}): export it again.") from error
        return OnnxModel(file, session, command, started)

    def device_memory(self, device: str) -> DeviceMemory | None:
        return None

    def work(self, command: Pulses) -> Callable[[], object]:
        return multiplication()

    def free(self) -> None:
        gc.collect()


class OnnxModel:
    """A session of ONNX Runtime."""

    def __init__(self, file: ModelFile, session: onnxruntime.InferenceSession, command: Load, started: float) -> None:
        self.network = file.network
        self.inputs = tuple(_input(each) for each in session.get_inputs())
        self._session = session
        self.loaded = Loaded(
            network=file.network.name,
            title=file.network.title,
            parameters=file.costs.parameters if file.costs else None,
            macs=file.costs.macs if file.costs else None,
            operations=file.costs.operations if file.costs else None,
            input_pixels=file.network.input_pixels,
            weights=file.weights,
            weights_sha256=file.weights_sha256,
            seconds=perf_counter() - started,
            settings={"threads": str(command.threads), "providers": ", ".join(session.get_providers())},
        )

    def phase(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {
            each.name: array.astype(each.dtype, copy=False) for each, array in zip(self.inputs, arrays, strict=True)
        }

    def run(self, prepared: dict[str, NDArray[Any]]) -> Any:
        return self._session.run(None, prepared)

    def synchronize(self) -> None:
        """Nothing: `run` returns when the outputs are there."""

    def device_ns(self) -> int | None:
        return None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        return tuple(outputs)


def _input(described: Any) -> Input:
    # A dimension that is not fixed has a name or nothing: the first is the batch
    shape = tuple(size if isinstance(size, int) else None for size in described.shape)
    return Input(described.name, shape, _TYPES.get(described.type, described.type))
