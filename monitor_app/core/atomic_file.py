# SPDX-License-Identifier: Apache-2.0
"""An export appears under its name when it is complete, or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor_app.core.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


@contextmanager
def completed(path: Path, *sessions: Path) -> Iterator[BinaryIO]:
    """A file to write to; it takes the place of ``path`` when the block ends without an exception.

    Whatever ends the block early, Ctrl-C included, leaves what was at ``path`` before and nothing else.
    Raises ExportError when it cannot be written; ``sessions`` are files that must not be overwritten.
    """
    _check(path, sessions)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise _explained(path, error) from error
    finally:
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
