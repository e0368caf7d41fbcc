# SPDX-License-Identifier: Apache-2.0
"""Damaged sessions through the commands: a sample of tests/benchmarks/fuzz_sessions.py, a seed of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.campaign import assembly
from monitor_app.analysis.run.inputs import LIVE
from tests.cli.damaged import commands, faults
from tests.cli.mutations import KINDS, mutate, write_whole

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(len(KINDS))
TURNS = ("export", "analyze", "repair")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "s.plm"
    write_whole(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def little_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "EFFORT", LIVE)


def test_a_sound_session_passes_the_same_commands(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    session = tmp_path / "in" / "s.plm"
    session.write_bytes(whole)
    assert faults(session, tmp_path / "out", commands(session, tmp_path / "out")[:6]) == []


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed}-{list(KINDS)[seed % len(KINDS)].replace(' ', '-')}")
def test_a_damaged_session_is_a_sentence_or_a_result(whole: bytes, tmp_path: Path, seed: int) -> None:
    (tmp_path / "in").mkdir()
    session = tmp_path / "in" / "s.plm"
    mutate(whole, session, seed)
    every = commands(session, tmp_path / "out")
    turn = next(each for each in every if each[0] == TURNS[seed % len(TURNS)])
    assert faults(session, tmp_path / "out", [every[0], turn]) == []


def test_the_same_seed_is_the_same_damage(whole: bytes, tmp_path: Path) -> None:
    for name in ("a.plm", "b.plm"):
        assert mutate(whole, tmp_path / name, 11) == "blobs"
    assert (tmp_path / "a.plm").read_bytes() == (tmp_path / "b.plm").read_bytes()


@pytest.mark.parametrize(
    ("seed", "command"),
    [
        (10019, "report"),
        (20345, "export"),
        (20701, "show"),
        (22041, "analyze"),
        (100429, "show"),
        (502468, "export"),
        (504762, "show"),
        (700193, "analyze"),
        (700907, "show"),
        (701612, "export"),
        (705497, "export"),
    ],
)
def test_what_the_fuzzer_found_is_mended(whole: bytes, tmp_path: Path, seed: int, command: str) -> None:
    (tmp_path / "in").mkdir()
    session = tmp_path / "in" / "s.plm"
    mutate(whole, session, seed)
    chosen = next(each for each in commands(session, tmp_path / "out") if each[0] == command)
    assert faults(session, tmp_path / "out", [chosen]) == []
