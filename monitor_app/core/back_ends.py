# SPDX-License-Identifier: Apache-2.0
"""The back ends that networks can be run with, by name: what each is called, takes and needs. Imports none of them."""

from __future__ import annotations

from dataclasses import dataclass

TORCH = "torch"


@dataclass(frozen=True, slots=True)
class BackEndRow:
    """What is known of a back end where it is not installed."""

    name: str
    """As a profile names it."""
    title: str
    """As people write it."""
    suffixes: tuple[str, ...]
    """Of the files that are run with it where nothing else is asked for, small letters."""
    packages: tuple[str, ...]
    """Any one of these modules is enough."""
    extra: str | None
    """Of this program, which installs it; None: no package index has it, the board brings it."""
    takes: tuple[str, ...] = ()
    """Suffixes of files that it can run as well, where it is asked for."""


BACK_ENDS = {
    row.name: row
    for row in (
        BackEndRow(TORCH, "PyTorch", (".pt", ".pth", ".pt2", ".ts", ".torchscript"), ("torch",), "torch"),
        BackEndRow("onnxruntime", "ONNX Runtime", (".onnx", ".ort"), ("onnxruntime",), "onnx"),
        BackEndRow("openvino", "OpenVINO", (".xml",), ("openvino",), "openvino", takes=(".onnx",)),
        BackEndRow("litert", "LiteRT", (".tflite",), ("ai_edge_litert", "tflite_runtime"), "litert"),
        BackEndRow("tensorrt", "TensorRT", (".engine", ".plan"), ("tensorrt",), None, takes=(".onnx",)),
    )
}
"""In the order in which they are listed."""


def back_end_for(network: str, wanted: str | None = None) -> str:
    """The name of the back end that runs a network: the one that is asked for, else the one that its file is made for.

    Args:
        network: as a plan names it: a name, a file, or `module:function`.
        wanted: a key of `BACK_ENDS`; None or `auto` leaves it to the file.
    """
    if wanted and wanted != "auto":
        return wanted
    file = without_pixels(network).lower()
    return next((row.name for row in BACK_ENDS.values() if file.endswith(row.suffixes)), TORCH)


def is_foreign_file(network: str) -> bool:
    """Whether a plan names a file that another back end than PyTorch is made for."""
    return back_end_for(network) != TORCH


def without_pixels(network: str) -> str:
    """`models/mine.onnx@299` without the side of the images, which may follow the name of a network of one's own."""
    name, at, pixels = network.rpartition("@")
    return name if at and pixels.isdigit() else network
