# SPDX-License-Identifier: Apache-2.0
"""A child process that exchanges lines with its parent, and the stop ladder by which every child is ended."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ASK_S, TERMINATE_S, KILL_S = 2.0, 1.0, 5.0
"""How long each rung of the stop ladder waits at most: asked to end, terminated, killed. The last is for the kernel."""
BLOCK_BYTES = 1 << 16
"""As much as a pipe of Linux holds."""

logger = logging.getLogger(__name__)


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this program, with this interpreter.

    Unlike `python -m` it does not look into the current folder for modules, where somebody else's `json.py` may lie.
    """
    return [sys.executable, "-c", _RUN, str(Path(__file__).parents[2]), module, *arguments]


_RUN = (
    "import sys; root, module = sys.argv[1:3]; del sys.argv[1:3]; sys.path[:] = [root, *filter(None, sys.path)]; "
    "import monitor_app; del sys.path[0]; import runpy; runpy.run_module(module, run_name='__main__', alter_sys=True)"
)


class ChildProcess:
    """A running child with pipes for its stdin, its stdout and, where wanted, its stderr.

    It has a session of its own: Ctrl-C in the terminal reaches the parent, which then closes the child.
    No pipe is ever waited for beyond a time limit, so nothing that the child has started and that has inherited its
    pipes can hold up the parent. `send` may be called from any thread, everything else from one at a time.

    Args:
        command: the program and its arguments.
        name: of the child in the log.
        environment: instead of that of the parent.
        log_stderr: log what it writes there, and keep the last of it for `stderr_tail`; else it shares the parent's.
        ask_s: how long `close` waits for a child that has been asked to end, in seconds.
        terminate_s: how long `close` waits for a child that has been terminated, in seconds.

    Raises:
        OSError: the program cannot be run.
    """

    def __init__(
        self,
        command: Sequence[str],
        name: str,
        *,
        environment: Mapping[str, str] | None = None,
        log_stderr: bool = False,
        ask_s: float = ASK_S,
        terminate_s: float = TERMINATE_S,
    ) -> None:
        self._name = name
        self._ask_s, self._terminate_s = ask_s, terminate_s
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if log_stderr else None,
            start_new_session=True,
            env=environment,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._stdin.fileno(), False)
        self._send_lock = threading.Lock()
        self._stdout_number = self._stdout.fileno()
        self._poll = select.poll()
        self._open = {pipe.fileno() for pipe in (self._stdout, self._stderr) if pipe is not None}
        """Descriptors of the pipes that have not ended."""
        for descriptor in self._open:
            self._poll.register(descriptor, select.POLLIN)
        self._lines: list[bytes] = []
        self._rest = self._stderr_rest = b""
        self._stderr_lines: deque[str] = deque(maxlen=20)
        self._closed = False

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, the negative number of a signal that ended it; None while it lives."""
        return self._process.poll()

    @property
    def closed(self) -> bool:
        """`close` has been called."""
        return self._closed

    def send(self, line: bytes) -> bool:
        """Write to its stdin without waiting; False where it takes no more.

        Raises:
            BrokenPipeError: the child has ended, or has closed its stdin.
        """
        with self._send_lock:
            if self._stdin.closed:
                return False
            try:
                return os.write(self._stdin.fileno(), line) == len(line)
            except BlockingIOError:
                return False

    def send_some(self, data: bytes, timeout_s: float) -> int:
        """Write as much to its stdin as it takes at once, waiting at most `timeout_s` seconds for room; how many bytes.

        Raises:
            BrokenPipeError: the child has ended, or has closed its stdin.
        """
        with self._send_lock:
            if self._stdin.closed:
                raise BrokenPipeError
            room = select.poll()
            room.register(self._stdin.fileno(), select.POLLOUT)
            if not room.poll(timeout_s * 1000):
                return 0
            try:
                return os.write(self._stdin.fileno(), data)
            except BlockingIOError:
                return 0

    def lines(self, timeout_s: float) -> list[bytes]:
        """The whole lines of its stdout that have come, waiting at most `timeout_s` seconds for the first of them.

        Raises:
            EOFError: it has ended or closed its stdout, and has no lines left.
        """
        deadline_s = monotonic() + timeout_s
        while not self._lines:
            if self._closed or self._stdout_number not in self._open:
                raise EOFError
            exited = self.exit_code is not None
            read = self._read_pipes(0.0 if exited else max(0.0, deadline_s - monotonic()))
            if exited and self._stdout_number not in read:
                raise EOFError  # although a process that it has started may hold its stdout open
            if not exited and not self._lines and monotonic() >= deadline_s:
                return []
        lines, self._lines = self._lines, []
        return lines

    def exit_reason(self) -> str:
        """How it ended, to follow a subject: `was killed by signal 11 (SIGSEGV)`, `ended with exit code 3`.

        Waits a second for a child that has closed its stdout and is about to end.
        """
        if not self._ends_within(1.0):
            return "closed its output"
        self._read_pipes(0.0)
        code = self._process.returncode
        return f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"

    @property
    def stderr_tail(self) -> str:
        """The last line with text that it has written to its stderr; empty where there is none."""
        rest = self._stderr_rest.decode("utf-8", "replace").strip()
        return rest or (self._stderr_lines[-1] if self._stderr_lines else "")

    @property
    def stderr_text(self) -> str:
        """The last twenty lines that it has written to its stderr."""
        rest = self._stderr_rest.decode("utf-8", "replace").strip()
        return "\n".join([*self._stderr_lines, *([rest] if rest else [])])

    def close(self, quit_line: bytes = b"", ask_s: float | None = None) -> None:
        """End the child: ask, wait, terminate, wait, kill. Calling it twice is fine.

        Args:
            quit_line: the line that asks it to end; without one its stdin is closed instead.
            ask_s: how long to wait after that this time, in seconds.
        """
        if self._closed:
            return
        self._closed = True
        asked = False
        with contextlib.suppress(BrokenPipeError):
            asked = bool(quit_line) and self.send(quit_line)
        if not asked:
            self._close_stdin()
        if not self._ends_within(self._ask_s if ask_s is None else ask_s):
            self._process.terminate()
            if not self._ends_within(self._terminate_s):
                self._kill()
        self._read_pipes(0.0)
        self._close_stdin()
        self._stdout.close()
        if self._stderr is not None:
            self._stderr.close()

    def _close_stdin(self) -> None:
        with self._send_lock:
            self._stdin.close()

    def _kill(self) -> None:
        """Kill it with the processes of its session: nothing else is left to end those."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if not self._ends_within(KILL_S):
            logger.error("%s: process %d has not ended although it was killed", self._name, self._process.pid)

    def _ends_within(self, timeout_s: float) -> bool:
        """Whether it ends; its pipes are kept empty meanwhile, so that a full pipe does not block it."""
        deadline_s = monotonic() + timeout_s
        while self.exit_code is None:
            left_s = deadline_s - monotonic()
            if left_s <= 0:
                return False
            self._read_pipes(min(left_s, 0.02))
        return True

    def _read_pipes(self, timeout_s: float) -> set[int]:
        """Read one block from each pipe that has data, waiting for the first; the descriptors of those pipes."""
        ready = {descriptor for descriptor, _ in self._poll.poll(timeout_s * 1000)}
        for descriptor in ready:
            block = os.read(descriptor, BLOCK_BYTES)
            if not block:
                self._poll.unregister(descriptor)
                self._open.discard(descriptor)
            if descriptor == self._stdout_number:
                *lines, self._rest = (self._rest + block).split(b"\n")
                self._lines += lines
            else:
                self._log(block)
        return ready

    def _log(self, block: bytes) -> None:
        *lines, rest = (self._stderr_rest + block).split(b"\n")
        self._stderr_rest = rest[-BLOCK_BYTES:]
        for line in lines:
            if text := line.decode("utf-8", "replace").strip():
                self._stderr_lines.append(text)
                logger.info("%s: %s", self._name, text)


def signal_name(number: int) -> str:
    """As in `signal 9 (SIGKILL)`."""
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
