# SPDX-License-Identifier: Apache-2.0
"""The saved state of the board: one for all its users, since power modes are the board's and outlive reboots.

It lies where all users may write and nobody may remove what is another's (/var/tmp), as the lock does. A user who sets
the board back but does not own the file leaves it empty. Where that folder cannot be written, the state is kept in the
user's cache.
"""

import errno
import os
from typing import Optional

from . import places
from .board_lock import open_shared
from .cache import MOST_STATE, Cache
from .refused import RefusedError


class BoardState:
    """A text, which is there or not. All methods raise RefusedError.

    Args:
        cache: of the user.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def read(self) -> "Optional[str]":
        """None where there is none."""
        return self._read_shared() or self._cache.read_state()

    def write(self, text: str) -> None:
        """Save it: when this returns it is on the disk."""
        if len(text) > MOST_STATE:
            raise RefusedError("The saved state of a board has at most {} characters.".format(MOST_STATE), errno.E2BIG)
        content = text.encode("utf-8", "surrogateescape")
        try:
            self._write_shared(content)
        except OSError:
            self._cache.write_state(text)

    def remove(self) -> None:
        """Remove it, where there is one."""
        self._cache.remove_state()
        try:
            self._remove_shared()
        except OSError as error:
            raise RefusedError(
                "{} on the board cannot be removed ({}): remove it there by hand.".format(
                    places.STATE_FILE, error.strerror or error
                ),
                error.errno,
            ) from error

    def _read_shared(self) -> "Optional[str]":
        try:
            descriptor = open_shared(places.STATE_FILE, create=False)
        except OSError:
            return None
        try:
            return os.pread(descriptor, MOST_STATE, 0).decode("utf-8", "surrogateescape") or None
        finally:
            os.close(descriptor)

    def _write_shared(self, content: bytes) -> None:
        # In place: another user's file cannot be replaced. One that is cut off says that nothing has been changed.
        descriptor = open_shared(places.STATE_FILE)
        try:
            os.ftruncate(descriptor, 0)
            left, at = content, 0
            while left:
                at += os.pwrite(descriptor, left, at)
                left = content[at:]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync_folder(os.path.dirname(places.STATE_FILE))

    def _remove_shared(self) -> None:
        try:
            os.unlink(places.STATE_FILE)
        except FileNotFoundError:
            return
        except PermissionError:  # another user's
            descriptor = open_shared(places.STATE_FILE, create=False)
            try:
                os.ftruncate(descriptor, 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            return
        _sync_folder(os.path.dirname(places.STATE_FILE))


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
