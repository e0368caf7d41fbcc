# SPDX-License-Identifier: Apache-2.0
"""The processes that the agent starts: their input and output, and the steps in which they are ended.

Everything here is called from the main thread and never waits. Linux kills a child when the thread that started it
ends (PR_SET_PDEATHSIG), so none outlives the agent. Each has a process group of its own, and what is left in that is
killed as soon as the child has ended.
"""

import codecs
import contextlib
import ctypes
import errno
import os
import selectors
import signal
import subprocess
import threading
from typing import Any, Callable, Dict, List, Optional

from .clock import now_ns
from .lines import Lines, Outbox
from .memory import MemoryWatch
from .refused import RefusedError

BLOCK = 1 << 16
MOST_INPUT = 16 << 20
"""Bytes that wait for a child which does not read."""
ASK_S, TERMINATE_S, KILL_S = 2.0, 1.0, 5.0
"""How long each step of the end waits at most: asked to, terminated, killed."""
AT_ONCE_S = 0.3
"""The same for the first two where the board has to be free within a second."""
_PR_SET_PDEATHSIG = 1

_prctl: "Callable[..., int]" = ctypes.CDLL(None, use_errno=True).prctl


class Child:
    """One of them. Used by `Children` alone."""

    def __init__(self, number: int, command: List[str], environment: Dict[str, str], alone: bool) -> None:
        self.number, self.alone = number, alone
        self.memory = MemoryWatch()
        parent = os.getpid()

        def die_with_the_agent() -> None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        try:
            self.process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=environment,
                preexec_fn=die_with_the_agent,
            )
        except BaseException:
            self.memory.close()
            raise
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdin, self.stdout, self.stderr = self.process.stdin, self.process.stdout, self.process.stderr
        for pipe in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(pipe.fileno(), False)
        self.lines = Lines()
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.input = bytearray()
        self.closing_input = False
        self.open = {self.stdout.fileno(), self.stderr.fileno()}
        self.steps: List[Any] = []
        """What is still to be done to end it: (time in ns, action)."""

    def signal(self, number: int) -> None:
        """Send it to the whole group; the child has not been waited for, so that its number is still its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Children:
    """All of them, by the number of the question that started them.

    Args:
        selector: of the main loop; the data of each key is called with what is ready.
        outbox: where their output goes.
    """

    def __init__(self, selector: selectors.BaseSelector, outbox: Outbox) -> None:
        self._selector, self._outbox = selector, outbox
        self._running: Dict[int, Child] = {}
        self._reading = True

    def __len__(self) -> int:
        return len(self._running)

    def start(self, number: int, command: List[str], environment: Dict[str, str], alone: bool = False) -> int:
        """Start one, and return its process number; of those that run alone there is one. Raises RefusedError."""
        if threading.current_thread() is not threading.main_thread():
            raise AssertionError("Linux kills a child with the thread that started it")
        if number in self._running:
            raise RefusedError("There is a child with this number already.", errno.EEXIST)
        before = next((each.process.pid for each in self._running.values() if each.alone), None)
        if alone and before is not None:
            raise RefusedError(
                "Process {} of before has not ended on the board: kill it there, or reboot the board.".format(before),
                errno.EBUSY,
            )
        try:
            child = Child(number, command, environment, alone)
        except (OSError, subprocess.SubprocessError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RefusedError(
                "{} does not start on the board ({}).".format(command[0], reason), getattr(error, "errno", None)
            ) from error
        self._running[number] = child
        if self._reading:
            self._listen(child)
        return child.process.pid

    def write(self, number: int, lines: List[str]) -> None:
        """Give lines to its stdin; to a child that has ended, dropped. Raises RefusedError: it does not read."""
        child = self._running.get(number)
        if child is None or child.closing_input:
            return
        if len(child.input) > MOST_INPUT:
            raise RefusedError("The child {} on the board takes no more lines.".format(number), errno.EAGAIN)
        child.input += b"".join(line.encode("utf-8", "surrogateescape") + b"\n" for line in lines)
        self._feed(child)

    def end(self, number: int, line: str = "", ask_s: float = ASK_S, terminate_s: float = TERMINATE_S) -> None:
        """Begin to end one: a line or the end of its stdin asks it to, then it is terminated, then killed."""
        child = self._running.get(number)
        if child is None:
            return
        if line and not child.steps:
            with contextlib.suppress(RefusedError):
                self.write(number, [line])
        child.closing_input = True
        self._feed(child)
        now = now_ns()
        terminate_ns = now + int(ask_s * 1e9)
        steps = [
            (terminate_ns, lambda: child.signal(signal.SIGTERM)),
            (terminate_ns + int(terminate_s * 1e9), lambda: child.signal(signal.SIGKILL)),
        ]
        # Asked again, it ends no later than it would have.
        if not child.steps or steps[-1][0] < child.steps[-1][0]:
            child.steps = steps

    def end_all(self, ask_s: float = ASK_S, terminate_s: float = TERMINATE_S) -> None:
        """Begin to end all of them."""
        for number in list(self._running):
            self.end(number, "", ask_s, terminate_s)

    def step(self) -> "Optional[int]":
        """Do what is due, and say when there is more to do; None for never."""
        now = now_ns()
        for child in list(self._running.values()):
            while child.steps and child.steps[0][0] <= now:
                child.steps.pop(0)[1]()
            self._end_of(child)
        due = [child.steps[0][0] for child in self._running.values() if child.steps]
        return min(due) if due else None

    def read_on(self, reading: bool) -> None:
        """Whether their output is read now; it is not while the bench does not take it."""
        if reading == self._reading:
            return
        self._reading = reading
        for child in self._running.values():
            if reading:
                self._listen(child)
            else:
                for descriptor in child.open:
                    self._selector.unregister(descriptor)

    # -- one child -------------------------------------------------------------------------------

    def _listen(self, child: Child) -> None:
        for descriptor in child.open:
            self._selector.register(descriptor, selectors.EVENT_READ, lambda _, d=descriptor: self._read(child, d))

    def _read(self, child: Child, descriptor: int) -> bool:
        """Pass on what it wrote; False where there is nothing now."""
        try:
            block = os.read(descriptor, BLOCK)
        except BlockingIOError:
            return False
        except OSError:
            block = b""
        if not block:
            child.open.discard(descriptor)
            if self._reading:
                self._selector.unregister(descriptor)
            return False
        if descriptor == child.stderr.fileno():
            self._say_error(child, child.decoder.decode(block))
        else:
            self._say(child, child.lines.feed(block))
        return True

    def _say(self, child: Child, lines: "List[Optional[bytes]]") -> None:
        whole = [line.decode("utf-8", "surrogateescape") for line in lines if line is not None]
        if whole:
            self._outbox.send({"type": "output", "child": child.number, "lines": whole})
        if len(whole) < len(lines):
            self._say_error(child, "A line was too long and has been left out.\n")

    def _say_error(self, child: Child, text: str) -> None:
        if text:
            self._outbox.send({"type": "error_output", "child": child.number, "text": text})

    def _feed(self, child: Child) -> None:
        """Write what it takes of its input, and come back for the rest."""
        if child.stdin.closed:
            return
        try:
            while child.input:
                del child.input[: os.write(child.stdin.fileno(), child.input[:BLOCK])]
        except BlockingIOError:
            pass
        except OSError:  # it has closed its stdin, or ended
            child.input.clear()
            child.closing_input = True
        registered = child.stdin.fileno() in self._selector.get_map()
        if child.input and not registered:
            self._selector.register(child.stdin, selectors.EVENT_WRITE, lambda _: self._feed(child))
        elif not child.input and registered:
            self._selector.unregister(child.stdin)
        if not child.input and child.closing_input:
            child.stdin.close()

    def _end_of(self, child: Child) -> None:
        """Tell how it ended, once it has."""
        try:
            if os.waitid(os.P_PID, child.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return
        except ChildProcessError:
            pass
        # Before it is waited for: after that its number may be another's.
        child.signal(signal.SIGKILL)
        code = child.process.wait()
        del self._running[child.number]
        for descriptor in tuple(child.open):
            while self._read(child, descriptor):
                pass
        self._close(child)
        out_of_memory = child.memory.killed(child.process.pid) if code == -signal.SIGKILL else False
        child.memory.close()
        self._outbox.send({"type": "ended", "child": child.number, "code": code, "out_of_memory": out_of_memory})

    def _close(self, child: Child) -> None:
        rest = child.lines.rest()
        if rest:
            self._say(child, [rest])
        self._say_error(child, child.decoder.decode(b"", True))
        if self._reading:
            for descriptor in child.open:
                self._selector.unregister(descriptor)
        if not child.stdin.closed and child.stdin.fileno() in self._selector.get_map():
            self._selector.unregister(child.stdin)
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()
