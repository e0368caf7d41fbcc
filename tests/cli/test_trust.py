# SPDX-License-Identifier: Apache-2.0
"""What was tried with profiles of somebody else: nothing is run, nothing is written, one sentence says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
import typer

from monitor_app.bench.bench import Bench
from monitor_app.cli import consent
from monitor_app.cli.commands import parser
from monitor_app.cli.commands.command_line import run
from monitor_app.cli.files import find_profile
from monitor_app.core.files.own_profiles import own_profiles_folder
from monitor_app.sources.profile_reader import parse_profile
from tests.bench.test_trust import NETWORK, PROGRAM, tracer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Sent(NamedTuple):
    """A profile from somebody else, what it wants to run, and the trace that this would leave."""

    profile: Path
    program: Path
    trace: Path

    @property
    def harmless(self) -> bool:
        return not self.trace.exists()


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sent:
    for variable in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setattr(parser, "log_to_file", lambda _: None)
    monkeypatch.chdir(tmp_path)
    program, trace = tracer(tmp_path)
    profile = tmp_path / "sent.toml"
    profile.write_text(PROGRAM.format(python=str(program)))
    return Sent(profile, program, trace)


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[str]:
    """Somebody sits there and gives this answer; the questions that they have read."""
    questions: list[str] = []

    def confirm(question: str, *, err: bool) -> bool:
        assert err, "stdout is for what a command gives"
        questions.append(question)
        return answer

    monkeypatch.setattr(consent, "_somebody", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    return questions


COMMANDS: list[Callable[[Path], list[str]]] = [
    lambda profile: ["record", str(profile), "-o", "s.plm", "--duration", "0.5", "--quiet"],
    lambda profile: ["record", str(profile), "--check"],
    lambda profile: ["calibrate", "jtop", "--profile", str(profile), "--watts", "1", "--seconds", "0.1"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=["record", "check", "calibrate"])
def test_a_program_of_the_profiles_choice_is_run_only_with_leave(
    sent: Sent,
    command: Callable[[Path], list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = command(sent.profile)
    assert run(words) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        f"{sent.profile} was not used, because it runs code: the program {sent.program} for the source jtop; if you "
        "trust whoever wrote it, answer yes when you are asked, or give --trust.\n"
    )
    questions = on_a_terminal(monkeypatch, answer=False)
    assert run(words) == 1
    assert len(questions) == 1
    assert sent.harmless
    assert sorted(path.name for path in sent.profile.parent.iterdir()) == ["XDG_STATE_HOME", "program", "sent.toml"]
    monkeypatch.setattr(consent, "_somebody", lambda: False)
    assert run([*words, "--trust"]) == 1, "it is no jtop"
    assert not sent.harmless, "it was started"


def test_a_yes_on_the_terminal_is_given_once(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = on_a_terminal(monkeypatch, answer=True)
    for _ in range(2):
        sent.trace.unlink(missing_ok=True)
        run(COMMANDS[1](sent.profile))
        assert not sent.harmless
    assert questions == [
        f"This profile runs code: the program {sent.program} for the source jtop. It can do on this computer whatever "
        "you can. Do you allow it?"
    ]


@pytest.mark.parametrize("name", ["mine:net", "mine.py:net", "./net.pt2"])
def test_no_module_is_imported_and_no_network_file_opened(
    sent: Sent, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (sent.profile.parent / "mine.py").write_text(f"open({str(sent.trace)!r}, 'w')")
    (sent.profile.parent / "net.pt2").write_bytes(b"not opened")
    sent.profile.write_text(NETWORK.format(name=name).replace("false", "true"))
    code = run(COMMANDS[0](sent.profile))
    assert sent.harmless
    if name != "mine.py:net":  # which is neither, and is told by the one who looks for it
        assert code == 1
        assert "was not used, because it runs code: the " in capsys.readouterr().err
        assert not (sent.profile.parent / "s.plm").exists()


def test_a_port_is_handed_to_no_other_handler(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    sent.profile.write_text(f'title = "x"\n[[source]]\nkind = "shunt"\nport = "spy:///dev/null?file={sent.trace}"\n')
    assert run([*COMMANDS[0](sent.profile), "--trust"]) == 1
    assert run(["sources", "--capture", "c.cap", "--port", f"spy:///dev/null?file={sent.trace}"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "is not a port that may be opened" in first
    assert "is not a port that may be opened" in second
    assert sent.harmless
    assert not (sent.profile.parent / "c.cap").exists()


def test_an_energy_log_is_written_nowhere_else(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    (sent.profile.parent / "sessions").mkdir()
    sent.profile.write_text(f'title = "x"\n[[source]]\nkind = "shunt"\nemulate = "tx1"\naccount = "{sent.trace}"\n')
    words = ["record", str(sent.profile), "-o", "sessions/s.plm", "--duration", "0.5", "--quiet", "--trust"]
    assert run(words) == 1
    assert "is not in the folder of the session" in capsys.readouterr().err
    assert sent.harmless
    assert list((sent.profile.parent / "sessions").iterdir()) == []


def test_the_profile_in_a_session_is_somebody_elses_too(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'title = "idle"\n'
    session = sent.profile.parent / "s.plm"
    bench = Bench(parse_profile(text, "x"), text, session)
    bench._recorder.put(lambda writer: writer.set_meta({"profile": sent.profile.read_text()}))
    bench.close()
    before = session.read_bytes()
    words = ["record", "--resume", "-o", str(session), "--duration", "0.5", "--quiet"]
    assert run(words) == 1
    assert f"the profile in {session} was not used, because it runs code" in capsys.readouterr().err
    assert sent.harmless
    assert session.read_bytes() == before
    run([*words, "--trust"])
    assert not sent.harmless


def test_a_capture_names_no_program(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    table = {"kind": "jtop", "python": str(sent.program)}
    capture = sent.profile.parent / "c.cap"
    capture.write_bytes(json.dumps({"format": "monitor-app capture", "version": 1, "spec": table}).encode() + b"\n")
    assert run(["record", "--replay", str(capture), "-o", "s.plm", "--quiet", "--trust"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert sent.harmless


def test_own_profiles_have_names_and_are_not_asked_about(sent: Sent) -> None:
    own_profiles_folder().mkdir(parents=True)
    mine = own_profiles_folder() / "simulated-tx1.toml"
    mine.write_bytes(sent.profile.read_bytes())
    assert find_profile("simulated-tx1") == mine, "before the program's of the same name"
    assert find_profile("../profiles/simulated-tx1.toml") != mine
    run(COMMANDS[1](find_profile("simulated-tx1")))
    assert not sent.harmless
