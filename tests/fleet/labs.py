# SPDX-License-Identifier: Apache-2.0
"""Labs of emulated boards with plans of a few seconds, and the fleet as a process of its own, to be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.core.child_process import python_module
from monitor_app.core.errors import SessionError
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.typed import Command, Typist

    Typed = Command | subprocess.Popen[bytes]

LIMIT_S = 200.0
PROFILE = """
title = "An emulated board"
[[source]]
kind = "shunt"
{port}
rate_hz = 2_000
[source.roles]
power = "total"
[inference]
device = "emulated:tx1"
"""
LAB = """
[retry]
first_s = {first_s}
longest_s = {longest_s}
give_up_s = {give_up_s}
[protocol]
settle_s = 0.2
power_check = false
idle_s = 0.2
warm_up_s = 0.1
warm_up_batches = 1
timed_s = 0.3
timed_batches = 2
[plan]
networks = {networks}
batch_sizes = [1, 4]
"""
NETWORKS = ("alexnet_2016", "bn_nin", "resnet18")
QUICK = ("alexnet_2016",)


def write_lab(
    folder: Path,
    *boards: str,
    networks: tuple[str, ...] = NETWORKS,
    pause_s: float = 0.3,
    give_up_s: float = 600.0,
    **ports: Path,
) -> Path:
    """A lab of boards with these names; one that is given a port has a real instrument there."""
    text = LAB.format(networks=list(networks), first_s=pause_s, longest_s=3 * pause_s, give_up_s=give_up_s).replace(
        "'", '"'
    )
    for name in boards:
        port = f'port = "{ports[name]}"' if name in ports else 'emulate = "tx1"'
        (folder / f"{name}-profile.toml").write_text(PROFILE.format(port=port))
        text += f'[[board]]\nname = "{name}"\nprofile = "{name}-profile.toml"\n'
    lab = folder / "lab.toml"
    lab.write_text(text)
    return lab


@contextlib.contextmanager
def fleet(lab: Path, *options: str, typist: Typist | None = None) -> Iterator[Typed]:
    """The command, started, without a typist in a process that has imported nothing; nothing is left at the end."""
    words = ["fleet", str(lab), "-o", str(lab.parent / "runs"), *options]
    with pytest.MonkeyPatch.context() as patch, open(os.devnull, "rb") as nothing, _said(lab).open("wb") as said:
        patch.delenv("OMP_NUM_THREADS", raising=False)
        if typist is None:
            process: Typed = subprocess.Popen(
                python_module("monitor_app", *words), stdin=nothing, stdout=said, stderr=said
            )
        else:
            numbers = nothing.fileno(), said.fileno(), said.fileno()
            process = typist.start(words, *numbers, folder=lab.parent)
    try:
        yield process
    finally:
        everything = [] if process.poll() is not None else family(process.pid)
        for each in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait(LIMIT_S)


def _said(lab: Path) -> Path:
    return lab.with_name("said")


def ended(process: Typed, lab: Path) -> tuple[int, str]:
    """Wait for its end: exit code, and all that it said."""
    code = process.wait(LIMIT_S)
    return code, _said(lab).read_text()


def family(pid: int) -> list[psutil.Process]:
    """A process with all that it has started, the children first."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [*reversed(parent.children(recursive=True)), parent]
    return []


def recorders(process: Typed, lab: Path) -> dict[str, psutil.Process]:
    """The processes that record now, by the name of their boards."""
    found = {}
    for each in family(process.pid)[:-1]:
        with contextlib.suppress(psutil.Error):
            words = each.cmdline()
            if "monitor_app.fleet.recorder" in words and "record" in words:
                found[Path(words[words.index("-o") + 1]).stem] = each
    return found


def session(lab: Path, board: str) -> Path:
    return lab.parent / "runs" / f"{board}.plm"


def states(lab: Path, board: str) -> Counter[tuple[str, int, str]]:
    """How often each run of a board is in each state."""
    try:
        with SessionReader(session(lab, board)) as reader:
            return Counter((run.network, run.batch_size, run.state) for run in reader.runs())
    except SessionError:
        return Counter()


def done(lab: Path, board: str) -> Counter[tuple[str, int]]:
    """How often each run of a board was done."""
    return Counter({key[:2]: count for key, count in states(lab, board).items() if key[2] == "done"})


def whole(networks: tuple[str, ...] = NETWORKS) -> Counter[tuple[str, int]]:
    """Every run of the plan, once."""
    return Counter({(network, size): 1 for network in networks for size in (1, 4)})


def parts(lab: Path, board: str) -> int:
    with SessionReader(session(lab, board)) as reader:
        return int(reader.meta()["parts"])


def is_complete(lab: Path, board: str) -> bool:
    """Its file was closed properly."""
    with SessionReader(session(lab, board)) as reader:
        return "completed_utc_ns" in reader.meta()


def wait_for(what: Callable[[], object], process: Typed | None = None) -> None:
    """Until it is true; fails where the process ends before."""
    until = time.monotonic() + LIMIT_S
    while not what():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the fleet ended with {process.wait()}")
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.1)  # what is asked reads every process and a database; more often, it keeps a processor busy


def kill(*processes: psutil.Process) -> None:
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(each.pid, signal.SIGKILL)


def emulator(link: Path) -> subprocess.Popen[bytes]:
    """A shunt that is plugged in at this path."""
    return subprocess.Popen(
        [sys.executable, "-m", "monitor_app", "emulate", "shunt", "--link", str(link), "--rate", "2000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
