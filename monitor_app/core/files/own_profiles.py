# SPDX-License-Identifier: Apache-2.0
"""The user's own profiles: a folder whose files are known by their names, and trusted like those of the program."""

from __future__ import annotations

import os
from os import geteuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BY_OTHERS = 0o002
"""Not the group: under many distributions each user is alone in one, which may write."""


def own_profiles_folder() -> Path:
    """Where the user keeps profiles (XDG base directory specification); not made."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "monitor-app" / "profiles"


def own_profile(name: str) -> Path | None:
    """The user's profile of this name, with or without ``.toml``; None where there is none."""
    relative = PurePosixPath(f"{name.removesuffix('.toml')}.toml")
    if relative.is_absolute() or ".." in relative.parts:
        return None
    path = own_profiles_folder() / relative
    return path if path.is_file() else None


def own_profile_files() -> Iterator[Path]:
    """The profiles in that folder. None, where another user could have put them there."""
    folder = own_profiles_folder()
    if _only_ours(folder.parent) and _only_ours(folder):
        yield from (path for path in folder.rglob("*.toml") if _only_ours(path.parent) and _only_ours(path))


def _only_ours(path: Path) -> bool:
    """The user's, as is a link in its place, and not to be written by everyone."""
    try:
        ours = {path.lstat().st_uid, (found := path.stat()).st_uid} <= {geteuid()}
    except OSError:
        return False
    return ours and not found.st_mode & _BY_OTHERS
