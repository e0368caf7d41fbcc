# SPDX-License-Identifier: Apache-2.0
"""`monitor-app mark NAME`, for shells; `--where` prints the folder of the files for programs."""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path

USAGE = """\
Usage: monitor-app mark NAME
       monitor-app mark NAME -- COMMAND ...
       monitor-app mark --where

Mark a moment from a shell script that `monitor-app run` has started, or run a command as a span. Elsewhere nothing is
marked. The mark stands some 50 ms after the shell has reached it, since a process has to start for it.

  --where    Print the folder of monitor_marks.py and monitor_marks.h, for programs that are to mark themselves.
  -h, --help
"""
FILE = "monitor_marks.py"


def mark(arguments: list[str]) -> int:
    """The exit code. Nothing but the standard library is imported, so that the time is that of the call."""
    now_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
    name, words = arguments[0] if arguments else "", arguments[1:]
    if name in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0
    if name == "--where" and not words:
        sys.stdout.write(f"{_folder()}\n")
        return 0
    if not name or name.startswith("--") or (words and (words[0] != "--" or len(words) < 2)):
        sys.stderr.write(USAGE)
        return 2
    # What is imported as a module would have to lie on the path.
    marks = runpy.run_path(str(_folder() / FILE))
    if not words:
        marks["mark"](name, now_ns)
        return 0
    return _span(marks["span"](name), words[1:])


def _span(span, words: list[str]) -> int:  # type: ignore[no-untyped-def]
    import subprocess

    with span:
        try:
            code = subprocess.run(words, check=False).returncode
        except OSError as error:
            sys.stderr.write(f"{words[0]} cannot be started ({error.strerror}): check its name.\n")
            code = 127 if isinstance(error, FileNotFoundError) else 126
        except KeyboardInterrupt:
            code = 130
    return 128 - code if code < 0 else code


def _folder() -> Path:
    """Beside the package in a checkout, inside it once installed: as `core.files.package_data`, which loads longer."""
    package = Path(__file__).parents[1]
    for root in (package / "_share", package.parent):
        if (root / "resources" / "marks" / FILE).is_file():
            return root / "resources" / "marks"
    return package
