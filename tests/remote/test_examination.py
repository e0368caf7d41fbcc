# SPDX-License-Identifier: Apache-2.0
"""A board elsewhere is looked at: by the test of the sheet, by `doctor` and by `sources`, against a real sshd."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench import examination as examinations
from monitor_app.bench.board.doctor import Verdict
from monitor_app.bench.board.instruments import SERVICES, instruments_in
from monitor_app.bench.examination import examination
from monitor_app.cli.tables import NO_SOURCES
from monitor_app.core.errors import BoardError, BoardLostError
from monitor_app.gui.new.board_trial import look_at
from monitor_app.remote import bootstrap
from monitor_app.remote.link import Link
from tests.cli.program import monitor_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.remote.conftest import SshBoard

PROFILE = """\
title = "Elsewhere"
[[source]]
kind = "shunt"
emulate = "tx1"
[inference]
device = "emulated:tx1"
[board]
host = "board"
ssh = ["ssh", "-F", "{config}"]
python = "{python}"
"""


@pytest.fixture
def board(ssh_board: SshBoard, monkeypatch: pytest.MonkeyPatch) -> SshBoard:
    """With a lock of its own, so that nobody else's tests hold it."""
    payload = ssh_board.payload
    monkeypatch.setattr(bootstrap, "payload", lambda: payload)
    return ssh_board


@pytest.fixture
def profile(board: SshBoard, tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.toml"
    path.write_text(PROFILE.format(config=board.config(), python=sys.executable))
    return path


@pytest.fixture
def by_name(board: SshBoard, tmp_path: Path) -> str:
    """A PATH on which `ssh` knows the board by a name, as the user's own configuration would."""
    script = tmp_path / "bin" / "ssh"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {shlex.quote(board.config())} "$@"\n')
    script.chmod(0o755)
    return f"{script.parent}{os.pathsep}{os.environ['PATH']}"


def test_the_doctor_looks_at_the_board_of_a_profile(profile: Path, tmp_path: Path) -> None:
    done = monitor_app("doctor", str(profile), "--json", "--folder", str(tmp_path), "--trust")
    found = json.loads(done.stdout)
    checks = {check["name"]: check for check in found["checks"]}
    assert (done.returncode, found["ready"], found["board"]) == (0, True, "board")
    assert "Connecting to board" in done.stderr
    assert {
        "login",
        "machine",
        "board",
        "rails",
        "other load",
        "disk there",
        "disk",
        "inference",
        "link",
        "meter",
    } <= set(checks)
    assert "±" in checks["link"]["text"]
    assert "SIMULATED" in checks["inference"]["text"], "the child ran there"
    assert "/home/cache/" in checks["disk there"]["text"]
    assert str(tmp_path) in checks["disk"]["text"]


def test_a_command_that_a_profile_names_is_not_run_unasked(profile: Path) -> None:
    done = monitor_app("doctor", str(profile))
    assert done.returncode == 1
    assert "runs code" in done.stderr
    assert done.stdout == ""


def test_what_is_wrong_is_one_line_and_the_exit_code(profile: Path, board: SshBoard, by_name: str) -> None:
    profile.write_text(profile.read_text() + 'inference_python = "/nowhere/python3"\n')
    profile.write_text(profile.read_text().replace("emulated:tx1", "cpu"))
    done = monitor_app("doctor", str(profile), "--trust")
    assert done.returncode == 1
    assert "not ready  inference" in done.stdout
    assert "/nowhere/python3" in done.stdout
    assert "Not ready to be measured" in done.stdout
    (board.folder / "authorized_keys").write_text("")
    done = monitor_app("doctor", "--board", "board", PATH=by_name)
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if " link " in line]
    assert line.startswith("not ready")
    assert "ssh-copy-id" in line
    done = monitor_app("sources", "--board", "board", PATH=by_name)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ssh-copy-id" in done.stderr


def test_a_board_that_is_out_of_reach_is_said_once_though_its_rails_are_missed_too(tmp_path: Path) -> None:
    profile, session = tmp_path / "rails.toml", tmp_path / "rails.plm"
    profile.write_text('title = "r"\n[[source]]\nkind = "jetson-rails"\n[board]\nhost = "nano.invalid"\n')
    done = monitor_app("record", str(profile), "-o", str(session), "--quiet")
    assert done.returncode == 1
    assert done.stderr.count("There is no host named nano.invalid") == 1
    assert not session.exists()


