# SPDX-License-Identifier: Apache-2.0
"""A network of PyTorch as an ONNX file. Imports torch: run by `workshop` in a process of its own."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import InferenceError, first_line
from monitor_app.core.files.atomic_file import completed
from monitor_app.inference.built_modules import build_with_weights
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files.answers import answer_with

if TYPE_CHECKING:
    import torch
    from torch import nn

    from monitor_app.inference.networks.network import Network

OPSET = 18
"""Of the operators: what ONNX Runtime 1.14, OpenVINO 2023 and TensorRT 8.6 can read, and torch can still write."""
INPUT, OUTPUT = "images", "scores"


def export(network: str, weights: str, seed: int, file: str) -> dict[str, Any]:
    """Write a network with its weights to a file, with a batch of any size.

    Args:
        network: as a plan names it.
        weights: as `find_weights` takes them.
        seed: of random weights.
        file: what to write; appears when it is whole.

    Returns:
        What is known of it: weights, weights_sha256, parameters, macs, operations, way, opset.

    Raises:
        InferenceError: the network cannot be built, or not be exported.
        ExportError: the file cannot be written.
    """
    found = find_network(network)
    built = build_with_weights(found, weights, seed)
    model, way, version = _exported(found, built.module)
    with completed(Path(file)) as stream:
        stream.write(model)
    return {
        "weights": built.weights,
        "weights_sha256": built.weights_sha256,
        "parameters": built.costs.parameters,
        "macs": built.costs.macs,
        "operations": built.costs.operations,
        "way": f"torch {version} by {way}",
        "opset": OPSET,
    }


def _exported(network: Network, module: nn.Module) -> tuple[bytes, str, str]:
    """The bytes of the file, which exporter of torch has made them, and the version of torch."""
    import torch

    images = torch.zeros(2, 3, network.input_pixels, network.input_pixels)
    failures = []
    for way, make in (("torch.export", _by_export), ("TorchScript", _by_tracing)):
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                return make(module, images), way, str(torch.__version__)
        # Neither exporter says what it may raise
        except Exception as error:  # noqa: BLE001
            failures.append(f"by {way}: {first_line(error)}")
    raise InferenceError(
        f"torch {torch.__version__} cannot export {network.title} to ONNX ({'; '.join(failures)}): run it with "
        "PyTorch, or export it by hand and name the file."
    )


def _by_export(module: nn.Module, images: torch.Tensor) -> bytes:
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    batch = torch.export.Dim("batch", min=1, max=65_536)
    program = torch.onnx.export(
        module,
        (images,),
        dynamo=True,
        opset_version=OPSET,
        dynamic_shapes=({0: batch},),
        input_names=[INPUT],
        output_names=[OUTPUT],
        verbose=False,
    )
    assert program is not None, "the exporter by torch.export returns what it has made"
    return bytes(program.model_proto.SerializeToString())


def _by_tracing(module: nn.Module, images: torch.Tensor) -> bytes:
    from io import BytesIO

    import torch

    stream = BytesIO()
    torch.onnx.export(
        module,
        (images,),
        stream,
        dynamo=False,
        opset_version=OPSET,
        dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
        input_names=[INPUT],
        output_names=[OUTPUT],
    )
    return stream.getvalue()


if __name__ == "__main__":
    answer_with(export, "The network cannot be exported to ONNX ({}): see the log for details.")
