# SPDX-License-Identifier: Apache-2.0
"""The saved state of a board: its power mode and clocks before they were changed, in a file that survives the process.

The file is written before the first change and removed after the last one has been undone. The process that uses it
holds a lock on it, which ends with the process however that ends: a file without a lock is a change not undone.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from monitor_app.bench.board.commands import BoardControlError
from monitor_app.core.files.private_files import open_private, private_folder

if TYPE_CHECKING:
    from typing import TextIO

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Found:
    """A board before it was changed."""

    mode: int
    """Number of its power mode."""
    held: bool
    """Its clocks were held at their maximum."""
    boot: str
    """Id of the boot; clocks are lost in a reboot, power modes are not."""


def boot_id() -> str:
    """Differs after each boot of the machine; empty where it is not known."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class SavedState(Protocol):
    """Where the state of a board is kept while it is changed. All methods raise BoardControlError."""

    def boot(self) -> str:
        """Of the board, as in `Found`."""

    def pending(self) -> Found | None:
        """The saved state that a process which has ended left; None where there is none or another process uses it."""

    def claim(self) -> Found | None:
        """Have it for this process, and read it."""

    def write(self, found: Found) -> None:
        """Have it survive this process."""

    def remove(self) -> None:
        """The board has been restored."""


class FoundFile:
    """The file and the lock on it. `claim` and `release` may be called any number of times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def boot(self) -> str:
        """Of this machine."""
        return boot_id()

    def pending(self) -> Found | None:
        """The saved state that a process which has ended left; None where there is none or another process uses it."""
        try:
            with os.fdopen(open_private(self._path, os.O_RDONLY), encoding="utf-8") as file:
                return _read(file) if _locked(file) else None
        except OSError:
            return None

    def claim(self) -> Found | None:
        """Lock the file, created where missing, and read it. Raises BoardControlError."""
        try:
            self._lock()
        except OSError as error:
            raise self._unwritable(error) from error
        assert self._file is not None
        return _read(self._file)

    def write(self, found: Found) -> None:
        """Write the locked file to the disk. Raises BoardControlError."""
        try:
            self._write(found)
        except OSError as error:
            raise self._unwritable(error) from error

    def remove(self) -> None:
        """Remove the file: the board has been restored."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Release the lock; the file stays."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _lock(self) -> None:
        private_folder(self._path.parent)
        while self._file is None:
            file = os.fdopen(open_private(self._path, os.O_RDWR | os.O_CREAT), "r+", encoding="utf-8")
            if not _locked(file):
                file.close()
                raise BoardControlError(
                    "Another session is setting this board's power mode and clocks: wait until it has ended."
                )
            # The process that held it before may have removed it meanwhile.
            if _is_at(file, self._path):
                self._file = file
            else:
                file.close()

    def _unwritable(self, error: OSError) -> BoardControlError:
        return BoardControlError(
            f"{self._path} cannot be written ({error.strerror or error}), so the board could not be restored after a "
            "crash: choose a folder you can write to."
        )

    def _write(self, found: Found) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(as_text(found))
        self._file.flush()
        os.fsync(self._file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read(file: TextIO) -> Found | None:
    """None for an incomplete file: nothing had been changed then."""
    file.seek(0)
    try:
        return from_text(file.read())
    except ValueError:  # not even text
        return None


def as_text(found: Found) -> str:
    """As it is kept."""
    return json.dumps(asdict(found))


def from_text(text: str) -> Found | None:
    """None for an incomplete text: nothing had been changed then."""
    try:
        values = json.loads(text)
        return Found(int(values["mode"]), bool(values["held"]), str(values["boot"]))
    except (ValueError, TypeError, KeyError):
        return None
