# SPDX-License-Identifier: Apache-2.0
"""What `monitor-app emulate KIND` does: it finds the emulator of a kind and runs it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.emulators.runtime.main import main
from monitor_app.sources.registry import KINDS, emulated_kind

if TYPE_CHECKING:
    from collections.abc import Sequence


def emulate_kind(name: str | None, arguments: Sequence[str]) -> int:
    """Run the emulator as its command line says; the exit code. Raises MonitorError, a list of what can be emulated."""
    kind = None if name is None else emulated_kind(name)
    if kind is None:
        known = ", ".join(each.emulator_alias or each.name for each in KINDS.values() if each.emulates)
        problem = "No instrument was named" if name is None or name.startswith("-") else f"{name} cannot be emulated"
        raise MonitorError(f"{problem}; choose one of: {known}.")
    module = importlib.import_module(f"monitor_app.emulators.{kind.name}.__main__")
    return main(module.EMULATOR, arguments, program=f"monitor-app emulate {name}")
