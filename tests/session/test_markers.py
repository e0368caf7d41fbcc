# SPDX-License-Identifier: Apache-2.0
"""Markers are stored while a session is recorded and afterwards, and nothing else in the file changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import SessionError
from monitor_app.core.markers import Marker
from monitor_app.session.marker_store import store_markers, store_notes
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.session.bench import START_NS, write_rich

if TYPE_CHECKING:
    from pathlib import Path

PAIR = Marker(1, START_NS + 5, START_NS + 9, "one inference", 2)
SINGLE = Marker(4, START_NS + 7, None, "", 0)


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    path = tmp_path / "s.plm"
    write_rich(path)
    return path


def stored(path: Path) -> list[Marker]:
    with SessionReader(path) as reader:
        return reader.markers()


def dump(path: Path) -> list[str]:
    """All of a session but its markers, as SQL."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return [line for line in db.iterdump() if "marker" not in line]


def test_the_writer_replaces_all_markers(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "s.plm")
    writer.write_markers([PAIR, SINGLE])
    writer.commit()
    assert stored(writer.path) == [PAIR, SINGLE]
    writer.write_markers([SINGLE])
    writer.close()
    assert stored(writer.path) == [SINGLE]


def test_a_complete_session_takes_markers_and_keeps_all_else(complete: Path) -> None:
    before = dump(complete)
    with SessionReader(complete) as reader:
        assert reader.markers() == []
        store_markers(complete, [PAIR, SINGLE])
        # A reader that was there before sees them.
        assert reader.markers() == [PAIR, SINGLE]
    store_markers(complete, [PAIR])
    assert stored(complete) == [PAIR]
    assert dump(complete) == before
    assert [path.name for path in complete.parent.iterdir()] == ["s.plm"]


def test_notes_replace_those_before_and_nothing_else(complete: Path) -> None:
    before = dump(complete)
    store_notes(complete, "new fan")
    store_notes(complete, "new fan,\n35 °C")
    with SessionReader(complete) as reader:
        assert reader.meta()["notes"] == "new fan,\n35 °C"
    store_notes(complete, "")
    assert [line for line in dump(complete) if "'notes'" not in line] == before


def test_a_session_of_an_earlier_program_gets_the_table(complete: Path) -> None:
    with closing(sqlite3.connect(complete, isolation_level=None)) as db:
        db.execute("DROP TABLE marker")
    assert stored(complete) == []
    store_markers(complete, [SINGLE])
    assert stored(complete) == [SINGLE]


def test_a_session_that_is_recorded_is_left_to_its_writer(tmp_path: Path) -> None:
    writer = write_rich(tmp_path / "s.plm", close=False)
    writer.write_markers([PAIR])
    writer.commit()
    with pytest.raises(SessionError, match="is being recorded by another process"):
        store_markers(writer.path, [SINGLE])
    writer.close()
    assert stored(writer.path) == [PAIR]


def test_a_file_that_cannot_be_written_is_as_it_was(complete: Path) -> None:
    with closing(sqlite3.connect(complete, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SessionError, match=r"cannot be stored in .*open the copy\."):
            store_markers(complete, [PAIR])
    assert stored(complete) == []


@pytest.mark.parametrize("row", ["0, 5, 9, '', 0", "1, 9, 5, '', 0", "1, 5, 9, '', -1", "1, 'x', 9, '', 0"])
def test_a_marker_that_cannot_be_is_refused(complete: Path, row: str) -> None:
    with closing(sqlite3.connect(complete, isolation_level=None)) as db:
        db.execute(f"INSERT INTO marker VALUES ({row})")
    with pytest.raises(SessionError, match="damaged"):
        stored(complete)
