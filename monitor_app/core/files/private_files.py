# SPDX-License-Identifier: Apache-2.0
"""Files that nobody else can read, replace or have us write elsewhere (docs/decisions/0020)."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from os import geteuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OTHERS = 0o077


def private_folder(folder: Path) -> Path:
    """The folder, made where missing, of which only the user may list, read and write the files.

    Raises:
        OSError: It cannot be made, is no folder, or belongs to another user, as may a link in its place.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != geteuid() or (found := folder.stat()).st_uid != geteuid():
        raise PermissionError(errno.EPERM, "it belongs to another user", str(folder))
    if found.st_mode & OTHERS:
        folder.chmod(0o700)
    return folder


def open_private(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of an ordinary file of the user's own, which nobody else may write; made where flags say so.

    Links are not followed, and a file with a second name is not opened for writing: it may be another file too.

    Args:
        path: where it is.
        flags: as `os.open` takes them.
        mode: the most that is permitted; by default only the user may read it.

    Raises:
        OSError: It is a link, no ordinary file, or another user's.
    """
    # Without waiting, as a pipe would make it
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, mode)
    try:
        found = os.fstat(descriptor)
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if not stat.S_ISREG(found.st_mode) or (writes and found.st_nlink > 1):
            raise PermissionError(errno.EPERM, "it is not an ordinary file", str(path))
        if found.st_uid != geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", str(path))
        if found.st_mode & OTHERS & ~mode:
            os.fchmod(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def create_beside(path: Path, mode: int = 0o600) -> tuple[int, Path]:
    """A new file in the folder of ``path`` under a name that nobody can guess: its descriptor and its name.

    Args:
        path: the file whose place it is to take, by a rename.
        mode: its permissions, less those that the umask takes away.

    Raises:
        OSError: It cannot be made.
    """
    beside = path.with_name(f".monitor-app-{secrets.token_hex(16)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(beside, flags, mode), beside
