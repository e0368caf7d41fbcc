# SPDX-License-Identifier: Apache-2.0
"""The sentence for a machine without torch, which only running and counting networks needs. Imports no torch."""

from __future__ import annotations

import importlib.util

from monitor_app.core.errors import InferenceError

PACKAGES = ("torch", "torchvision")
"""Those of the extra `torch`."""


class TorchMissingError(InferenceError):
    """torch or torchvision is not installed."""


def require_torch() -> None:
    """Return where both packages are installed, without importing them.

    Raises:
        TorchMissingError: one is not; the sentence says how to install it.
    """
    missing = " and ".join(name for name in PACKAGES if importlib.util.find_spec(name) is None)
    if missing:
        raise TorchMissingError(
            f"To run networks on this machine, {missing} must be installed: type `pip install 'inferwatt[torch]'`, or "
            "with pipx `pipx install --force 'inferwatt[torch]'`; the device emulated:tx1 does without."
        )
