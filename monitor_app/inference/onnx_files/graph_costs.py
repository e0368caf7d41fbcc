# SPDX-License-Identifier: Apache-2.0
"""What one image costs a network, from the graph of an ONNX file. The shapes are found by the library onnx itself.

The same counts as those of `networks.costs`, which watches PyTorch; docs/networks.md says what the numbers mean.
"""

from __future__ import annotations

from math import prod
from typing import Any

import onnx
from onnx import TensorProto, inliner, shape_inference

from monitor_app.inference.networks.counts import GROUPS_MISLEAD_FROM, Costs

Shape = tuple[int, ...]

_WEIGHT_OF_CONVOLUTION = {"Conv": 1, "FusedConv": 1, "ConvInteger": 1, "QLinearConv": 3}
"""Place of the weights among the inputs: (maps, maps before in a group, kernel)."""
_PRODUCTS = {"Gemm", "FusedGemm", "MatMul", "FusedMatMul", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul"}
_HIDE_PRODUCTS = {
    "Attention", "DFT", "DeformConv", "Det", "Einsum", "GRU", "If", "LSTM", "Loop", "RNN", "STFT", "Scan",
    "SequenceMap",
}  # fmt: skip
"""Of the standard: they multiply, or hold graphs that do, and are not counted here."""
_COUNTED_ELSEWHERE = {"", "ai.onnx"}
"""The standard's domain, by both of its names."""
_RELUS = {"Relu", "PRelu", "Clip"}
_REAL = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE}
_WHOLE = {TensorProto.INT8, TensorProto.UINT8, TensorProto.INT4, TensorProto.UINT4}


class _UnknownError(Exception):
    """Why something cannot be counted."""


def graph_costs(model: onnx.ModelProto, pixels: int) -> tuple[Costs, str | None]:
    """The costs of one image, and why a part of them is not known; None: all of them are, or withheld as always.

    Args:
        model: weights need not be loaded.
        pixels: side of the images where the inputs leave it open.
    """
    parameters = _parameters(model.graph)
    try:
        graph = _with_shapes(model, pixels)
        macs, operations, by_group = _counted(graph)
    except _UnknownError as error:
        return Costs(parameters, None, None), str(error)
    if parameters and not macs:
        return Costs(parameters, None, None), "no operator of the graph is one whose products are counted"
    misleads = operations > GROUPS_MISLEAD_FROM * by_group
    return Costs(parameters, macs, None if misleads else operations), None


def _parameters(graph: onnx.GraphProto) -> int:
    """The elements of all weights: not of the statistics of a normalisation, nor of scales, nor single numbers."""
    others = {name for node in graph.node for name in _no_parameters(node)}
    return sum(
        prod(each.dims)
        for each in graph.initializer
        if each.dims and each.data_type in _REAL | _WHOLE and each.name not in others
    )


def _no_parameters(node: onnx.NodeProto) -> list[str]:
    if node.op_type == "BatchNormalization":
        return list(node.input[3:5])
    if node.op_type in {"QuantizeLinear", "DequantizeLinear"}:
        return list(node.input[1:3])
    return []


def _with_shapes(model: onnx.ModelProto, pixels: int) -> onnx.GraphProto:
    """The graph without functions, with the shape of everything for one image."""
    one = onnx.ModelProto()
    one.CopyFrom(model)
    constants = {each.name for each in one.graph.initializer}
    for each in one.graph.input:
        if each.name not in constants:
            _fix(each, pixels)
    del one.graph.value_info[:]
    for output in one.graph.output:
        # They name the size of the batch, which is now a number
        output.type.tensor_type.ClearField("shape")
    try:
        if one.functions:
            one = inliner.inline_local_functions(one)
        return shape_inference.infer_shapes(one, data_prop=True).graph
    # The library says why by the type of its exception
    except (RuntimeError, ValueError, TypeError) as error:
        raise _UnknownError(
            f"the shapes of the graph cannot be found ({str(error).strip().partition(chr(10))[0]})"
        ) from error


