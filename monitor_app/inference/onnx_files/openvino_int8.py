# SPDX-License-Identifier: Apache-2.0
"""A network in int8 by OpenVINO's own quantiser, NNCF. Run by `workshop` in a process of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app.core.errors import InferenceError
from monitor_app.core.files.atomic_file import completed
from monitor_app.inference.images import BadImageError, read_image
from monitor_app.inference.networks.registry import find_network
from monitor_app.inference.onnx_files.answers import answer_with

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from monitor_app.inference.networks.network import Network

IMAGE_DIMENSIONS = 4


def quantise(source: str, network: str, images: list[str], file: str) -> dict[str, Any]:
    """Write `source` in int8 to `file`, a `.xml` with its `.bin` beside it, of which the former appears last.

    Args:
        source: what OpenVINO reads, in fp32.
        network: as a plan names it, for the preprocessing of the images.
        images: by which the ranges are found.
        file: what to write.

    Returns:
        `images`: how many of them could be used, and `way`: how it was converted.

    Raises:
        InferenceError: it cannot be converted.
    """
    # Else it reports each use to its makers
    os.environ["NNCF_CI"] = "1"
    try:
        import nncf
        import openvino
    except ImportError as error:
        raise InferenceError(
            "To quantise a network for OpenVINO, its quantiser must be installed: type `pip install nncf`."
        ) from error
    found = find_network(network)
    read = _images(images, found)
    model = openvino.Core().read_model(source)
    if len(model.inputs) != 1 or model.inputs[0].get_partial_shape().rank.get_length() != IMAGE_DIMENSIONS:
        raise InferenceError(
            f"{found.title} takes something else than images, with which it cannot be calibrated here: quantise it "
            "yourself, and name that file."
        )
    shape = model.inputs[0].get_partial_shape()
    if shape[3].is_static and shape[3].get_length() in {1, 3}:
        read = [image.transpose(0, 2, 3, 1) for image in read]
    made = nncf.quantize(model, nncf.Dataset(read), preset=nncf.QuantizationPreset.MIXED, subset_size=len(read))
    _save(openvino, made, Path(file))
    return {"images": len(read), "way": f"nncf {nncf.__version__} post-training, preset mixed"}


def _images(files: list[str], network: Network) -> list[NDArray[np.float32]]:
    read = []
    for file in files:
        try:
            read.append(read_image(Path(file), network.preprocessing, network.input_pixels)[None])
        except BadImageError:
            continue
    if not read:
        raise InferenceError("None of the images of the calibration can be decoded: name others.")
    return read


def _save(openvino: Any, model: Any, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="monitor-app-") as folder:
        made = Path(folder) / "model.xml"
        openvino.save_model(model, str(made), compress_to_fp16=False)
        for suffix in (".bin", ".xml"):
            with completed(file.with_suffix(suffix)) as stream:
                stream.write(made.with_suffix(suffix).read_bytes())


if __name__ == "__main__":
    answer_with(quantise, "The network cannot be quantised for OpenVINO ({}): see the log for details.")
