# SPDX-License-Identifier: Apache-2.0
"""The commands on a damaged session, in this process: what they do wrong, one sentence each."""

from __future__ import annotations

import hashlib
import io
import resource
import shutil
import signal
import traceback
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from monitor_app.cli.commands.command_line import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_S = 20.0
"""Of the processor: the machine may be busy with something else."""
MOST_BYTES = 2_000_000_000
CODES = {0, 1, 2}


def commands(session: Path, folder: Path) -> list[list[str]]:
    """All that read a session, from the cheapest on."""
    file, out = str(session), str(folder)
    return [
        ["show", file],
        ["analyze", file, "--json"],
        ["show", file, "--json"],
        ["export", file, "--format", "csv", "-o", f"{out}/samples.csv"],
        ["export", file, "--format", "csv", "--table", "runs", "-o", f"{out}/runs.csv"],
        ["export", file, "--format", "csv", "--table", "batches", "-o", f"{out}/batches.csv"],
        ["analyze", file],
        ["figures", file, "--format", "csv", "-o", f"{out}/figures"],
        ["analyze", file, "--baseline", file, "--max-energy", "+3%"],
        ["repair", file, "-o", f"{out}/repaired.plm"],
        ["figures", file, "--format", "svg", "--only", "1,4,meter-rate", "-o", f"{out}/figures"],
        ["report", file, "-o", f"{out}/report.html"],
        ["export", file, "--format", "png", "-o", f"{out}/picture.png"],
    ]


def faults(session: Path, folder: Path, chosen: list[list[str]]) -> list[str]:
    """Run these commands on a session; each traceback, hang, odd exit code, changed file or use of memory."""
    found = []
    before = _digest(session)
    beside = {entry.name for entry in session.parent.iterdir()}
    for arguments in chosen:
        folder.mkdir()
        fault = _fault(arguments)
        if arguments[0] == "repair" and (copy := folder / "repaired.plm").exists():
            fault = fault or _fault(["show", str(copy)]) or _fault(["analyze", str(copy), "--json"])
        shutil.rmtree(folder)
        if fault:
            found.append(f"{' '.join(arguments)}: {fault}")
    if _digest(session) != before or {entry.name for entry in session.parent.iterdir()} != beside:
        found.append("the file or its folder was changed")
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MOST_BYTES:
        found.append("more than 2 GB of memory")
    return found


def _fault(arguments: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    try:
        with _time_limit(), redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = run(arguments)
    except _TooLongError:
        return f"over {LONGEST_S:g} s"
    except BaseException as error:  # noqa: BLE001, a traceback of any kind is what is looked for
        last = traceback.extract_tb(error.__traceback__)[-1]
        ours = [each for each in traceback.extract_tb(error.__traceback__) if "monitor_app" in each.filename][-1]
        return f"{error!r:.120} at {last.filename.split('/')[-1]}:{last.lineno}, {ours.filename}:{ours.lineno}"
    said = err.getvalue()
    if code not in CODES:
        return f"exit code {code}"
    if code and (not said.strip() or len(said.strip().splitlines()) > 1) and "Usage" not in said:
        return f"exit code {code} with {said!r:.200}"
    if "Traceback" in said:
        return said[-200:]
    return ""


class _TooLongError(BaseException):
    pass


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
