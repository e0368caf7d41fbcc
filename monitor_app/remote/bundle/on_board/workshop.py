# SPDX-License-Identifier: Apache-2.0
"""In place of inference.onnx_files.workshop on a board, where files are run and not made."""

from __future__ import annotations

from typing import Any

from monitor_app.core.errors import InferenceError


def kept_export(network: Any, weights: str, seed: int) -> Any:
    """Raises InferenceError."""
    raise InferenceError(
        f"{network.title} would have to be made an ONNX file, which is not done on a board elsewhere: type "
        f"`monitor-app networks --export {network.name} -o {network.name}.onnx` on a computer with PyTorch, copy the "
        "file to the board and name it in the plan."
    )


def converted(file: Any, network: Any, precision: str, calibration: Any, *, symmetric: bool = False) -> Any:
    """Raises InferenceError."""
    raise InferenceError(
        f"{file} would have to be converted to {precision}, which is not done on a board elsewhere: type "
        f"`monitor-app networks --export NAME --precision {precision} -o FILE.onnx` on a computer with PyTorch, copy "
        "the file to the board and name it in the plan."
    )


def quantised_for_openvino(file: Any, network: Any, calibration: Any) -> Any:
    """Raises InferenceError."""
    raise InferenceError(
        f"{file} would have to be quantised, which is not done on a board elsewhere: run {network.title} in int8 on a "
        "computer with PyTorch, copy the file that is made to the board and name it in the plan."
    )


def kept_tflite(network: Any, weights: str, seed: int) -> Any:
    """Raises InferenceError."""
    raise InferenceError(
        f"{network.title} would have to be converted for LiteRT, which is not done on a board elsewhere: type "
        f"`monitor-app networks --export {network.name} -o {network.name}.tflite` on a computer with PyTorch, copy the "
        "file to the board and name it in the plan."
    )


def description(file: Any, pixels: int) -> dict[str, Any]:
    """Nothing: as the real one where it cannot read the file."""
    return {"costs": None, "reason": "the graph is not counted on a board elsewhere", "precision": None}
