# SPDX-License-Identifier: Apache-2.0
"""The link to a board: one ssh, with the agent at its other end, and the clock between them.

A thread asks the agent for its time several times a second, which also keeps the lease there, and hands out whatever
comes. A board that is silent for `SILENCE_S` is lost; so is one whose ssh or agent ends. A link that is lost stays so:
whoever wants the board again makes another one.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import logging
import os
import signal
import threading
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from monitor_app.core.child_process import ChildProcess, signal_name
from monitor_app.core.errors import BoardBusyError, BoardError, BoardLostError, BoardUnreachableError
from monitor_app.core.host_time import host_time_ns
from monitor_app.remote import bootstrap
from monitor_app.remote.board_facts import BoardFacts, Called, Hello, Snapshot
from monitor_app.remote.child import RemoteChild
from monitor_app.remote.clock import LinkClock, RoundTrip
from monitor_app.remote.ssh import holder, ssh_command, ssh_environment
from monitor_app.remote.ssh_failures import LONGEST_QUOTE, SSH_FAILED, failure_of
from monitor_app.remote.sweep import RemoteSweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from monitor_app.core.profile import Board

HELLO_S = 45.0
"""How long the login and the start of the agent may take: a cold Nano reads its Python from a memory card."""
FIRST_QUESTIONS, FIRST_S, QUESTION_S = 8, 0.1, 0.2
"""So many questions about the clock come at the first interval, all others at the second."""
SILENCE_S, HURRIED_S = 5.0, 2.0
"""A board from which no line has come for so long is lost; the second where the link is about to be closed."""
ANSWER_S = 10.0
CALL_S = 40.0
"""nvpmodel may take many seconds; the agent ends it after thirty."""
BUNDLE_S = 60.0
POLL_S = 0.05
AT_ONCE = 4096
"""Bytes that a pipe takes whole or not at all (PIPE_BUF)."""
BYE = b'{"type":"bye"}\n'
BYE_S, TERMINATE_S = 3.0, 0.5
"""How long ssh may take to end after that, with everything on the board; and after a signal."""

_Model = TypeVar("_Model", bound=BaseModel)
Message = dict[str, Any]

logger = logging.getLogger(__name__)


GetLink: TypeAlias = "Callable[[], Link]"
"""The link of this moment, to a board to which it may be made again. Raises BoardError where there is none."""


class _Pending:
    """A question without an answer so far."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: Message | None = None


