# SPDX-License-Identifier: Apache-2.0
"""The hosts that a user's ssh configuration names, to be suggested; who is reached is decided by ssh alone."""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES, MOST_FILES = 1 << 20, 64
_WILD = frozenset("*?!")


def ssh_hosts(config: Path | None = None) -> list[str]:
    """Names under `Host` that stand for one host each, in their order, also of files that are included.

    Args:
        config: by default the user's. OpenSSH takes the home folder from the password file, whatever $HOME says.
    """
    folder = _home() / ".ssh"
    read: set[Path] = set()
    return list(dict.fromkeys(_hosts(config or folder / "config", folder, read)))


def _hosts(path: Path, folder: Path, read: set[Path]) -> Iterator[str]:
    if path in read or len(read) >= MOST_FILES:
        return
    read.add(path)
    for line in _lines(path):
        key, words = _words(line)
        if key == "host":
            yield from (word for word in words if word and not _WILD & set(word))
        elif key == "include":
            for word in words:
                for each in _included(word, folder):
                    yield from _hosts(each, folder, read)


def _lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST_BYTES).splitlines()
    except OSError:
        return []


def _words(line: str) -> tuple[str, list[str]]:
    """The keyword in small letters, and what follows; `Key value` and `Key=value` are the same."""
    key, _, rest = line.strip().replace("=", " ", 1).partition(" ") if "=" in line else line.strip().partition(" ")
    try:
        return key.lower(), shlex.split(rest, comments=True)
    except ValueError:  # a quote that is not closed
        return "", []


def _included(pattern: str, folder: Path) -> list[Path]:
    if pattern.startswith("~/"):
        pattern = str(_home() / pattern[2:])
    path = Path(pattern)
    try:
        if path.is_absolute():
            return sorted(Path("/").glob(pattern.lstrip("/")))
        return sorted(folder.glob(pattern))
    except (ValueError, NotImplementedError, OSError):
        return []


def _home() -> Path:
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # no such user in the password file
        return Path("/nonexistent")
