# SPDX-License-Identifier: Apache-2.0
"""The name that a session is given while it is recorded leads to all of it, and is kept after any end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor_app.session import files
from monitor_app.session.files import discard_session, keep_promises, keep_session, unsaved_sessions
from monitor_app.session.promise import promise, promised, withdraw
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLED = """
import os, sys
from pathlib import Path
from monitor_app.session.writer import SessionWriter
writer = SessionWriter(Path(sys.argv[1]))
writer.write_mark(1, "note", "kept")
writer.commit()
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
def recorded(folder: Path) -> Iterator[SessionWriter]:
    writer = SessionWriter(folder / "s.plm")
    writer.write_mark(1, "note", "kept")
    writer.commit()
    yield writer
    if is_written(writer.path):
        writer.close()


def marks(path: Path) -> list[str]:
    with SessionReader(path) as reader:
        return [mark.text for mark in reader.marks()]


def test_the_name_leads_to_what_is_recorded_now_and_later(recorded: SessionWriter, tmp_path: Path) -> None:
    target = tmp_path / "mine.plm"
    assert promise(recorded.path, target)
    with SessionReader(target) as reader:
        assert [mark.text for mark in reader.marks()] == ["kept"]
        recorded.write_mark(2, "note", "too")
        recorded.commit()
        assert [mark.text for mark in reader.marks()] == ["kept", "too"]
    recorded.check_place()


def test_a_reader_by_the_name_notices_that_the_session_is_resumed(folder: Path, tmp_path: Path) -> None:
    session, target = folder / "s.plm", tmp_path / "mine.plm"
    SessionWriter(session).close()
    promise(session, target)
    with SessionReader(target) as reader:
        assert reader.marks() == []
        writer = SessionWriter.resume(session)
        writer.write_mark(1, "note", "resumed")
        writer.commit()
        assert [mark.text for mark in reader.marks()] == ["resumed"]
        writer.close()


def test_a_recording_is_left_alone_until_it_has_ended(recorded: SessionWriter, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.plm"
    promise(recorded.path, target)
    assert is_written(recorded.path)
    assert unsaved_sessions(folder) == []
    assert keep_promises(folder) == []
    recorded.close()
    assert keep_promises(folder) == [target]
    assert marks(target) == ["kept"]
    assert not target.is_symlink()
    assert list(folder.iterdir()) == []


def test_after_a_kill_the_name_leads_to_all_of_it_and_the_next_start_keeps_it(folder: Path, tmp_path: Path) -> None:
    session, target = folder / "s.plm", tmp_path / "mine.plm"
    process = subprocess.run([sys.executable, "-c", KILLED, str(session)], check=False)
    assert process.returncode == -9
    promise(session, target)
    assert marks(target) == ["kept"]
    assert keep_promises(folder) == [target]
    assert marks(target) == ["kept"]
    assert list(folder.iterdir()) == []


def test_what_has_taken_the_name_is_not_replaced(recorded: SessionWriter, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.plm"
    target.write_text("somebody's")
    assert not promise(recorded.path, target)
    recorded.close()
    assert keep_promises(folder) == []
    assert target.read_text() == "somebody's"
    assert marks(folder / "s.plm") == ["kept"]
    keep_session(folder / "s.plm", target)  # that the user has agreed to
    assert marks(target) == ["kept"]
    assert list(folder.iterdir()) == []


def test_without_links_the_name_is_remembered(
    recorded: SessionWriter, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    target = tmp_path / "mine.plm"
    assert not promise(recorded.path, target)
    assert promised(recorded.path) == target
    recorded.close()
    assert keep_promises(folder) == [target]
    assert marks(target) == ["kept"]


def test_another_name_and_discarding_take_the_link_away(recorded: SessionWriter, folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.plm", tmp_path / "second.plm"
    promise(recorded.path, first)
    promise(recorded.path, second)
    assert not os.path.lexists(first)
    assert marks(second) == ["kept"]
    recorded.close()
    discard_session(recorded.path)
    assert not os.path.lexists(second)
    assert list(folder.iterdir()) == []


def test_only_a_link_to_the_session_is_taken_away(recorded: SessionWriter, tmp_path: Path) -> None:
    target = tmp_path / "mine.plm"
    promise(recorded.path, target)
    target.unlink()
    target.write_text("somebody's")
    withdraw(recorded.path)
    assert target.read_text() == "somebody's"
    assert promised(recorded.path) is None


def test_one_that_cannot_be_moved_does_not_keep_the_others_back(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        SessionWriter(folder / f"{name}.plm").close()
        promise(folder / f"{name}.plm", tmp_path / name / "mine.plm")
    (tmp_path / "b").mkdir()
    assert keep_promises(folder) == [tmp_path / "b" / "mine.plm"]
    assert files.unsaved_sessions(folder) == [folder / "a.plm"]
