# SPDX-License-Identifier: Apache-2.0
"""An engine of TensorRT from an ONNX file, built once and kept. Imports tensorrt."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorrt

from monitor_app.core.errors import InferenceError
from monitor_app.core.files.atomic_file import completed
from monitor_app.core.files.private_files import private_folder
from monitor_app.inference.back_ends.file_inputs import file_input, shape_at
from monitor_app.inference.back_ends.tensor_rt_engine import numpy_type, open_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.inference.back_ends.tensor_rt_engine import Log
    from monitor_app.inference.networks.network import Network

FLAGS = {"fp32": (), "tf32": ("TF32",), "fp16": ("FP16",), "int8": ("INT8", "FP16")}
"""What a builder may use beside fp32, by precision. What has no kernels in int8 runs in fp16, where that is faster."""
WORKSPACE_BYTES = 1 << 28
"""For versions that allow none by themselves, which rules their fastest kernels out."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that an engine depends on but its batch."""

    file: Path
    sha256: str
    precision: str
    gpu: str
    """As it calls itself."""

    def cached(self, batch_size: int) -> Path:
        """Where the engine is kept. Raises InferenceError."""
        parts = (self.sha256, self.precision, self.gpu, str(batch_size), str(tensorrt.__version__))
        digest = hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        try:
            folder = private_folder(Path(base).expanduser() / "monitor-app" / "engines")
        except (OSError, RuntimeError) as error:
            raise InferenceError(
                f"There is no folder to keep engines in ({error}): set XDG_CACHE_HOME to a folder of your own."
            ) from error
        return folder / f"{self.file.stem[:60]}-{digest[:16]}.engine"


class OnnxFile:
    """A file that has been read, and can be built.

    Args:
        file: an ONNX file.
        network: which it holds.
        log: of the builder.

    Raises:
        InferenceError: it is damaged, or has an operator that TensorRT lacks.
    """

    def __init__(self, file: Path, network: Network, log: Log) -> None:
        self._log = log
        self._title = network.title
        self._builder = tensorrt.Builder(log)
        self._definition = self._builder.create_network(_explicit_batch())
        # It has to live as long as what it has read
        self._parser = tensorrt.OnnxParser(self._definition, log)
        if not self._parser.parse_from_file(str(file)):
            raise InferenceError(
                f"{file} cannot be read by TensorRT {tensorrt.__version__} ({self._parse_error()}): export it with "
                "other operators, or take another back end for it."
            )
        found = [self._definition.get_input(index) for index in range(self._definition.num_inputs)]
        self.inputs = tuple(
            file_input(each.name, open_sizes(each.shape), numpy_type(each.dtype), network) for each in found
        )
        self._open = tuple(-1 in tuple(each.shape) for each in found)

    def _is_quantised(self) -> bool:
        layers = (self._definition.get_layer(index) for index in range(self._definition.num_layers))
        kind = getattr(tensorrt.LayerType, "QUANTIZE", None)
        return kind is not None and any(each.type == kind for each in layers)

    def build(self, precision: str, batch_size: int) -> bytes:
        """An engine for batches of one to that size, the fastest for that size; takes minutes on a small board.

        Raises:
            InferenceError: it cannot be built, or not in that precision.
        """
        if precision == "int8" and not self._is_quantised():
            raise InferenceError(
                f"{self._title} has no ranges for int8, and without them TensorRT would guess: quantise the ONNX file "
                "(QDQ, symmetric), and name that."
            )
        config = self._builder.create_builder_config()
        _allow(config, precision)
        if not hasattr(config, "set_memory_pool_limit"):
            config.max_workspace_size = WORKSPACE_BYTES
        if any(self._open):
            profile = self._builder.create_optimization_profile()
            for each, is_open in zip(self.inputs, self._open, strict=True):
                if is_open:
                    largest = shape_at(each, batch_size)
                    profile.set_shape(each.name, shape_at(each, 1), largest, largest)
            config.add_optimization_profile(profile)
        self._log.error = ""
        built = self._builder.build_serialized_network(self._definition, config)
        if built is None:
            raise InferenceError(
                f"TensorRT {tensorrt.__version__} cannot build {self._title} for a batch of {batch_size} in "
                f"{precision} ({self._log.reason}): use a smaller batch or another precision, or free its memory."
            )
        return bytes(built)

    def _parse_error(self) -> str:
        if not self._parser.num_errors:
            return self._log.reason
        return str(self._parser.get_error(0).desc()).strip().rstrip(".")[:300]


def kept_engine(onnx: OnnxFile, recipe: Recipe, batch_size: int) -> bytes:
    """The engine, built where it is missing. Raises InferenceError."""
    file = recipe.cached(batch_size)
    if file.is_file():
        return file.read_bytes()
    engine = onnx.build(recipe.precision, batch_size)
    with completed(file) as stream:
        stream.write(engine)
    return engine


def _explicit_batch() -> int:
    # Later versions know no other and may drop the name
    flag = getattr(tensorrt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    return 0 if flag is None else 1 << int(flag)


def _allow(config: Any, precision: str) -> None:
    named: Sequence[str] | None = FLAGS.get(precision)
    if named is None:
        raise InferenceError(f"TensorRT runs no network in {precision}: use one of {', '.join(FLAGS)}.")
    # On by itself since 7.1: without a word fp32 would be TF32 where the GPU has it
    tf32 = getattr(tensorrt.BuilderFlag, "TF32", None)
    if tf32 is not None:
        config.clear_flag(tf32)
    for name in named:
        flag = getattr(tensorrt.BuilderFlag, name, None)
        if flag is None:
            raise InferenceError(
                f"TensorRT {tensorrt.__version__} does not choose {precision} by itself: name an ONNX file that is in "
                f"{precision}, and run it as it is."
            )
        config.set_flag(flag)