class Link:
    """A board that is being used. Its methods may be called from any thread; each answer is waited for.

    `connect` first. All questions raise BoardLostError once the link has ended, and BoardError with the agent's
    sentence where it refuses.

    Args:
        board: how it is reached.
        wait_s: how long to wait for a board that another bench has, or that our own link of before has not given up.
        payload: another agent than that of this program; for tests.
    """

    def __init__(self, board: Board, *, wait_s: float = 0.0, payload: bytes | None = None) -> None:
        self.board = board
        self.clock = LinkClock()
        self._payload = bootstrap.payload() if payload is None else payload
        words = bootstrap.arguments(self._payload, holder=holder(), lease_s=board.lease_s, wait_s=wait_s)
        self._hello_s = HELLO_S + wait_s
        self._hello: Hello | None = None
        self._lock = threading.Lock()
        """Of the numbers, and of what waits for an answer."""
        self._write_lock = threading.Lock()
        """A long line is written in pieces, with none between."""
        self._number = 0
        self._pending: dict[int, _Pending] = {}
        self._asked: dict[int, int] = {}
        """When questions about the clock were asked; used by the pump alone."""
        self._takers: dict[int, RemoteChild | RemoteSweep] = {}
        self._farewell = ""
        self._error: BoardError | None = None
        self._changed = threading.Condition()
        """The link is ready, or has ended."""
        self._ready = False
        self._closing = False
        self._ended = False
        self._silence_s = SILENCE_S
        self._ssh = self._started(ssh_command(board, [board.python, *words]))
        self._pump = threading.Thread(target=self._run, name=f"link to {board.host}", daemon=True)
        self._pump.start()

    def connect(self, cancelled: Callable[[], bool] = lambda: False) -> Hello:
        """Wait until the agent runs and its clock is known to a millisecond or so.

        Args:
            cancelled: asked several times a second; once it says so, the link is closed.

        Raises:
            BoardUnreachableError: ssh could not log in, or the agent could not be started.
            BoardBusyError: another bench has the board.
            BoardLostError: it was connected for a moment, or has been cancelled or closed.
        """
        with self._changed:
            while not (self._changed.wait_for(lambda: self._ready or self._ended, POLL_S) or cancelled()):
                pass
        if not self._ready or self._error is not None:
            self.close()
            raise self._error or BoardLostError(f"Connecting to {self.board.host} was stopped.")
        return self.hello

    @property
    def hello(self) -> Hello:
        """What the agent said first. Raises BoardLostError before `connect`."""
        if self._hello is None:
            raise self._lost()
        return self._hello

    @property
    def error(self) -> BoardError | None:
        """Why the link has ended; None while it lives, and where it was closed."""
        return self._error

    @property
    def ended(self) -> bool:
        """It is lost or closed."""
        return self._ended

    # -- what can be asked -----------------------------------------------------------------------

    def facts(self) -> BoardFacts:
        """What the board is."""
        pythons = [each for each in (self.board.python, self.board.inference_python) if each is not None]
        return self._model(BoardFacts, self.ask({"type": "facts", "pythons": pythons}, 2 * ANSWER_S))

    def snapshot(self, patterns: Sequence[str]) -> Snapshot:
        """Files below /sys and /proc, and /etc/nv_tegra_release; `*` stands for any part of a name."""
        return self._model(Snapshot, self.ask({"type": "snapshot", "patterns": list(patterns)}, 2 * ANSWER_S))

    def call(self, tool: str, arguments: Sequence[str], *, answer: str = "", root: bool = False) -> Called:
        """Call nvpmodel or jetson_clocks.

        Args:
            tool: which one.
            arguments: those that this program uses.
            answer: what it is told on its input.
            root: with the rights of root, by `sudo -n` where the user is not root.
        """
        question = {"type": "call", "tool": tool, "arguments": list(arguments), "answer": answer, "root": root}
        return self._model(Called, self.ask(question, CALL_S))

    def state(self, action: str, text: str | None = None) -> str | None:
        """What is needed to set the board back, which is kept there: `read`, `write` or `remove` it."""
        answer = self.ask({"type": "state", "action": action, "text": text}, ANSWER_S).get("text")
        return None if answer is None else str(answer)

    def bundle(self, data: bytes) -> str:
        """Have a zip that children are run from on the board, sent only where it is not there. Returns its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            self.ask({"type": "bundle", "sha256": sha256, "data": None}, ANSWER_S)
        except BoardLostError:
            raise
        except BoardError as error:
            if error.errno != errno.ENOENT:
                raise
            text = base64.b64encode(data).decode("ascii")
            self.ask({"type": "bundle", "sha256": sha256, "data": text}, BUNDLE_S)
        return sha256

    def start_child(
        self,
        kind: str,
        arguments: Sequence[str] = (),
        *,
        python: str | None = None,
        bundle: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> RemoteChild:
        """Start a process on the board.

        Args:
            kind: `inference`, `replay`, `jtop` or `gpio`.
            arguments: of its command line.
            python: by default the profile's for this kind.
            bundle: the SHA-256 of the zip that it is in; None where the program is installed there.
            environment: is set for it, and the profile's besides, which counts more.
        """
        if python is None:
            python = (kind == "inference" and self.board.inference_python) or self.board.python
        number = self._next_number()
        child = RemoteChild(number, f"{kind} child on {self.board.host}", self.tell, self.forget)
        question = {
            "type": "start", "child": kind, "python": python, "bundle": bundle, "arguments": list(arguments),
            "environment": {**(environment or {}), **self.board.env},
        }  # fmt: skip
        try:
            answer = self._ask_for(child, number, question)
        except BoardLostError:
            raise
        except BoardError:
            # It may start late, and nobody would know of it.
            self.tell({"type": "end", "child": number, "line": ""})
            raise
        child.has_started(int(answer.get("pid", 0)))
        return child

    def sweep(self, paths: Sequence[str], interval_s: float, burst: int = 0) -> RemoteSweep:
        """Have files read again and again.

        Args:
            paths: of files that `snapshot` may read.
            interval_s: from one row to the next, in seconds.
            burst: so many rows at once first, without a pause.
        """
        number = self._next_number()
        sweep = RemoteSweep(number, self.ask, self.forget)
        question = {"type": "sweep", "paths": list(paths), "interval_s": interval_s, "burst": burst}
        self._ask_for(sweep, number, question)
        return sweep

    def ask(self, question: Message, timeout_s: float = ANSWER_S, number: int | None = None) -> Message:
        """Put a question and wait for its answer.

        Raises:
            BoardLostError: the link has ended.
            BoardError: the agent could not carry it out, or has not answered in time.
        """
        if number is None:
            number = self._next_number()
        waiting = _Pending()
        with self._lock:
            self._pending[number] = waiting
        try:
            if not self.tell({**question, "id": number}):
                raise BoardError(f"The link to {self.board.host} takes no more questions: check the connection.")
            # Whoever ends the link wakes all that wait.
            waiting.done.wait(timeout_s)
        finally:
            with self._lock:
                self._pending.pop(number, None)
        return self._answer(waiting.answer, str(question["type"]), timeout_s)

    def tell(self, message: Message) -> bool:
        """Send a message that has no answer. False where the link takes no more. Raises BoardLostError."""
        line = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
        with self._write_lock:
            if self._ended or self._closing:
                raise self._lost()
            try:
                return self._ssh.send(line) if len(line) <= AT_ONCE else self._send_long(line)
            except (BrokenPipeError, ValueError) as error:
                raise self._lost() from error

    def forget(self, number: int) -> None:
        """A child or a sweep takes no more messages."""
        with self._lock:
            self._takers.pop(number, None)

    def hurry(self) -> None:
        """It is about to be closed: do not wait long for a board that says nothing."""
        self._silence_s = HURRIED_S

    def close(self) -> None:
        """End everything on the board, and ssh; takes less than five seconds whatever they do. Twice is fine."""
        self._closing = True
        self._pump.join()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- questions -------------------------------------------------------------------------------

    def _next_number(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def _ask_for(self, taker: RemoteChild | RemoteSweep, number: int, question: Message) -> Message:
        # It may say something before the answer is looked at.
        with self._lock:
            self._takers[number] = taker
        try:
            return self.ask(question, ANSWER_S, number)
        except BoardError:
            self.forget(number)
            raise

    def _answer(self, answer: Message | None, asked: str, timeout_s: float) -> Message:
        if answer is None:
            if self._ended or self._closing:
                raise self._lost()
            late = f"has not answered the question {asked!r} in {timeout_s:.0f} s"
            raise BoardError(f"{self.board.host} {late}: look for other load on it.")
        if answer.get("type") == "failed":
            number = answer.get("errno")
            raise BoardError(_shown(str(answer.get("message"))), number if isinstance(number, int) else None)
        return answer

    def _model(self, model: type[_Model], answer: Message) -> _Model:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            logger.warning("%s: %s", self.board.host, error)
            raise BoardError(self._strange()) from error

    def _send_long(self, line: bytes) -> bool:
        left = memoryview(line)
        while left:
            if self._ended or self._closing:
                raise BrokenPipeError
            left = left[self._ssh.send_some(bytes(left[: 1 << 16]), POLL_S) :]
        return True

    def _lost(self) -> BoardLostError:
        if isinstance(self._error, BoardLostError):
            return self._error
        said = str(self._error) if self._error is not None else f"There is no link to {self.board.host}: connect again."
        return BoardLostError(said)

    def _strange(self) -> str:
        return f"The agent on {self.board.host} answers what this version does not understand: connect again."

    # -- the pump --------------------------------------------------------------------------------

    def _started(self, command: Sequence[str]) -> ChildProcess:
        try:
            return ChildProcess(
                command, f"ssh to {self.board.host}",
                environment=ssh_environment(), log_stderr=True, ask_s=BYE_S, terminate_s=TERMINATE_S,
            )  # fmt: skip
        except OSError as error:
            raise BoardUnreachableError(
                f"{command[0]} cannot be run ({error.strerror}): install OpenSSH's client "
                "(`sudo apt install openssh-client`), or correct `ssh` in the profile."
            ) from error

    def _run(self) -> None:
        try:
            self._begin()
            self._converse()
        except BoardError as error:
            self._error = error
        except (EOFError, BrokenPipeError):
            self._error = None if self._closing else self._end_of_ssh()
        except Exception as error:  # the edge of a thread
            logger.exception("The link to %s met an error", self.board.host)
            self._error = BoardLostError(f"The link to {self.board.host} met an error ({error!r}): connect again.")
        finally:
            self._finish()

    def _begin(self) -> None:
        """Send the agent to its loader, and wait for its hello. Raises BoardError, EOFError, BrokenPipeError."""
        deadline_s = monotonic() + self._hello_s
        left, loads, greeted = memoryview(self._payload), False, False
        while self._hello is None and not self._closing:
            if loads and left:
                with contextlib.suppress(BrokenPipeError):  # its stderr says why
                    left = left[self._ssh.send_some(bytes(left[: 1 << 16]), 0.0) :]
            for line in self._ssh.lines(POLL_S):
                if greeted:
                    self._welcome(self._decoded(line))
                # Before it speaks, another shell may read, and would take the agent for commands.
                loads = loads or _says(line, bootstrap.LOADS)
                greeted = greeted or _says(line, bootstrap.GREETING)
            if monotonic() > deadline_s:
                raise BoardUnreachableError(self._too_late(greeted))

    def _welcome(self, message: Message) -> None:
        """The first message; more may follow in the same breath, but only to what was asked. Raises BoardError."""
        kind = message.get("type")
        if kind == "hello":
            self._hello = self._model(Hello, message)
        elif kind == "busy":
            raise BoardBusyError(_busy(self.board.host, message))
        elif kind == "failed":
            raise BoardUnreachableError(_shown(str(message.get("message"))))

    def _converse(self) -> None:
        """Ask for the clock and hand out what comes, until the link ends. Raises BoardError, EOFError."""
        heard_s = due_s = start_s = monotonic()
        asked = 0
        while not self._closing:
            now_s = monotonic()
            if now_s >= due_s:
                asked += self._ask_clock()
                due_s = now_s + (FIRST_S if asked < FIRST_QUESTIONS else QUESTION_S)
            lines = self._ssh.lines(min(POLL_S, max(0.0, due_s - monotonic())))
            now_ns = host_time_ns()
            for line in lines:
                self._take(self._decoded(line), now_ns)
            if lines:
                heard_s = monotonic()
            elif monotonic() - heard_s > (silence_s := self._silence_s):
                raise BoardLostError(
                    f"{self.board.host} has not answered for {silence_s:.0f} s: check its power, its cable or Wi-Fi."
                )
            if not self._ready and (self.clock.count >= FIRST_QUESTIONS or monotonic() - start_s > SILENCE_S / 2):
                self._set_ready()

    def _set_ready(self) -> None:
        if self.clock.count:
            with self._changed:
                self._ready = True
                self._changed.notify_all()

    def _ask_clock(self) -> int:
        """Put a question; none while somebody writes a long line."""
        if not self._write_lock.acquire(blocking=False):
            return 0
        try:
            number = self._next_number()
            self._asked[number] = host_time_ns()
            with contextlib.suppress(BrokenPipeError):  # what it has said before is still to be read
                if self._ssh.send(b'{"type":"clock","id":%d}\n' % number):
                    return 1
            del self._asked[number]
            return 0
        finally:
            self._write_lock.release()

    def _decoded(self, line: bytes) -> Message:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            logger.warning("%s said %r", self.board.host, line[:LONGEST_QUOTE])
            raise BoardLostError(self._strange())
        return message

    def _take(self, message: Message, now_ns: int) -> None:
        try:
            kind, number = message.get("type"), message.get("id")
            if kind == "clock":
                asked_ns = self._asked.pop(number)  # type: ignore[arg-type]
                self.clock.add(RoundTrip(asked_ns, int(message["received_ns"]), int(message["sent_ns"]), now_ns))
            elif kind in {"output", "error_output", "ended", "swept"}:
                self._hand_out(message, message["sweep" if kind == "swept" else "child"])
            elif kind == "farewell":
                self._farewell = str(message["reason"])
            elif number is None:
                logger.warning("%s: %s", self.board.host, _shown(str(message.get("message"))))
            else:
                self._answered(number, message)
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("%s said %r: %r", self.board.host, message, error)
            raise BoardLostError(self._strange()) from error

    def _hand_out(self, message: Message, number: int) -> None:
        with self._lock:
            taker = self._takers.get(number)
        if taker is not None:  # it may have been closed meanwhile
            taker.take(message)

    def _answered(self, number: int, message: Message) -> None:
        with self._lock:
            waiting = self._pending.get(number)
        if waiting is not None:
            waiting.answer = message
            waiting.done.set()

    def _finish(self) -> None:
        """End ssh, which ends the agent, and wake everybody who waits."""
        lost = self._lost()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._wake(lost)
        with contextlib.suppress(BrokenPipeError):
            # A board that is gone is not waited for, and what is no agent would run a word as a command.
            goodbye = b"" if self._hello is None else BYE
            self._ssh.close(goodbye, ask_s=BYE_S if self._error is None else 0.0)
        # A ProxyCommand that does not run any more may be left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._ssh.pid, signal.SIGKILL)
        # A question may have been put between.
        self._wake(lost)

    def _wake(self, lost: BoardLostError) -> None:
        with self._lock:
            pending, takers = list(self._pending.values()), list(self._takers.values())
        for waiting in pending:
            waiting.done.set()
        for taker in takers:
            taker.lose(lost)

    # -- the end ---------------------------------------------------------------------------------

    def _end_of_ssh(self) -> BoardError:
        """Why ssh has ended, or closed its output."""
        reason = self._ssh.exit_reason()  # waits for the end, and reads the rest of stderr
        code, said = self._ssh.exit_code, self._ssh.stderr_text
        if self._hello is None:
            return BoardUnreachableError(failure_of(self.board, code, said))
        return BoardLostError(self._loss(code, reason, _shown(self._ssh.stderr_tail)))

    def _loss(self, code: int | None, reason: str, tail: str) -> str:
        host = self.board.host
        if self._farewell == "lease":
            return (
                f"The agent on {host} ended because it had heard nothing from this computer for "
                f"{self.board.lease_s:g} s: check the connection, and whether this computer was asleep."
            )
        if self._farewell:
            return f"The agent on {host} was ended there ({_shown(self._farewell)}): see whether the board shuts down."
        if code is not None and code < 0:
            return f"ssh to {host} was killed on this computer by {signal_name(-code)}: connect again."
        said = f" ({tail})" if tail else ""
        if code == SSH_FAILED and not tail:
            return (
                f"The agent on {host} was killed, or the connection ended without a word: see there whether memory has "
                "run out, and check its power, its cable or Wi-Fi."
            )
        if code == SSH_FAILED:
            return f"The connection to {host} was lost{said}: check its power, its cable or Wi-Fi."
        return f"The agent on {host} is gone, ssh {reason}{said}: see whether it was killed there, and connect again."

    def _too_late(self, greeted: bool) -> str:
        if greeted:
            return f"The agent on {self.board.host} started but says nothing: look for other load on the board."
        return (
            f"{self.board.host} has not started the agent within {self._hello_s:.0f} s: run "
            f"`ssh {self.board.host} {self.board.python} --version` and see what it waits for, such as a .bashrc there "
            "that starts another shell."
        )


def _says(line: bytes, words: str) -> bool:
    # What a .bashrc prints may lack the end of its line.
    return line.rstrip(b"\r").endswith(words.encode("ascii"))


def _busy(host: str, message: Message) -> str:
    since = message.get("since_utc_s")
    holding = _shown(str(message.get("holder") or "somebody"))
    since_text = ""
    if isinstance(since, (int, float)):
        since_text = f" (since {_utc(float(since))} by the board's clock)"
    return f"{host} is in use by {holding}{since_text}: wait until they are done, or ask them."


def _utc(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return "a time that is none"


def _shown(text: str) -> str:
    """The words of another machine, as a part of a sentence of ours."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:400]
