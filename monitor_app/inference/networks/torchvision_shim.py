# SPDX-License-Identifier: Apache-2.0
"""Import torchvision also where its compiled half does not fit the torch that is installed.

The torchvision wheels of the package index are built against CUDA. Beside a CPU-only torch their extension
cannot be loaded, and then the import fails on an operator that has not been declared. The models need none of
those operators; declaring the two that are named is enough. A torchvision that fits is left as it is.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MISSING = "operator torchvision::nms does not exist"
_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
# A declaration lives only as long as the object that made it.
_declared: list[object] = []


def import_torchvision() -> ModuleType:
    """The torchvision package, with `torchvision.models` usable.

    Raises:
        ImportError: torchvision is not installed.
        RuntimeError: it fails in any other way than the known one.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
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
