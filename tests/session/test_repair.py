# SPDX-License-Identifier: Apache-2.0
"""A damaged session is saved into a new one as far as it goes, and what was lost is said."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.cli.commands.command_line import run
from monitor_app.core.errors import NotASessionError, SessionError
from monitor_app.session.reader import SessionReader
from monitor_app.session.repair import LOST, repair
from monitor_app.session.schema import PAGE_BYTES
from monitor_app.session.writer import SessionWriter
from tests.session.bench import CURRENT, POWER, RATE_HZ, START_NS, S, Truth, gap, noise, put, shunt, write_rich

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS, BLOCK = 40, 5_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """Four seconds in 40 rows a signal, a tenth of a second of them lost on the way."""
    path, truth, rng = tmp_path_factory.mktemp("written") / "s.plm", Truth(), np.random.default_rng(5)
    writer = SessionWriter(path)
    writer.add_source(1, shunt())
    for k in range(BLOCKS):
        if k == 10:
            gap(writer, k * BLOCK, BLOCK)
        else:
            put(writer, k * BLOCK, noise(rng, BLOCK), truth)
        writer.commit()
    writer.close()
    return path, truth


def tables_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names}


def altered(whole: Path, path: Path, *statements: str) -> Path:
    shutil.copy(whole, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def repaired(path: Path, truth: Truth, but: slice) -> list[str]:
    """Repair a session that has lost the samples ``but``; the sentences. Everything else is as it was."""
    before = hashlib.sha256(path.read_bytes()).digest()
    copy = path.with_name("copy.plm")
    found = repair(path, copy)
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["copy.plm", path.name]
    kept = ~np.isin(truth.index, np.arange(RATE_HZ * 10)[but])
    with SessionReader(copy) as reader:
        for signal in (CURRENT, POWER):
            times_ns, values = reader.samples(signal, START_NS, START_NS + 10 * S)
            np.testing.assert_array_equal(times_ns, truth.time_ns[kept])
            np.testing.assert_allclose(values, truth.of(signal)[kept])
            told = reader.statistics(signal, START_NS, START_NS + 10 * S)
            assert (told.count, told.maximum) == (kept.sum(), pytest.approx(truth.of(signal)[kept].max()))
        lost = [row for row in reader.gaps() if row.reason == LOST]
        assert [(row.first, row.n) for row in lost] == ([(but.start, but.stop - but.start)] if but.stop else [])
        assert reader.meta()["repaired"] == " ".join(found.sentences)
    return found.sentences


NOTHING = slice(0, 0)
DOUBLED = "INSERT INTO samples SELECT id + 1000, signal, first, n, t_first_ns, t_last_ns, data FROM samples"


def test_a_sound_session_is_copied_whole(tmp_path: Path) -> None:
    write_rich(tmp_path / "rich.plm")
    found = repair(tmp_path / "rich.plm", tmp_path / "copy.plm")
    assert found.whole
    assert found.sentences[-1] == "Nothing is known to be lost."
    before, after = tables_of(tmp_path / "rich.plm"), tables_of(tmp_path / "copy.plm")
    for table in before.keys() - {"meta", "summary"}:
        assert after[table] == before[table], table
    assert set(after["meta"]) - set(before["meta"]) == {("repaired", " ".join(found.sentences))}
    assert [row[:5] for row in after["summary"]] == [row[:5] for row in before["summary"]]


def test_a_file_that_is_cut_off_is_saved_up_to_there(written: tuple[Path, Truth], tmp_path: Path) -> None:
    whole, truth = written
    data = whole.read_bytes()
    (tmp_path / "cut.plm").write_bytes(data[: len(data) * 6 // 10])
    sentences = " ".join(found := repair(tmp_path / "cut.plm", tmp_path / "copy.plm").sentences)
    assert "are missing at its end" in sentences
    assert "of unknown size: of samples" in sentences
    assert len(found) > 2
    with SessionReader(tmp_path / "copy.plm") as reader:
        times_ns, values = reader.samples(CURRENT, START_NS, START_NS + 10 * S)
    assert 0.4 < len(times_ns) / len(truth.index) < 0.7
    np.testing.assert_array_equal(times_ns, truth.time_ns[: len(times_ns)])
    np.testing.assert_allclose(values, truth.current[: len(times_ns)])


def test_a_row_that_cannot_be_is_a_gap_in_the_copy(written: tuple[Path, Truth], tmp_path: Path) -> None:
    whole, truth = written
    path = altered(whole, tmp_path / "odd.plm", f"UPDATE samples SET data = x'00' WHERE first = {20 * BLOCK}")
    sentences = repaired(path, truth, slice(20 * BLOCK, 21 * BLOCK))
    assert f"Lost: {2 * BLOCK} samples (0.100 s) and 0 runs." in sentences


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE samples SET first = 1152921504606846975 WHERE first = {0} AND signal < 3",
        "UPDATE samples SET first = first + 300000 WHERE first = {0}",
        "UPDATE samples SET t_last_ns = 1 WHERE first = {0} AND signal = 2",
        "DELETE FROM samples WHERE first = {0}",
    ],
)
def test_one_bad_row_takes_no_good_ones_with_it(written: tuple[Path, Truth], tmp_path: Path, statement: str) -> None:
    path = altered(written[0], tmp_path / "odd.plm", statement.format(30 * BLOCK))
    repaired(path, written[1], slice(30 * BLOCK, 31 * BLOCK))


@pytest.mark.parametrize(
    "statements",
    [
        ("DROP INDEX samples_by_time",),
        ("DROP INDEX samples_by_index", DOUBLED),
        ("UPDATE summary SET data = x'00'",),
        ("DELETE FROM summary",),
        ("ALTER TABLE run ADD COLUMN mood TEXT",),
        ("ALTER TABLE samples RENAME TO hidden", "CREATE VIEW samples AS SELECT * FROM hidden"),
        ("UPDATE source SET notes = '{'",),
        ("UPDATE signal SET accuracy = 'good', name = x'ff' WHERE id = 2",),
        ("PRAGMA application_id = 7",),
        ("PRAGMA user_version = 7",),
    ],
    ids=lambda statements: statements[0][:40],
)  # fmt: skip
def test_what_does_not_touch_the_samples_loses_none(
    written: tuple[Path, Truth], tmp_path: Path, statements: tuple[str, ...]
) -> None:
    repaired(altered(written[0], tmp_path / "odd.plm", *statements), written[1], NOTHING)


@pytest.mark.parametrize("place", [slice(0, 100), slice(100, 2000), slice(0, PAGE_BYTES)])
def test_a_lost_first_page_is_that_of_any_session(written: tuple[Path, Truth], tmp_path: Path, place: slice) -> None:
    data = bytearray(written[0].read_bytes())
    data[place] = bytes(place.stop - place.start)
    (tmp_path / "odd.plm").write_bytes(data)
    repaired(tmp_path / "odd.plm", written[1], NOTHING)


def test_commits_in_a_wal_are_saved_too(tmp_path: Path) -> None:
    truth, rng = Truth(), np.random.default_rng(6)
    writer = SessionWriter(tmp_path / "live.plm")
    writer.add_source(1, shunt())
    put(writer, 0, noise(rng, BLOCK), truth)
    writer.commit()
    with pytest.raises(SessionError, match="is being recorded: end the recording first"):
        repair(tmp_path / "live.plm", tmp_path / "copy.plm")
    (tmp_path / "killed").mkdir()
    for name in ("live.plm", "live.plm-wal"):
        shutil.copy(tmp_path / name, tmp_path / "killed" / name)
    writer.close()
    repair(tmp_path / "killed" / "live.plm", tmp_path / "copy.plm")
    assert sorted(entry.name for entry in (tmp_path / "killed").iterdir()) == ["live.plm", "live.plm-wal"]
    with SessionReader(tmp_path / "copy.plm") as reader:
        np.testing.assert_allclose(reader.samples(CURRENT, START_NS, START_NS + S)[1], truth.current)


def test_nothing_is_overwritten_and_nothing_is_made_of_nothing(written: tuple[Path, Truth], tmp_path: Path) -> None:
    (tmp_path / "mine.plm").write_bytes(b"mine")
    (tmp_path / "other.plm").write_bytes(b"hello" * 10_000)
    for file, copy, error, words in (
        (written[0], tmp_path / "mine.plm", SessionError, "exists already"),
        (written[0], written[0], SessionError, "exists already"),
        (written[0], tmp_path / "no" / "copy.plm", SessionError, "cannot be written"),
        (tmp_path / "other.plm", tmp_path / "copy.plm", NotASessionError, "there is nothing to save"),
        (tmp_path / "none.plm", tmp_path / "copy.plm", NotASessionError, "check the name"),
    ):
        with pytest.raises(error, match=words):
            repair(file, copy)
    assert (tmp_path / "mine.plm").read_bytes() == b"mine"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mine.plm", "other.plm"]


def test_the_sentence_of_a_damaged_file_names_the_command_that_saves_it(
    written: tuple[Path, Truth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = altered(written[0], tmp_path / "odd one.plm", "UPDATE samples SET data = x'00' WHERE id = 3")
    assert run(["export", str(path), "--format", "csv", "-o", str(tmp_path / "s.csv")]) == 1
    told = capsys.readouterr().err
    assert told.strip("\n").count("\n") == 0
    assert f"is damaged (current at sample {BLOCK} has a wrong length): `monitor-app repair '{path}' -o COPY`" in told
    assert run(["repair", str(path), "-o", str(tmp_path / "copy.plm"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["whole"], document["lost_samples"], document["dropped"]) == (False, 2 * BLOCK, {"samples": 2})
    assert run(["export", str(tmp_path / "copy.plm"), "--format", "csv", "-o", str(tmp_path / "s.csv")]) == 0
    assert run(["repair", str(path), "-o", str(tmp_path / "copy.plm")]) == 1
