# SPDX-License-Identifier: Apache-2.0
"""The bench's end of the inference child: start it, talk to it, end it. Imports no torch."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from monitor_app.core.canziani2016 import BOARDS
from monitor_app.core.errors import ChildDiedError, InferenceError
from monitor_app.core.runs import EMULATED, is_emulated
from monitor_app.inference.messages import Command, Event, Quit, decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

COMMAND = (sys.executable, "-m", "monitor_app.inference.child")
PLAYED_COMMAND = (sys.executable, "-m", "monitor_app.inference.replay_child", "--board")

# Freed memory is kept for the next pass instead of being handed back to the system and faulted in again,
# which on small networks costs a sixth of the latency. 32 MiB is the most that every glibc takes.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}

logger = logging.getLogger(__name__)


def child_command(device: str) -> tuple[str, ...]:
    """What to run for that inference device: networks, or the published figures of an emulated board.

    Raises:
        InferenceError: there are no figures of that board.
    """
    if not is_emulated(device):
        return COMMAND
    board = device.removeprefix(EMULATED)
    if board not in BOARDS:
        known = ", ".join(EMULATED + name for name in BOARDS)
        raise InferenceError(f"There is no emulated board named {board!r}: set the inference device to {known}.")
    return (*PLAYED_COMMAND, board)


class InferenceChild:
    """A running inference child.

    Start it on a thread that lives as long as it is needed: Linux kills it when that thread ends.
    `send` may be called from any thread, `receive` from one at a time.

    Args:
        lamps: sockets at which a simulated board is told when the network runs, one for each instrument on it.
        command: what to run, as `child_command` tells.
    """

    def __init__(self, lamps: Sequence[Path] = (), command: Sequence[str] = COMMAND) -> None:
        arguments = [*command, *(part for lamp in lamps for part in ("--lamp", str(lamp)))]
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in the terminal is for the bench, which ends its child in good order.
            start_new_session=True,
            env={**os.environ, **ALLOCATOR},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        # A child that takes no commands must not hold up the bench
        os.set_blocking(self._stdin.fileno(), False)
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._closed = False
        self._send_lock = threading.Lock()
        self._last_words: deque[str] = deque(maxlen=20)
        self._drain = threading.Thread(target=self._drain_stderr, name="inference stderr", daemon=True)
        self._drain.start()

    @property
    def pid(self) -> int:
        """Of the child's process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, the negative number of a signal that ended it; None while it lives."""
        return self._process.poll()

    def send(self, command: Command) -> None:
        """Give the child a command; does not wait for anything.

        Raises:
            ChildDiedError: it has ended.
            InferenceError: it has stopped taking commands.
        """
        line = encode(command)
        try:
            with self._send_lock:
                taken = 0 if self._stdin.closed else os.write(self._stdin.fileno(), line)
        except BlockingIOError:
            taken = 0
        except BrokenPipeError as error:
            raise self._died() from error
        if taken < len(line):
            raise InferenceError("The inference process takes no more commands: start the run again.")

    def receive(self, timeout_s: float) -> Event | None:
        """The next event, or None when none came within `timeout_s` seconds.

        Raises:
            ChildDiedError: the child has ended, and all it said before has been received.
            InferenceError: what it said is not an event.
        """
        deadline_s = monotonic() + timeout_s
        while not self._lines:
            if self._closed:
                raise ChildDiedError("The inference process has been closed: start the run again.")
            if not self._wait_readable(max(0.0, deadline_s - monotonic())):
                return None
            block = os.read(self._stdout.fileno(), 1 << 16)
            if not block:
                raise self._died()
            *lines, self._rest = (self._rest + block).split(b"\n")
            self._lines.extend(lines)
        message = decode(self._lines.popleft())
        if not isinstance(message, Event):
            raise InferenceError("The inference process answered with a command: check that both are one version.")
        return message

    def close(self) -> None:
        """End the child: ask, wait 2 s, terminate, wait 1 s, kill. Twice is fine."""
        if self._closed:
            return
        self._closed = True
        try:
            self.send(Quit())
        except InferenceError as error:
            logger.debug("Closing an inference child that is gone: %s", error)
        if not self._ended_within(2.0):
            self._process.terminate()
            if not self._ended_within(1.0):
                self._process.kill()
                self._process.wait()
        self._drain.join(1.0)
        with self._send_lock:
            self._stdin.close()
        self._stdout.close()
        self._stderr.close()

    def __enter__(self) -> InferenceChild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait_readable(self, timeout_s: float) -> bool:
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN | select.POLLHUP)
        return bool(poll.poll(timeout_s * 1000))

    def _ended_within(self, timeout_s: float) -> bool:
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _drain_stderr(self) -> None:
        for line in self._stderr:
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._last_words.append(text)
                logger.info("inference child: %s", text)

    def _died(self) -> ChildDiedError:
        if not self._ended_within(1.0):
            return ChildDiedError("The inference process has closed its output: start the run again.")
        self._drain.join(1.0)
        code = self._process.returncode
        how = _signal_text(-code) if code < 0 else f"ended by itself with exit code {code}: start the run again"
        said = f"; the last it said was: {self._last_words[-1]}" if self._last_words else ""
        return ChildDiedError(f"The inference process {how}{said}.")


def _signal_text(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return "was killed (SIGKILL), as the system does when memory runs out: try a smaller batch size"
    return f"was ended by {name}: start the run again"
