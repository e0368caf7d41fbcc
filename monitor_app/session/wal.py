# SPDX-License-Identifier: Apache-2.0
"""The -wal beside a session while it is written: what it has grown to, who keeps it from shrinking, and its way back.

SQLite writes the -wal from its beginning again once all of it is in the session file and nobody reads an older state.
A reader that leaves a transaction open, as any SQLite tool may, prevents that: from then on all that is recorded stays
in the -wal. Nothing is lost by it, but it costs disk, and the forecast of the disk has to know.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

CHECKPOINT_PAGES = 256
"""4 MiB between checkpoints: short enough to stay in the page cache, long enough to be rare."""
KEPT_BYTES = 8 * 2**20
"""The -wal is cut to this size when it is written from its beginning again."""
BACKLOG_BYTES = 16 * 2**20
"""A -wal larger than this is held by a reader. When that one lets go, the copying would stall the writer."""
HELD_BYTES = 64_000_000
"""From this size on the user is told."""
_COPY_EVERY_S = 0.25
_READ_LOCKS = range(123, 128)
"""Bytes of the -shm that a reader of the -wal locks (https://sqlite.org/walformat.html, 2.3.1)."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of a session file and its -wal on the disk, in bytes."""

    file: int = 0
    wal: int = 0
    uncopied: int = 0
    """What is in the -wal only: the file needs room for as much before the -wal can shrink. Never too little."""

    def then(self, file: int, wal: int) -> Sizes:
        """The sizes some time later: what the -wal has grown by is uncopied, and the file grows first by what is."""
        uncopied = self.uncopied + max(wal - self.wal, 0) - max(file - self.file, 0)
        return Sizes(file, wal, min(max(uncopied, 0), wal))

    @property
    def recorded(self) -> int:
        """Size of the file once all of it is copied."""
        return self.file + self.uncopied


class WriteAheadLog:
    """Used from the thread that writes the session; the -wal is there already."""

    def __init__(self, db: sqlite3.Connection, file: Path) -> None:
        self._db, self._file, self._wal = db, file, file.with_name(f"{file.name}-wal")
        self._copier: _Copier | None = None
        self._readers: set[int] | None = None
        db.execute(f"PRAGMA journal_size_limit = {KEPT_BYTES}")

    @property
    def bytes(self) -> int:
        """Its size on the disk."""
        return _size(self._wal)

    @property
    def file_bytes(self) -> int:
        """Size of the session file on the disk."""
        return _size(self._file)

    def tend(self) -> None:
        """Between transactions, about once a second: keep the copying of a large one away from the writer.

        While it is large, another thread copies it into the session file as far as readers let it, by checkpoints
        that never block a commit. Raises sqlite3.Error.
        """
        large = self.bytes > BACKLOG_BYTES
        if large:
            seen = _reading(self._file)
            self._readers = seen if self._readers is None else self._readers & seen
        else:
            self._readers = None
        if self._copier is None:
            if large:
                self._db.execute("PRAGMA wal_autocheckpoint = 0")
                self._copier = _Copier(self._file)
        elif self._copier.done:
            self._copier.stop()
            self._copier = None
            self._db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")  # the few pages that are left

    def held_by(self) -> str:
        """The programs that were seen to read at each look since it grew, for a sentence."""
        names = [f"{name} (process {process})" for process in sorted(self._readers or ()) if (name := _name(process))]
        return " and ".join(names) or "Another program"

    def stop(self) -> None:
        """End the copying; calling it twice is fine."""
        if self._copier is not None:
            self._copier.stop()
            self._copier = None


class _Copier:
    """A thread that copies the -wal into the session file, until little is left of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session checkpoints")
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            # A file that was removed meanwhile is not made anew
            name = f"{self._file.absolute().as_uri()}?mode=rw"
            with contextlib.closing(sqlite3.connect(name, uri=True, isolation_level=None, timeout=0)) as db:
                db.execute("PRAGMA trusted_schema = OFF")
                while not self._stop.wait(_COPY_EVERY_S):
                    busy, pages, copied = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    if not busy and pages - copied < CHECKPOINT_PAGES:
                        return
        except sqlite3.Error:
            logger.warning("The -wal of %s cannot be copied for now", self._file, exc_info=True)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _reading(file: Path) -> set[int]:
    """The processes that read a state of the -wal at this moment; none where the system does not tell."""
    try:
        inode = os.stat(f"{file}-shm").st_ino
        lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        # 12: POSIX  ADVISORY  READ 1234 fd:01:5678 123 123
        fields = line.replace("-> ", "").split()
        reads = len(fields) == 8 and fields[3] == "READ" and fields[5].endswith(f":{inode}") and fields[6].isdigit()
        if reads and int(fields[6]) in _READ_LOCKS:
            found.add(int(fields[4]))
    return found


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
