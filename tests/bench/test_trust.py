# SPDX-License-Identifier: Apache-2.0
"""A profile that runs code is used where the user has said so, and only for what they were asked about."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.bench import trust
from monitor_app.bench.bench import Bench
from monitor_app.core.errors import ProfileError
from monitor_app.core.files import own_profiles
from monitor_app.core.files.own_profiles import own_profiles_folder
from monitor_app.core.files.package_data import profile_files
from monitor_app.core.log import state_folder
from monitor_app.core.profile import Board, Combination, Inference, Plan, Profile, Protocol, Sync
from monitor_app.inference.networks.registry import NETWORKS
from monitor_app.sources.profile_reader import load_profile, parse_profile, parse_source
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = 'title = "sent to you"\n[[source]]\nkind = "jtop"\npython = {python!r}\n'
NETWORK = 'title = "sent to you"\n[plan]\nnetworks = [{name!r}]\nautostart = false\n'


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered yet, and the user stands in an empty folder."""
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def asked(text: str, answer: bool = True) -> tuple[str, list[str]]:
    """What the bench would be given, and the questions that were asked before."""
    questions: list[str] = []

    def ask(question: str) -> bool:
        questions.append(question)
        return answer

    return trust.allowance(parse_profile(text, "sent.toml"), text, "sent.toml", ask=ask), questions


def tracer(folder: Path) -> tuple[Path, Path]:
    """A program, and the file that shows that it has run."""
    trace, program = folder / "trace", folder / "program"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    return program, trace


def test_no_profile_of_the_program_runs_code() -> None:
    benches = [path for path in profile_files() if path.parent.name != "boards"]
    assert len(benches) > 5
    assert [path.name for path in benches if trust.code_in(load_profile(path))] == []


def test_no_network_that_the_program_knows_is_taken_for_code() -> None:
    text = f'title = "all"\n[plan]\nnetworks = {list(NETWORKS)}\n'
    assert len(NETWORKS) > 50
    assert trust.code_in(parse_profile(text, "all")) == ()
    assert asked(text, answer=False) == ("", [])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (PROGRAM.format(python="/tmp/evil"), "the program /tmp/evil for the source jtop"),
        (PROGRAM.format(python="python3.99"), "the program python3.99 for the source jtop"),
        (NETWORK.format(name="os:getcwd"), "the function os:getcwd"),
        (NETWORK.format(name="a.b.c:d@299"), "the function a.b.c:d"),
        (NETWORK.format(name="net.pt2"), "the network in the file net.pt2"),
        (NETWORK.format(name="NET.PT"), "the network in the file NET.PT"),
        (NETWORK.format(name="~/a/net@64"), "the network in the file HOME/a/net"),
        (NETWORK.format(name="net.torchscript@64"), "the network in the file net.torchscript"),
        (NETWORK.format(name="net.engine"), "the network in the file net.engine"),
    ],
)
def test_it_is_said_what_would_run(text: str, named: str) -> None:
    _, questions = asked(text)
    named = named.replace("HOME", str(Path.home()))
    assert questions == [
        f"This profile runs code: {named}. It can do on this computer whatever you can. Do you allow it?"
    ]
    assert "\x1b" not in questions[0]


@pytest.mark.parametrize("name", ["net.onnx", "/a/net.onnx@299", "net.tflite", "a/net.xml"])
def test_a_file_that_holds_a_graph_and_no_program_is_no_code(name: str) -> None:
    assert asked(NETWORK.format(name=name), answer=False) == ("", [])


BOARD = 'title = "sent to you"\n[board]\nhost = "nano"\n{more}\n'


@pytest.mark.parametrize("more", ["", 'python = "python3.6"\nlease_s = 6', 'ssh = ["ssh"]'])
def test_a_board_that_ssh_leads_to_is_no_code(more: str) -> None:
    assert asked(BOARD.format(more=more), answer=False) == ("", [])


