# SPDX-License-Identifier: Apache-2.0
"""Commands as a user types them, each in a process of its own that begins with what commands import.

To import it takes most of a second of a processor, so one process does that, and each command is a fork of it: with its
own descriptors, environment, folder and session, and signals as they are by default. Between the two stands a keeper,
which hands on how the command ended.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_S = 120
_REQUEST_BYTES = 1 << 17
# Not as the module that is run, which would be there a second time under the name of its tests.
_BEGIN = "import sys; from tests.typed import serve; sys.exit(serve(*sys.argv[1:]))"


@dataclass
class Command:
    """A command that runs, or has ended; like a Popen, its code is that of a signal where that ended it."""

    pid: int
    life: socket.socket
    code: int | None = None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Its code, once it has ended."""
        if self.code is None and select.select([self.life], [], [], 0)[0]:
            return self.wait()
        return self.code

    def wait(self, timeout_s: float = LONG_S) -> int:
        if self.code is None:
            self.life.settimeout(timeout_s)
            self.code = os.waitstatus_to_exitcode(int(self.life.recv(100)))
            self.life.close()
        return self.code


class Typist:
    """The process that has imported what commands use, and these modules besides."""

    def __init__(self, *more: str) -> None:
        self._asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BEGIN, str(theirs.fileno()), *more],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=Path(__file__).parents[1],
            )  # fmt: skip

    def start(
        self, words: Sequence[str], stdin: int, stdout: int, stderr: int, *, folder: Path, terminal: bool = False,
        **environment: str,
    ) -> Command:  # fmt: skip
        """Start `monitor-app WORDS` with these descriptors, at a terminal of its own where standard input is one."""
        ours, theirs = socket.socketpair()
        request = {
            "words": list(words), "folder": str(folder), "terminal": terminal, "environment": os.environ | environment,
        }  # fmt: skip
        with theirs:
            socket.send_fds(self._asked, [json.dumps(request).encode()], [stdin, stdout, stderr, theirs.fileno()])
        ours.settimeout(LONG_S)
        pid = int(ours.recv(20))
        ours.send(b".")  # so that the number and the code are never one message
        return Command(pid, ours)

    def run(
        self, words: Sequence[str], *, folder: Path, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `monitor-app WORDS` to its end, over pipes."""
        (given, giving), (out, outs), (err, errs) = (os.pipe() for _ in range(3))
        command = self.start(words, given, outs, errs, folder=folder, **environment)
        for each in (given, outs, errs):
            os.close(each)
        with os.fdopen(giving, "w") as pipe:
            pipe.write(stdin)
        with os.fdopen(out) as stdout, os.fdopen(err) as stderr, ThreadPoolExecutor(2) as pool:
            texts = [pool.submit(each.read) for each in (stdout, stderr)]
            code = command.wait()
        return subprocess.CompletedProcess(list(words), code, *(text.result() for text in texts))

    def close(self) -> None:
        self._asked.close()
        self._process.wait(LONG_S)


@pytest.fixture(scope="session")
def typist() -> Iterator[Typist]:
    """Starts commands in processes of their own."""
    made = Typist()
    yield made
    made.close()


# -- in the other processes --------------------------------------------------------------------------


def serve(number: str, *more: str) -> int:
    """Start what is asked for until nobody can ask; the code with which this process or a fork of it is to end."""
    asking = socket.socket(fileno=int(number))
    for module in ("bench.bench", "cli.commands.command_line", "cli.own_program", *more):
        importlib.import_module(f"monitor_app.{module}")
    gc.freeze()  # what is not looked through is not copied for each fork
    signal.signal(signal.SIGCHLD, _bury)
    while True:
        message, descriptors, _, _ = socket.recv_fds(asking, _REQUEST_BYTES, 4)
        if not message:
            return 0
        if os.fork() == 0:
            asking.close()
            return _keep(json.loads(message), *descriptors)  # of the command: a keeper does not return
        for each in descriptors:
            os.close(each)


def _bury(*_: object) -> None:
    """Wait for the keepers that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(request: dict[str, Any], stdin: int, stdout: int, stderr: int, life: int) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(life)
        return _be(request, (stdin, stdout, stderr))
    for each in (stdin, stdout, stderr):
        os.close(each)
    os.write(life, str(pid).encode())
    os.read(life, 1)
    os.write(life, str(os.waitpid(pid, 0)[1]).encode())
    os._exit(0)  # to take all modules apart would cost more than the command


def _be(request: dict[str, Any], descriptors: tuple[int, int, int]) -> int:
    from monitor_app.cli import main

    os.setsid()
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
    for each in set(descriptors) - {0, 1, 2}:
        os.close(each)
    if request["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.argv = ["monitor-app", *request["words"]]
    return main(request["words"])
