# SPDX-License-Identifier: Apache-2.0
"""A fleet of emulated boards as a user types it: killed in every way, and typed again until every plan is whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import psutil
import pytest
from distributed import Client

from monitor_app.core.formatting import NOTHING
from tests.cli.program import monitor_app
from tests.fleet.labs import (
    LIMIT_S,
    QUICK,
    done,
    emulator,
    ended,
    family,
    fleet,
    is_complete,
    kill,
    parts,
    recorders,
    session,
    states,
    wait_for,
    whole,
    write_lab,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.typed import Typist

LOOPBACK = {"127.0.0.1", "::1"}
pytestmark = pytest.mark.timeout(900)


def listeners(pid: int) -> set[tuple[str, int]]:
    """Addresses at which a process or one of its children listens."""
    found = set()
    for each in family(pid):
        try:
            found |= {tuple(c.laddr) for c in each.net_connections("inet") if c.status == psutil.CONN_LISTEN}
        except psutil.NoSuchProcess:
            continue
    return found


def status_of(address: str, port: int, path: str) -> int:
    """Of an answer by HTTP."""
    connection = HTTPConnection(address, port, timeout=LIMIT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_two_boards_are_recorded_side_by_side_and_nothing_listens_outside(tmp_path: Path, typist: Typist) -> None:
    lab = write_lab(tmp_path, "left", "right", networks=QUICK)
    with fleet(lab) as process:
        wait_for(lambda: len(recorders(process, lab)) == 2, process)
        environments = [each.environ() for each in recorders(process, lab).values()]
        heard: set[tuple[str, int]] = set()
        wait_for(lambda: heard.update(listeners(process.pid)) or states(lab, "left"), process)
        answers = {
            status_of(*address, path) for address in heard for path in ("/", "/status", "/info/main/workers.html")
        }
        code, said = ended(process, lab)
    assert code == 0, said
    assert heard
    assert {address for address, _ in heard} <= LOOPBACK
    assert answers == {404}
    assert not any("OMP_NUM_THREADS" in each or "MKL_NUM_THREADS" in each for each in environments)
    for board in ("left", "right"):
        assert done(lab, board) == whole(QUICK)
        assert parts(lab, board) == 1
        assert is_complete(lab, board)
        assert f"{board} SIMULATED: run 2 of 2, done, 0:00 left, link {NOTHING}, meter ±" in said

    before = session(lab, "left").read_bytes()
    again = typist.run(["fleet", str(lab), "-o", "runs", "--json"], folder=tmp_path)
    assert again.returncode == 0, again.stderr
    document = json.loads(again.stdout)
    assert document["done"] is True
    assert [(each["board"], each["runs"], each["done"]) for each in document["boards"]] == [
        ("left", 2, 2), ("right", 2, 2),
    ]  # fmt: skip
    assert session(lab, "left").read_bytes() == before


def test_interrupted_and_killed_in_every_way_and_typed_again_each_plan_is_whole_and_no_run_done_twice(
    tmp_path: Path, typist: Typist
) -> None:
    lab = write_lab(tmp_path, "left", "right")
    with fleet(lab, typist=typist) as process:  # Ctrl-C
        wait_for(lambda: done(lab, "left") and states(lab, "right"), process)
        process.send_signal(signal.SIGINT)
        code, said = ended(process, lab)
    assert code == 130, said
    assert is_complete(lab, "left")
    assert is_complete(lab, "right")
    assert done(lab, "left") != whole()

    with fleet(lab, typist=typist) as process:  # a recorder
        wait_for(lambda: parts(lab, "left") == 2 and parts(lab, "right") == 2, process)
        assert not is_complete(lab, "left")
        killed = recorders(process, lab)["left"]
        kill(killed)
        wait_for(lambda: (now := recorders(process, lab).get("left")) and now != killed, process)
        wait_for(lambda: parts(lab, "left") == 3, process)
        orphans = recorders(process, lab)  # the fleet
        process.kill()
        process.wait()
        # They complete their files and end, so that nobody holds the lock.
        _, alive = psutil.wait_procs(list(orphans.values()), timeout=LIMIT_S)
        assert not alive
    assert "left" in orphans
    for board in orphans:
        assert is_complete(lab, board)

    with fleet(lab, typist=typist) as process:  # everything
        wait_for(lambda: parts(lab, "left") == 4, process)
        kill(*reversed(family(process.pid)))
        process.wait()
    with fleet(lab, typist=typist) as process:
        code, said = ended(process, lab)
    assert code == 0, said
    for board in ("left", "right"):
        assert done(lab, board) == whole()
        assert is_complete(lab, board)
        assert parts(lab, board) >= 2


def test_a_board_out_of_reach_holds_up_no_other_and_is_recorded_once_it_is_there(
    tmp_path: Path, typist: Typist
) -> None:
    port = tmp_path / "port"
    # Its first try ends while the other board is being recorded, and the next follows when that is done.
    lab = write_lab(tmp_path, "here", "away", networks=QUICK, pause_s=4.0, away=port)
    with fleet(lab, typist=typist) as process:
        log = tmp_path / "runs" / "away.log"
        wait_for(lambda: done(lab, "here") == whole(QUICK) and str(port) in log.read_text(), process)
        assert not states(lab, "away")
        plugged_in = emulator(port)
        try:
            code, said = ended(process, lab)
        finally:
            plugged_in.terminate()
            plugged_in.wait()
    assert code == 0, said
    assert done(lab, "away") == whole(QUICK)


def test_what_cannot_be_done_is_given_up_and_the_exit_code_says_so(tmp_path: Path, typist: Typist) -> None:
    lab = write_lab(tmp_path, "here", "away", networks=(*QUICK, "no_such_network"), give_up_s=0.5, away=tmp_path / "no")
    with fleet(lab, "--quiet", typist=typist) as process:
        code, said = ended(process, lab)
    assert code == 1
    assert done(lab, "here") == whole(QUICK)
    assert states(lab, "here")["no_such_network", 1, "failed"] == 2
    assert "here SIMULATED: run 2 of 4, failed" in said
    assert "away SIMULATED: run 0 of 4, failed" in said
    assert "Given up" in said


def test_check_says_what_is_missing_and_changes_nothing(tmp_path: Path) -> None:
    lab = write_lab(tmp_path, "here", "away", networks=QUICK, away=tmp_path / "no")
    checked = monitor_app("fleet", str(lab), "-o", str(tmp_path / "runs"), "--check")
    assert checked.returncode == 1
    assert "here SIMULATED: ready, 2 runs" in checked.stdout
    assert "away SIMULATED: NOT READY, 2 runs" in checked.stdout
    assert str(tmp_path / "no") in checked.stdout
    assert not (tmp_path / "runs").exists()


def test_the_lab_s_own_scheduler_records_too_without_the_variables_of_its_nanny(tmp_path: Path, typist: Typist) -> None:
    lab = write_lab(tmp_path, "left", networks=QUICK)
    found = tmp_path / "scheduler.json"
    loopback = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(found)]
    scheduler = start("scheduler", *loopback, "--port", "0")
    worker = None
    try:
        wait_for(lambda: found.exists() and found.read_text().endswith("}"))
        address = json.loads(found.read_text())["address"]
        with fleet(lab, "--scheduler", address, typist=typist) as process:
            code, said = ended(process, lab)
        assert code == 1
        assert "board:left" in said  # no worker has it, and it says how one is started
        worker = start("worker", *loopback, "--nthreads", "1", "--resources", "board:left=1")
        wait_for(lambda: "board:left" in workers_of(address))
        with fleet(lab, "--scheduler", address, typist=typist) as process:
            wait_for(lambda: recorder_below(worker.pid), process)
            [recorder] = recorder_below(worker.pid)
            assert "OMP_NUM_THREADS" in psutil.Process(recorder.ppid()).environ()
            assert not {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_"} & set(recorder.environ())
            # Whoever typed the command is gone: the recording ends, and its file is complete.
            wait_for(lambda: states(lab, "left"), process)
            process.kill()
            process.wait()
            _, alive = psutil.wait_procs([recorder], timeout=LIMIT_S)
            assert not alive
        assert is_complete(lab, "left")
        with fleet(lab, "--scheduler", address, typist=typist) as process:
            code, said = ended(process, lab)
        assert code == 0, said
        assert done(lab, "left") == whole(QUICK)
    finally:
        for each in (worker, scheduler):
            if each is not None:
                kill(*reversed(family(each.pid)))
                each.wait()


def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.Popen(
        [sys.executable, "-m", "dask", kind, *words],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def workers_of(address: str) -> str:
    with Client(address, timeout=LIMIT_S, set_as_default=False) as client:
        return str(client.scheduler_info(n_workers=-1))


def recorder_below(pid: int) -> list[psutil.Process]:
    found = []
    for each in family(pid):
        try:
            if "monitor_app.fleet.recorder" in each.cmdline() and "record" in each.cmdline():
                found.append(each)
        except psutil.Error:
            continue
    return found
