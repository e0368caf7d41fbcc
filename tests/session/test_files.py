# SPDX-License-Identifier: Apache-2.0
"""A session that nobody writes any more becomes one file, wherever it is kept."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest

from monitor_app.core.errors import SessionError
from monitor_app.session.files import (
    discard_empty_session,
    discard_session,
    keep_session,
    problem_with_place,
    settle,
)
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.session.bench import write_rich


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """A session whose reader was still there when its writer closed: the WAL stays."""
    path = tmp_path / "s.plm"
    writer = SessionWriter(path)
    writer.write_mark(1, "note", "kept")
    writer.commit()
    reader = SessionReader(path)
    reader.marks()
    writer.close()
    reader.close()
    return path


def marks(path: Path) -> list[str]:
    with SessionReader(path) as reader:
        return [mark.text for mark in reader.marks()]


def test_settled_it_is_one_file_with_everything_in_it(left_behind: Path) -> None:
    settle(left_behind)
    assert [path.name for path in left_behind.parent.iterdir()] == ["s.plm"]
    assert marks(left_behind) == ["kept"]


def test_kept_it_moves_with_everything_in_it(left_behind: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept" / "mine.plm"
    target.parent.mkdir()
    keep_session(left_behind, target)
    assert marks(target) == ["kept"]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_what_cannot_be_kept_there_stays_where_it_is(left_behind: Path, tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"it is still at .*s\.plm"):
        keep_session(left_behind, tmp_path / "no" / "such" / "folder" / "mine.plm")
    assert marks(left_behind) == ["kept"]


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder"])
def test_nothing_but_a_file_is_replaced(left_behind: Path, tmp_path: Path, kind: str) -> None:
    """A device, as a pipe here, would be gone for every program of the machine."""
    pipe, target = tmp_path / "pipe", tmp_path / "kept.plm"
    os.mkfifo(pipe)
    if kind == "folder":
        target.mkdir()
    else:
        target = pipe if kind == "pipe" else target
        if kind != "pipe":
            target.symlink_to(pipe)
    assert "is not an ordinary file: choose another name" in problem_with_place(target)
    with pytest.raises(SessionError, match="is not an ordinary file: the session is still at"):
        keep_session(left_behind, target)
    assert left_behind.is_file()
    assert pipe.is_fifo()
    assert not target.is_file()


def test_one_that_has_gone_replaces_nothing(left_behind: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.plm"
    target.write_text("an older one")
    discard_session(left_behind)
    with pytest.raises(SessionError, match="no longer there"):
        keep_session(left_behind, target)
    assert target.read_text() == "an older one"


def test_discarded_nothing_is_left(left_behind: Path) -> None:
    discard_session(left_behind)
    assert list(left_behind.parent.iterdir()) == []


def test_empty_it_is_discarded_and_with_samples_it_never_is(left_behind: Path, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    session = tmp_path / "samples" / "s.plm"
    write_rich(session)
    assert discard_empty_session(left_behind)
    assert not left_behind.exists()
    assert not discard_empty_session(session)
    foreign = tmp_path / "foreign.plm"
    foreign.write_bytes(b"not a session, but somebody's all the same")
    assert not discard_empty_session(foreign)
    assert session.exists()
    assert foreign.exists()


def test_a_session_and_what_is_beside_it_is_only_the_users(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "s.plm")
    writer.write_mark(1, "note", "private")
    writer.commit()
    with SessionReader(tmp_path / "s.plm") as reader:
        assert reader.marks()
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    writer.close()
    assert modes == {"s.plm": 0o600, "s.plm-wal": 0o600, "s.plm-shm": 0o600}


@pytest.mark.parametrize("laid", ["s.plm", "s.plm-wal", "s.plm-shm", "s.plm-journal"])
@pytest.mark.parametrize("dangling", [False, True])
def test_no_link_in_the_place_of_a_session_is_followed(tmp_path: Path, laid: str, dangling: bool) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "shared"
    folder.mkdir()
    if not dangling:
        victim.write_bytes(b"somebody's letter" * 4096)
    before = victim.read_bytes() if not dangling else None
    (folder / laid).symlink_to(victim)
    with contextlib.suppress(SessionError):  # refused, or the link is replaced
        SessionWriter(folder / "s.plm").close()
    assert (victim.read_bytes() if victim.exists() else None) == before


@pytest.mark.parametrize("other_disk", [False, True])
def test_where_it_is_kept_a_link_is_replaced(
    left_behind: Path, tmp_path: Path, other_disk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, target = tmp_path / "victim", tmp_path / "mine.plm"
    victim.write_text("a letter")
    target.symlink_to(victim)
    if other_disk:
        monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(errno.EXDEV, "other disk")))
    keep_session(left_behind, target)
    assert victim.read_text() == "a letter"
    assert not target.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert marks(target) == ["kept"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.plm", "victim"]
