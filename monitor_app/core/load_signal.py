# SPDX-License-Identifier: Apache-2.0
"""The load signal: it shows a simulated board when a network runs."""

from __future__ import annotations

import socket
import struct
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

MESSAGE = struct.Struct("<qB")
LOAD_MESSAGE = struct.Struct("<qBf")
LOAD = 4
"""Second field of a message with the load of a busy board, relative to its full load, from now on."""
SYNC_LOW = 2
"""Second field of a message about the sync line: this when it goes low, this plus 1 when it goes high."""
_MAX_UNSENT = 64
FLUSH_S, AGAIN_S = 0.5, 0.001


class LoadSignal:
    """A GPIO line of a simulated board: raised while a forward pass runs. Every instrument on the board sees it.

    Each change is one datagram of 9 bytes to a Unix socket, little-endian:

        host_ns i64   when the level changed, ns of `host_time_ns`
        what    u8    0 idle, 1 busy; 2 and 3: the sync line, a second GPIO, goes low and high

    A message of 13 bytes says how much the next network loads the board, which a real one would show by its current:

        host_ns i64   when it was sent
        what    u8    4
        load    f32   relative to full load, from the next time that the board is busy; 1 until there is such a message

    Sending never blocks an inference: a receiver that is absent is ignored, and may come and go. Messages that do
    not fit into the queue of a receiver are sent before the next change, or by `flush`; beyond a limit the oldest are
    dropped.
    """

    def __init__(self, *paths: str | os.PathLike[str]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._unsent: dict[str, deque[bytes]] = {str(path): deque(maxlen=_MAX_UNSENT) for path in paths}

    def set(self, busy: bool, host_ns: int) -> None:
        """Send that the level changed to `busy` at `host_ns`; takes a few microseconds, whatever happens."""
        self._send(MESSAGE.pack(host_ns, busy))

    def set_load(self, load: float, host_ns: int) -> None:
        """Send that the board has this load whenever it is busy from `host_ns` on; 1 is full load."""
        self._send(LOAD_MESSAGE.pack(host_ns, LOAD, load))

    def set_sync(self, level: bool, host_ns: int) -> None:
        """Send that the sync line went to `level` at `host_ns`."""
        self._send(MESSAGE.pack(host_ns, SYNC_LOW + level))

    def flush(self) -> None:
        """Send what waits, such as the last of many short passes; waits for a receiver for `FLUSH_S` at most."""
        until_s = time.monotonic() + FLUSH_S
        while any(self._unsent.values()) and time.monotonic() < until_s:
            self._send_what_waits()
            if any(self._unsent.values()):
                time.sleep(AGAIN_S)

    def _send(self, message: bytes) -> None:
        for unsent in self._unsent.values():
            unsent.append(message)
        self._send_what_waits()

    def _send_what_waits(self) -> None:
        for path, unsent in self._unsent.items():
            try:
                while unsent:
                    self._socket.sendto(unsent[0], path)
                    unsent.popleft()
            except BlockingIOError:
                pass
            except OSError:
                unsent.clear()

    def close(self) -> None:
        """Close the socket; calling it twice is fine, and `set` does nothing afterwards."""
        self._socket.close()
