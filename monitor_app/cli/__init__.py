# SPDX-License-Identifier: Apache-2.0
"""The command line, which can do everything to a bench that the window can.

Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage, 130 interrupted (the file is complete).
"""

from __future__ import annotations

import sys

COMMANDS = (
    "window",
    "record",
    "sources",
    "calibrate",
    "networks",
    "show",
    "export",
    "analyze",
    "figures",
    "report",
    "emulate",
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a first argument that is not a command is a profile or session for the window."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or (arguments[0] not in COMMANDS and not arguments[0].startswith("-")):
        arguments = ["window", *arguments]
    if arguments[0] == "window":
        # Imports take most of the time until the window opens; the command line parser is not needed for it.
        from monitor_app.cli.window import quick_start

        code = quick_start(arguments[1:])
        if code is not None:
            return code
    from monitor_app.cli.commands import run

    return run(arguments)
