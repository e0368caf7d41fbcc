# SPDX-License-Identifier: Apache-2.0
"""When an emulator has to end: a signal, its parent's wish, or its parent's death."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_PR_SET_PDEATHSIG = 1
_STDIN = 0


class StopSignals:
    """Watches for SIGTERM and SIGINT and, on request, for the end of the parent; main thread only.

    A stop wakes the selector that `watch` was given, so that no loop has to poll for one.

    Args:
        until_stdin_closes: stop when standard input closes, and with the parent process.
    """

    def __init__(self, until_stdin_closes: bool) -> None:
        self.stopped = False
        self._until_stdin_closes = until_stdin_closes
        self._parent = os.getppid()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._old = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        if until_stdin_closes and sys.platform == "linux":
            # The kernel sends it when the thread that started this process ends, which is not yet the parent.
            self._old[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._stop_if_orphaned)
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGUSR1), 0, 0, 0)

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Let a stop end the selector's `select`; `look` must be called after it."""
        selector.register(self._woken, selectors.EVENT_READ)
        if self._until_stdin_closes:
            selector.register(_STDIN, selectors.EVENT_READ)

    def look(self, ready: set[int]) -> None:
        """Handle the descriptors that are `ready`."""
        if self._woken.fileno() in ready:
            self._woken.recv(64)
        if self._until_stdin_closes and _STDIN in ready and not os.read(_STDIN, 4_096):
            self.stopped = True

    def close(self) -> None:
        """Put everything back as it was."""
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._wake.close()
        self._woken.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _stop_if_orphaned(self, _number: int, _frame: FrameType | None) -> None:
        if os.getppid() != self._parent:
            self.stopped = True
