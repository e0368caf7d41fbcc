# SPDX-License-Identifier: Apache-2.0
"""From the name of a back end to the back end itself, which is imported for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.back_ends import BACK_ENDS, TORCH
from monitor_app.core.errors import InferenceError
from monitor_app.inference.torch_missing import require_torch

if TYPE_CHECKING:
    from monitor_app.core.back_ends import BackEndRow
    from monitor_app.inference.back_ends.back_end import BackEnd

JETSON = Path("/etc/nv_tegra_release")
"""NVIDIA's system for its boards has it."""


class BackEndMissingError(InferenceError):
    """A back end is not installed."""


def require_back_end(name: str) -> None:
    """Return where a back end is installed, without importing it.

    Raises:
        InferenceError: there is none of that name, or it is not installed; the sentence has the line that installs it.
    """
    row = BACK_ENDS.get(name)
    if row is None:
        raise InferenceError(f"There is no back end {name!r}: use one of {', '.join(BACK_ENDS)}.")
    if name == TORCH:
        require_torch()
    elif not any(importlib.util.find_spec(package) for package in row.packages):
        raise BackEndMissingError(_missing(row, on_a_jetson=JETSON.exists()))


def open_back_end(name: str) -> BackEnd:
    """The back end of that name, which takes seconds to import. Raises InferenceError as `require_back_end`."""
    require_back_end(name)
    if name == "onnxruntime":
        from monitor_app.inference.back_ends.onnx_runtime import OnnxRuntime

        return OnnxRuntime()
    from monitor_app.inference.back_ends.pytorch import PyTorch

    return PyTorch()


def _missing(row: BackEndRow, *, on_a_jetson: bool) -> str:
    if row.extra is None:
        return (
            f"{row.title} is not installed for this Python: on a Jetson it comes with JetPack (`sudo apt install "
            "python3-libnvinfer`, and a virtual environment that sees the packages of the system), elsewhere type "
            "`pip install tensorrt`."
        )
    line = f"`pip install 'inferwatt[{row.extra}]'`"
    if on_a_jetson:
        return (
            f"{row.title} is not installed: on a Jetson take the build that NVIDIA offers for your JetPack, since "
            f"{line} brings one for the processor alone, which also replaces NVIDIA's."
        )
    return f"{row.title} is not installed: type {line}, and start the program again."
