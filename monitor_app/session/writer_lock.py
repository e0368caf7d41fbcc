# SPDX-License-Identifier: Apache-2.0
"""One writer a session: a lock that ends with the process that holds it and leaves nothing behind.

It is a flock on the -wal, which is there as long as a writer has the session open, and on which SQLite itself holds
no lock. On the session file it would be in SQLite's way: closing any handle of a file ends all POSIX locks that the
process has on it.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from monitor_app.core.errors import SessionError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

ASKED_S = 0.02
"""Far longer than `is_written` holds the lock."""


def is_written(path: Path) -> bool:
    """Whether a process is writing the session now; where it has died, or the file system has no locks, it is not."""
    try:
        handle = os.open(f"{os.path.realpath(path)}-wal", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(handle)


class WriterLock:
    """Held from its creation until release. Raises SessionError where another process holds it, OSError."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        # As SQLite names it: where the session is a link, the -wal is beside what it leads to.
        file = os.path.realpath(path)
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # now the -wal is there
        self._handle = os.open(f"{file}-wal", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._take()
        except BlockingIOError as error:
            self.release()
            raise SessionError(f"{path} is being recorded by another process: end that one first.") from error
        except OSError:
            pass  # a file system without locks: then SQLite alone keeps two writers from damaging the file

    def _take(self) -> None:
        """Raises BlockingIOError."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(ASKED_S)  # by then a process that only asks has released it
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Calling it twice is fine."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
