# SPDX-License-Identifier: Apache-2.0
"""Folders of sessions: the same results one after another, side by side and asked again, and never those of before."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.analysis.study import SessionAnalysis, Study, analyse_session
from monitor_app.analysis.study import study as one_after_another
from monitor_app.core.errors import NotASessionError
from monitor_app.core.files.package_data import profile_path
from monitor_app.fleet import kept, studies
from monitor_app.fleet.studies import study
from tests.cli.program import monitor_app
from tests.fleet.labs import LAB, PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable

BOARDS = ("left", "right", "third")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sessions of three boards."""
    folder = tmp_path_factory.mktemp("runs")
    lab = LAB.format(networks='["alexnet_2016"]', first_s=1.0, longest_s=1.0, give_up_s=1.0)
    tables = lab.partition("[protocol]")[2]
    profile = folder / "it.toml"
    profile.write_text(PROFILE.format(port='emulate = "tx1"') + "[protocol]" + tables)
    done = monitor_app("record", str(profile), "-o", str(folder / "left.plm"), "--quiet")
    assert done.returncode == 0, done.stderr
    for board in BOARDS[1:]:
        shutil.copy(folder / "left.plm", folder / f"{board}.plm")
    for board in BOARDS:  # as a fleet names them
        with closing(sqlite3.connect(folder / f"{board}.plm")) as db, db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'title'", (board,))
    return folder


@pytest.fixture(scope="module")
def expected(recorded: Path) -> Study:
    return one_after_another([recorded / f"{board}.plm" for board in BOARDS])


@pytest.fixture
def unchanged(recorded: Path) -> list[Path]:
    """Of these nothing is changed."""
    return [recorded / f"{board}.plm" for board in BOARDS]


@pytest.fixture
def files(recorded: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copy(recorded / f"{board}.plm", tmp_path)) for board in BOARDS]


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Those that were really analysed, in this process."""
    seen: list[Path] = []

    def counted(file: Path, progress: Callable[[float], None] = lambda fraction: None) -> SessionAnalysis:
        seen.append(file)
        return analyse_session(file, progress)

    monkeypatch.setattr(studies, "analyse_session", counted)
    return seen


def test_asked_again_nothing_is_analysed_and_all_is_the_same(
    unchanged: list[Path], expected: Study, analysed: list[Path]
) -> None:
    first = study(unchanged)
    assert analysed == unchanged
    assert study(unchanged) == first == expected
    assert analysed == unchanged
    assert study([unchanged[2], unchanged[0]]).campaigns == (first.campaigns[2], first.campaigns[0])
    assert analysed == unchanged


def test_a_session_that_has_changed_is_analysed_again(files: list[Path], analysed: list[Path]) -> None:
    study(files)
    analysed.clear()
    with closing(sqlite3.connect(files[1])) as db, db:
        db.execute("UPDATE meta SET value = 'renamed' WHERE key = 'title'")
    assert [each.title for each in study(files).campaigns] == ["left", "renamed", "third"]
    assert analysed == [files[1]]
    files[2].unlink()
    with pytest.raises(NotASessionError, match="There is no file"):
        study(files)


def test_nothing_is_kept_of_a_session_that_may_still_change(files: list[Path]) -> None:
    assert kept.identity_of(files[0]) is not None
    files[0].with_name(f"{files[0].name}-wal").touch()
    assert kept.identity_of(files[0]) is None


def test_another_program_does_not_take_the_results_of_this_one(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = kept.identity_of(files[0])
    monkeypatch.setattr(kept, "_program", lambda: ("another",))
    assert kept.identity_of(files[0]) not in {identity, None}


def test_side_by_side_gives_the_same_in_the_same_order_with_progress(
    unchanged: list[Path], expected: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies, "WORTH_S", 0.0)
    monkeypatch.setattr(studies, "_cores", lambda: 2)
    fractions: list[float] = []
    assert study(unchanged, fractions.append) == expected
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)
    assert study(unchanged) == expected


def test_a_damaged_session_is_told_from_another_process_too(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "WORTH_S", 0.0)
    monkeypatch.setattr(studies, "_cores", lambda: 2)
    files[2].write_bytes(b"no session")
    with pytest.raises(NotASessionError, match="third"):
        study(files)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(profile_path("pc").parent / "evil"),)


def test_what_is_kept_can_run_nothing(files: list[Path], analysed: list[Path]) -> None:
    study(files[:1])
    [path] = kept.kept_folder().iterdir()
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(pickle.dumps(Evil()))
    analysed.clear()
    study(files[:1])
    assert analysed == files[:1]
    assert not (profile_path("pc").parent / "evil").exists()


def test_what_is_kept_stays_within_its_bound(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    study(files[:1])
    [path] = kept.kept_folder().iterdir()
    monkeypatch.setattr(kept, "MOST_BYTES", 2 * path.stat().st_size + 1000)
    study(files)
    held = list(kept.kept_folder().iterdir())
    assert len(held) == 2
    assert path not in held  # the one that was asked for the longest ago


def test_a_folder_is_given_in_place_of_its_sessions(files: list[Path], tmp_path: Path) -> None:
    folder = str(tmp_path)
    said = monitor_app("analyze", folder)
    assert said.returncode == 0, said.stderr
    for file in files:
        assert file.name in said.stdout or file.stem in said.stdout
    done = monitor_app("figures", folder, "-o", str(tmp_path / "figures"), "--format", "csv")
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "figures" / "fig03-time-batch.csv").read_text()
    for board in BOARDS:
        assert board in table
    page = tmp_path / "report.html"
    done = monitor_app("report", folder, "-o", str(page))
    assert done.returncode == 0, done.stderr
    for board in BOARDS:
        assert board in page.read_text()


def test_a_folder_without_sessions_is_refused(tmp_path: Path) -> None:
    done = monitor_app("report", str(tmp_path), "-o", str(tmp_path / "report.html"))
    assert done.returncode == 1
    assert f"There is no session (*.plm) in the folder {tmp_path}" in done.stderr
