# SPDX-License-Identifier: Apache-2.0
"""A process on the board, used as a `core.child_process.ChildProcess` is."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from monitor_app.core.child_process import signal_name
from monitor_app.core.errors import BoardLostError

if TYPE_CHECKING:
    from collections.abc import Callable

END_S = 5.0
"""How long `close` waits at most: the agent's ladder ends a child within 3 s and the kernel's time."""
LINES_KEPT = 20

logger = logging.getLogger(__name__)


class RemoteChild:
    """A running process that the agent has started. `Link.start_child` makes it.

    `send` may be called from any thread, everything else from one at a time. Its lines are those of the board: times
    in them are the board's, which `Link.clock` turns into host time.

    Args:
        number: by which the agent knows it.
        name: in the log.
        tell: sends the agent a message, as `Link.tell`.
        forget: is given the number when no more messages are wanted.
    """

    def __init__(
        self, number: int, name: str, tell: Callable[[dict[str, Any]], bool], forget: Callable[[int], None]
    ) -> None:
        self._number, self._name, self._tell, self._forget = number, name, tell, forget
        self._pid = 0
        self._changed = threading.Condition()
        self._lines: list[bytes] = []
        self._stderr_rest = ""
        self._stderr_lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._exit_code: int | None = None
        self._out_of_memory: bool | None = False
        self._lost: BoardLostError | None = None
        self._closed = False

    @property
    def pid(self) -> int:
        """On the board."""
        return self._pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, the negative number of a signal that ended it; None while it lives or the link is lost."""
        return self._exit_code

    @property
    def out_of_memory(self) -> bool | None:
        """The kernel of the board has killed it because memory ran out; None where the board does not tell."""
        return self._out_of_memory

    @property
    def lost(self) -> BoardLostError | None:
        """Why the link ended, where it did so before the process."""
        return self._lost

    @property
    def closed(self) -> bool:
        """`close` has been called."""
        return self._closed

    def send(self, line: bytes) -> bool:
        """Write to its stdin without waiting; False where the link takes no more.

        Raises:
            BrokenPipeError: it has ended, or the link is lost.
        """
        if self._exit_code is not None or self._lost is not None:
            raise BrokenPipeError
        text = line.decode("utf-8", "surrogateescape").removesuffix("\n")
        try:
            return self._tell({"type": "input", "child": self._number, "lines": text.split("\n")})
        except BoardLostError as error:
            raise BrokenPipeError from error

    def lines(self, timeout_s: float) -> list[bytes]:
        """The whole lines of its stdout that have come, waiting at most `timeout_s` seconds for the first of them.

        Raises:
            EOFError: it has ended or the link is lost, and it has no lines left.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._over, timeout_s)
            lines, self._lines = self._lines, []
            if not lines and self._over:
                raise EOFError
            return lines

    def exit_reason(self) -> str:
        """How it ended, to follow a subject: `was killed by signal 11 (SIGSEGV)`, `was lost with the link`."""
        with self._changed:
            self._changed.wait_for(lambda: self._over, 1.0)
        if self._exit_code is None:
            return "was lost with the link to the board" if self._lost is not None else "closed its output"
        if self._exit_code < 0:
            return f"was killed by {signal_name(-self._exit_code)}"
        return f"ended with exit code {self._exit_code}"

    @property
    def stderr_tail(self) -> str:
        """The last line with text that it has written to its stderr; empty where there is none."""
        rest = self._stderr_rest.strip()
        return rest or (self._stderr_lines[-1] if self._stderr_lines else "")

    def close(self, quit_line: bytes = b"") -> None:
        """Have the agent end it: ask, wait, terminate, wait, kill. Calling it twice is fine.

        Args:
            quit_line: the line that asks it to end; without one its stdin is closed instead.
        """
        if self._closed:
            return
        line = quit_line.decode("utf-8", "surrogateescape").removesuffix("\n")
        if not self._over:
            try:
                self._tell({"type": "end", "child": self._number, "line": line})
                with self._changed:
                    if not self._changed.wait_for(lambda: self._over, END_S):
                        logger.error("%s: process %d of the board has not ended", self._name, self._pid)
            except BoardLostError as error:
                logger.info("%s: was not ended by us: %s", self._name, error)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._forget(self._number)

    # -- from the link ---------------------------------------------------------------------------

    def has_started(self, pid: int) -> None:
        """The agent has answered."""
        self._pid = pid

    def take(self, message: dict[str, Any]) -> None:
        """A message of the agent about it. Raises KeyError, TypeError or ValueError where it is none."""
        with self._changed:
            if message["type"] == "output":
                self._lines += [_bytes(line) for line in message["lines"]]
            elif message["type"] == "error_output":
                self._log(message["text"])
            else:
                self._exit_code = int(message["code"])
                oom = message.get("out_of_memory")
                self._out_of_memory = None if oom is None else bool(oom)
            self._changed.notify_all()

    def lose(self, error: BoardLostError) -> None:
        """The link has ended."""
        with self._changed:
            if self._exit_code is None:
                self._lost = error
            self._changed.notify_all()

    @property
    def _over(self) -> bool:
        return self._exit_code is not None or self._lost is not None or self._closed

    def _log(self, text: str) -> None:
        *lines, self._stderr_rest = (self._stderr_rest + text).split("\n")
        self._stderr_rest = self._stderr_rest[-4096:]
        for line in lines:
            if shown := line.strip():
                self._stderr_lines.append(shown)
                logger.info("%s: %s", self._name, shown)


def _bytes(text: str) -> bytes:
    """The bytes of the child: what is no UTF-8 comes as Python's surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")
