# SPDX-License-Identifier: Apache-2.0
"""docs/session-format.md is what it says it is: its tables, its queries, its code and its list of keys."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor_app.analysis.link import BoardLink
from monitor_app.analysis.run.batch_energy import BatchEnergy
from monitor_app.analysis.run.energy import Budget
from monitor_app.analysis.run.load.under_load import LoadResult
from monitor_app.analysis.run.stages import StageResult
from monitor_app.analysis.session_summary import as_json, summarise
from monitor_app.core.estimate import Estimate
from monitor_app.core.offered_load import OfferedLoad
from monitor_app.core.runs import Phase, RunState
from monitor_app.session import pyramid as summary
from monitor_app.session import schema
from monitor_app.session.reader import SessionReader

from .bench import POWER, RATE_HZ, START_NS, UTC_OFFSET_NS, S, write_rich

DOCUMENT = (Path(__file__).parents[2] / "docs" / "session-format.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def section(number: int) -> str:
    return re.search(rf"^## {number}\. .*?(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE)[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("document") / "rich.plm"
    write_rich(file)
    return file


@pytest.fixture
def db(path):
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        yield db


def test_the_file_is_marked_as_documented(db):
    assert db.execute("PRAGMA application_id").fetchone() == (0x504C4D31,)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("PRAGMA page_size").fetchone() == (16 * 1024,)
    assert f"# The session file, format {schema.FORMAT_VERSION}" in DOCUMENT


def test_every_table_and_column_is_documented(db):
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    parts = re.split(r"^### ", section(2), flags=re.MULTILINE)[1:]
    for table in tables:
        part = next(part for part in parts if table in part.splitlines()[0].partition(":")[0].split(", "))
        for _, column, *_ in db.execute(f"PRAGMA table_info({table})"):
            assert re.search(rf"\b{column}\b", part), f"{table}.{column}"


def test_every_phase_and_state_is_documented():
    for value in (*Phase, *RunState):
        assert f"`{value.value}`" in section(2)


def test_sizes_of_groups_and_entries_are_as_documented():
    sizes = ", ".join(f"{summary.entry_size(level):,}".replace(",", " ") for level in range(1, summary.LEVELS + 1))
    assert sizes in DOCUMENT
    assert f"n entries of {summary.STORED.itemsize} bytes" in DOCUMENT
    short = {"<u4": "u32", "<f4": "f32", "<f8": "f64"}
    for name, (kind, offset, *_) in summary.STORED.fields.items():
        assert f"| {offset} | {short[kind.str]} `{name}` |" in DOCUMENT


def test_the_first_query_gives_batches_of_runs(db):
    rows = db.execute(blocks("sql")[0]).fetchall()
    assert [row[:4] for row in rows] == [(1, "Resnet18", 100, 20), (2, "Alexnet", 100, 2)]
    assert rows[0][4:] == pytest.approx((147.5, 2000 / 3.995))
    assert rows[1][4:] == pytest.approx((1000, 100))


def test_the_second_query_gives_percentiles(db):
    rows = db.execute(blocks("sql")[1]).fetchall()
    assert rows == [("alexnet", 100, 2, 1000, 1000, 1000), ("resnet18", 100, 20, 145, 185, 195)]


def test_the_third_query_gives_what_was_lost(db):
    [row] = db.execute(blocks("sql")[2]).fetchall()
    seconds = UTC_OFFSET_NS // S + 13
    [(at_utc,)] = db.execute("SELECT datetime(?, 'unixepoch')", (seconds,)).fetchall()
    assert row == ("shunt", 13 * RATE_HZ, RATE_HZ // 2, at_utc, 0.5, "lost on the way", 2, "timed")


def test_there_is_a_test_for_every_query():
    assert len(blocks("sql")) == 3


def test_the_snippets_read_what_the_reader_reads(path):
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "session-format.md", "exec"), names)
    times, values = names["read_signal"](path, "current")
    with SessionReader(path) as reader:
        wanted_times, wanted_values = reader.samples(1, START_NS - S, START_NS + 100 * S)
        whole = reader.statistics(POWER, START_NS - S, START_NS + 100 * S)
    np.testing.assert_array_equal(times, wanted_times)
    np.testing.assert_array_equal(values, wanted_values)
    assert names["mean_power"](path) == pytest.approx({1: 8.0, 2: 5.0})
    for level in (1, 2, 3):
        first, entries = names["read_summary"](path, "power", level)
        assert int(entries["n"].sum()) == whole.count
        assert np.average(entries["mean"], weights=entries["n"]) == pytest.approx(whole.mean)
        assert (first % (64 * 16 ** (level - 1)) == 0).all()
    assert len(blocks("python")[0].splitlines()) <= 18


NOT_FIXED = {"machine", "runs[].facts", "runs[].metrics", "runs[].parts"}
"""Objects whose keys are those of a table, or of other objects, and documented there."""
ENDS = {"interval", "mean", "p50", "p90", "p95", "p99"}
"""Intervals, which are documented as one value: a list of two ends, or null."""


STAGE = StageResult("compute", Estimate(0.01, 0.009, 0.011), 0.8, Estimate(0.1, 0.09, 0.11), None)
ENERGY = BatchEnergy(20.0, 10.0, 5.0, Budget(0, 0, 0, 0, 0, 0, 0), clock_warning=False)
UNDER_LOAD = LoadResult(
    OfferedLoad("poisson", 8.0), 8.0, 7.9, 10.0, 0.8, Estimate(0.2, 0.1, 0.3), 0, None, ENERGY, images=100
)


def paths_of(value: object, prefix: str = "") -> set[str]:
    if prefix in NOT_FIXED:
        return {prefix}
    if isinstance(value, dict):
        own = {prefix} if prefix == "board" or prefix.startswith("runs[].") else set()
        return own.union(*(paths_of(item, f"{prefix}.{key}" if prefix else key) for key, item in value.items()))
    if isinstance(value, list) and prefix.rpartition(".")[2] in ENDS:
        return {prefix}
    if isinstance(value, list):
        return set().union(*(paths_of(item, f"{prefix}[]") for item in value))
    return {prefix}


def test_the_keys_of_show_json_are_those_documented(path):
    documented = re.findall(r"^\| `([^`]+)` \|", section(8), re.MULTILINE)
    assert len(documented) == len(set(documented))
    with SessionReader(path) as reader:
        here = summarise(reader)
    runs = (replace(here.runs[0], load=UNDER_LOAD, stages=(STAGE,)), *here.runs[1:])
    shown = as_json(replace(here, runs=runs, link=BoardLink("tx1", "bench-tx1", 300_000, 900_000)))
    assert as_json(here)["board"] is None
    assert paths_of(shown) - {""} == set(documented)
    assert shown["runs"][2]["latency_ms"] is None
