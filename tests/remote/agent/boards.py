# SPDX-License-Identifier: Apache-2.0
"""A board for tests: the agent in a process of its own, started by the real loader, with a fake root."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pwd
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor_app.core.profile import Board
from monitor_app.remote import bootstrap

if TYPE_CHECKING:
    from collections.abc import Mapping

WAIT_S = 60.0
"""Generous: a busy machine."""
PIPES = str(Path(__file__).parents[1] / "pipes.py")
_PLACES = """
import os, time

ROOT = {root!r}
BOOT_ID = {boot_id!r}
LOCK_FILE = {lock!r}
STATE_FILE = {state!r}
SHARED_MEMORY = {memory!r}
CLOCKS_FILE = "/run/monitor-app.clocks"
TOOL_FOLDERS = "/nowhere"
SLOW_S = {slow_s!r}


def read(descriptor, size):
    time.sleep(SLOW_S)
    return os.pread(descriptor, size, 0)
"""


class FakeBoard:
    """Folders that stand for a board: its root, a home, memory."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.folder = folder
        self.root = folder / "root" if root is None else root
        for name in ("root/sys", "root/proc", "root/etc", "home", "memory", "bin"):
            (folder / name).mkdir(parents=True)

    def payload(self, slow_s: float = 0.0, more: str = "") -> bytes:
        """The agent with the places of this board; no message could do that. ``more`` is source that comes last."""
        places = _PLACES.format(
            root=str(self.root),
            boot_id=str(self.root / "proc/sys/kernel/random/boot_id"),
            lock=str(self.folder / "board.lock"),
            state=str(self.folder / "board.state"),
            memory=str(self.folder / "memory"),
            slow_s=slow_s,
        )
        return bootstrap.make_payload({"places.py": places + more})

    def reached(self, **options: Any) -> Board:
        """As a profile has it: what ssh would run there runs here, in the environment of this board."""
        environment = [f"{name}={value}" for name, value in self.environment().items()]
        ssh = ("env", "-i", *environment, sys.executable, PIPES, "ssh")
        return Board(host="board", ssh=ssh, **{"python": sys.executable, **options})

    def file(self, path: str, content: str | bytes = "") -> Path:
        """A file of the fake root."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def tool(self, name: str, script: str) -> None:
        """A command in the PATH of the board."""
        file = self.folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """As a login over ssh has it."""
        return {
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "LANG": "C",
        }


class RunningAgent:
    """An agent and the lines that it has said; everything waits with a generous limit."""

    def __init__(
        self,
        board: FakeBoard,
        python: str = sys.executable,
        *,
        lease_s: float = 30.0,
        wait_s: float = 0.0,
        slow_s: float = 0.0,
        environment: Mapping[str, str] | None = None,
        command: list[str] | None = None,
    ) -> None:
        payload = board.payload(slow_s)
        self.version = bootstrap.version(payload)
        arguments = bootstrap.arguments(payload, holder="tester@lab", lease_s=lease_s, wait_s=wait_s)
        self.process = subprocess.Popen(
            command if command is not None else [python, *arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**board.environment(), **(environment or {})},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self._numbers = itertools.count(1)
        self.ended_s: float | None = None
        self._said: queue.Queue[bytes] = queue.Queue()
        self._kept: list[dict[str, Any]] = []
        self.stderr = b""
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_stderr)]
        for thread in self._threads:
            thread.start()
        self.write(payload)

    def __enter__(self) -> RunningAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def write(self, block: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(block)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[self.process.stdin.write(view) :]

    def say(self, kind: str, **fields: Any) -> int:
        """A message with a number of its own; the number."""
        number = next(self._numbers)
        self.write(json.dumps({"type": kind, "id": number, **fields}).encode() + b"\n")
        return number

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """A question and its answer."""
        number = self.say(kind, **fields)
        return self.wait_for(lambda each: each.get("id") == number)

    def line(self) -> bytes:
        return self._said.get(timeout=WAIT_S)

    def next(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next message of a kind, with these fields; others are kept for later."""
        return self.wait_for(lambda each: each["type"] == kind and fields.items() <= each.items())

    def wait_for(self, wanted: Any) -> dict[str, Any]:
        for index, message in enumerate(self._kept):
            if wanted(message):
                return self._kept.pop(index)
        while True:
            line = self.line()
            assert line, f"the agent ended; it had said {self._kept}, {self.stderr!r}"
            message = json.loads(line)
            if wanted(message):
                return message
            self._kept.append(message)

    def greeting(self) -> None:
        """Of the loader, then of the agent."""
        assert [self.line(), self.line()] == [b"\n", bootstrap.LOADS.encode() + b"\n"], self.stderr
        assert self.line() == bootstrap.GREETING.encode() + b"\n", self.stderr

    def hello(self) -> dict[str, Any]:
        self.greeting()
        return self.next("hello")

    def rest(self) -> list[dict[str, Any]]:
        """All that it says until its end."""
        while line := self.line():
            self._kept.append(json.loads(line))
        return self._kept

    def wait(self) -> int:
        """Its exit code."""
        code = self.process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        while block := self.process.stdout.read(1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._said.put(line + b"\n")
        self.ended_s = time.monotonic()
        self._said.put(b"")

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while block := self.process.stderr.read(1 << 16):
            self.stderr += block


def interpreters() -> list[str]:
    """The Python that runs the tests, and those that boards have, where pyenv has them; missing ones by version."""
    versions = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv/versions"
    found = [sys.executable]
    for version in ("3.6", "3.8", "3.12"):
        there = sorted(versions.glob(f"{version}.*/bin/python3"))
        found.append(str(there[0]) if there else version)
    return found
