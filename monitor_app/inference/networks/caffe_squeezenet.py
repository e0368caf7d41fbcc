# SPDX-License-Identifier: Apache-2.0
"""The SqueezeNet of a package that keeps Caffe's weights in TensorFlow's layout, for torchvision's module."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor_app.inference.networks.weights import StateDict, WeightsError

if TYPE_CHECKING:
    from pathlib import Path


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
