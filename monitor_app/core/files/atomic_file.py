# SPDX-License-Identifier: Apache-2.0
"""An export appears under its name when it is complete, or not at all. A link of that name is replaced."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from monitor_app.core.errors import ExportError
from monitor_app.core.files.private_files import create_beside
from monitor_app.core.files.session_mark import is_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

EXPORTED = 0o666
"""An export is made to be passed on: the umask of the user decides who may read it."""


@contextmanager
def completed(path: Path) -> Iterator[BinaryIO]:
    """A file to write to; it takes the place of ``path`` when the block ends without an exception.

    Whatever ends the block early, Ctrl-C included, leaves what was at ``path`` before and nothing else.
    Raises ExportError when it cannot be written, or is a session: no export takes the place of samples.
    """
    _check(path)
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


def _check(path: Path) -> None:
    try:
        _check_target(path)
    except OSError as error:
        raise _explained(path, error) from error


def _check_target(path: Path) -> None:
    if not path.parent.is_dir():
        raise ExportError(f"There is no folder {path.parent}: create it or choose another name.")
    if path.exists() and not path.is_file():
        raise ExportError(f"{path} is not an ordinary file: choose another name.")
    if path.exists() and is_session(path):
        raise ExportError(f"{path} is a session, which nothing else takes the place of: choose another name.")


def _explained(path: Path, error: OSError) -> ExportError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ExportError(f"The disk is full and {path} was not written: make room or choose another disk.")
    return ExportError(f"{path} cannot be written ({error.strerror or error}): choose a folder you can write to.")
