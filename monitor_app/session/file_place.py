# SPDX-License-Identifier: Apache-2.0
"""Where the file of a session is that is being written: somebody may rename or delete it, or its folder, meanwhile."""

from __future__ import annotations

import os
import sys
from pathlib import Path


class FilePlace:
    """Follows a file by its inode, not by its name. Raises OSError where it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        # O_PATH, since closing any other handle of a file ends the locks that SQLite has on it.
        self._handle = os.open(self._path, os.O_PATH | os.O_CLOEXEC) if sys.platform == "linux" else -1

    @property
    def lost(self) -> bool:
        """There is another file under its name, or none."""
        if self._handle < 0:
            return False
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._handle))
        except OSError:
            return True

    @property
    def present(self) -> Path | None:
        """Where the file is now; None where it has been deleted."""
        if self._handle < 0:
            return self._path
        if os.fstat(self._handle).st_nlink == 0:
            return None
        return Path(os.readlink(f"/proc/self/fd/{self._handle}"))

    def close(self) -> None:
        """Calling it twice is fine."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
