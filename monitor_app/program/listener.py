# SPDX-License-Identifier: Apache-2.0
"""The socket that marks come to, in a folder of its own that nobody else may enter."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
from typing import TYPE_CHECKING

from monitor_app.program.marks import LONGEST

if TYPE_CHECKING:
    from typing import Any

MOST_AT_ONCE = 1000
"""Datagrams, before something else is looked at."""
LONGEST_PATH = 100
"""Characters: the address of a Unix socket has 107."""


class Folder:
    """A folder for sockets: as short a path as a Unix socket needs, whatever TMPDIR is."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="monitor-app-")
        if len(self.path) > LONGEST_PATH - len("/marks"):
            os.rmdir(self.path)
            self.path = tempfile.mkdtemp(prefix="monitor-app-", dir="/tmp")

    def file(self, name: str) -> str:
        """The path of something in it."""
        return os.path.join(self.path, name)

    def close(self) -> None:
        """Remove it; calling it twice is fine."""
        shutil.rmtree(self.path, ignore_errors=True)


class Listener:
    """Takes datagrams, and never waits for one. Raises OSError where the socket cannot be made."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind(path)
            os.chmod(path, 0o600)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, take: Any) -> bool:
        """Give each datagram that has come to ``take``; whether there may be more."""
        for _ in range(MOST_AT_ONCE):
            try:
                take(self._socket.recv(LONGEST))
            except BlockingIOError:
                return False
        return True

    def close(self) -> None:
        """Calling it twice is fine."""
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
