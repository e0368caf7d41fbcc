# SPDX-License-Identifier: Apache-2.0
"""Commands and their marks in a session: read as written, absent in old files, refused and saved where damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from monitor_app.core.errors import NotASessionError
from monitor_app.session.reader import SessionReader
from monitor_app.session.repair import repair
from monitor_app.session.rows import ProgramRow
from monitor_app.session.writer import SessionWriter
from tests.analysis.run.programs import START_NS, Work, write_program

if TYPE_CHECKING:
    from pathlib import Path

S = 1_000_000_000


@pytest.fixture
def session(tmp_path: Path) -> Path:
    work = [Work("outer", 0.1, 0.9, 5.0, 8), Work("a\x1b[31mb", 0.9, 1.0, 6.0)]
    write_program(tmp_path / "s.plm", work, 1.2, rate_hz=1000, moments=[("done", 1.1)])
    return tmp_path / "s.plm"


def test_marks_are_read_as_they_were_written(session: Path) -> None:
    with SessionReader(session) as reader:
        assert reader.programs() == {1: ProgramRow(1, '["./program"]', 0, 3, 0, 0, 0)}
        spans = reader.work_spans()
        assert spans.names == ("outer", "a\x1b[31mb", "done")
        assert spans.rows["images"].tolist() == [8, 0, -1]
        assert (spans.rows["start_ns"] - START_NS).tolist() == [S // 10, 9 * S // 10, 11 * S // 10]
        assert len(spans.of("done")) == len(spans.of("nothing")) == 0
        assert reader.work_spans(after_id=2).rows["id"].tolist() == [3]
        assert len(reader.work_spans(start_ns=START_NS + S // 2, end_ns=START_NS + S).rows) == 1
        assert reader.runs()[0].own_program
        assert reader.runs()[0].label == "./program"
    with SessionReader(session, visible=True) as reader:
        assert reader.work_spans().names[1] == "a\\x1b[31mb"


def test_a_session_of_an_earlier_program_has_none_and_can_be_resumed(session: Path) -> None:
    with closing(sqlite3.connect(session, isolation_level=None)) as db:
        for table in ("program", "work_span"):
            db.execute(f"DROP TABLE {table}")
    with SessionReader(session) as reader:
        assert reader.programs() == {}
        assert len(reader.work_spans().rows) == 0
    writer = SessionWriter.resume(session)
    writer.add_program(1, '["x"]')
    writer.write_work(1, [("later", 5, 6, 1)])
    writer.close()
    with SessionReader(session) as reader:
        assert reader.work_spans().names == ("later",)
        assert reader.programs()[1].exit_code is None


DAMAGED = {
    "work_span": ["1, 'x', 9, 5, 0", "1, x'00ff', 5, 9, 0", "1, 'x', 'y', 9, 0", "1, 'x', 5, 9, -3"],
    "program": ["'[]', 'x', 0, 0, 0, 0"],
}


@pytest.mark.parametrize(("table", "row"), [(table, row) for table, rows in DAMAGED.items() for row in rows])
def test_rows_that_cannot_be_are_refused_and_left_out_by_a_repair(session: Path, table: str, row: str) -> None:
    with closing(sqlite3.connect(session, isolation_level=None)) as db:
        db.execute(f"DELETE FROM {table} WHERE {'run' if table == 'program' else 'id'} = 1")
        values = f"1, {row}" if table == "program" else f"NULL, {row}"
        db.execute(f"INSERT INTO {table} VALUES ({values})")
    with SessionReader(session) as reader:
        read = reader.programs if table == "program" else reader.work_spans
        with pytest.raises(NotASessionError, match="damaged"):
            read()
    found = repair(session, session.with_name("copy.plm"))
    assert found.dropped == {table: 1}
    with SessionReader(session.with_name("copy.plm")) as reader:
        assert len(reader.work_spans().rows) == (2 if table == "work_span" else 3)
        assert len(reader.programs()) == (1 if table == "work_span" else 0)
