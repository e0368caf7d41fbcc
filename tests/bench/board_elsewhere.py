# SPDX-License-Identifier: Apache-2.0
"""Recordings whose networks run on a board behind ssh, in a process of their own or in that of the test."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from monitor_app.bench.bench import Bench
from monitor_app.bench.trust import allowance
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor_app.core.profile import Board
    from monitor_app.core.status import BenchStatus, RunStatus
    from monitor_app.session.rows import RunRow
    from tests.remote.conftest import SshBoard

LONG_S = 120.0
PROFILE = """\
title = "elsewhere"
[[source]]
kind = "shunt"
name = "shunt"
emulate = "tx1"
[source.roles]
power = "total"
[inference]
device = "{device}"
[protocol]
settle_s = {settle_s}
power_check = {power_check}
idle_s = 0.3
warm_up_s = 0.2
warm_up_batches = 2
timed_s = {timed_s}
timed_batches = 10
[plan]
networks = {networks}
batch_sizes = {batch_sizes}
{plan}
{board}"""
# The program, with another agent on the board than its own.
RECORD = """
import pathlib, sys
from monitor_app.remote import bootstrap
agent = pathlib.Path(sys.argv.pop(1)).read_bytes()
bootstrap.payload = lambda: agent
from monitor_app.cli import main
sys.exit(main(sys.argv[1:]))
"""


def board_table(board: Board) -> str:
    lines = [f'host = "{board.host}"', f"ssh = {list(board.ssh)}", f'python = "{board.python}"']
    if board.inference_python is not None:
        lines.append(f'inference_python = "{board.inference_python}"')
    if board.env:
        lines.append("env = { " + ", ".join(f'{name} = "{value}"' for name, value in board.env.items()) + " }")
    return "\n".join(["[board]", *lines, f"lease_s = {board.lease_s}"])


def profile_text(
    board: Board | None,
    *,
    networks: tuple[str, ...] = ("alexnet_2016",),
    batch_sizes: tuple[int, ...] = (1,),
    timed_s: float = 0.5,
    device: str = "emulated:tx1",
    power_check: bool = False,
    plan: str = "",
) -> str:
    """Of a plan of short runs; with a check of the power they settle for longer, as it asks for."""
    words = {"settle_s": 0.5 if power_check else 0.2, "power_check": str(power_check).lower()}
    table = "" if board is None else board_table(board)
    return PROFILE.format(
        board=table,
        networks=list(networks),
        batch_sizes=list(batch_sizes),
        timed_s=timed_s,
        device=device,
        plan=plan,
        **words,
    )


def wait_for(happened: Callable[[], object], timeout_s: float = LONG_S) -> float:
    """How long it took."""
    start_s = time.monotonic()
    while not happened():
        assert time.monotonic() - start_s < timeout_s
        threading.Event().wait(0.05)
    return time.monotonic() - start_s


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@dataclass
class There:
    """What runs on the board, looked at from outside."""

    board: SshBoard
    most: int = 0
    """The most children that ran networks at one time."""
    seen: set[int] = field(default_factory=set)
    _others: set[psutil.Process] = field(default_factory=lambda: set(psutil.process_iter()))
    """Those that were there before; to read what all of them are, many times a second, keeps a processor busy."""

    def children(self) -> list[int]:
        """Processes that run networks."""
        found = [each.pid for each in self._processes() if "replay" in _words(each) and "--board" in _words(each)]
        found = [pid for pid in found if alive(pid)]
        self.seen |= set(found)
        self.most = max(self.most, len(found))
        return found

    def watch(self, recording: Recording) -> None:
        """Count them until no run is left."""

        def over() -> bool:
            self.children()
            return not recording.bench.runs_active

        wait_for(over)

    def agents(self) -> list[int]:
        """Interpreters that run the agent."""
        return [each.pid for each in self._processes() if "monitor-app loader" in " ".join(_words(each))[:4000]]

    def _processes(self) -> Iterator[psutil.Process]:
        """All of its sshd, those of a killed agent too: they keep the home of the board in their environment."""
        home = str(self.board.home)
        for process in set(psutil.process_iter()) - self._others:
            with contextlib.suppress(psutil.Error):
                if process.environ().get("HOME") == home and process.pid != os.getpid():
                    yield process


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


class Recording:
    """A bench in this process."""

    def __init__(self, text: str, session: Path) -> None:
        profile = parse_profile(text, "test")
        self.session = session
        self.bench = Bench(profile, text, session, allowed=allowance(profile, text, "test", trusted=True))

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.bench.close()

    @property
    def status(self) -> BenchStatus:
        return self.bench.status()

    @property
    def link(self) -> str:
        """The state of the link."""
        return self.status.sources[0].state.value

    def run(self, index: int = 0) -> RunStatus | None:
        runs = self.status.runs
        return runs[index] if len(runs) > index else None

    def wait_for_phase(self, phase: str, run: int | None = None) -> int:
        """Until a run is in this phase, another one than `run`; its number."""

        def there() -> bool:
            assert self.bench.refusal is None, self.bench.refusal
            assert not self.bench.failures
            found = self.run()
            return found is not None and found.phase == phase and found.id is not None and found.id != run

        wait_for(there)
        found = self.run()
        assert found is not None
        assert found.id is not None
        return found.id

    def wait_for_end(self) -> None:
        wait_for(lambda: not self.bench.runs_active)

    def rows(self) -> list[RunRow]:
        """All runs of the file."""
        with SessionReader(self.session) as reader:
            return reader.runs()


def record(
    folder: Path, text: str, payload: bytes, *more: str, during: Callable[[subprocess.Popen[str]], None] | None = None
) -> tuple[int, str]:
    """The command `record`: its exit code, and what it says on stderr."""
    folder.mkdir(exist_ok=True)
    (folder / "profile.toml").write_text(text)
    (folder / "agent").write_bytes(payload)
    words = [str(folder / "agent"), "record", str(folder / "profile.toml"), "-o", str(folder / "s.plm"), "--trust"]
    command = [sys.executable, "-c", RECORD, *words, *more]
    with (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, text=True)
        try:
            if during is not None:
                during(process)
            code = process.wait(LONG_S * 2)
        finally:
            process.kill()
            process.wait(60)
        stderr.seek(0)
        return code, stderr.read()
