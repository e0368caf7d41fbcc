# SPDX-License-Identifier: Apache-2.0
"""The receiving end of the load signal: when the simulated board is busy, and the level of its sync line."""

from __future__ import annotations

import errno
import os
import socket
import stat
from enum import IntEnum
from typing import NamedTuple

from monitor_app.core.errors import SourceError
from monitor_app.core.load_signal import LOAD, LOAD_MESSAGE, MESSAGE

# A flood must not keep the device from its samples.
_MAX_PER_READ = 4_096
_MOST_LOAD = 2.0


class Line(IntEnum):
    """The lines of the load signal."""

    BUSY = 0
    SYNC = 1


class LevelChange(NamedTuple):
    """The level of one of the lines from `host_ns` on."""

    host_ns: int
    level: float
    """0 or 1; of the busy line the load, which may be another one than 1 while the board is busy."""
    line: Line = Line.BUSY


_MEANING = {2 * line + level: (bool(level), line) for line in Line for level in (0, 1)}


class LoadSignalReceiver:
    """A Unix datagram socket at `path` that collects changes and never blocks.

    Datagrams that are not messages are skipped and counted in `ignored`.

    Raises:
        SourceError: `path` cannot be bound, or another receiver listens there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.ignored = 0
        self._load = 1.0
        try:
            _remove_stale(self._path)
            self._socket.bind(self._path)
            os.chmod(self._path, 0o600)
            self._inode = os.stat(self._path).st_ino
        except OSError as error:
            self._socket.close()
            raise SourceError(_why_not(self._path, error)) from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> list[LevelChange]:
        """The changes that have arrived since the last call."""
        changes = []
        for _ in range(_MAX_PER_READ):
            try:
                message = self._socket.recv(LOAD_MESSAGE.size + 1)
            except BlockingIOError:
                break
            if len(message) == MESSAGE.size and message[-1] in _MEANING:
                host_ns, what = MESSAGE.unpack(message)
                level, line = _MEANING[what]
                changes.append(LevelChange(host_ns, self._load if line is Line.BUSY and level else level, line))
            elif (load := _load_of(message)) is not None:
                self._load = load
            else:
                self.ignored += 1
        return changes

    def close(self) -> None:
        """Stop listening and remove the socket from the file system; twice is fine."""
        if self._socket.fileno() < 0:
            return
        self._socket.close()
        try:
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)
        except FileNotFoundError:
            pass


def _load_of(message: bytes) -> float | None:
    """The load that a message announces for the times when the board is busy."""
    if len(message) != LOAD_MESSAGE.size:
        return None
    _, what, load = LOAD_MESSAGE.unpack(message)
    return float(load) if what == LOAD and 0 < load <= _MOST_LOAD else None


def _remove_stale(path: str) -> None:
    """Remove a socket without a listener, left by a receiver that was killed."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)


def _why_not(path: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"The socket {path} is in use; stop what uses it, or choose another path with --load-signal."
    # An address that is too long has no errno.
    reason = error.strerror or str(error)
    return f"The socket {path} cannot be made ({reason}); choose another path with --load-signal."
