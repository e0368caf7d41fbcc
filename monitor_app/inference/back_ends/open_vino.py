# SPDX-License-Identifier: Apache-2.0
"""OpenVINO as a back end, on the processor and on the GPUs and NPUs of Intel. For the child only.

A program is compiled for one size of the batch, as programs are deployed. It is compiled anew when another size comes,
before the pass and outside its time.
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import openvino

from monitor_app.core.back_ends import precision_refused
from monitor_app.core.errors import InferenceError, NotEnoughMemoryError
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
from monitor_app.inference.back_ends.torch_options import refuse_torch_options
from monitor_app.inference.onnx_files import workshop
from monitor_app.inference.pulses import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.inference.back_ends.model_file import ModelFile
    from monitor_app.inference.inputs import Input
    from monitor_app.inference.memory import DeviceMemory
    from monitor_app.inference.messages import Load, Pulses
    from monitor_app.inference.networks.network import Network

NAME = "openvino"
# What is not quantised of an int8 network runs in fp32
PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16", "int8": "f32"}
NUMBERS = {"f32": "float32", "f16": "float16", "f64": "float64", "i64": "int64", "i32": "int32", "i16": "int16",
           "i8": "int8", "u8": "uint8", "boolean": "bool"}  # fmt: skip
RECORDED = {
    "INFERENCE_NUM_THREADS": "threads",
    "NUM_STREAMS": "streams",
    "PERFORMANCE_HINT": "performance hint",
    "EXECUTION_MODE_HINT": "execution mode",
    "INFERENCE_PRECISION_HINT": "inference precision",
    "ENABLE_CPU_PINNING": "threads pinned",
    "EXECUTION_DEVICES": "execution devices",
}
"""Properties of a compiled program, and the names of the facts of a run."""


class OpenVino:
    """The back end of this process."""

    def __init__(self) -> None:
        self._core = openvino.Core()

    def versions(self) -> dict[str, str]:
        return {"openvino": openvino.__version__}

    def devices(self) -> dict[str, str]:
        """`cpu`, and OpenVINO's own names for the others, in small letters: gpu, gpu.1, npu."""
        names = {"cpu": cpu_name()}
        for each in self._core.available_devices:
            if each != "CPU":
                names[each.lower()] = str(self._core.get_property(each, "FULL_DEVICE_NAME"))
        return names

    def warm_imports(self, command: Load) -> None:
        """The library for the device, which is opened with the first program."""
        self._multiplication(self._device(command.device))()

    def load(self, command: Load) -> OpenVinoModel:
        started = perf_counter()
        refuse_torch_options(command, NAME)
        device = self._device(command.device)
        if (refused := precision_refused(NAME, command.precision)) is not None:
            raise InferenceError(refused)
        file = model_file(command, NAME)
        model = _read(self._core, file.path)
        if _is_quantised(model) != (command.precision == "int8"):
            file = _in_int8(file, command)
            model = _read(self._core, file.path)
        return OpenVinoModel(self._core, model, file, command, device, started)

    def device_memory(self, device: str) -> DeviceMemory | None:
        # A GPU of Intel shares the memory of the processor; no account of it is offered that a reader could reset
        return None

    def work(self, command: Pulses) -> Callable[[], object]:
        device = self._device(command.device)
        return multiplication() if device == "CPU" else self._multiplication(device)

    def free(self) -> None:
        gc.collect()

    def _device(self, name: str) -> str:
        names = self.devices()
        if name.lower() not in names:
            raise InferenceError(f"OpenVINO sees no device {name!r}: use one of {', '.join(names)}.")
        return name.upper()

    def _multiplication(self, device: str) -> Callable[[], object]:
        from openvino import opset13

        factor = opset13.parameter([SIZE, SIZE], openvino.Type.f32)
        program = openvino.Model([opset13.matmul(factor, factor, False, False)], [factor])
        request = self._core.compile_model(program, device).create_infer_request()
        request.infer()
        return lambda: request.infer()


