# SPDX-License-Identifier: Apache-2.0
"""A network as an ONNX file where the user wants it, for `monitor-app networks --export`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from monitor_app.core.atomic_file import completed
from monitor_app.core.errors import ExportError
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files import workshop

if TYPE_CHECKING:
    from pathlib import Path

    from monitor_app.inference.networks.network import Network

SUFFIX = ".onnx"
SEED = 0
"""Of weights where there are none: that of a profile which names no other."""


def export_to_file(name: str, file: Path, weights: str, precision: str, calibration: str | None) -> list[str]:
    """Write a network to an ONNX file, which appears when it is whole; what was done, as lines.

    Args:
        name: of the network, a file of PyTorch or ONNX, or a function.
        file: ends in .onnx.
        weights: as `find_weights` takes them.
        precision: fp32, fp16 or int8.
        calibration: images by which the ranges of int8 are found, `demo` or a folder.

    Raises:
        InferenceError: the network cannot be had, exported or converted.
        ExportError: the file cannot be written.
    """
    if file.suffix.lower() != SUFFIX:
        raise ExportError(f"{file} does not end in {SUFFIX}, by which its kind is known: name it so.")
    network = find_network(name)
    source, lines = _source(network, weights)
    if precision != "fp32":
        made = workshop.converted(source, network, precision, calibration)
        source = made.path
        lines += [f"{fact}: {value}" for fact, value in made.facts.items()]
    with completed(file) as stream, source.open("rb") as read:
        shutil.copyfileobj(read, stream)
    return [f"{file}: {network.title} in {precision}", *lines]


def _source(network: Network, weights: str) -> tuple[Path, list[str]]:
    """The file in fp32, and what is to be said of it."""
    if network.file is not None and network.file.suffix.lower() == SUFFIX:
        return network.file, []
    path, known = workshop.kept_export(network, weights, SEED)
    return path, [
        f"weights: {known['weights'] or 'random'}",
        f"exported by: {known['way']}, opset {known['opset']}",
    ]
