# SPDX-License-Identifier: Apache-2.0
"""In place of inference.torch_missing on a board: the sentence for a Python that cannot run networks."""

from __future__ import annotations

import importlib.util
import sys

from monitor_app.core.errors import InferenceError

PACKAGES = ("torch", "torchvision")


class TorchMissingError(InferenceError):
    """torch or torchvision is not installed."""


def require_torch() -> None:
    """Return where both packages are installed, without importing them. Raises TorchMissingError."""
    missing = " and ".join(name for name in PACKAGES if importlib.util.find_spec(name) is None)
    if missing:
        raise TorchMissingError(missing_sentence(missing))


def missing_sentence(packages: str) -> str:
    """What to do where this Python lacks them."""
    return (
        f"The board's {sys.executable} has no {packages}: install it there, torch and torchvision as NVIDIA builds "
        "them for its JetPack, or name a Python that has all of them as `inference_python` in [board]."
    )