@pytest.mark.parametrize(
    ("more", "named"),
    [
        # What ssh starts runs here, everything else there.
        ('ssh = ["ssh", "-o", "ProxyCommand=evil"]', "the command `ssh -o ProxyCommand=evil` for the board nano"),
        ('ssh = ["/tmp/evil"]', "the command `/tmp/evil` for the board nano"),
        ('python = "/tmp/evil"', "the program /tmp/evil on the board nano"),
        ('inference_python = "~/venv/bin/python3"', "the program ~/venv/bin/python3 on the board nano"),
        ('env = { PATH = "/tmp/evil" }', "processes with PATH=/tmp/evil on the board nano"),
    ],
)
def test_it_is_said_what_a_board_would_run_and_where(more: str, named: str) -> None:
    [question] = asked(BOARD.format(more=more))[1]
    where = "this computer" if named.startswith("the command") else "the board"
    assert question == f"This profile runs code: {named}. It can do on {where} whatever you can. Do you allow it?"


def test_code_on_both_computers_is_said_to_be_on_both() -> None:
    [question] = asked(BOARD.format(more='ssh = ["/tmp/evil"]\npython = "/tmp/evil"'))[1]
    assert question.endswith(" It can do on this computer and on the board whatever you can. Do you allow it?")


def test_a_name_cannot_pretend_to_be_another_one() -> None:
    _, [question] = asked('title = "x"\n[[source]]\nkind = "jtop"\npython = "/usr/bin/\\u001b[2J\\u202epython\\n"\n')
    assert "the program /usr/bin/\\x1b[2J\\x202epython\\x0a for" in question


def test_the_answer_is_remembered_in_a_file_of_the_users_own() -> None:
    text = PROGRAM.format(python="/tmp/evil")
    allowed, questions = asked(text)
    assert allowed
    assert len(questions) == 1
    assert asked(text, answer=False) == (allowed, [])
    remembered = state_folder() / trust.REMEMBERED
    assert stat.S_IMODE(remembered.stat().st_mode) == 0o600
    assert remembered.read_text().split()[::2] == [allowed, "sent.toml"]
    assert asked(text + "# and more\n")[1], "another profile"


def test_no_is_not_remembered_and_nobody_to_ask_is_a_no() -> None:
    text = PROGRAM.format(python="/tmp/evil")
    sentence = (
        r"^sent.toml was not used, because it runs code: the program /tmp/evil for the source jtop; if you trust "
        r"whoever wrote it, answer yes when you are asked, or give --trust\.$"
    )
    with pytest.raises(ProfileError, match=sentence):
        asked(text, answer=False)
    with pytest.raises(ProfileError, match=sentence):
        trust.allowance(parse_profile(text, "x"), text, "sent.toml")
    assert asked(text)[1]


def test_trust_for_a_script_is_for_this_time() -> None:
    text = PROGRAM.format(python="/tmp/evil")
    assert trust.allowance(parse_profile(text, "x"), text, "x", trusted=True)
    assert len(asked(text)[1]) == 1


def change_module(here: Path) -> None:
    (here / "mine.py").write_text("2")


def change_package(here: Path) -> None:
    (here / "mine" / "deep" / "part.py").write_text("2")


def change_file(here: Path) -> None:
    (here / "net.pt2").write_text("2")


def change_program(here: Path) -> None:
    (here / "program").write_text("2")


