# SPDX-License-Identifier: Apache-2.0
"""A session survives its writer, may be read while it grows, and is never trusted and never changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.analysis.session_summary import as_json, summarise
from monitor_app.core.errors import DamagedSessionError, NewerSessionError, NotASessionError, SessionError
from monitor_app.session.reader import SessionReader
from tests.session import bench

from .bench import POWER, START_NS, S, write_rich
from .other_process import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = [sys.executable, str(Path(__file__).with_name("other_process.py"))]


@contextmanager
def other_writer(path: Path, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([*OTHER, str(path), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def blocks_committed(process: subprocess.Popen[bytes]) -> int:
    return int(process.stdout.readline())


def go_on(process: subprocess.Popen[bytes], count: int) -> int:
    process.stdin.write(b"\n" * count)
    process.stdin.flush()
    return [blocks_committed(process) for _ in range(count)][-1]


def is_consistent(reader: SessionReader) -> int:
    """Whole blocks only, summaries that agree with samples; how many blocks there are."""
    end_ns = START_NS + 3600 * S
    told = reader.statistics(POWER, START_NS, end_ns)
    count = told.count // BLOCK
    current = 0.0001 * (10_000 + np.arange(count) % 1000) - 0.5
    assert told.count % BLOCK == 0
    if count:
        assert told.mean == pytest.approx((current * 10).mean(), rel=1e-9)
        assert told.maximum == (current * (0.0005 * 20_000)).max()
    return count


# -- another process -------------------------------------------------------------------------------


def test_a_file_is_read_while_another_process_writes_it(tmp_path):
    path = tmp_path / "live.plm"
    with other_writer(path) as process:
        committed = blocks_committed(process)
        with SessionReader(path) as reader:
            seen = [is_consistent(reader)]
            for _ in range(30):
                # The writer commits while these queries run.
                process.stdin.write(b"\n" * 4)
                process.stdin.flush()
                seen.append(is_consistent(reader))
                committed = [blocks_committed(process) for _ in range(4)][-1]
                assert len(reader.batches()) == committed
            assert is_consistent(reader) == committed
        assert seen == sorted(seen)
        process.stdin.close()
        assert process.wait() == 0
    with SessionReader(path) as reader:
        assert is_consistent(reader) == committed


@pytest.mark.parametrize("blocks", [1, 37, 230])
def test_what_was_committed_survives_a_killed_writer(tmp_path, blocks):
    path = tmp_path / "killed.plm"
    with other_writer(path) as process:
        blocks_committed(process)
        committed = go_on(process, blocks)
        process.kill()
        process.wait()
    with SessionReader(path) as reader:
        assert is_consistent(reader) == committed
        assert len(reader.batches(run_id=1)) == committed
        assert not summarise(reader).complete
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM samples").fetchone() == (2 * committed,)


def test_a_file_that_may_not_grow_ends_whole(tmp_path):
    path = tmp_path / "limited.plm"
    with other_writer(path, 2_000_000) as process:
        *numbers, sentence = process.stdout.read().decode().splitlines()
        assert process.wait() == 3
    assert sentence.startswith("SessionError: ")
    assert "cannot be written" in sentence
    with SessionReader(path) as reader:
        assert is_consistent(reader) == int(numbers[-1])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# -- files from elsewhere --------------------------------------------------------------------------


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Path:
    """A session with one of everything, small enough to be damaged in many places."""
    folder = tmp_path_factory.mktemp("good")
    patch = pytest.MonkeyPatch()
    patch.setattr(bench, "RATE_HZ", 500)
    patch.setattr(bench, "PERIOD_NS", 2_000_000)
    write_rich(folder / "good.plm")
    patch.undo()
    return folder / "good.plm"


def read_everything(path: Path) -> None:
    with SessionReader(path) as reader:
        for read in (reader.meta, reader.environment, reader.utc_pairs, reader.sources, reader.runs, reader.spans,
                     reader.batches, reader.marks, reader.gaps, reader.log, reader.lost_samples):  # fmt: skip
            read()
        reader.clock(1)
        reader.line_changes(1)
        reader.answers(2)
        reader.extent()
        for signal in reader.signals():
            reader.envelope(signal.id, START_NS, START_NS + 20 * S, 50)
            reader.envelope(signal.id, START_NS + S, START_NS + 3 * S, 100_000)
            reader.statistics(signal.id, START_NS, START_NS + 20 * S)
            reader.samples(signal.id, START_NS + S, START_NS + 2 * S)
            reader.time_at(signal.id, 100)
            reader.sample_rate_hz(signal.id)
        as_json(summarise(reader))


def refused(path: Path) -> str:
    before = digest(path)
    with pytest.raises(SessionError) as caught:
        read_everything(path)
    assert digest(path) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("seed", range(2))
def test_damage_anywhere_is_a_sentence_and_never_a_changed_file(good, tmp_path, seed):
    rng = np.random.default_rng(seed)
    whole = np.fromfile(good, np.uint8)
    interesting = np.flatnonzero(whole)
    path = tmp_path / "flipped.plm"
    outcomes = {"read": 0, "refused": 0}
    for number in range(60):
        data = whole.copy()
        places = rng.choice(interesting if number % 2 else len(data), 1 if number % 3 else 30)
        data[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
        path.write_bytes(data.tobytes())
        before = digest(path)
        try:
            read_everything(path)
            outcomes["read"] += 1
        except SessionError:
            outcomes["refused"] += 1
        assert digest(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["flipped.plm"]
    assert min(outcomes.values()) > 0


@pytest.mark.parametrize("share", [0, 0.00001, 0.001, 0.03, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused_or_read_and_not_changed(good, tmp_path, share):
    path = tmp_path / "cut.plm"
    data = good.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert refused(path)


def test_a_file_without_a_part_of_its_last_page_is_refused_as_it_is_opened(good, tmp_path):
    path = tmp_path / "cut.plm"
    path.write_bytes(good.read_bytes()[:-100])
    with pytest.raises(DamagedSessionError, match="its end is cut off"):
        SessionReader(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n" * 5000, bytes(100_000), b"SQLite format 3\0" * 2000])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other.plm"
    path.write_bytes(content)
    assert str(path) in refused(path)


def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "other.plm"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE meta (key, value)")
    assert "is not a session file of this program" in refused(path)


def altered(good: Path, path: Path, *statements: str) -> Path:
    shutil.copy(good, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def test_a_newer_format_is_refused_by_its_number(good, tmp_path):
    path = altered(good, tmp_path / "newer.plm", "PRAGMA user_version = 7")
    with pytest.raises(NewerSessionError, match=r"newer\.plm has session format 7, this version reads up to 1"):
        SessionReader(path)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE gap",
        "ALTER TABLE run ADD COLUMN mood TEXT",
        "UPDATE signal SET encoding = 'O' WHERE id = 1",
        "UPDATE signal SET encoding = '<f8' WHERE id = 1",
        "UPDATE signal SET quantity = 'furlong'",
        "UPDATE signal SET factor_a = 99 WHERE id = 3",
        "UPDATE samples SET data = 'text' WHERE id = 1",
        "UPDATE samples SET data = x'00' WHERE id = 1",
        "UPDATE samples SET n = -1 WHERE id = 1",
        "UPDATE samples SET n = 'many' WHERE id = 1",
        "UPDATE samples SET first = 9223372036854775807 WHERE id = 2",
        "UPDATE samples SET t_last_ns = 0 WHERE id = 1",
        "UPDATE summary SET data = x'00'",
        "UPDATE source SET lines = '{'",
        "UPDATE source SET lines = '[1]'",
        "UPDATE source SET rate_hz = 'fast'",
        "UPDATE run SET batch_size = 'large'",
        "UPDATE batch SET images = 0",
        "UPDATE batch SET top1 = 1000 WHERE top1 IS NOT NULL",
        "UPDATE batch SET end_ns = start_ns - 1",
        "UPDATE answers SET top1 = '1x0'",
        "UPDATE answers SET images_sha256 = x'ff'",
        "ALTER TABLE answers ADD COLUMN mood TEXT",
        "UPDATE span SET start_ns = x'01'",
        "UPDATE gap SET n = 'x'",
        "UPDATE clock SET bound_ns = 'x'",
        "UPDATE utc SET utc_ns = 'noon'",
        "UPDATE meta SET value = x'ff00'",
        "UPDATE mark SET text = CAST(x'ff' AS TEXT)",
        "DELETE FROM samples WHERE signal = 2 AND id > 3",
        "DROP INDEX samples_by_time",
        "UPDATE batch SET run = 4294967296",
        "INSERT INTO samples SELECT NULL, signal, first + 1, n, t_first_ns, t_last_ns, data FROM samples",
        "INSERT INTO samples SELECT NULL, signal, first + n - 1, n, t_first_ns, t_last_ns, data FROM samples",
        "INSERT INTO samples SELECT NULL, signal, first + 1, n, t_first_ns, t_last_ns, data FROM samples WHERE id > 6",
    ],
)
def test_a_value_that_cannot_be_is_refused_and_not_computed_with(good, tmp_path, statement):
    path = altered(good, tmp_path / "odd.plm", statement)
    with pytest.raises(NotASessionError):
        read_everything(path)


def test_dates_no_calendar_has_are_left_out(good, tmp_path):
    path = altered(good, tmp_path / "odd.plm", f"UPDATE utc SET utc_ns = {2**62 + 2**61}")
    with SessionReader(path) as reader:
        assert as_json(summarise(reader))["started_utc"] is None or summarise(reader).started_utc.year <= 9999


def test_a_folder_or_nothing_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.plm"):
        with pytest.raises(NotASessionError, match="check the name"):
            SessionReader(path)


@pytest.mark.parametrize("name", ["a b.plm", "100%.plm", "what?.plm", "c#.plm", "größe.plm", "x?mode=rwc.plm"])
def test_any_name_is_opened_as_it_is(good, tmp_path, name):
    shutil.copy(good, tmp_path / name)
    read_everything(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_reader_cannot_write(good, tmp_path):
    shutil.copy(good, tmp_path / "mine.plm")
    with SessionReader(tmp_path / "mine.plm") as reader, pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM mark")


def test_a_session_in_a_folder_one_may_not_write_to_is_read(good, tmp_path):
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(good, folder / "old.plm")
    os.chmod(folder / "old.plm", 0o444)
    os.chmod(folder, 0o555)
    try:
        read_everything(folder / "old.plm")
        assert [entry.name for entry in folder.iterdir()] == ["old.plm"]
    finally:
        os.chmod(folder, 0o755)


def test_closing_a_reader_twice_is_fine(good, tmp_path):
    shutil.copy(good, tmp_path / "mine.plm")
    reader = SessionReader(tmp_path / "mine.plm")
    reader.close()
    reader.close()
