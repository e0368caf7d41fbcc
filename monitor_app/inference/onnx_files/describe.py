# SPDX-License-Identifier: Apache-2.0
"""What an ONNX file of the user's holds. Run by `workshop` in a process of its own, and by the list of networks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from monitor_app.core.errors import first_line
from monitor_app.inference.onnx_files.answers import answer_with

_INT8 = ("QuantizeLinear", "DequantizeLinear", "QLinear", "ConvInteger", "MatMulInteger", "QGemm", "MatMulNBits")
"""How operators of quantised networks begin."""


def describe(file: str, pixels: int) -> dict[str, Any]:
    """Read a file, as far as that is possible; what is wrong with it is said by whoever runs it.

    Args:
        file: an ONNX file.
        pixels: side of the images, where the file leaves it open.

    Returns:
        `costs`: of one image as in `Costs`, or None; `reason`: why something of them is None, or None; `precision`:
        fp32, fp16 or int8, or None where it is not known.
    """
    try:
        import onnx

        from monitor_app.inference.onnx_files.graph_costs import graph_costs
    except ImportError:
        return _nothing("the package onnx is not installed")
    try:
        model = onnx.load(file, load_external_data=False)
        costs, reason = graph_costs(model, pixels)
        return {"costs": asdict(costs), "reason": reason, "precision": _precision(model)}
    # Over a damaged file the library raises what it likes
    except Exception as error:  # noqa: BLE001
        return _nothing(f"the graph cannot be read ({first_line(error)})")


def _nothing(reason: str) -> dict[str, Any]:
    return {"costs": None, "reason": reason, "precision": None}


def _precision(model: Any) -> str:
    from onnx import TensorProto

    if any(node.op_type.startswith(_INT8) for node in model.graph.node):
        return "int8"
    weights = [each for each in model.graph.initializer if each.dims]
    halves = sum(each.data_type == TensorProto.FLOAT16 for each in weights)
    return "fp16" if halves > len(weights) / 2 else "fp32"


if __name__ == "__main__":
    answer_with(describe, "The file cannot be read ({}): export it again.")
