# SPDX-License-Identifier: Apache-2.0
"""The folder that the agent writes to: bundles by their hash, and the saved state of the board."""

import base64
import binascii
import errno
import hashlib
import os
import re
import stat
from typing import Iterator, Optional

from . import places
from .refused import RefusedError

KEPT_BUNDLES = 8
MOST_STATE = 64 << 10
"""Characters."""
STATE_FILE = "board.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Cache:
    """A private folder of the user: below the home, or where that cannot be written in memory.

    Args:
        only_stored: take no bundle that is not there.
    """

    def __init__(self, only_stored: bool = False) -> None:
        self._only_stored = only_stored
        self._folder: Optional[str] = None

    @property
    def folder(self) -> str:
        """Where it is, made at the first use. Raises RefusedError."""
        if self._folder is None:
            self._folder = next((each for each in _candidates() if _made_private(each)), None)
        if self._folder is None:
            raise RefusedError(
                "The board has no folder that the agent may write: neither the home of the user, nor the runtime "
                "folder, nor {}.".format(places.SHARED_MEMORY),
                errno.EROFS,
            )
        return self._folder

    def bundle(self, sha256: str) -> str:
        """The path of a stored bundle. Raises RefusedError."""
        if not _SHA256.fullmatch(sha256):
            raise RefusedError("A bundle is named by its SHA-256.", errno.EINVAL)
        path = os.path.join(self.folder, "bundle-{}.zip".format(sha256))
        try:
            with open(path, "rb") as file:
                whole = hashlib.sha256(file.read()).hexdigest() == sha256
        except OSError:
            whole = False
        if not whole:
            raise RefusedError("The bundle {}... is not on the board.".format(sha256[:12]), errno.ENOENT)
        os.utime(path)
        return path

    def store_bundle(self, sha256: str, data: "Optional[str]") -> str:
        """Store one, where it is not stored yet, and say where. Raises RefusedError."""
        try:
            return self.bundle(sha256)
        except RefusedError as error:
            if data is None or error.number != errno.ENOENT:
                raise
        if self._only_stored:
            raise RefusedError("This board takes no new programs: store the bundle there by hand.", errno.EPERM)
        try:
            content = base64.b64decode(data.encode("ascii"), validate=True)
        except (ValueError, binascii.Error):
            content = b""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise RefusedError("The bundle that came does not have its hash: try again.", errno.EBADMSG)
        path = os.path.join(self.folder, "bundle-{}.zip".format(sha256))
        self._write(path, content)
        self._forget_old_bundles()
        return path

    def read_state(self) -> "Optional[str]":
        """The saved state of the board; None where there is none. Raises RefusedError."""
        try:
            with open(self._state_file, encoding="utf-8", errors="surrogateescape") as file:
                return file.read(MOST_STATE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self._state_file, error) from error

    def write_state(self, text: str) -> None:
        """Save it: when this returns it is on the disk. Raises RefusedError."""
        self._write(self._state_file, text.encode("utf-8", "surrogateescape"))

    def remove_state(self) -> None:
        """Remove it, where there is one. Raises RefusedError."""
        try:
            os.unlink(self._state_file)
            self._sync_folder()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _unusable(self._state_file, error) from error

    @property
    def _state_file(self) -> str:
        return os.path.join(self.folder, STATE_FILE)

    def _write(self, path: str, content: bytes) -> None:
        part = os.path.join(self.folder, ".part-{}".format(os.getpid()))
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, path)
            self._sync_folder()
        except OSError as error:
            raise _unusable(path, error) from error

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _forget_old_bundles(self) -> None:
        bundles = [entry for entry in os.scandir(self.folder) if entry.name.startswith("bundle-")]
        for entry in sorted(bundles, key=lambda each: each.stat().st_mtime)[:-KEPT_BUNDLES]:
            os.unlink(entry.path)


def runtime_folders() -> "Iterator[str]":
    """Folders of the user that a reboot empties, best first; they need not exist."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given):
        yield os.path.join(given, "monitor-app")
    if os.path.isdir(places.SHARED_MEMORY):
        yield os.path.join(places.SHARED_MEMORY, "monitor-app-{}".format(os.getuid()))


def _candidates() -> "Iterator[str]":
    given = os.environ.get("XDG_CACHE_HOME", "")
    below = given if os.path.isabs(given) else os.path.expanduser("~/.cache")
    if os.path.isabs(below):
        yield os.path.join(below, "monitor-app", "agent")
    yield from runtime_folders()


def _made_private(folder: str) -> bool:
    """Whether it is there, or has been made, the user's own, and can be written."""
    try:
        return private_folder(folder) and os.access(folder, os.W_OK | os.X_OK) and not _read_only(folder)
    except OSError:
        return False


def private_folder(folder: str) -> bool:
    """Make it where missing; whether only the user can write it. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return False
    if found.st_mode & 0o077:
        os.chmod(folder, 0o700)
    return True


def _read_only(folder: str) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _unusable(path: str, error: OSError) -> RefusedError:
    return RefusedError(
        "{} on the board cannot be used ({}): make room there or choose another user.".format(
            path, error.strerror or error
        ),
        error.errno,
    )
