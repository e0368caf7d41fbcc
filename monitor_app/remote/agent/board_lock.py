# SPDX-License-Identifier: Apache-2.0
"""The lock by which one agent at a time has the board; it ends with the process, however that ends."""

import fcntl
import json
import os
import stat
import time
from typing import Any, Dict, Iterator, Optional

from . import places
from .cache import private_folder, runtime_folders

LONGEST = 200
"""Characters of the name of a holder."""


class BoardLock:
    """Whether this process has the board, and who else has it."""

    def __init__(self) -> None:
        self._descriptor: Optional[int] = None

    def take(self, holder: str) -> bool:
        """Try to get it, without waiting. Raises OSError where no lock can be made."""
        if self._descriptor is None:
            self._descriptor = _opened()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._write({"holder": holder[:LONGEST], "since_utc_s": time.time(), "pid": os.getpid()})
        return True

    def holder(self) -> "Dict[str, Any]":
        """Who has it, as far as is written there: `holder` and `since_utc_s`."""
        assert self._descriptor is not None
        try:
            found = json.loads(os.pread(self._descriptor, 4096, 0).decode("utf-8", "replace"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            found = {}
        since = found.get("since_utc_s")
        return {
            "holder": _printable(str(found.get("holder") or "somebody"))[:LONGEST],
            "since_utc_s": since if isinstance(since, (int, float)) and not isinstance(since, bool) else None,
        }

    def _write(self, content: "Dict[str, Any]") -> None:
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(content).encode("ascii"), 0)
        except OSError:  # a full disk: the lock holds all the same
            pass


def _opened() -> int:
    """The lock file, open; the first of those that can be. Raises OSError: none can be."""
    trouble: Optional[OSError] = None
    for path in _candidates():
        try:
            return open_shared(path)
        except OSError as error:
            trouble = error
    raise trouble or OSError("There is no folder for the lock of the board.")


def _candidates() -> "Iterator[str]":
    yield places.LOCK_FILE
    for folder in runtime_folders():
        try:
            if private_folder(folder):
                yield os.path.join(folder, "board.lock")
        except OSError:
            continue


def open_shared(path: str, create: bool = True) -> int:
    """A file of all users of the board, in a folder that all may write. Raises OSError, also where it is no file."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        # Not with O_CREAT at once: in a folder that all may write, kernels refuse that for another user's file.
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        if not create:
            raise
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(descriptor, 0o666)  # every user of the board has the same lock
        except FileExistsError:
            descriptor = os.open(path, flags)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError("{} is not an ordinary file.".format(path))
    return descriptor


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
