# SPDX-License-Identifier: Apache-2.0
"""What `monitor-app emulate KIND` does: it finds the emulator of a kind and runs it."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

from monitor_app.cli.terminal import put, say
from monitor_app.emulators.runtime.main import main
from monitor_app.sources.registry import KINDS, emulated_kind

if TYPE_CHECKING:
    from collections.abc import Sequence


HELP = frozenset({"-h", "--help"})
USAGE = """usage: monitor-app emulate KIND [options]

Emulate an instrument on a pseudo-terminal. `monitor-app emulate KIND --help` lists its options.
"""


def emulate_kind(name: str | None, arguments: Sequence[str]) -> int:
    """Run the emulator as its command line says, or list what can be emulated; the exit code."""
    known = [each.emulator_alias or each.name for each in KINDS.values() if each.emulates]
    choice = f"choose one of: {', '.join(known)}."
    if name is None or name in HELP:
        put(*USAGE.rstrip("\n").split("\n"), f"Say what to emulate; {choice}")
        return 0
    kind = emulated_kind(name)
    if kind is None:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? Otherwise " if near else ""
        say(f"{name} cannot be emulated; {hint}{choice}")
        return 2
    module = importlib.import_module(f"monitor_app.emulators.{kind.name}.__main__")
    return main(module.EMULATOR, arguments, program=f"monitor-app emulate {name}")
