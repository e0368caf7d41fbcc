# SPDX-License-Identifier: Apache-2.0
"""Lines in and out: blocks of bytes cut into lines, and messages written by a thread that may have to wait."""

import json
import os
import select
import threading
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple

from .clock import now_ns

LONGEST_LINE = 64 << 20
"""Bytes: more than any bundle has as base64."""
AT_ONCE = 4096
"""Bytes that a pipe which takes anything takes without waiting (PIPE_BUF)."""
MUCH = 1 << 20
"""Bytes that wait to be written from which on nothing is read that makes more of them."""

Message = Dict[str, Any]


def encode(message: Message) -> bytes:
    """A message as a line. Bytes that are no UTF-8 pass as the surrogates of Python's `surrogateescape`."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


class Lines:
    """Cuts blocks into lines.

    Args:
        limit: bytes of the longest line that is kept.
    """

    def __init__(self, limit: int = LONGEST_LINE) -> None:
        self._limit = limit
        self._parts: List[bytes] = []
        self._size = 0

    def feed(self, block: bytes) -> "List[Optional[bytes]]":
        """The lines that end in this block, without their newlines; None in the place of one that is too long."""
        *ends, rest = block.split(b"\n")
        lines: List[Optional[bytes]] = []
        for end in ends:
            self._add(end)
            lines.append(self._take())
        self._add(rest)
        return lines

    def rest(self) -> "Optional[bytes]":
        """What has come after the last newline."""
        return self._take()

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts = []
        elif part:
            self._parts.append(part)

    def _take(self) -> "Optional[bytes]":
        line = b"".join(self._parts) if self._size <= self._limit else None
        self._parts, self._size = [], 0
        return line


class Outbox:
    """Messages to the bench. No call waits for the pipe, whatever becomes of the connection.

    What fits is written at once; the rest by a thread. All methods may be called from any thread.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._changed = threading.Condition()
        self._queue: "Deque[Tuple[int, Callable[[], bytes]]]" = deque()
        self._writing = False
        self._broken = False
        self._pending = 0
        threading.Thread(target=self._run, name="outbox", daemon=True).start()

    @property
    def full(self) -> bool:
        """So much waits that nothing more should be made."""
        return self._pending > MUCH

    def send(self, message: Message) -> None:
        """Write a message, in its turn."""
        line = encode(message)
        self._put(len(line), lambda: line, urgent=False)

    def send_stamped(self, message: Message) -> None:
        """Write a message before all others, with the time at which that is done as `sent_ns`."""
        self._put(256, lambda: encode(dict(message, sent_ns=now_ns())), urgent=True)

    def send_text(self, line: bytes) -> None:
        """Write a line that is no message."""
        self._put(len(line), lambda: line, urgent=False)

    def close(self, timeout_s: float) -> None:
        """Wait until everything is written, but no longer than this, and send nothing more."""
        until_ns = now_ns() + int(timeout_s * 1e9)
        while self._pending and not self._broken and now_ns() < until_ns:
            select.select([], [], [], 0.01)
        with self._changed:
            self._broken = True
            self._changed.notify()

    def _put(self, size: int, make: "Callable[[], bytes]", urgent: bool) -> None:
        with self._changed:
            if self._broken:
                return
            if size <= AT_ONCE and not self._writing and not self._queue and self._poll.poll(0):
                self._write(make())
                return
            self._pending += size
            if urgent:
                self._queue.appendleft((size, make))
            else:
                self._queue.append((size, make))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._broken:
                    self._changed.wait()
                if not self._queue:
                    return
                size, make = self._queue.popleft()
                self._writing = True
            self._write(make())
            with self._changed:
                self._writing = False
                self._pending -= size

    def _write(self, line: bytes) -> None:
        try:
            left = memoryview(line)
            while left and not self._broken:
                left = left[os.write(self._descriptor, left) :]
        except OSError:  # nobody reads any more; the end of stdin or the lease says so
            self._broken = True
