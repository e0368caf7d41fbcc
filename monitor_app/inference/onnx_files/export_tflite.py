# SPDX-License-Identifier: Apache-2.0
"""A network of PyTorch as a LiteRT file. Imports torch: run by `workshop` in a process of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from monitor_app.core.errors import InferenceError
from monitor_app.core.files.atomic_file import completed
from monitor_app.inference.built_modules import build_with_weights
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files.answers import answer_with
from monitor_app.inference.versions import installed_versions

CONVERTER = "litert-torch"


def export_tflite(network: str, weights: str, seed: int, file: str) -> dict[str, Any]:
    """Write a network with its weights to a LiteRT file for one image, with its channels last as LiteRT has them.

    Args:
        network: as a plan names it.
        weights: as `find_weights` takes them.
        seed: of random weights.
        file: what to write; appears when it is whole.

    Returns:
        What is known of it: weights, weights_sha256, parameters, macs, operations, way.

    Raises:
        InferenceError: the converter is not installed, or the network cannot be converted.
    """
    # It would look for a GPU
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import litert_torch
    except ImportError as error:
        raise InferenceError(
            f"PyTorch needs the package {CONVERTER} to write a network for LiteRT: type `pip install {CONVERTER}`, "
            "which takes a gigabyte, or name a file .tflite."
        ) from error
    import torch

    found = find_network(network)
    built = build_with_weights(found, weights, seed)
    images = torch.zeros(1, found.input_pixels, found.input_pixels, 3)
    module = litert_torch.to_channel_last_io(built.module, args=[0]).eval()
    made = litert_torch.convert(module, (images,))
    with tempfile.TemporaryDirectory(prefix="monitor-app-") as folder:
        written = Path(folder) / "model.tflite"
        made.export(str(written))
        with completed(Path(file)) as stream:
            stream.write(written.read_bytes())
    return {
        "weights": built.weights,
        "weights_sha256": built.weights_sha256,
        "parameters": built.costs.parameters,
        "macs": built.costs.macs,
        "operations": built.costs.operations,
        "way": f"{CONVERTER} {installed_versions(CONVERTER)[CONVERTER]}",
    }


if __name__ == "__main__":
    answer_with(export_tflite, "The network cannot be converted for LiteRT ({}): see the log for details.")
