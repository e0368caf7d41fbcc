# SPDX-License-Identifier: Apache-2.0
"""What an older torch or torchvision lacks, and what is done instead: the one place that knows of it.

JetPack 4 ends at torch 1.10 with torchvision 0.11, JetPack 5 at torch 2.1. docs/networks.md has the table.
Imports torch: for the child only.
"""

from __future__ import annotations

import importlib
import pickle
import re
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import torch

from monitor_app.core.errors import InferenceError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from torch import nn

COUNTS_FROM = (2, 3)
"""The first torch whose counts are those of counts.csv."""
COMPILES_FROM = (2, 0)
SAFE_LOADING_FROM = (1, 13)
"""The first torch.load that can be told to make nothing but tensors."""

_TORCHVISION_SINCE = {
    "convnext_": "0.12",
    "vit_h_14": "0.13",
    "vit_": "0.12",
    "regnet_y_128gf": "0.12",
    "efficientnet_v2_": "0.13",
    "resnext101_64x4d": "0.13",
    "swin_t": "0.13",
    "swin_s": "0.13",
    "swin_b": "0.13",
    "swin_v2_": "0.14",
    "maxvit_": "0.14",
}
"""By how the name begins: the torchvision that brought the network. All others are in 0.11."""


def can_count() -> bool:
    """Whether this torch counts operations as the table does."""
    return torch_version() >= COUNTS_FROM


def torch_version() -> tuple[int, int]:
    """Major and minor; NVIDIA's own builds are called 2.1.0a0+41361538.nv23.06."""
    found = re.match(r"(\d+)\.(\d+)", torch.__version__)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def compiled(module: nn.Module) -> nn.Module:
    """The module by torch.compile. Raises InferenceError where this torch has none."""
    if torch_version() < COMPILES_FROM:
        raise InferenceError(
            f"torch.compile needs torch 2.0 or newer, and this is {torch.__version__}: leave `compiled` out."
        )
    return cast("nn.Module", torch.compile(module))


def load_tensors(file: Path) -> Any:
    """What torch.save wrote to a file, where that is tensors and containers of them.

    Raises:
        pickle.UnpicklingError: it holds anything else.
        RuntimeError, OSError, EOFError, ValueError, KeyError: it is damaged, or no such file.
    """
    if torch_version() >= SAFE_LOADING_FROM:
        return torch.load(file, map_location="cpu", weights_only=True)
    return torch.load(file, map_location="cpu", pickle_module=TensorPickle)


class _TensorUnpickler(pickle.Unpickler):
    """Makes tensors and built-in containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = (module, name) in _TENSOR_PARTS or (module == "torch" and name.endswith("Storage"))
        if not allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module, name)


class TensorPickle:
    """As much of the module pickle as torch.load asks for, with which it makes nothing but tensors."""

    Unpickler = _TensorUnpickler

    @staticmethod
    def load(file: BinaryIO, **options: Any) -> Any:
        """As pickle.load."""
        return _TensorUnpickler(file, **options).load()


_TENSOR_PARTS = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
}


def model_of(torchvision: ModuleType, name: str, title: str, **options: Any) -> nn.Module:
    """The network of torchvision of that name with random weights.

    Args:
        torchvision: the package.
        name: as torchvision calls it.
        title: as people do.
        options: what its function takes.

    Raises:
        InferenceError: this torchvision does not have it; the sentence says which one does.
    """
    build = getattr(importlib.import_module("torchvision.models"), name, None)
    if build is None:
        raise InferenceError(
            f"{title} needs torchvision {torchvision_since(name)} or newer, and this is {torchvision.__version__}: "
            "run another network, or install a newer torchvision where there is one for this machine."
        )
    return cast("nn.Module", build(**options))


def torchvision_since(name: str) -> str:
    """The torchvision that brought the network of that name."""
    return next((since for begin, since in _TORCHVISION_SINCE.items() if name.startswith(begin)), "0.11")
