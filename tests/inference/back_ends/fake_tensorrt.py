# SPDX-License-Identifier: Apache-2.0
"""The module tensorrt without a GPU: the calls of its versions 8.2 and 10, which differ, computing with numpy.

An engine holds the ONNX file that it was built from, and a pass is one of the reference evaluator of the library onnx,
over the memory that was bound. What a version does not have is missing here too.
"""

from __future__ import annotations

import base64
import ctypes
import json
from enum import Enum, IntEnum
from types import ModuleType
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx.reference import ReferenceEvaluator

LATENCY_MS = 1.5


class DataType(Enum):
    FLOAT, HALF, INT8, INT32, BOOL, UINT8, BF16, INT64 = range(8)


_OF_ONNX = {1: DataType.FLOAT, 10: DataType.HALF, 2: DataType.UINT8, 3: DataType.INT8, 6: DataType.INT32,
            7: DataType.INT64, 9: DataType.BOOL, 16: DataType.BF16}  # fmt: skip
_NUMPY = {DataType.FLOAT: np.float32, DataType.HALF: np.float16, DataType.UINT8: np.uint8, DataType.INT8: np.int8,
          DataType.INT32: np.int32, DataType.INT64: np.int64, DataType.BOOL: np.bool_}  # fmt: skip


class _Severity(Enum):
    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)


class ILogger:
    Severity = _Severity

    def __init__(self) -> None:
        pass


class _Flags(IntEnum):
    FP16, INT8, DEBUG, TF32 = 0, 1, 2, 7


class _Creation(IntEnum):
    EXPLICIT_BATCH = 0


class _LayerType(Enum):
    CONVOLUTION, QUANTIZE, OTHER = range(3)


class _Mode(Enum):
    NONE, INPUT, OUTPUT = range(3)


class _Tensor:
    def __init__(self, described: onnx.ValueInfoProto) -> None:
        kind = described.type.tensor_type
        self.name = described.name
        self.dtype = _OF_ONNX[kind.elem_type]
        self.shape = tuple(each.dim_value if each.HasField("dim_value") else -1 for each in kind.shape.dim)


class _Definition:
    def __init__(self) -> None:
        self.model = onnx.ModelProto()

    @property
    def num_inputs(self) -> int:
        return len(self.model.graph.input)

    def get_input(self, index: int) -> _Tensor:
        return _Tensor(self.model.graph.input[index])

    @property
    def num_layers(self) -> int:
        return len(self.model.graph.node)

    def get_layer(self, index: int) -> Any:
        class Layer:
            type = _LayerType.QUANTIZE if self.model.graph.node[index].op_type == "QuantizeLinear" else _LayerType.OTHER

        return Layer


class _ParserError:
    def __init__(self, text: str) -> None:
        self._text = text

    def desc(self) -> str:
        return self._text


class OnnxParser:
    def __init__(self, definition: _Definition, logger: ILogger) -> None:
        self._definition = definition
        self._errors: list[_ParserError] = []

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> _ParserError:
        return self._errors[index]

    def parse_from_file(self, path: str) -> bool:
        try:
            self._definition.model.CopyFrom(onnx.load(path))
        except DecodeError as error:
            self._errors.append(_ParserError(f"Failed to parse the ONNX model: {error}"))
            return False
        odd = [node.op_type for node in self._definition.model.graph.node if node.domain]
        if odd:
            self._errors.append(_ParserError(f"Plugin not found, are the plugin name {odd[0]} correct?"))
        return not odd


class _Profile:
    def __init__(self) -> None:
        self.shapes: dict[str, list[list[int]]] = {}

    def set_shape(self, name: str, least: Any, best: Any, most: Any) -> None:
        self.shapes[name] = [list(least), list(best), list(most)]


class _Config:
    def __init__(self) -> None:
        self.flags = {_Flags.TF32}
        self.profile = _Profile()

    def set_flag(self, flag: _Flags) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: _Flags) -> None:
        self.flags.discard(flag)

    def add_optimization_profile(self, profile: _Profile) -> int:
        self.profile = profile
        return 0


class _Config8(_Config):
    max_workspace_size = 0


class _Config10(_Config):
    def set_memory_pool_limit(self, kind: Any, size: int) -> None:
        pass


class _Engine:
    """What both generations share."""

    def __init__(self, held: dict[str, Any], cudart: Any) -> None:
        self.held = held
        self.cudart = cudart
        model = onnx.load_from_string(base64.b64decode(held["model"]))
        self.evaluator = ReferenceEvaluator(model)
        self.inputs = [_Tensor(each) for each in model.graph.input]
        self.outputs = [_Tensor(each) for each in model.graph.output]
        self.all = [*self.inputs, *self.outputs]

    def within(self, name: str, shape: Any) -> bool:
        least, _, most = self.held["profile"][name]
        return all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self.engine = engine
        self.shapes = {each.name: each.shape for each in engine.inputs}

    def set_shape(self, name: str, shape: Any) -> bool:
        if not self.engine.within(name, shape):
            return False
        self.shapes[name] = tuple(shape)
        return True

    def shape_of(self, name: str) -> tuple[int, ...]:
        if name in self.shapes:
            return self.shapes[name]
        zeros = {each.name: np.zeros(self.shapes[each.name], _NUMPY[each.dtype]) for each in self.engine.inputs}
        answers = self.engine.evaluator.run(None, zeros)
        return {each.name: tuple(value.shape) for each, value in zip(self.engine.outputs, answers, strict=True)}[name]

    def execute(self, addresses: dict[str, int], stream: int) -> bool:
        if stream != 77 or any(size < 0 for shape in self.shapes.values() for size in shape):
            return False
        given = {}
        for each in self.engine.inputs:
            values = np.empty(self.shapes[each.name], _NUMPY[each.dtype])
            ctypes.memmove(values.ctypes.data, addresses[each.name], values.nbytes)
            given[each.name] = values
        for each, values in zip(self.engine.outputs, self.engine.evaluator.run(None, given), strict=True):
            held = np.ascontiguousarray(values, _NUMPY[each.dtype])
            ctypes.memmove(addresses[each.name], held.ctypes.data, held.nbytes)
        self.engine.cudart.advance(LATENCY_MS)
        return True


