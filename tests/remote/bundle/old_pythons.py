# SPDX-License-Identifier: Apache-2.0
"""Interpreters of the Pythons that boards have, where this machine has some."""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

OLD = ((3, 6), (3, 8))


def old_python(version: tuple[int, int], library: str = "sys") -> str:
    """An interpreter of that version which has a library; skips the test where there is none.

    Looked for in $MONITOR_APP_OLD_PYTHONS (paths with `:` between), then in the folders of pyenv.
    """
    for path in _found():
        if _has(path, version, library):
            return path
    text = ".".join(map(str, version))
    pytest.skip(f"no Python {text} with {library} on this machine ($MONITOR_APP_OLD_PYTHONS may name one)")


def _found() -> Iterator[str]:
    yield from filter(None, os.environ.get("MONITOR_APP_OLD_PYTHONS", "").split(":"))
    # Not by HOME, which the tests change
    for home in (Path("~root"), Path(f"~{os.environ.get('USER', 'root')}")):
        try:
            versions = home.expanduser() / ".pyenv" / "versions"
            yield from (str(each) for each in sorted(versions.glob("3.[0-9]*/bin/python")))
        except (OSError, RuntimeError):
            continue


@cache
def _has(path: str, version: tuple[int, int], library: str) -> bool:
    program = f"import sys, {library}; sys.exit(sys.version_info[:2] != {version!r})"
    try:
        return subprocess.run([path, "-c", program], capture_output=True, check=False, timeout=60).returncode == 0
    except OSError:
        return False