class OpenVinoModel:
    """A network, compiled for the batch that was asked for last."""

    def __init__(
        self,
        core: openvino.Core,
        model: openvino.Model,
        file: ModelFile,
        command: Load,
        device: str,
        started: float,
    ) -> None:
        self._core = core
        self._model = model
        self._device = device
        self._command = command
        self.inputs = tuple(_input(each, index, file.network) for index, each in enumerate(model.inputs))
        side = image_side(self.inputs)
        self.network = with_side(file.network, side)
        self.calibrated_with = frozenset(file.calibrated_with)
        self._batch_size = 0
        # One image fits if any does; what cannot run is said now and not in the warm-up
        program = self._compile(1)
        self.loaded = file.loaded(side, started, {**_settings(program), "batch": "fixed"})

    def phase(self) -> AbstractContextManager[object]:
        return nullcontext()

    def prepare(self, arrays: Sequence[NDArray[Any]]) -> list[openvino.Tensor]:
        tensors = [
            openvino.Tensor(arranged(array, each, self.network), shared_memory=True)
            for array, each in zip(arrays, self.inputs, strict=True)
        ]
        batch_size = batch_of(arrays, self.inputs)
        if batch_size != self._batch_size:
            self._compile(batch_size)
        self._put(tensors)
        return tensors

    def run(self, prepared: list[openvino.Tensor]) -> Any:
        if prepared is not self._within:
            self._put(prepared)
        try:
            return self._request.infer(share_outputs=True)
        except RuntimeError as error:
            raise _failure(error, f"{self.network.title} failed in a pass") from error

    def synchronize(self) -> None:
        """Nothing: `run` returns when the outputs are there."""

    def device_ns(self) -> int | None:
        return None

    def arrays(self, outputs: Any) -> tuple[NDArray[Any], ...]:
        return tuple(outputs[index] for index in range(len(outputs)))

    def _put(self, tensors: list[openvino.Tensor]) -> None:
        for index, tensor in enumerate(tensors):
            self._request.set_input_tensor(index, tensor)
        self._within = tensors

    def _compile(self, batch_size: int) -> openvino.CompiledModel:
        # The one before is given up first: a product would not have both either
        self._batch_size, self._within = 0, []
        self._request: Any = None
        command, title = self._command, self.network.title
        try:
            shapes = {index: list(shape_at(each, batch_size)) for index, each in enumerate(self.inputs)}
            self._model.reshape(shapes)
        except RuntimeError as error:
            raise InferenceError(
                f"{title} cannot take a batch of {batch_size} ({reason(error)}): export it with an open batch, or use "
                "the batch size that it was made for."
            ) from error
        try:
            program = self._core.compile_model(self._model, self._device, _options(command, self._device))
            self._request = program.create_infer_request()
        except RuntimeError as error:
            raise _failure(error, f"{title} cannot be compiled for {command.device}") from error
        _check_precision(program, command)
        self._batch_size = batch_size
        return program


def _read(core: openvino.Core, path: Path) -> openvino.Model:
    try:
        return core.read_model(str(path))
    except RuntimeError as error:
        raise InferenceError(f"{path} cannot be opened by OpenVINO ({reason(error)}): export it again.") from error


def _is_quantised(model: openvino.Model) -> bool:
    kinds = {each.get_type_name() for each in model.get_ops()}
    return "FakeQuantize" in kinds or "FakeConvert" in kinds


def _in_int8(file: ModelFile, command: Load) -> ModelFile:
    if command.precision != "int8":
        raise InferenceError(
            f"{file.path} holds a network in int8: set precision to int8, or name its file in {command.precision}."
        )
    made = workshop.quantised_for_openvino(file.path, file.network, command.calibration or None)
    return replace(
        file, path=made.path, precision="int8", facts={**file.facts, **made.facts}, calibrated_with=made.images
    )


def _input(port: Any, index: int, network: Network) -> Input:
    name = port.get_any_name() if port.get_names() else f"input {index}"
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        raise InferenceError(f"The input {name} of {network.title} has no shape: export it with one.")
    kind = port.get_element_type().get_type_name()
    sizes = [None if each.is_dynamic else each.get_length() for each in shape]
    return file_input(name, sizes, NUMBERS.get(kind, kind), network)


def _options(command: Load, device: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        # Left to itself it takes bf16 where the processor has it, without a word
        "INFERENCE_PRECISION_HINT": PRECISIONS[command.precision],
    }
    if device == "CPU":
        options |= {"INFERENCE_NUM_THREADS": command.threads, "NUM_STREAMS": 1}
    return options


def _check_precision(program: openvino.CompiledModel, command: Load) -> None:
    """A device that does not have a precision takes the next one, without a word."""
    wanted, ran = PRECISIONS[command.precision], program.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if ran != wanted:
        raise InferenceError(
            f"OpenVINO has no {command.precision} on this {command.device} and would run {ran} in its place: use "
            "another precision."
        )


def _settings(program: openvino.CompiledModel) -> dict[str, str]:
    """What the program really runs with."""
    offered = set(program.get_property("SUPPORTED_PROPERTIES"))
    return {title: _shown(program.get_property(key)) for key, title in RECORDED.items() if key in offered}


def _shown(value: Any) -> str:
    if isinstance(value, openvino.Type):
        return str(value.get_type_name())
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple, set)):
        return ", ".join(map(str, value))
    return str(getattr(value, "name", value))


def _failure(error: Exception, what: str) -> InferenceError:
    if "bad_alloc" in str(error) or "allocate" in str(error).lower():
        return NotEnoughMemoryError(f"{what}: memory ran out; use a smaller batch.")
    return InferenceError(f"{what} ({reason(error)}): export it again, or take another back end for it.")


def reason(error: Exception) -> str:
    """What OpenVINO says at last, without the places in its sources."""
    lines = [line.strip(" -") for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return said[-1].rstrip(".!")[:300] if said else type(error).__name__
