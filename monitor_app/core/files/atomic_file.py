# SPDX-License-Identifier: Apache-2.0
"""An export appears under its name when it is complete, or not at all. A link of that name is replaced."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor_app.core.errors import ExportError
from monitor_app.core.files.private_files import create_beside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

EXPORTED = 0o666
"""An export is made to be passed on: the umask of the user decides who may read it."""


@contextmanager
def completed(path: Path, *sessions: Path) -> Iterator[BinaryIO]:
    """A file to write to; it takes the place of ``path`` when the block ends without an exception.

    Whatever ends the block early, Ctrl-C included, leaves what was at ``path`` before and nothing else.
    Raises ExportError when it cannot be written; ``sessions`` are files that must not be overwritten.
    """
    _check(path, sessions)
    part = None
    try:
        descriptor, part = create_beside(path, EXPORTED)
        with open(descriptor, "wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _check(path: Path, sessions: tuple[Path, ...]) -> None:
    try:
        _check_target(path, sessions)
    except OSError as error:
        raise _explained(path, error) from error


def _check_target(path: Path, sessions: tuple[Path, ...]) -> None:
    if not path.parent.is_dir():
        raise ExportError(f"There is no folder {path.parent}: create it or choose another name.")
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} is not an ordinary file: choose another name.")
    if path.exists() and any(each.exists() and path.samefile(each) for each in sessions):
        raise ExportError(f"{path} is the session itself: choose another name.")


def _explained(path: Path, error: OSError) -> ExportError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ExportError(f"The disk is full and {path} was not written: make room or choose another disk.")
    return ExportError(f"{path} cannot be written ({error.strerror or error}): choose a folder you can write to.")
