# SPDX-License-Identifier: Apache-2.0
"""The command line, which can do everything to a bench that the window can.

Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage, 130 interrupted (the file is complete).
`run` ends as its command ended, with 126 or 127 where that cannot be started, and with 125 where it cannot be measured.
`record` ends with 1 also where a run of the plan failed. Of `analyze` 1 is a regression, and 2 all that it cannot do.
Of `check` 1 and 2 are verdicts, FAIL and INCONCLUSIVE, and 3 is all that it cannot do, wrong usage included.
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

COMMANDS = (
    "window",
    "record",
    "run",
    "mark",
    "fleet",
    "sources",
    "doctor",
    "calibrate",
    "networks",
    "show",
    "export",
    "analyze",
    "check",
    "figures",
    "report",
    "repair",
    "emulate",
)


def _unknown_command(arguments: list[str]) -> str:
    """What to say of a first word that is neither command, option nor file, and is like a command; else empty."""
    word = arguments[0] if arguments else "-"
    if word in COMMANDS or word.startswith("-") or Path(word).exists() or Path(word).suffix in {".toml", ".plm"}:
        return ""
    near = difflib.get_close_matches(word, COMMANDS, 1)
    return f"There is no command {word}: did you mean `monitor-app {near[0]}`?" if near else ""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a first argument that is not a command is a profile or session for the window."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:2], "--help"]
    unknown = _unknown_command(arguments)
    if unknown:
        from monitor_app.cli.terminal import say

        say(unknown)
        return 3 if unknown.endswith("`monitor-app check`?") else 2
    if arguments[:1] == ["mark"]:
        # The time is that at which this is reached, so nothing else is imported for it.
        from monitor_app.cli.mark import mark

        return mark(arguments[1:])
    first = arguments[0] if arguments else ""
    if first == "--reset-settings" or (first not in COMMANDS and not first.startswith("-")):
        arguments = ["window", *arguments]
    if arguments[0] == "window":
        # Imports take most of the time until the window opens; the command line parser is not needed for it.
        from monitor_app.cli.window import quick_start

        code = quick_start(arguments[1:])
        if code is not None:
            return code
    from monitor_app.cli.commands.command_line import run

    return run(arguments)