def _fix(described: onnx.ValueInfoProto, pixels: int) -> None:
    """Give an input the shape of one image, where it has no numbers."""
    dimensions = described.type.tensor_type.shape.dim
    image = len(dimensions) == 4
    for place, dimension in enumerate(dimensions):
        if dimension.HasField("dim_value") and dimension.dim_value > 0:
            if place == 0 and image:
                dimension.dim_value = 1
            continue
        if place and not image:
            raise _UnknownError(f"the size of the input {described.name} is not fixed")
        dimension.dim_value = pixels if place else 1


def _counted(graph: onnx.GraphProto) -> tuple[int, int, int]:
    """MACs, operations as they were counted in 2016, and the same with groups honoured."""
    shapes = _shapes(graph)
    macs = operations = by_group = 0
    for node in graph.node:
        _refuse_hidden(node)
        products, plus = _node(node, shapes)
        macs += products
        by_group += 2 * products + plus
        operations += 2 * products * _groups(node) + plus
    return macs, operations, by_group


def _refuse_hidden(node: onnx.NodeProto) -> None:
    known = node.op_type in _WEIGHT_OF_CONVOLUTION or node.op_type in _PRODUCTS
    if node.op_type in _HIDE_PRODUCTS or (node.domain not in _COUNTED_ELSEWHERE and not known):
        name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        raise _UnknownError(f"the products in the operator {name} are not counted")


def _node(node: onnx.NodeProto, shapes: _Shapes) -> tuple[int, int]:
    """The products of an operator, and what the count of 2016 adds to twice as many."""
    kind = node.op_type
    if (weights := _WEIGHT_OF_CONVOLUTION.get(kind)) is not None:
        elements = prod(shapes.of(node.output[0]))
        return elements * prod(shapes.of(node.input[weights])[1:]), elements
    if kind == "ConvTranspose":
        return prod(shapes.of(node.input[0])) * prod(shapes.of(node.input[1])[1:]), prod(shapes.of(node.output[0]))
    if kind in _PRODUCTS:
        elements = prod(shapes.of(node.output[0]))
        inner = _inner(node, shapes)
        return elements * inner, elements if kind == "Gemm" and len(node.input) > 2 else 0
    if kind in _RELUS:
        return 0, prod(shapes.of(node.output[0]))
    if kind == "Add" and _same(shapes.get(node.input[0]), shapes.get(node.input[1])):
        return 0, 2 * prod(shapes.of(node.output[0]))
    if kind == "Mul" and () in (shapes.get(node.input[0]), shapes.get(node.input[1])):
        return 0, prod(shapes.of(node.output[0]))
    return 0, 0


def _same(one: Shape | None, other: Shape | None) -> bool:
    return one is not None and one == other


def _inner(node: onnx.NodeProto, shapes: _Shapes) -> int:
    """The length of the rows that are multiplied."""
    shape = shapes.of(node.input[0])
    turned = any(each.name == "transA" and each.i for each in node.attribute)
    return shape[-2 if turned else -1]


def _groups(node: onnx.NodeProto) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "group"), 1)


class _Shapes:
    """Of everything in a graph, by its name."""

    def __init__(self, known: dict[str, Shape | None]) -> None:
        self._known = known

    def get(self, name: str) -> Shape | None:
        """None where it could not be found."""
        return self._known.get(name)

    def of(self, name: str) -> Shape:
        """Raises _UnknownError."""
        shape = self._known.get(name)
        if shape is None:
            raise _UnknownError(f"the shape of {name} cannot be found")
        return shape


def _shapes(graph: onnx.GraphProto) -> _Shapes:
    known: dict[str, Shape | None] = {each.name: tuple(each.dims) for each in graph.initializer}
    for each in (*graph.input, *graph.value_info, *graph.output):
        known.setdefault(each.name, _shape(each))
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                known[node.output[0]] = _constant(attribute)
    return _Shapes(known)


def _shape(described: Any) -> Shape | None:
    tensor = described.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    sizes = tuple(each.dim_value for each in tensor.shape.dim if each.HasField("dim_value"))
    return sizes if len(sizes) == len(tensor.shape.dim) else None


def _constant(attribute: onnx.AttributeProto) -> Shape | None:
    if attribute.name == "value":
        return tuple(attribute.t.dims)
    return () if attribute.name in {"value_float", "value_int"} else None