def test_a_host_that_is_none_is_wrong_usage() -> None:
    for command in ("doctor", "sources"):
        done = monitor_app(command, "--board", "-oProxyCommand=touch x")
        assert done.returncode == 2, command
    assert monitor_app("sources", "--board", "tx1", "--capture", "x.cap").returncode == 2


def test_sources_lists_what_the_board_has_of_itself(board: SshBoard, by_name: str) -> None:
    done = monitor_app("sources", "--board", "board", "--json", PATH=by_name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], "this machine is no Jetson, and nothing of the desktop's is the board's"
    done = monitor_app("sources", "--board", "board", PATH=by_name)
    assert (done.returncode, done.stdout) == (0, f"{NO_SOURCES}\n")


def test_the_instruments_of_a_board_by_a_copy_of_its_files(tmp_path: Path) -> None:
    assert instruments_in(tmp_path) == []
    compatible = tmp_path / "proc/device-tree/compatible"
    compatible.parent.mkdir(parents=True)
    compatible.write_text("nvidia,p2371-2180\0nvidia,jetson-tx1\0nvidia,tegra210\0")
    rails, jtop = instruments_in(tmp_path)
    assert (rails.kind, rails.ready, jtop.kind, jtop.ready) == ("jetson-rails", False, "jtop", False)
    assert "jtop --install-service" in jtop.state
    service = tmp_path / SERVICES[0].lstrip("/")
    service.parent.mkdir(parents=True)
    service.write_text("812\n")
    assert instruments_in(tmp_path)[1].spec == {"kind": "jtop"}


# -- the test of the sheet ---------------------------------------------------------------------------


def test_the_test_of_the_connection_finds_what_the_board_is(board: SshBoard) -> None:
    steps: list[str] = []
    checks = {c.name: c for c in look_at(board.board(), "emulated:tx1", steps.append, lambda: False)}
    assert list(checks) == ["login", "machine", "board", "rails", "inference", "link"]
    assert "torch" in checks["inference"].text, "although figures are only played"
    assert checks["link"].verdict in {Verdict.READY, Verdict.CAUTION}
    assert [step.split()[0] for step in steps] == ["Connecting", "Asking", "Starting", "Watching"]


def test_published_figures_need_no_torch_on_the_board(board: SshBoard) -> None:
    told = board.board(inference_python="/nowhere/python3")
    checks = {c.name: c for c in look_at(told, "emulated:tx1", lambda _: None, lambda: False)}
    assert checks["inference"].verdict is Verdict.CAUTION
    assert "can be played without" in checks["inference"].text
    with examination(told, lambda _: None, lambda: False) as examined:
        checks = {c.name: c for c in examined.describe("cuda:0")}
    assert checks["inference"].verdict is Verdict.NOT_READY


def test_a_device_that_is_not_there_cannot_be_measured(board: SshBoard) -> None:
    checks = {c.name: c for c in look_at(board.board(), "cuda:7", lambda _: None, lambda: False)}
    assert checks["inference"].verdict is Verdict.NOT_READY
    assert checks["inference"].text.startswith("There is no device cuda:7.")


@pytest.mark.parametrize("when", ["Connecting", "Starting", "Watching"])
def test_the_test_can_be_stopped_at_any_time_and_leaves_the_board(
    when: str, board: SshBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examinations, "CLOCK_S", 300.0)
    stop = threading.Event()

    def tell(step: str) -> None:
        if step.startswith(when):
            stop.set()

    with pytest.raises(BoardLostError, match="stopped"):
        list(look_at(board.board(), "emulated:tx1", tell, stop.is_set))
    # The board is free again: nobody is told to wait for us.
    with Link(board.board()) as link:
        assert link.connect().user


def test_a_test_begins_while_the_one_before_is_being_ended(board: SshBoard) -> None:
    first = Link(board.board())
    first.connect()
    ending = threading.Timer(0.5, first.close)
    ending.start()
    checks = list(look_at(board.board(), "emulated:tx1", lambda _: None, lambda: False))
    ending.join()
    assert checks[-1].name == "link"


def test_a_board_that_cannot_be_reached_is_one_sentence(board: SshBoard) -> None:
    with pytest.raises(BoardError, match="There is no host named"):
        list(look_at(board.board(board.config("Host no\n  HostName no.invalid\n"), "no"), "cpu", lambda _: None, bool))
