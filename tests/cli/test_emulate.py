# SPDX-License-Identifier: Apache-2.0
"""`monitor-app emulate KIND` and `python -m monitor_app.emulators.KIND` are one program under two names."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from monitor_app.cli.commands.command_line import run
from monitor_app.emulators.runtime.main import parse
from monitor_app.sources.profile_reader import parse_source
from monitor_app.sources.registry import KINDS, emulated_kind

EMULATED = [kind for kind in KINDS.values() if kind.emulates]
NAMES = [name for kind in EMULATED for name in (kind.name, kind.emulator_alias) if name]


@pytest.mark.parametrize("name", NAMES)
def test_help_names_the_command_that_was_typed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: monitor-app emulate {name} ")
    assert "--load-signal PATH" in shown
    assert "python -m" not in shown


def test_help_of_the_module_names_the_module() -> None:
    command = [sys.executable, "-m", "monitor_app.emulators.ppk2"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("usage: python -m monitor_app.emulators.ppk2 ")


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]], ids=" ".join)
def test_without_an_instrument_the_usage_lists_them(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", *words]) == 0
    assert "choose one of: shunt, ps3, ppk2, lines, scpi." in capsys.readouterr().out


@pytest.mark.parametrize("word", ["toaster", "scope", "pk2"])
def test_an_unknown_instrument_is_wrong_usage(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emulate", word]) == 2
    said = capsys.readouterr().err
    assert "choose one of: shunt, ps3, ppk2, lines, scpi." in said
    assert ("did you mean ppk2?" in said) is (word == "pk2")


@pytest.mark.parametrize("kind", EMULATED, ids=lambda kind: kind.name)
def test_what_a_profile_says_of_an_emulated_instrument_is_understood_by_its_emulator(kind) -> None:
    table = {"emulate": "tx1", "seed": 7, "account": "energy.jsonl", "faults": ["stall@5:1", "drop@9:20"]}
    spec = parse_source({"kind": kind.name, **table, **kind.required})
    emulator = importlib.import_module(f"monitor_app.emulators.{kind.name}.__main__").EMULATOR
    options = parse(emulator, spec.emulator_options())
    options.check()
    assert (options.board, options.seed, options.faults) == ("tx1", 7, ("stall@5:1", "drop@9:20"))
    assert str(options.energy_log) == "energy.jsonl"


def test_the_former_names_of_options_still_work() -> None:
    emulator = importlib.import_module("monitor_app.emulators.shunt.__main__").EMULATOR
    former = parse(emulator, ["--lamp", "a", "--account", "b"])
    assert former == parse(emulator, ["--load-signal", "a", "--energy-log", "b"])


def test_an_alias_means_its_kind() -> None:
    assert emulated_kind("ps3") is emulated_kind("powersensor3") is KINDS["powersensor3"]
