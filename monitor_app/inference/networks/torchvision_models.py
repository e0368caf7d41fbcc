# SPDX-License-Identifier: Apache-2.0
"""torchvision, and its classifiers by its own names.

What is known of them stands in torchvision.csv, so that the list needs no torch; `tabulate` writes it from
torchvision's own metadata. Of several sets of weights it names the first that fits the network's usual size.
"""

from __future__ import annotations

import csv
import importlib
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from monitor_app.core.files.package_data import package_text
from monitor_app.inference.networks.network import INCEPTION, Network, Preprocessing, PublishedWeights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from torch import nn

    from monitor_app.inference.networks.weights import StateDict


URL = "https://download.pytorch.org/models/"

# Classifiers that serve training alone, with their weights
_AUXILIARY = {"inception_v3": ("AuxLogits.",), "googlenet": ("aux1.", "aux2.")}


def torchvision_networks() -> list[Network]:
    """All of them, in the order of their names."""
    table = package_text("monitor_app.inference.networks", "torchvision.csv")
    return [_network(row) for row in csv.DictReader(table.splitlines())]


def build_torchvision(name: str, title: str = "") -> nn.Module:
    """The network of torchvision of that name with random weights, without classifiers that serve training alone.

    Raises:
        InferenceError: this torchvision is too old to have it.
    """
    torchvision = import_torchvision()
    from monitor_app.inference.networks.old_torch import model_of

    # Its own initialisation of these two takes minutes
    options: dict[str, Any] = {"aux_logits": False, "init_weights": False} if name in _AUXILIARY else {}
    return model_of(torchvision, name, title or name, **options)


def _network(row: dict[str, str]) -> Network:
    name = row["name"]
    network = Network(
        name=name,
        title=row["title"],
        build=partial(build_torchvision, name, row["title"]),
        input_pixels=int(row["input_pixels"]),
        preprocessing=Preprocessing(
            resize_pixels=int(row["resize_pixels"]),
            interpolation=cast('Literal["bilinear", "bicubic"]', row["interpolation"]),
        ),
        source=f"torchvision {name}",
        published=PublishedWeights(
            tag=row["weights"],
            url=URL + row["file"],
            size_bytes=int(row["size_bytes"]),
            top1_percent=float(row["top1_percent"]),
            top5_percent=float(row["top5_percent"]),
        ),
    )
    if name in _AUXILIARY:
        # The module would turn ImageNet's mean and deviation into these at every pass
        same = replace(network.preprocessing, mean=INCEPTION.mean, std=INCEPTION.std)
        network = replace(network, preprocessing=same, adapt=partial(_without, _AUXILIARY[name]))
    return network


def _without(prefixes: tuple[str, ...], state: StateDict, module: nn.Module) -> StateDict:
    return {key: value for key, value in state.items() if not key.startswith(prefixes)}


_MISSING = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# A declaration lives only as long as the object that made it.
_declared: list[object] = []


def import_torchvision() -> ModuleType:
    """The torchvision package, with `torchvision.models` usable also beside a CPU-only torch.

    The torchvision wheels of the package index are built against CUDA. Beside a CPU-only torch their extension cannot
    be loaded, and then the import fails on an operator that has not been declared. The models need none of those
    operators; declaring the two that are named is enough. A torchvision that fits is left as it is.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: it fails in any other way than the known one.
    """
    with _compiler_left_out():
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            if _MISSING not in str(error):
                raise
        return _import_mended()


def _import_mended() -> ModuleType:
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    if not _declared:
        _declare()
    return importlib.import_module("torchvision")


def _declare() -> None:
    from torch.library import Library

    library = Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    _declared.append(library)


_COMPILER = "torch._dynamo.utils"


@contextmanager
def _compiler_left_out() -> Iterator[None]:
    """Has torchvision import torch's compiler when it is first used, and not at once.

    torchvision asks it one thing, when an operator of detection runs; to import it takes a second and 70 MB.
    """
    if _COMPILER in sys.modules:
        yield
        return
    later = _Later(_COMPILER)
    sys.modules[_COMPILER] = later
    try:
        yield
    finally:
        if sys.modules.get(_COMPILER) is later:
            del sys.modules[_COMPILER]


class _Later(ModuleType):
    """In place of the compiler's module, which it imports for whatever else is asked of it."""

    @staticmethod
    def is_compile_supported(device_type: str) -> bool:
        return bool(_compiler().is_compile_supported(device_type))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_compiler(), name)


def _compiler() -> ModuleType:
    if isinstance(sys.modules.get(_COMPILER), _Later):
        del sys.modules[_COMPILER]
    return importlib.import_module(_COMPILER)
