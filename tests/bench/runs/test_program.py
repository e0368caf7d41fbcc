# SPDX-License-Identifier: Apache-2.0
"""A command measured by a bench in this process: what it is called, its marks to the last one, how it is stopped."""

from __future__ import annotations

import shlex
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.bench import Bench
from monitor_app.bench.runs.own_program import OwnProgram
from monitor_app.session.reader import SessionReader
from monitor_app.sources.profile_reader import parse_profile
from tests.bench.board_elsewhere import wait_for

if TYPE_CHECKING:
    from pathlib import Path

TEXT = 'title = "own"\n[protocol]\nsettle_s = 0.01\nidle_s = 0.02\n'


def bench_of(folder: Path, *words: str, repetitions: int = 1) -> Bench:
    return Bench(parse_profile(TEXT, "own"), TEXT, folder / "s.plm", program=OwnProgram(words, repetitions))


@pytest.mark.parametrize(
    ("line", "name", "title"),
    [
        ("/usr/bin/python3.11 -u own/loop.py --batch 8", "loop.py", "python3.11 -u own/loop.py --batch 8"),
        ("python -m own.loop", "own.loop", "python -m own.loop"),
        ("python -c 'pass'", "python", "python -c pass"),
        ("./own/infer model.onnx", "infer", "infer model.onnx"),
        ("bash", "bash", "bash"),
    ],
)
def test_a_command_has_the_name_of_what_it_runs(line: str, name: str, title: str) -> None:
    program = OwnProgram(tuple(shlex.split(line)))
    assert (program.name, program.title) == (name, title)
    assert OwnProgram(("x" * 500,)).title.endswith("…")


def test_each_of_many_marks_is_recorded_or_counted(tmp_path: Path) -> None:
    """As fast as they can be made, of several processes at once."""
    text = """
import os
from monitor_marks import span
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        break
    pids.append(pid)
for _ in range(4000):
    with span("inference", images=8): pass
for pid in pids:
    os.waitpid(pid, 0)
"""
    bench = bench_of(tmp_path, sys.executable, "-c", text)
    try:
        wait_for(lambda: not bench.runs_active)
    finally:
        bench.close()
    assert (bench.refusal, bench.program_codes) == (None, (0,))
    with SessionReader(tmp_path / "s.plm") as reader:
        (row,) = reader.programs().values()
        rows = reader.work_spans().rows
        timed = next(span for span in reader.spans() if span.phase == "timed")
    assert row.marks + row.lost == 12_000
    assert row.marks == len(rows) > 1000
    assert timed.end_ns is not None
    assert timed.start_ns < rows["start_ns"].min()
    assert rows["end_ns"].max() < timed.end_ns


def test_a_bench_that_is_closed_waits_for_the_command_and_starts_no_other(tmp_path: Path) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go on"
    script = (
        f"touch {shlex.quote(str(started))}; while ! test -e {shlex.quote(str(go_on))}; do sleep 0.05; done; exit 4"
    )
    bench = bench_of(tmp_path, "sh", "-c", script, repetitions=5)
    wait_for(started.exists)
    closing = threading.Thread(target=bench.close)
    closing.start()
    wait_for(lambda: bench.status().phase.value == "stopping")
    assert closing.is_alive()
    go_on.touch()
    closing.join(60)
    assert not closing.is_alive()
    assert bench.program_codes == (4,)
    with SessionReader(tmp_path / "s.plm") as reader:
        assert [(run.state, run.error) for run in reader.runs()] == [("cancelled", "The command was interrupted.")]
        assert all(span.end_ns is not None for span in reader.spans())


def test_a_profile_whose_meter_does_not_come_refuses_the_command(tmp_path: Path) -> None:
    text = TEXT + '[[source]]\nkind = "shunt"\nport = "/dev/nowhere"\n'
    bench = Bench(parse_profile(text, "own"), text, tmp_path / "s.plm", program=OwnProgram(("true",)))
    try:
        wait_for(lambda: not bench.runs_active)
    finally:
        bench.close()
    assert str(bench.refusal).startswith("The command was not started, since no signal is the total power of the board")
    assert bench.program_codes == ()
