# SPDX-License-Identifier: Apache-2.0
"""The agent: one loop that reads questions, keeps the lease, and looks after the children (docs/agent-protocol.md)."""

import contextlib
import json
import os
import platform
import select
import selectors
import signal
from typing import Any, Callable, Dict, Optional

from .board_calls import call
from .board_lock import BoardLock
from .board_state import BoardState
from .cache import Cache
from .children import ASK_S, AT_ONCE_S, KILL_S, TERMINATE_S, Children
from .clock import now_ns
from .facts import boot_id, facts, host, user
from .files import snapshot
from .lines import Lines, Outbox
from .refused import Question, RefusedError, number_of, text_of, texts_of
from .starts import RUN_NETWORKS, command_of, environment_of
from .sweeps import Sweeps
from .worker import Answer, Worker, answer

GREETING = b"monitor-app agent 1\n"
EXIT_CODES = {"bye": 0, "lease": 4, "terminated": 5, "failed": 1}
BUSY = 3
"""Exit code where another agent has the board."""
LEASE_S = 4.0
SHORTEST_LEASE_S, LONGEST_LEASE_S = 0.5, 3600.0
POLLRDHUP = getattr(select, "POLLRDHUP", 0x2000)
"""The other end of a socket has closed it; that of a pipe is told unasked."""
IDLE_S = 3600.0
FULL_S = 0.02
"""How soon it is looked again whether the bench takes output."""
LAST_WORDS_S = 0.2


def run(version: str, options: str, only_stored: bool = False) -> None:
    """Run until the bench is done or gone; does not return.

    Args:
        version: SHA-256 of the sources.
        options: the JSON object of the command line.
        only_stored: take no bundle that is not on the board.
    """
    # Nothing that is printed may get between the messages.
    out = os.dup(1)
    os.dup2(2, 1)
    outbox = Outbox(out)
    outbox.send_text(GREETING)
    code = EXIT_CODES["failed"]
    try:
        code = _run(outbox, version, _options(options), only_stored)
    except RefusedError as error:
        outbox.send({"type": "failed", "id": None, "message": error.message, "errno": error.number})
    except Exception as error:  # noqa: BLE001 - the top of a process
        message = "The agent met an error in this program ({}: {}).".format(type(error).__name__, error)
        outbox.send({"type": "failed", "id": None, "message": message, "errno": getattr(error, "errno", None)})
    outbox.close(LAST_WORDS_S)
    # Not by returning: a thread may be waiting for a file of the kernel.
    os._exit(code)


def _options(text: str) -> "Dict[str, Any]":
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise RefusedError("The options of the agent are not a JSON object.")
    return options


def _run(outbox: Outbox, version: str, options: "Dict[str, Any]", only_stored: bool) -> int:
    lock = BoardLock()
    if not _taken(lock, _holder(options), _seconds(options, "wait_s", 0.0, 0.0)):
        outbox.send(dict(lock.holder(), type="busy"))
        return BUSY
    lease_s = _seconds(options, "lease_s", LEASE_S, SHORTEST_LEASE_S)
    return EXIT_CODES[Agent(outbox, version, lease_s, Cache(only_stored)).run()]


def _holder(options: "Dict[str, Any]") -> str:
    return str(options.get("holder") or "somebody")


def _seconds(options: "Dict[str, Any]", name: str, default: float, least: float) -> float:
    value = options.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise RefusedError("The option {} of the agent is no time in seconds.".format(name))
    return min(max(float(value), least), LONGEST_LEASE_S)


def _taken(lock: BoardLock, holder: str, wait_s: float) -> bool:
    """Whether the lock could be got in this time, or before the bench has given up."""
    hung_up = select.poll()
    hung_up.register(0, POLLRDHUP)
    until_ns = now_ns() + int(wait_s * 1e9)
    while not lock.take(holder):
        if now_ns() >= until_ns or hung_up.poll(50):
            return False
    return True


