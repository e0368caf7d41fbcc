# SPDX-License-Identifier: Apache-2.0
"""Small ONNX files, made with the library onnx itself and not by any exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

OPSET = 18


def graph_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[str | int, ...]],
    weights: dict[str, NDArray[np.float32]] | None = None,
    output: str = "y",
    opset: int = OPSET,
) -> onnx.ModelProto:
    """A model whose inputs are float32."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    domains = {node.domain for node in nodes} - {""}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def classifier(rng: np.random.Generator, pixels: int = 8, classes: int = 5) -> onnx.ModelProto:
    """Conv 3x3 of 4 maps, ReLU, mean, Gemm."""
    weights = {
        "k": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "b": rng.standard_normal(4).astype(np.float32),
        "w": rng.standard_normal((4, classes)).astype(np.float32),
        "c": rng.standard_normal(classes).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "k", "b"], ["a"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "c"], ["y"]),
    ]
    return graph_model(nodes, {"x": ("batch", 3, pixels, pixels)}, weights)


def classify(model: onnx.ModelProto, images: NDArray[np.float32]) -> NDArray[np.float64]:
    """What `classifier` answers, by its definition, in double precision."""
    weights = {each.name: numpy_helper.to_array(each).astype(np.float64) for each in model.graph.initializer}
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(np.float64), (3, 3), (2, 3))
    maps = np.einsum("ncyxij,mcij->nmyx", windows, weights["k"]) + weights["b"][:, None, None]
    answer: NDArray[np.float64] = np.maximum(maps, 0).mean((2, 3)) @ weights["w"] + weights["c"]
    return answer


def saved(model: onnx.ModelProto, file: Path) -> Path:
    """The file, written."""
    onnx.save(model, file)
    return file
