# SPDX-License-Identifier: Apache-2.0
"""A network as an ONNX or a LiteRT file where the user wants it, for `monitor-app networks --export`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from monitor_app.core.errors import ExportError
from monitor_app.core.files.atomic_file import completed
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files import workshop

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.inference.networks.network import Network

SUFFIX, TFLITE = ".onnx", ".tflite"
SEED = 0
"""Of weights where there are none: that of a profile which names no other."""


def export_to_file(name: str, file: Path, weights: str, precision: str, calibration: str | None) -> list[str]:
    """Write a network to an ONNX or a LiteRT file, which appears when it is whole; what was done, as lines.

    Args:
        name: of the network, a file of PyTorch or ONNX, or a function.
        file: ends in .onnx or .tflite.
        weights: as `find_weights` takes them.
        precision: fp32, fp16 or int8.
        calibration: images by which the ranges of int8 are found, `demo` or a folder.

    Raises:
        InferenceError: the network cannot be had, exported or converted.
        ExportError: the file cannot be written.
    """
    kind = file.suffix.lower()
    if kind not in {SUFFIX, TFLITE}:
        raise ExportError(f"{file} does not end in {SUFFIX} or {TFLITE}, by which its kind is known: name it so.")
    network = find_network(name)
    if kind == TFLITE:
        return _to_tflite(network, file, weights, precision)
    source, lines = _source(network, weights)
    if precision != "fp32":
        made = workshop.converted(source, network, precision, calibration)
        source = made.path
        lines += [f"{fact}: {value}" for fact, value in made.facts.items()]
    with completed(file) as stream, source.open("rb") as read:
        shutil.copyfileobj(read, stream)
    return [f"{file}: {network.title} in {precision}", *lines]


def _to_tflite(network: Network, file: Path, weights: str, precision: str) -> list[str]:
    if precision != "fp32":
        raise ExportError(f"{file} can be written in fp32 only: leave --precision out.")
    path, known = workshop.kept_tflite(network, weights, SEED)
    with completed(file) as stream, path.open("rb") as read:
        shutil.copyfileobj(read, stream)
    return [
        f"{file}: {network.title} in fp32",
        f"weights: {known['weights'] or 'random'}",
        f"exported by: {known['way']}",
    ]


def _source(network: Network, weights: str) -> tuple[Path, list[str]]:
    """The file in fp32, and what is to be said of it."""
    if network.file is not None and network.file.suffix.lower() == SUFFIX:
        return network.file, []
    path, known = workshop.kept_export(network, weights, SEED)
    return path, [
        f"weights: {known['weights'] or 'random'}",
        f"exported by: {known['way']}, opset {known['opset']}",
    ]
