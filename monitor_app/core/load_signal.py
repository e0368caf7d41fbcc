# SPDX-License-Identifier: Apache-2.0
"""The sending end of the lamp: it tells a simulated board when it is busy."""

from __future__ import annotations

import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

MESSAGE = struct.Struct("<qB")
SYNC_LOW = 2
"""What a message says of the sync line: this when it goes low, one more when it goes high."""
_MAX_UNSENT = 64


class LoadSignal:
    """A GPIO line of a simulated board: raised while a forward pass runs. Every instrument on the board sees it.

    Each change is one datagram of 9 bytes to a Unix socket, little-endian:

        host_ns i64   when the level changed, ns of `time.perf_counter_ns`
        what    u8    0 idle, 1 busy; 2 and 3: the sync line, a second GPIO, goes low and high

    An inference is never held up: a receiver that is absent is ignored, and may come and go. What one with
    a full queue does not take goes before the next change; the oldest is forgotten if that is too much.
    """

    def __init__(self, *paths: str | os.PathLike[str]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._unsent: dict[str, deque[bytes]] = {str(path): deque(maxlen=_MAX_UNSENT) for path in paths}

    def set(self, busy: bool, host_ns: int) -> None:
        """Say that the level changed to `busy` at `host_ns`; a few microseconds, whatever happens."""
        self._send(MESSAGE.pack(host_ns, busy))

    def set_sync(self, level: bool, host_ns: int) -> None:
        """Say that the sync line went to `level` at `host_ns`."""
        self._send(MESSAGE.pack(host_ns, SYNC_LOW + level))

    def _send(self, message: bytes) -> None:
        for path, unsent in self._unsent.items():
            unsent.append(message)
            try:
                while unsent:
                    self._socket.sendto(unsent[0], path)
                    unsent.popleft()
            except BlockingIOError:
                pass
            except OSError:
                unsent.clear()

    def close(self) -> None:
        """Let the socket go; twice is fine, and `set` does nothing afterwards."""
        self._socket.close()
