# SPDX-License-Identifier: Apache-2.0
"""From the words of a command line to files."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path

from monitor_app.core.log import state_folder
from monitor_app.core.package_data import profile_path

DEFAULT_PROFILE = "simulated-tx1"


def find_profile(word: str) -> Path:
    """A profile by path, or one of those that are shipped by its name. Raises ProfileError."""
    path = Path(word)
    return path if path.exists() or path.suffix == ".toml" else profile_path(word)


def new_session_name() -> str:
    """A name by the clock."""
    return f"session-{datetime.now().astimezone():%Y%m%d-%H%M%S}.plm"


def new_unsaved_session() -> Path:
    """Where a session is kept until the user saves it."""
    folder = state_folder() / "sessions"
    folder.mkdir(exist_ok=True)
    name = Path(new_session_name())
    names = itertools.chain([name.name], (f"{name.stem}-{k}.plm" for k in itertools.count(2)))
    return next(folder / each for each in names if not (folder / each).exists())
