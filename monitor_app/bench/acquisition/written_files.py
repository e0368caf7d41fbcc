# SPDX-License-Identifier: Apache-2.0
"""Files that a profile has a session write: they lie in the session's folder, and take nothing's place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor_app.core.errors import ProfileError

if TYPE_CHECKING:
    from pathlib import Path

_SESSION = re.compile(r"\.plm(-\w+)?$", re.IGNORECASE)
_BEGINNING = b'{"sample":'
"""Of every energy log."""


def energy_log(name: str, folder: Path) -> Path:
    """The energy log that a profile names: a new file in ``folder`` or below, or one that is an energy log already.

    Raises:
        ProfileError: it lies elsewhere, also by way of a link, or is something else.
    """
    try:
        if "\0" in name:
            raise ValueError
        path = folder.resolve() / name
        inside = path.parent.resolve(strict=True)
        inside.relative_to(folder.resolve())
    except (OSError, ValueError) as error:
        raise ProfileError(
            f"account = {name!r} is not in the folder of the session, {folder.absolute()}, where alone a profile may "
            "have files written: give a name without a folder."
        ) from error
    path = inside / path.name
    if _SESSION.search(path.name) or not (_is_new(path) or _is_energy_log(path)):
        raise ProfileError(f"account = {name!r} is another file already, and is not written to: give a new name.")
    return path


def _is_new(path: Path) -> bool:
    return not path.is_symlink() and not path.exists()


def _is_energy_log(path: Path) -> bool:
    """Or empty, and without a second name under which it is something else."""
    if path.is_symlink() or not path.is_file() or path.stat().st_nlink > 1:
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) in {b"", _BEGINNING}
    except OSError:
        return False
