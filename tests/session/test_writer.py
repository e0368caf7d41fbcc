# SPDX-License-Identifier: Apache-2.0
"""What the writer puts into the tables, by plain SQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from monitor_app.core.clock import ClockMethod, ClockState, Delay
from monitor_app.core.runs import Batch, Phase, RunSpec, RunState
from monitor_app.core.samples import LineChanges, Quantity, Signal, SourceInfo
from monitor_app.session.writer import SessionWriter

from .bench import POWER, START_NS, put, shunt, steady

SHIFT_NS = 1000
BASE, FACTOR = 64, 16


@pytest.fixture
def writer(tmp_path):
    found = SessionWriter(tmp_path / "s.plm")
    yield found
    found.close()


def rows(writer: SessionWriter, sql: str) -> list[tuple]:
    """As another program sees them."""
    writer.commit()
    with closing(sqlite3.connect(writer.path)) as db:
        return db.execute(sql).fetchall()


def test_every_host_time_is_shifted_in_a_resumed_file(writer):
    writer.shift_ns = SHIFT_NS
    writer.add_source(1, shunt())
    writer.write_utc(10, 99)
    writer.write_gap(1, 0, 5, 11, 12, "lost")
    writer.write_open_gap(1, 5, 5, 13, 14, "silent")
    writer.write_block(1, 10, steady(1, 3), 20, 24)
    writer.write_timed_block(1, 13, steady(1, 3), np.array([2000, 9000, 9500]))
    writer.write_clock(1, 30, ClockState(1e6, 7, ClockMethod.LINE))
    writer.write_alignment(1, 31, Delay(5, 6, 0.5))
    writer.write_mark(32, "note", "text")
    writer.write_log(33, "warning", "text")
    writer.add_run(1, 1, RunSpec("x"), "X", RunState.WAITING)
    writer.start_run(1, 34)
    writer.open_span(1, 1, Phase.TIMED, 35)
    writer.write_batches(1, [Batch(Phase.TIMED, 36, 37, 1)])
    writer.close_span(1, 38)
    writer.end_run(1, RunState.DONE, None, 39)
    found = {
        sql: rows(writer, f"SELECT {sql}")
        for sql in (
            "host_ns, utc_ns FROM utc", "start_ns, end_ns FROM gap ORDER BY id", "host_ns FROM clock",
            "host_ns FROM alignment", "host_ns FROM mark", "host_ns FROM log", "started_ns, ended_ns FROM run",
            "start_ns, end_ns FROM span", "start_ns, end_ns FROM batch",
            "t_first_ns, t_last_ns FROM samples WHERE signal = 1 ORDER BY first",
        )
    }  # fmt: skip
    assert list(found.values()) == [
        [(1010, 99)], [(1011, 1012), (1013, 1014)], [(1030,)], [(1031,)], [(1032,)], [(1033,)], [(1034, 1039)],
        [(1035, 1038)], [(1036, 1037)], [(1020, 1024), (3000, 3000), (10_000, 10_000), (10_500, 10_500)],
    ]  # fmt: skip


def test_signals_are_numbered_from_one_and_a_product_names_its_factors(writer):
    zeroed = Signal("idle", Quantity.POWER, zero=0.25)
    writer.add_source(1, shunt())
    writer.add_source(2, SourceInfo("rail", "test", "m", "1", "1", 25.0, (zeroed,)))
    told = rows(writer, "SELECT id, source, name, encoding, factor_a, factor_b FROM signal ORDER BY id")
    assert told == [
        (1, 1, "current", "<u2", None, None), (2, 1, "voltage", "<u2", None, None), (3, 1, "power", "product", 1, 2),
        (4, 2, "idle", "<f4", None, None),
    ]  # fmt: skip
    assert rows(writer, "SELECT * FROM zero_limit") == [(4, 0.25)]


def test_summaries_of_higher_levels_wait_until_they_fill_a_row(writer):
    """Level 1 comes at once; of level 2 sixteen, which is when the first of level 3 is complete."""
    writer.add_source(1, shunt())
    size, sql = BASE * FACTOR, f"SELECT level, first, n FROM summary WHERE signal = {POWER} ORDER BY level, first"
    put(writer, 0, steady(1, size * (FACTOR - 1)))
    assert rows(writer, sql) == [(1, 0, FACTOR * (FACTOR - 1))]
    put(writer, size * (FACTOR - 1), steady(1, size))
    assert rows(writer, sql) == [(1, 0, FACTOR * (FACTOR - 1)), (1, size * (FACTOR - 1), FACTOR), (2, 0, FACTOR)]
    put(writer, size * FACTOR, steady(1, 2 * BASE))
    assert rows(writer, sql)[2:] == [(1, size * FACTOR, 2), (2, 0, FACTOR)]


def test_durable_commits_are_counted(writer):
    sql = "SELECT value FROM meta WHERE key = 'durable_commits'"
    assert rows(writer, sql) == []
    for count in ("1", "2", "3"):
        writer.commit(durable=True)
        assert rows(writer, sql) == [(count,)]


def test_an_open_gap_is_replaced_and_goes_when_samples_come(writer):
    sql = "SELECT first, n, reason FROM gap ORDER BY id"
    writer.add_source(1, shunt())
    writer.write_gap(1, 0, 5, 0, 5, "lost")
    writer.write_open_gap(1, 5, 3, 5, 8, "silent")
    writer.write_open_gap(1, 5, 6, 5, 11, "silent")
    assert rows(writer, sql) == [(0, 5, "lost"), (5, 6, "silent")]
    writer.remove_open_gap(1)
    writer.remove_open_gap(1)
    assert rows(writer, sql) == [(0, 5, "lost")]


def test_changes_and_implausible_samples_are_those_of_their_source(writer):
    writer.add_source(5, shunt())
    writer.write_line_changes(5, LineChanges(np.array([3, 7]), np.array([0, 1], "u1"), np.array([1, 0], "u1")))
    writer.write_implausible(5, np.array([4, 9]))
    assert rows(writer, "SELECT * FROM line_change ORDER BY 3") == [(5, 0, 3, 1), (5, 1, 7, 0)]
    assert rows(writer, "SELECT * FROM implausible ORDER BY 2") == [(5, 4), (5, 9)]


def test_a_run_is_written_with_all_that_it_was_asked_for(writer):
    spec = RunSpec("x", batch_size=4, channels_last=True, compiled=False)
    writer.add_run(3, 2, spec, "X", RunState.WAITING)
    told = rows(writer, "SELECT id, cycle, network, title, batch_size, channels_last, compiled, state FROM run")
    assert told == [(3, 2, "x", "X", 4, 1, 0, RunState.WAITING.value)]
    writer.end_run(3, RunState.FAILED, "no memory", START_NS)
    assert rows(writer, "SELECT state, error, started_ns FROM run") == [(RunState.FAILED.value, "no memory", None)]


def test_another_program_may_lock_the_file_for_a_minute(writer):
    assert writer._db.execute("PRAGMA busy_timeout").fetchone() == (60_000,)
