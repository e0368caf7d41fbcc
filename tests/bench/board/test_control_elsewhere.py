# SPDX-License-Identifier: Apache-2.0
"""Power mode and clocks of a board elsewhere, by its agent: set back whoever dies, also by another computer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from monitor_app.bench.board import machine
from monitor_app.bench.board.control import BoardControlError
from monitor_app.core.errors import BoardLostError
from monitor_app.remote.link import Link
from tests.bench.jetson_commands import MODES, Jetson, make_jetson
from tests.remote.agent.boards import FakeBoard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor_app.core.profile import Board

HIGHEST_15W = {"cpu0_min": "1190400", "cpu1_min": "1190400", "gpu_min": "675750000"}
PLACES = """
import sys

CLOCKS_FILE = {clocks!r}
real = os.geteuid


def geteuid():
    # Tests may run as root, which needs no sudo to call a command.
    return 1000 if sys._getframe(1).f_globals["__name__"].endswith("board_calls") else real()


os.geteuid = geteuid
"""
KILLED = """
import os, pathlib, signal, sys
from types import SimpleNamespace
from monitor_app.bench.board import machine
from monitor_app.core.profile import Board
from monitor_app.remote.link import Link

machine.CLOCKS_FILE = pathlib.Path(sys.argv[3])
link = Link(Board.model_validate_json(sys.argv[1]), payload=pathlib.Path(sys.argv[2]).read_bytes(), wait_s=30.0)
link.connect()
there = machine.BoardElsewhere(SimpleNamespace(link=lambda: link, facts=link.facts()))
there.control().apply("MODE_15W", "max")
os.kill(os.getpid(), signal.SIGKILL)
"""


class Elsewhere:
    """A Jetson with an agent, and the links to it."""

    def __init__(self, folder: Path) -> None:
        self.jetson: Jetson = make_jetson(folder / "jetson")
        self.fake = FakeBoard(folder / "board")
        self.fake.file("/proc/sys/kernel/random/boot_id", "0b5c3a34-0000-0000-0000-000000000001\n")
        for command in self.jetson.commands.iterdir():
            (self.fake.folder / "bin" / command.name).symlink_to(command)
        self._links: list[Link] = []

    @property
    def board(self) -> Board:
        return self.fake.reached()

    @property
    def payload(self) -> bytes:
        return self.fake.payload(more=PLACES.format(clocks=str(self.jetson.clocks_file)))

    def connect(self) -> Link:
        self._links.append(Link(self.board, payload=self.payload, wait_s=30.0))
        self._links[-1].connect()
        return self._links[-1]

    def machine(self) -> machine.BoardElsewhere:
        """As a bench that is connected has it."""
        link = self.connect()
        connection: Any = SimpleNamespace(link=lambda: link, facts=link.facts())
        return machine.BoardElsewhere(connection)

    def close(self) -> None:
        for each in self._links:
            each.close()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    made = Elsewhere(tmp_path)
    monkeypatch.setattr(machine, "CLOCKS_FILE", made.jetson.clocks_file)
    yield made
    made.close()


def is_held(jetson: Jetson) -> bool:
    return HIGHEST_15W.items() <= jetson.settings().items() and jetson.settings()["emc_override"] == "1"


def test_a_mode_and_the_clocks_are_set_and_set_back(elsewhere: Elsewhere) -> None:
    before = elsewhere.jetson.settings()
    there = elsewhere.machine()
    with there.control() as control:
        assert control.modes() == MODES
        assert control.mode() == "MODE_30W"
        assert control.ready(["MODE_15W"]) is None
        control.apply("MODE_15W", "max")
        assert is_held(elsewhere.jetson)
        assert there.pending() is not None
        assert there.environment()["power mode"] == "MODE_15W"
    assert elsewhere.jetson.settings() == before
    assert there.pending() is None
    # Everything that changed something went through sudo, as for a user of the board.
    assert any(line.startswith("sudo -n") for line in elsewhere.jetson.calls())


def test_a_missing_sudo_rule_is_said_with_the_rule_for_the_user_of_the_board(elsewhere: Elsewhere) -> None:
    elsewhere.jetson.set(no_sudo="")
    said = elsewhere.machine().control().ready(["MODE_15W"])
    assert said is not None
    assert "NOPASSWD" in said
    assert str(elsewhere.jetson.clocks_file) in said


def bench_is_killed(elsewhere: Elsewhere, folder: Path) -> None:
    """Its home is another one than that of this process, as on another computer."""
    payload = folder / "payload"
    payload.write_bytes(elsewhere.payload)
    command = [sys.executable, "-c", KILLED, elsewhere.board.model_dump_json(), str(payload)]
    (folder / "pc").mkdir()
    environment = {**os.environ, "HOME": str(folder / "pc"), "XDG_STATE_HOME": str(folder / "pc/state")}
    done = subprocess.run(
        [*command, str(elsewhere.jetson.clocks_file)], env=environment, check=False, capture_output=True, timeout=120
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def agent_is_killed(elsewhere: Elsewhere, _: Path) -> None:
    there = elsewhere.machine()
    there.control().apply("MODE_15W", "max")
    control = there.control()
    os.kill(elsewhere._links[-1].hello.pid, signal.SIGKILL)
    with pytest.raises(BoardLostError):
        control.restore()


@pytest.mark.parametrize("dies", [bench_is_killed, agent_is_killed])
def test_what_was_changed_is_set_back_by_whoever_connects_next(
    dies: Callable[[Elsewhere, Path], None], elsewhere: Elsewhere, tmp_path: Path
) -> None:
    before = elsewhere.jetson.settings()
    dies(elsewhere, tmp_path)
    assert is_held(elsewhere.jetson)
    there = elsewhere.machine()
    pending = there.pending()
    assert pending is not None
    pending.restore()
    assert elsewhere.jetson.settings() == before
    assert there.pending() is None


def test_a_mode_that_the_board_refuses_is_said(elsewhere: Elsewhere) -> None:
    elsewhere.jetson.set(stuck="")
    with pytest.raises(BoardControlError, match="MODE_15W"):
        elsewhere.machine().control().apply("MODE_15W", None)