class _Engine8(_Engine):
    """By numbers."""

    @property
    def num_bindings(self) -> int:
        return len(self.all)

    def get_binding_name(self, index: int) -> str:
        return self.all[index].name

    def get_binding_shape(self, index: int) -> tuple[int, ...]:
        return self.all[index].shape

    def get_binding_dtype(self, index: int) -> DataType:
        return self.all[index].dtype

    def binding_is_input(self, index: int) -> bool:
        return index < len(self.inputs)

    def create_execution_context(self) -> Any:
        return _Context8(self)


class _Context8(_Context):
    def set_binding_shape(self, index: int, shape: Any) -> bool:
        return self.set_shape(self.engine.all[index].name, shape)

    def get_binding_shape(self, index: int) -> tuple[int, ...]:
        return self.shape_of(self.engine.all[index].name)

    def execute_async_v2(self, bindings: list[int], stream_handle: int) -> bool:
        names = [each.name for each in self.engine.all]
        return self.execute(dict(zip(names, bindings, strict=True)), stream_handle)


class _Engine10(_Engine):
    """By names."""

    @property
    def num_io_tensors(self) -> int:
        return len(self.all)

    def get_tensor_name(self, index: int) -> str:
        return self.all[index].name

    def _of(self, name: str) -> _Tensor:
        return next(each for each in self.all if each.name == name)

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._of(name).shape

    def get_tensor_dtype(self, name: str) -> DataType:
        return self._of(name).dtype

    def get_tensor_mode(self, name: str) -> _Mode:
        return _Mode.INPUT if self._of(name) in self.inputs else _Mode.OUTPUT

    def create_execution_context(self) -> Any:
        return _Context10(self)


class _Context10(_Context):
    def __init__(self, engine: _Engine) -> None:
        super().__init__(engine)
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: Any) -> bool:
        return self.set_shape(name, shape)

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shape_of(name)

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        return self.execute(self._addresses, stream_handle)


class Builder:
    config: type[_Config] = _Config10

    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def create_network(self, flags: int = 0) -> _Definition:
        assert flags & 1, "both versions are used with an explicit batch"
        return _Definition()

    def create_builder_config(self) -> _Config:
        return self.config()

    def create_optimization_profile(self) -> _Profile:
        return _Profile()

    def build_serialized_network(self, definition: _Definition, config: _Config) -> bytearray | None:
        if any(node.op_type == "Sin" for node in definition.model.graph.node):
            return _say(self._logger, "10: [optimizer.cpp::computeCosts::4105] Error Code 10: No kernel.")
        self.built.append({flag.name for flag in config.flags})
        held = base64.b64encode(definition.model.SerializeToString()).decode()
        engine = {"version": self.version, "model": held, "profile": config.profile.shapes}
        return bytearray(json.dumps(engine).encode())


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, serialized: bytes) -> Any:
        try:
            held = json.loads(serialized)
        except ValueError:
            return _say(self._logger, "1: [stdArchiveReader.cpp::40] Error Code 1: Serialization (failed.)")
        if held["version"] == self.version:
            return self.engine(held, self.cudart)
        return _say(
            self._logger,
            "6: The engine plan file is not compatible with this version of TensorRT, expecting library version "
            f"{self.version} got {held['version']}, please rebuild.",
        )


def _say(logger: Any, text: str) -> None:
    logger.log(_Severity.ERROR, text)


def fake_tensorrt(version: str, cudart: Any) -> ModuleType:
    """The module of that version; `built` of it lists the flags of every engine that was built."""
    by_name = not version.startswith("8.")
    module = ModuleType("tensorrt")
    built: list[set[str]] = []
    builder = {"config": _Config10 if by_name else _Config8, "built": built, "version": version}
    runtime = {"engine": _Engine10 if by_name else _Engine8, "cudart": cudart, "version": version}
    contents = {
        "__version__": version, "Builder": type("Builder", (Builder,), builder), "OnnxParser": OnnxParser,
        "Runtime": type("Runtime", (Runtime,), runtime), "ILogger": ILogger, "BuilderFlag": _Flags,
        "NetworkDefinitionCreationFlag": _Creation, "LayerType": _LayerType, "DataType": DataType, "built": built,
        "init_libnvinfer_plugins": lambda logger, namespace: True,
    }  # fmt: skip
    if by_name:
        contents["TensorIOMode"] = _Mode
    vars(module).update(contents)
    return module
