# SPDX-License-Identifier: Apache-2.0
"""Arguments of the command line as paths of files."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import NotASessionError
from monitor_app.core.files.own_profiles import own_profile
from monitor_app.core.files.package_data import profile_path
from monitor_app.session.files import unsaved_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_PROFILE = "simulated-tx1"


def find_profile(word: str) -> Path:
    """A profile by its path, or by its name one of the user's own or of the program's. Raises ProfileError."""
    path = Path(word)
    return path if path.exists() or path.suffix == ".toml" else own_profile(word) or profile_path(word)


def session_files(words: Iterable[Path]) -> list[Path]:
    """Sessions by their paths, or all of a folder by its path, in the order of their names. Raises NotASessionError."""
    found: list[Path] = []
    for path in words:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(each for each in path.glob("*.plm") if each.is_file())
        if not inside:
            raise NotASessionError(f"There is no session (*.plm) in the folder {path}: check the name.")
        found += inside
    return list(dict.fromkeys(found))


def new_session_name() -> str:
    """A file name from the current time."""
    return f"session-{datetime.now().astimezone():%Y%m%d-%H%M%S}.plm"


def new_unsaved_session() -> Path:
    """A new path for a session that the user has not saved yet."""
    folder = unsaved_folder()
    name = Path(new_session_name())
    names = itertools.chain([name.name], (f"{name.stem}-{k}.plm" for k in itertools.count(2)))
    return next(folder / each for each in names if not (folder / each).exists())
