# SPDX-License-Identifier: Apache-2.0
"""An ONNX file in fp16 or int8, by the tools of ONNX Runtime. Run by `workshop` in a process of its own."""

from __future__ import annotations

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

IMAGE_DIMENSIONS = 4


def convert(source: str, network: str, precision: str, images: list[str], symmetric: bool, file: str) -> dict[str, Any]:
    """Write `source` in another precision to `file`, which appears when it is whole.

    Args:
        source: an ONNX file in fp32.
        network: as a plan names it, for the preprocessing of the images.
        precision: fp16 or int8.
        images: by which the ranges of int8 are found.
        symmetric: int8 with zero in the middle for activations too, as GPUs have it.
        file: what to write.

    Returns:
        `images`: how many of them could be used, and `way`: how it was converted.

    Raises:
        InferenceError: it cannot be converted.
    """
    try:
        import onnx
    except ImportError as error:
        raise InferenceError(
            f"To convert a network to {precision}, onnx must be installed: type `pip install 'inferwatt[onnx]'`."
        ) from error
    with tempfile.TemporaryDirectory(prefix="monitor-app-") as folder:
        made = Path(folder) / "converted.onnx"
        if precision == "fp16":
            onnx.save(_half(onnx.load(source)), made)
            answer: dict[str, Any] = {"way": "onnxruntime.transformers.float16"}
        else:
            answer = _quantise(Path(source), network, images, symmetric, made, Path(folder))
        with completed(Path(file)) as stream:
            stream.write(made.read_bytes())
    return answer


def _half(model: Any) -> Any:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(model, keep_io_types=False)


def _quantise(source: Path, name: str, images: list[str], symmetric: bool, made: Path, folder: Path) -> dict[str, Any]:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    network = find_network(name)
    # Normalisation is folded into the convolutions before it, which are what is quantised
    prepared = folder / "prepared.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    read = []
    for image in images:
        try:
            read.append(read_image(Path(image), network.preprocessing, network.input_pixels))
        except BadImageError:
            continue
    if not read:
        raise InferenceError("None of the images of the calibration can be decoded: name others.")
    activation = QuantType.QInt8 if symmetric else QuantType.QUInt8
    quantize_static(
        str(prepared),
        str(made),
        _Reader(_input(prepared, network.title), read),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=activation,
        weight_type=QuantType.QInt8,
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True},
    )
    ranges = "symmetric" if symmetric else "asymmetric"
    return {"images": len(read), "way": f"onnxruntime static QDQ, per channel, activations {ranges}, MinMax"}


def _input(file: Path, title: str) -> str:
    """The name of the one input, which takes images."""
    import onnx

    graph = onnx.load(file, load_external_data=False).graph
    constants = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in constants]
    images = [each for each in inputs if len(each.type.tensor_type.shape.dim) == IMAGE_DIMENSIONS]
    if len(inputs) != 1 or not images:
        raise InferenceError(
            f"{title} takes something else than images, with which it cannot be calibrated here: quantise it yourself, "
            "and name that file."
        )
    return str(images[0].name)


class _Reader:
    """Gives the calibration one image after the other; its method is named by ONNX Runtime."""

    def __init__(self, name: str, images: list[NDArray[np.float32]]) -> None:
        self._name = name
        self._images = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next input, None after the last."""
        image = next(self._images, None)
        return None if image is None else {self._name: image[None]}


if __name__ == "__main__":
    answer_with(convert, "The network cannot be converted ({}): see the log for details.")
