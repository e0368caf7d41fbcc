# SPDX-License-Identifier: Apache-2.0
"""A command on a board behind ssh: its marks have the times of this computer, and it ends as one here would."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import psutil
import pytest

from monitor_app.analysis.program_summary import program_summary
from monitor_app.core.runs import Phase
from monitor_app.session.reader import SessionReader
from tests.bench.board_elsewhere import LONG_S, RECORD, board_table, wait_for
from tests.remote.bundle.old_pythons import old_python
from tests.remote.conftest import _sshd, ssh_board  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from tests.remote.conftest import SshBoard

PROFILE = """\
title = "elsewhere"
[[source]]
kind = "shunt"
name = "shunt"
emulate = "tx1"
[source.roles]
power = "total"
[protocol]
settle_s = 0.5
idle_s = 0.5
"""
WORK = """
import sys, time
from monitor_marks import mark, span
print("begun", flush=True)
for _ in range(10):
    with span("inference", images=4):
        time.sleep(0.06)
    time.sleep(0.02)
mark("done")
sys.stderr.write("warned")
sys.exit(int(sys.argv[1]))
"""


def start(folder: Path, board: SshBoard, command: list[str], python: str = sys.executable) -> subprocess.Popen[str]:
    """`monitor-app run` with the agent of this board."""
    (folder / "profile.toml").write_text(PROFILE + board_table(board.board(python=python)))
    (folder / "agent").write_bytes(board.payload)
    words = ["run", "-o", str(folder / "s.plm"), "--trust", str(folder / "profile.toml"), "--", *command]
    return subprocess.Popen(
        [sys.executable, "-c", RECORD, str(folder / "agent"), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.realtime
@pytest.mark.parametrize("version", ["this one", (3, 6)], ids=str)
def test_a_command_there_is_measured_as_one_here(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
    version: str | tuple[int, int],
) -> None:
    python = sys.executable if isinstance(version, str) else old_python(version)
    process = start(tmp_path, ssh_board, [python, "-c", WORK, "7"], python)
    out, err = process.communicate(timeout=LONG_S * 2)
    assert process.returncode == 7, err
    assert out == "begun\n"
    assert err.count("warned") == 1
    with SessionReader(tmp_path / "s.plm") as reader:
        (run,) = reader.runs()
        (row,) = reader.programs().values()
        assert (row.exit_code, row.marks, row.lost, row.malformed) == (7, 11, 0, 0)
        spans = reader.work_spans().of("inference")
        timed = next(span for span in reader.spans(run.id) if span.phase == Phase.TIMED.value)
        assert timed.end_ns is not None
        # The clock of the board is hours ahead.
        assert timed.start_ns < spans["start_ns"].min() < spans["end_ns"].max() < timed.end_ns
        assert ((spans["end_ns"] - spans["start_ns"]) >= 59_000_000).all()
        summary = program_summary(reader)
    assert summary is not None
    (work,) = summary.work
    assert (work.spans, work.measured, work.images) == (10, 10, 40)
    # Between 0 and all that the board draws at full load; how late it learns of the load is the link's affair.
    assert work.net_j is not None
    assert 0.2 * 11.8 * 0.06 < work.net_j.value < 1.2 * 11.8 * float(work.seconds.mean())


def test_a_command_that_is_not_there_has_its_sentence(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
) -> None:
    process = start(tmp_path, ssh_board, ["no-such-program"])
    _, err = process.communicate(timeout=LONG_S)
    assert process.returncode == 127
    assert err.splitlines()[-1] == "There is no program no-such-program: check its name, or give its path."
    assert not (tmp_path / "s.plm").exists()


def test_a_signal_reaches_it_there(
    ssh_board: SshBoard,  # noqa: F811
    tmp_path: Path,
) -> None:
    text = textwrap.dedent(
        """
        import os, time
        from monitor_marks import span
        with span("before"): pass
        print(os.getpid(), flush=True)
        time.sleep(100)
        """
    )
    process = start(tmp_path, ssh_board, [sys.executable, "-c", text])
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LONG_S)
    assert process.returncode in (1, 128 + signal.SIGINT)  # Python tells of it, and ends
    wait_for(lambda: not psutil.pid_exists(pid))
    with SessionReader(tmp_path / "s.plm") as reader:
        assert reader.work_spans().names == ("before",)
        assert [run.state for run in reader.runs()] == ["cancelled"]
