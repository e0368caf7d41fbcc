# SPDX-License-Identifier: Apache-2.0
"""What a board was set to before it was changed, in a small file that outlives whoever changes it.

The file is written before the first change and removed after the last one has been undone. Who works with it holds a
lock on it, which ends with its process however that ends: a file without a holder is a change that nobody will undo.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.bench.board.commands import BoardControlError

if TYPE_CHECKING:
    from typing import TextIO

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Found:
    """A board before it was changed."""

    mode: int
    """Number of its power mode."""
    held: bool
    """Its clocks were held at their highest."""
    boot: str
    """Of which start of the machine; clocks do not outlive it, power modes do."""

    @property
    def same_boot(self) -> bool:
        """The machine has not been restarted since."""
        return self.boot == boot_id()


def boot_id() -> str:
    """Another one after each start of the machine; empty where it is not known."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class FoundFile:
    """The file and the lock on it. `claim` and `release` may be called any number of times."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def pending(self) -> Found | None:
        """What somebody who has ended has left changed; None where there is none or somebody is at it."""
        try:
            with self._path.open(encoding="utf-8") as file:
                return _read(file) if _locked(file) else None
        except OSError:
            return None

    def claim(self) -> Found | None:
        """Lock the file, made where there is none, and tell what is in it. Raises BoardControlError."""
        try:
            self._lock()
        except OSError as error:
            raise self._unwritable(error) from error
        assert self._file is not None
        return _read(self._file)

    def write(self, found: Found) -> None:
        """Into the claimed file, and onto the disk. Raises BoardControlError."""
        try:
            self._write(found)
        except OSError as error:
            raise self._unwritable(error) from error

    def remove(self) -> None:
        """All has been set back."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the lock; the file stays."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _lock(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while self._file is None:
            file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="utf-8")
            if not _locked(file):
                file.close()
                raise BoardControlError(
                    "Another session is setting this board's power mode and clocks: wait until it has ended."
                )
            # Whoever held it before may have removed it in between.
            if _is_at(file, self._path):
                self._file = file
            else:
                file.close()

    def _unwritable(self, error: OSError) -> BoardControlError:
        return BoardControlError(
            f"{self._path} cannot be written ({error.strerror or error}), so the board could not be set back after a "
            "crash: choose a folder you can write to."
        )

    def _write(self, found: Found) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(found), self._file)
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
    """None for what was never written to its end: nothing had been changed then."""
    file.seek(0)
    try:
        values = json.load(file)
        return Found(int(values["mode"]), bool(values["held"]), str(values["boot"]))
    except (ValueError, TypeError, KeyError):
        return None
