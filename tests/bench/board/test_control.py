# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench.board import commands as board_commands
from monitor_app.bench.board import saved_state as board_found
from monitor_app.bench.board.control import BoardControl, BoardControlError, pending_restore, this_board
from tests.bench.jetson_commands import MODES, Jetson, make_jetson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIGHEST_30W = {"cpu0_min": "1497600", "cpu1_min": "1497600", "gpu_min": "905250000"}
HIGHEST_15W = {"cpu0_min": "1190400", "cpu1_min": "1190400", "gpu_min": "675750000"}


@pytest.fixture
def jetson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jetson:
    """One that an ordinary user is on."""
    made = make_jetson(tmp_path / "jetson")
    monkeypatch.setenv("PATH", f"{made.commands}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return made


@pytest.fixture
def control(jetson: Jetson) -> Iterator[BoardControl]:
    made = this_board(jetson.state_file, jetson.clocks_file)
    yield made
    made.restore()


def is_held(jetson: Jetson, highest: dict[str, str]) -> bool:
    return highest.items() <= jetson.settings().items() and jetson.settings()["emc_override"] == "1"


def test_modes_and_the_current_one_are_read_without_rights(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(no_sudo="")
    assert control.modes() == MODES
    assert control.mode() == "MODE_30W"
    assert not [line for line in jetson.calls() if line.startswith("sudo")]


@pytest.mark.parametrize("mode", ["MODE_15W", "mode_15w", "1", 1])
def test_a_mode_is_set_by_name_or_number_and_set_back_exactly(
    jetson: Jetson, control: BoardControl, mode: str | int
) -> None:
    before = jetson.settings()
    control.set_mode(mode)
    assert control.mode() == "MODE_15W"
    assert jetson.settings() != before
    control.restore()
    assert jetson.settings() == before
    assert not jetson.state_file.exists()


def test_clocks_are_held_and_set_back_exactly(jetson: Jetson, control: BoardControl) -> None:
    before = jetson.settings()
    control.max_clocks()
    assert is_held(jetson, HIGHEST_30W)
    control.restore()
    assert jetson.settings() == before


def test_restoring_twice_or_without_a_change_calls_nothing(jetson: Jetson, control: BoardControl) -> None:
    control.restore()
    control.set_mode("MAXN")
    control.restore()
    jetson.calls()
    control.restore()
    assert jetson.calls() == []


def test_after_an_exception_the_board_is_as_it_was(jetson: Jetson) -> None:
    before = jetson.settings()

    def fail() -> None:
        with this_board(jetson.state_file, jetson.clocks_file) as control:
            control.apply("MODE_15W", "max")
            assert is_held(jetson, HIGHEST_15W)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert jetson.settings() == before


def test_a_sweep_sets_what_each_run_asks_for(jetson: Jetson, control: BoardControl) -> None:
    before = jetson.settings()
    control.apply("MODE_15W", "default")
    free = jetson.settings()
    assert (free["pmode"], free["cpu0_min"], free["emc_override"]) == ("1", "115200", "0")
    control.apply("MODE_15W", "max")
    assert is_held(jetson, HIGHEST_15W)
    control.apply("MODE_15W", "default")
    assert jetson.settings() == free, "also the processors that this mode switches off"
    control.apply("MODE_15W", "max")
    control.apply("MAXN", "max")
    assert is_held(jetson, {"cpu0_min": "2265600", "gpu_min": "1377000000"})
    control.apply("MAXN", "default")
    assert jetson.settings()["emc_override"] == "0"
    assert jetson.settings()["idle_disable"] == "0"
    control.apply("MODE_15W", "default")
    assert jetson.settings() == free, "as without the detour"
    control.apply(None, None)
    assert jetson.settings() == before


def test_what_is_set_already_is_not_set_again(jetson: Jetson, control: BoardControl) -> None:
    control.apply("MODE_15W", "max")
    jetson.calls()
    control.apply("MODE_15W", "max")
    control.apply("1", "max")
    assert jetson.changes() == []


def test_runs_that_ask_for_nothing_touch_nothing(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(no_sudo="")
    control.apply(None, None)
    assert jetson.calls() == []
    assert not jetson.state_file.exists()


def test_a_mode_that_wants_a_reboot_is_refused_before_anything_changes(jetson: Jetson, control: BoardControl) -> None:
    control.max_clocks()
    before = jetson.settings()
    with pytest.raises(BoardControlError, match=r"MODE_10W takes effect only after a reboot.*`sudo nvpmodel -m 3`"):
        control.set_mode("MODE_10W")
    assert jetson.settings() == before
    assert "rebooted" not in before


def test_an_unknown_mode_is_refused_with_those_there_are(jetson: Jetson, control: BoardControl) -> None:
    with pytest.raises(BoardControlError, match=r"no power mode 20W; there are: MAXN \(0\), MODE_15W \(1\)"):
        control.set_mode("20W")
    assert jetson.changes() == []
    assert not jetson.state_file.exists()


# -- rights --------------------------------------------------------------------------------------


def test_ready_says_nothing_where_all_is_there_and_changes_nothing(jetson: Jetson, control: BoardControl) -> None:
    before = jetson.settings()
    assert control.ready(["MAXN", "1"]) is None
    assert jetson.settings() == before
    assert jetson.changes() == []


def test_without_rights_the_sudo_rule_is_given_and_it_is_enough(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(no_sudo="")
    sentence = control.ready()
    assert sentence is not None
    assert "a password is required" in sentence
    assert "`sudo visudo -f /etc/sudoers.d/monitor-app`" in sentence
    rule = sentence.partition("put this line into it: ")[2]
    user, _, commands = rule.partition(" ALL=(root) NOPASSWD: ")
    assert user
    jetson.unset("no_sudo")
    jetson.calls()
    control.apply("MODE_15W", "max")
    control.restore()
    called = {line.removeprefix("sudo -n ") for line in jetson.calls() if line.startswith("sudo")}
    allowed = commands.split(", ")
    for line in called:
        words = line.replace("-m 1", "-m [0-9]").replace("-m 2", "-m [0-9]")
        assert words in allowed or f'{words} ""' in allowed, line
    # root obeys what is in the file, so it must not be one that a user can write
    assert str(board_commands.CLOCKS_FILE.parent) == "/run"


@pytest.mark.parametrize("refusal", ["no_sudo", "not_allowed"])
def test_a_refusal_names_the_rule_and_leaves_nothing_behind(
    jetson: Jetson, control: BoardControl, refusal: str
) -> None:
    before = jetson.settings()
    jetson.set(**{refusal: ""})
    with pytest.raises(BoardControlError, match=r"NOPASSWD: .*nvpmodel -m"):
        control.set_mode("MAXN")
    jetson.unset(refusal)
    control.restore()
    assert jetson.settings() == before
    assert not jetson.state_file.exists()


def test_root_needs_no_sudo(jetson: Jetson, control: BoardControl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("BOARD_ROOT", "1")
    control.apply("MAXN", "max")
    control.restore()
    assert not [line for line in jetson.calls() if line.startswith("sudo")]


def test_ready_names_an_unknown_mode(control: BoardControl) -> None:
    assert "no power mode 20W" in (control.ready(["MAXN", "20W"]) or "")


# -- what goes wrong -----------------------------------------------------------------------------


def test_a_machine_that_is_no_jetson_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(board_commands, "_FOLDERS", str(tmp_path))
    control = this_board(tmp_path / "state")
    assert control.modes() == ()
    assert control.mode() is None
    assert "no nvpmodel" in (control.ready() or "")
    for change in (control.max_clocks, control.default_clocks, lambda: control.set_mode("MAXN")):
        with pytest.raises(BoardControlError, match="run on a Jetson"):
            change()
    control.restore()
    assert list(tmp_path.iterdir()) == []


def test_a_mode_that_cannot_be_set_is_told_with_the_reason(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(stuck="")
    with pytest.raises(BoardControlError, match=r"MAXN could not be set \(NVPM ERROR: Error opening"):
        control.set_mode("MAXN")


def test_a_mode_that_is_not_known_is_not_left(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(unset="")
    assert control.mode() is None
    with pytest.raises(BoardControlError, match="could not be restored"):
        control.set_mode("MAXN")
    assert jetson.changes() == []
    assert not jetson.state_file.exists()


def test_clocks_that_were_held_before_can_be_set_back_but_not_let_go(jetson: Jetson, control: BoardControl) -> None:
    jetson.set(**HIGHEST_30W, emc_override="1", idle_disable="1")
    before = jetson.settings()
    control.apply("MODE_15W", None)
    assert is_held(jetson, HIGHEST_15W), "as found means held"
    with pytest.raises(BoardControlError, match="reboot the board"):
        control.default_clocks()
    control.restore()
    assert jetson.settings() == before


def test_a_failed_restore_is_told_and_can_be_tried_again(jetson: Jetson, control: BoardControl) -> None:
    before = jetson.settings()
    control.apply("MODE_15W", "max")
    jetson.set(unrestorable="")
    with pytest.raises(BoardControlError, match="Failed to restore /sys/devices/17000000"):
        control.restore()
    assert jetson.state_file.exists()
    jetson.unset("unrestorable")
    control.restore()
    assert jetson.settings() == before
    assert not jetson.state_file.exists()


def test_a_command_that_hangs_is_given_up(
    jetson: Jetson, control: BoardControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    jetson.set(hangs="")
    monkeypatch.setattr(board_commands, "TIMEOUT_S", 1.0)
    with pytest.raises(BoardControlError, match="has not ended within 1 s"):
        control.max_clocks()
    jetson.unset("hangs")


def test_a_folder_that_cannot_be_written_is_told_before_anything_changes(jetson: Jetson) -> None:
    before = jetson.settings()
    (jetson.folder / "file").write_text("")
    control = this_board(jetson.folder / "file" / "state", jetson.clocks_file)
    with pytest.raises(BoardControlError, match="cannot be written"):
        control.set_mode("MAXN")
    assert jetson.settings() == before


def test_two_sessions_do_not_set_one_board(jetson: Jetson, control: BoardControl) -> None:
    control.set_mode("MAXN")
    other = this_board(jetson.state_file, jetson.clocks_file)
    with pytest.raises(BoardControlError, match="Another session"):
        other.set_mode("MODE_15W")
    other.restore()
    assert control.mode() == "MAXN", "a session that runs is not undone by another"
    assert pending_restore(jetson.state_file, jetson.clocks_file) is None


# -- killed --------------------------------------------------------------------------------------

KILLED = """
import os, pathlib, signal, sys
from monitor_app.bench.board.control import this_board
os.geteuid = lambda: 1000
control = this_board(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
control.apply("MODE_15W", "max")
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_a_session(jetson: Jetson) -> None:
    command = [sys.executable, "-c", KILLED, str(jetson.state_file), str(jetson.clocks_file)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert is_held(jetson, HIGHEST_15W)


def test_what_a_killed_session_left_is_set_back_by_the_next_start(jetson: Jetson) -> None:
    before = jetson.settings()
    kill_a_session(jetson)
    pending = pending_restore(jetson.state_file, jetson.clocks_file)
    assert pending is not None
    pending.restore()
    assert jetson.settings() == before
    assert pending_restore(jetson.state_file, jetson.clocks_file) is None


def test_a_session_that_goes_on_after_a_kill_ends_as_the_first_began(jetson: Jetson) -> None:
    before = jetson.settings()
    kill_a_session(jetson)
    with this_board(jetson.state_file, jetson.clocks_file) as control:
        control.apply("MODE_15W", "default")
        assert jetson.settings()["emc_override"] == "0"
        control.apply(None, "max")
        assert is_held(jetson, HIGHEST_30W), "as found is as the first one found it"
    assert jetson.settings() == before


def test_after_a_kill_and_a_reboot_the_mode_is_set_back_and_clocks_are_the_boards(
    jetson: Jetson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_a_session(jetson)
    jetson.clocks_file.unlink()
    jetson.set(cpu0_min="115200", cpu1_min="115200", gpu_min="114750000", idle_disable="0", emc_override="0")
    (tmp_path / "boot_id").write_text("another")
    monkeypatch.setattr(board_found, "BOOT_ID", tmp_path / "boot_id")
    with this_board(jetson.state_file, jetson.clocks_file) as control:
        control.apply("MAXN", "max")
        assert is_held(jetson, {"cpu0_min": "2265600"})
    assert jetson.settings()["pmode"] == "2"
    assert jetson.settings()["emc_override"] == "0"
    assert not jetson.state_file.exists()


@pytest.mark.parametrize("text", ["", "{", '{"mode": "x"}', "[]", '{"mode": 1}'])
def test_a_file_that_was_not_written_to_its_end_means_nothing_was_changed(
    jetson: Jetson, control: BoardControl, text: str
) -> None:
    before = jetson.settings()
    jetson.state_file.parent.mkdir()
    jetson.state_file.write_text(text)
    assert pending_restore(jetson.state_file, jetson.clocks_file) is None
    control.restore()
    assert jetson.settings() == before
    control.set_mode("MAXN")
    control.restore()
    assert jetson.settings() == before
    assert not jetson.state_file.exists()


def test_no_file_means_nothing_is_pending(tmp_path: Path) -> None:
    assert pending_restore(tmp_path / "none") is None
