# SPDX-License-Identifier: Apache-2.0
"""The command line of every emulator."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from monitor_app.core.errors import MonitorError
from monitor_app.emulators.runtime.options import EmulatorOptions, add_common_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Options = TypeVar("Options", bound=EmulatorOptions)


@dataclass(frozen=True)
class Emulator(Generic[Options]):
    """An emulated instrument as its ``__main__`` module describes it."""

    kind: str
    """Its folder in monitor_app.emulators."""
    description: str
    """For `--help`."""
    options: type[Options]
    add_options: Callable[[argparse.ArgumentParser], None]
    """Adds the options that not every emulator has; their destinations are fields of `options`."""
    run: Callable[[Options], int]
    """Prints the port and emulates until stopped; the exit code. Raises MonitorError if an option cannot be used."""


def main(emulator: Emulator[Options], arguments: Sequence[str] | None = None, *, program: str | None = None) -> int:
    """Emulate as the command line says; 1 and a sentence on stderr if that is not possible.

    Args:
        emulator: what to emulate.
        arguments: by default those of this process.
        program: the name of the command in `--help`; by default that of the module.
    """
    try:
        return emulator.run(parse(emulator, arguments, program=program))
    except MonitorError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def parse(
    emulator: Emulator[Options], arguments: Sequence[str] | None = None, *, program: str | None = None
) -> Options:
    """The options of a command line, not yet checked. Raises SystemExit on `--help` and on an unknown option."""
    program = program or f"python -m monitor_app.emulators.{emulator.kind}"
    parser = argparse.ArgumentParser(
        prog=program, description=f"{emulator.description} It prints its port and runs until it is stopped."
    )
    add_common_options(parser)
    emulator.add_options(parser)
    values = vars(parser.parse_args(arguments))
    values["faults"] = tuple(values["faults"])
    return emulator.options(**values)