@pytest.mark.parametrize(
    ("text", "change"),
    [
        (NETWORK.format(name="mine:net"), change_module),
        (NETWORK.format(name="mine.deep:net"), change_package),
        (NETWORK.format(name="net.pt2@64"), change_file),
        (PROGRAM.format(python="./program"), change_program),
    ],
)
def test_it_is_asked_again_where_the_code_has_changed_or_lies_elsewhere(
    text: str, change: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    (here / "mine" / "deep").mkdir(parents=True)
    for name in ("mine.py", "mine/deep/part.py", "net.pt2", "program"):
        (here / name).write_text("1")
        (here / name).chmod(0o755)
    assert len(asked(text)[1]) == 1
    assert asked(text)[1] == []
    change(here)
    assert len(asked(text)[1]) == 1, "changed"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in ("mine.py", "net.pt2"):
        (tmp_path / "elsewhere" / name).write_text("3")
    assert len(asked(text)[1]) == 1, "another code of the same name"


def test_a_pipe_or_a_device_does_not_hold_it_up() -> None:
    os.mkfifo("net.pt2")
    assert len(asked(NETWORK.format(name="net.pt2"))[1]) == 1
    assert len(asked(NETWORK.format(name="/dev/zero"))[1]) == 1


def test_the_users_own_profiles_are_trusted_word_for_word() -> None:
    text = PROGRAM.format(python="/opt/venv/bin/python")
    folder = own_profiles_folder() / "boards"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text)
    allowed, questions = asked(text, answer=False)
    assert allowed
    assert questions == []
    with pytest.raises(ProfileError):
        asked(text + " ", answer=False)


def test_a_folder_that_others_may_write_to_is_not_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    text = PROGRAM.format(python="/tmp/evil")
    folder = own_profiles_folder()
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text)
    folder.chmod(0o777)
    with pytest.raises(ProfileError):
        asked(text, answer=False)
    folder.chmod(0o755)
    assert asked(text, answer=False)[1] == []
    monkeypatch.setattr(own_profiles, "geteuid", lambda: os.geteuid() + 1)
    with pytest.raises(ProfileError):
        asked(text, answer=False)


HARMLESS = {
    # names and numbers that are compared, shown or sent to the instrument
    "accuracy", "calibrated", "description", "device", "faults", "gain", "minus", "name", "plus", "power_modes",
    "roles", "separator", "serial_number", "start", "stop", "sync_line", "title", "zero_a",
    # files and folders that are read, as data
    "board", "calibration", "images", "replay", "root", "weights",
}  # fmt: skip
CHECKED = {"port": "addresses", "resource": "addresses", "account": "written files", "host": "Board"}
ASKED_ABOUT = {"python", "networks", "ssh", "inference_python", "env"}


def test_every_text_in_a_profile_has_been_thought_about() -> None:
    """A new key that is a path, a program or an address needs its row in one of these, and a check of its own."""
    tables = [kind.spec for kind in KINDS.values()] + [Profile, Inference, Protocol, Plan, Combination, Sync, Board]
    texts = {
        name
        for table in tables
        for name, field in table.model_fields.items()
        if "str" in str(field.annotation) and name != "kind"
    }
    assert texts == HARMLESS | CHECKED.keys() | ASKED_ABOUT


# -- the bench itself ----------------------------------------------------------------------------


def test_the_bench_refuses_it_whoever_starts_it(tmp_path: Path) -> None:
    program, trace = tracer(tmp_path)
    text = PROGRAM.format(python=str(program))
    allowed_before, _ = asked(PROGRAM.format(python="/bin/true"))
    for allowed in ("", "yes", allowed_before):
        with pytest.raises(ProfileError, match=r"runs code that was not allowed: the program .*; start it again\.$"):
            Bench(parse_profile(text, "x"), text, tmp_path / "s.plm", allowed=allowed)
    assert not trace.exists()
    assert not (tmp_path / "s.plm").exists()


def test_an_instrument_that_is_added_later_starts_no_program(tmp_path: Path) -> None:
    program, trace = tracer(tmp_path)
    text = 'title = "idle"\n'
    bench = Bench(parse_profile(text, "x"), text, tmp_path / "s.plm")
    try:
        with pytest.raises(ProfileError, match="jtop was not added, because it runs code"):
            bench.add_source(parse_source({"kind": "jtop", "python": str(program)}))
    finally:
        bench.close()
    assert not trace.exists()