class Agent:
    """Has the lock. Used from the main thread."""

    def __init__(self, outbox: Outbox, version: str, lease_s: float, cache: Cache) -> None:
        self._outbox, self._version, self._cache = outbox, version, cache
        self._saved = BoardState(cache)
        self._lease_ns = int(lease_s * 1e9)
        self._renewed_ns = now_ns()
        self._received_ns = self._renewed_ns
        self._reason: Optional[str] = None
        """Why it ends, once it does."""
        self._gone_ns = 0
        """When it ends although a child has not."""
        self._selector = selectors.PollSelector()
        self._lines = Lines()
        self._children = Children(self._selector, outbox)
        self._sweeps = Sweeps(outbox)
        self._files = Worker(outbox, "files")
        self._board = Worker(outbox, "board")
        self._answers: Dict[str, Callable[[Question], None]] = {
            "clock": self._clock,
            "facts": self._later(self._files, lambda q: facts(q, cache)),
            "snapshot": self._later(self._files, _snapshot),
            "bundle": self._later(self._files, self._bundle),
            "call": self._later(self._board, call),
            "state": self._later(self._board, self._state),
            "sweep": self._now(self._sweeps.start),
            "stop_sweep": self._now(self._sweeps.stop),
            "start": self._now(self._start),
            "input": self._silent(lambda q: self._children.write(number_of(q, "child"), texts_of(q, "lines"))),
            "end": self._silent(lambda q: self._children.end(number_of(q, "child"), str(q.get("line") or ""))),
            "bye": lambda _: self._end("bye", ASK_S, TERMINATE_S),
        }

    def run(self) -> str:
        """Until it has a reason to end, which is returned when all children have ended."""
        woken = _wake_on_signals(lambda: self._end("terminated"))
        self._selector.register(woken, selectors.EVENT_READ, lambda _: _drain(woken))
        self._selector.register(0, selectors.EVENT_READ, lambda _: self._read())
        self._outbox.send(self._hello())
        while self._reason is None or (len(self._children) and now_ns() < self._gone_ns):
            self._turn()
        reason = str(self._reason)
        self._outbox.send({"type": "farewell", "reason": reason})
        return reason

    def _turn(self) -> None:
        due_ns = self._children.step()
        self._children.read_on(not self._outbox.full)
        for key, mask in self._selector.select(self._wait_s(due_ns)):
            # What was handled before may have closed it.
            if self._selector.get_map().get(key.fd) is key:
                key.data(mask)
        # Only now: while the agent did not run, lines may have come.
        if now_ns() - self._renewed_ns >= self._lease_ns:
            self._end("lease")

    def _wait_s(self, due_ns: "Optional[int]") -> float:
        if not len(self._children) and self._reason is not None:
            return 0.0
        now = now_ns()
        ends = [self._gone_ns if self._reason is not None else self._renewed_ns + self._lease_ns]
        if due_ns is not None:
            ends.append(due_ns)
        if self._outbox.full:
            ends.append(now + int(FULL_S * 1e9))
        # A millisecond more, since it is rounded down to whole ones.
        return min(max(0, min(ends) - now) * 1e-9 + 1e-3, IDLE_S)

    def _end(self, reason: str, ask_s: float = AT_ONCE_S, terminate_s: float = AT_ONCE_S) -> None:
        """Begin to end. Where the bench is gone the board has to be free soon."""
        if self._reason is None:
            self._reason = reason
            self._gone_ns = now_ns() + int((ask_s + terminate_s + KILL_S) * 1e9)
            self._children.end_all(ask_s, terminate_s)

    # -- questions -------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            block = os.read(0, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            block = b""
        self._received_ns = self._renewed_ns = now_ns()
        if not block:
            self._selector.unregister(0)
            self._end("bye")
            return
        for line in self._lines.feed(block):
            self._take(line)

    def _take(self, line: "Optional[bytes]") -> None:
        question: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            question = json.loads(line.decode("utf-8")) if line is not None else None
        how = None
        if isinstance(question, dict) and isinstance(question.get("type"), str):
            how = self._answers.get(question["type"])
        if how is not None:
            how(question)
        elif line is None or line.strip():
            number = question.get("id") if isinstance(question, dict) else None
            message = "The agent does not know this question: use one version of the program on both ends."
            self._outbox.send({"type": "failed", "id": number, "message": message, "errno": None})

    def _clock(self, question: Question) -> None:
        self._outbox.send_stamped(
            {"type": "clock", "id": question.get("id"), "received_ns": self._received_ns, "sent_ns": 0}
        )

    def _now(self, how: "Callable[[Question], Answer]") -> "Callable[[Question], None]":
        return lambda question: answer(self._outbox, question, how)

    def _silent(self, how: "Callable[[Question], None]") -> "Callable[[Question], None]":
        """Without an answer, unless it failed."""

        def take(question: Question) -> None:
            try:
                how(question)
            except RefusedError as error:
                self._outbox.send({"type": "failed", "id": None, "message": error.message, "errno": error.number})

        return take

    @staticmethod
    def _later(worker: Worker, how: "Callable[[Question], Answer]") -> "Callable[[Question], None]":
        return lambda question: worker.answer(question, how)

    def _start(self, question: Question) -> Answer:
        if self._reason is not None:
            raise RefusedError("The agent is ending.")
        command, environment = command_of(question, self._cache), environment_of(question)
        number, runs_networks = number_of(question, "id"), question["child"] in RUN_NETWORKS
        return {"type": "started", "pid": self._children.start(number, command, environment, runs_networks)}

    def _bundle(self, question: Question) -> Answer:
        data = None if question.get("data") is None else text_of(question, "data")
        return {"type": "stored", "path": self._cache.store_bundle(text_of(question, "sha256"), data)}

    def _state(self, question: Question) -> Answer:
        action = text_of(question, "action")
        if action == "write":
            self._saved.write(text_of(question, "text"))
        elif action == "remove":
            self._saved.remove()
        elif action != "read":
            raise RefusedError("The saved state of a board is read, written or removed.")
        return {"type": "state", "text": self._saved.read()}

    def _hello(self) -> "Dict[str, Any]":
        return {
            "type": "hello",
            "version": self._version,
            "pid": os.getpid(),
            "python": platform.python_version(),
            "boot_id": boot_id(),
            "host": host(),
            "user": user(),
            "now_ns": now_ns(),
        }


def _snapshot(question: Question) -> Answer:
    return dict(snapshot(texts_of(question, "patterns")), type="files")


def _wake_on_signals(terminated: "Callable[[], None]") -> int:
    """A pipe that can be read when a child has ended or the agent shall."""
    woken, wake = os.pipe()
    for each in (woken, wake):
        os.set_blocking(each, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: terminated())
    return woken


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
