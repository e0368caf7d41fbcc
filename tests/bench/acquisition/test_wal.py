# SPDX-License-Identifier: Apache-2.0
"""A recording beside programs that keep its file from being written, or its -wal from shrinking."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor_app.bench.acquisition import recorder as recorder_module
from monitor_app.bench.acquisition.recorder import Recorder
from monitor_app.bench.bench import Bench, _Meter
from monitor_app.cli.tables import status_line
from monitor_app.core.errors import DiskFullError
from monitor_app.session import wal
from monitor_app.session.reader import SessionReader
from monitor_app.session.wal import Sizes
from monitor_app.sources.profile_reader import parse_profile
from tests.session.bench import CURRENT, PERIOD_NS, START_NS, S, shunt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor_app.session.writer import SessionWriter


COMMITS = 360
"""Each with ten seconds of samples: an hour."""
BLOCK = 10
"""Samples a commit: what a commit writes is mostly whole pages of indices, however many samples it has."""
STRANGER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(sys.argv[2])
print(db.execute("SELECT count(*) FROM samples").fetchone()[0], flush=True)
sys.stdin.readline()
print(db.execute("SELECT count(*) FROM samples").fetchone()[0], flush=True)
db.execute("ROLLBACK")
"""


@contextmanager
def stranger(path: Path, transaction: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another program with an open transaction on a session."""
    command = [sys.executable, "-I", "-S", "-c", STRANGER, str(path), transaction]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits so small that an hour fits into a second: each commit is looked at."""
    monkeypatch.setattr(recorder_module, "COMMIT_EVERY_S", 0.001)
    monkeypatch.setattr(recorder_module, "DURABLE_EVERY_S", 0.0)
    monkeypatch.setattr(recorder_module, "HELD_BYTES", 10_000_000)
    for module in (recorder_module, wal):
        monkeypatch.setattr(module, "BACKLOG_BYTES", 6_000_000)
    monkeypatch.setattr(wal, "KEPT_BYTES", 5_000_000)
    monkeypatch.setattr(wal, "_COPY_EVERY_S", 0.01)


def commit(recorder: Recorder, k: int) -> None:
    """Ten seconds of samples, written before the next."""
    done = threading.Event()

    def write(writer: SessionWriter) -> None:
        codes = np.full(BLOCK, 6000, "<u2"), np.full(BLOCK, 20_000, "<u2")
        first_ns = START_NS + k * BLOCK * PERIOD_NS
        writer.write_block(1, k * BLOCK, codes, first_ns, first_ns + (BLOCK - 1) * PERIOD_NS)
        done.set()

    recorder.put(write)
    assert done.wait(60)


def test_a_snapshot_held_for_an_hour_is_told_and_costs_no_sample(
    tmp_path: Path, quick: None, wait_until: Callable[..., None]
) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    try:
        recorder.put(lambda writer: writer.add_source(1, shunt()))
        commit(recorder, 0)
        with stranger(recorder.path, "BEGIN") as process:
            told_at = 0
            for k in range(1, COMMITS):
                commit(recorder, k)
                if recorder.notice and not told_at:
                    told_at = recorder.sizes.wal
            assert recorder.sizes.wal > 10_000_000
            assert 0 < told_at < 12_000_000
            assert f"(process {process.pid}) has kept a transaction on s.plm open" in recorder.notice
            before, after = process.communicate(b"\n")[0], recorder.sizes.wal
            assert int(before) <= 2
            assert after > 10_000_000
        wait_until(lambda: recorder.notice == "")
        assert (tmp_path / "s.plm-wal").stat().st_size <= 6_000_000
    finally:
        recorder.close()
    assert recorder.failure is None
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.plm"]
    with SessionReader(recorder.path) as reader:
        assert reader.statistics(CURRENT, START_NS, START_NS + 3600 * S).count == COMMITS * BLOCK
        held, small = [row.text for row in reader.log()]
    assert "end that transaction or program" in held
    assert small == "The -wal file of s.plm is small again."


def test_without_readers_the_wal_stays_small_and_nothing_is_told(tmp_path: Path, quick: None) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    try:
        recorder.put(lambda writer: writer.add_source(1, shunt()))
        for k in range(200):
            commit(recorder, k)
        assert recorder.sizes.wal <= 6_000_000
        assert recorder.notice == ""
    finally:
        recorder.close()


def test_a_recording_ends_while_a_snapshot_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor_app.session.writer.CLOSING_MS", 10)
    recorder = Recorder(tmp_path / "s.plm")
    recorder.put(lambda writer: writer.add_source(1, shunt()))
    commit(recorder, 0)
    with stranger(recorder.path, "BEGIN") as process:
        commit(recorder, 1)
        recorder.close()
        assert recorder.failure is None
        with SessionReader(recorder.path) as reader:
            assert reader.statistics(CURRENT, START_NS, START_NS + S).count == 2 * BLOCK
        process.communicate(b"\n")


def test_a_file_that_another_program_has_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(recorder_module, "LATE_S", 0.1)
    recorder = Recorder(tmp_path / "s.plm")
    try:
        recorder.put(lambda writer: writer.add_source(1, shunt()))
        commit(recorder, 0)
        with stranger(recorder.path, "BEGIN IMMEDIATE") as process:
            recorder.put(lambda writer: writer.write_mark(1, "note", "meanwhile"))
            wait_until(lambda: "end the program that has locked it" in recorder.notice)
            process.communicate(b"\n")
        monkeypatch.setattr(recorder_module, "LATE_S", 60.0)
        wait_until(lambda: recorder.notice == "")
    finally:
        recorder.close()
    assert recorder.failure is None
    with SessionReader(recorder.path) as reader:
        assert [mark.text for mark in reader.marks()] == ["meanwhile"]


def test_the_forecast_of_the_disk_counts_what_the_wal_has_still_to_put_into_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr("monitor_app.bench.bench.time.monotonic", lambda: now[0])
    meter, sizes = _Meter(), Sizes()

    def look(file_mb: int, wal_mb: int) -> None:
        nonlocal sizes
        now[0] += 10.0
        sizes = sizes.then(file_mb * 10**6, wal_mb * 10**6)
        meter.look(sizes)

    meter.look(sizes)
    assert meter.disk_left_s(10**9) is None
    look(1, 4)
    look(1, 24)
    # The -wal has grown by 2 MB/s, and each of them will be needed twice.
    assert meter.file_bytes == 25_000_000
    assert meter.disk_left_s(10**9) == pytest.approx((1e9 - 23e6) / 4e6)
    assert meter.disk_left_s(10**7) == 0
    # The snapshot ends: 10 MB are copied while 20 MB come.
    look(11, 44)
    assert meter.disk_left_s(10**9) == pytest.approx((1e9 - 33e6) / 4e6)
    # The rest is copied, the -wal is cut, and the file takes all that comes.
    look(64, 8)
    assert meter.disk_left_s(10**9) == pytest.approx(1e9 / 2e6)
    look(84, 8)
    assert meter.disk_left_s(10**9) == pytest.approx(1e9 / 2e6)


def test_a_disk_is_full_when_the_wal_could_not_be_put_into_the_file_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    recorder.close()
    usage = recorder_module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(recorder_module.shutil, "disk_usage", lambda _: usage._replace(free=1_100_000_000))
    recorder.sizes = Sizes(10**9, 10**9, 800_000_000)
    recorder._check_disk()
    recorder.sizes = Sizes(10**9, 10**9, 1_000_000_000)
    with pytest.raises(DiskFullError, match="Only 1100 MB are left"):
        recorder._check_disk()


def test_who_reads_the_wal_is_seen(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.plm")
    try:
        commit_of_nothing = threading.Event()
        recorder.put(lambda writer: commit_of_nothing.set())
        assert commit_of_nothing.wait(60)
        with closing(sqlite3.connect(recorder.path)) as idle, stranger(recorder.path, "BEGIN") as process:
            idle.execute("SELECT count(*) FROM samples").fetchall()
            assert process.pid in wal._reading(recorder.path)
            process.communicate(b"\n")
    finally:
        recorder.close()


def test_what_another_program_does_is_in_the_status_beside_any_other_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Recorder, "notice", "A program holds the file.")
    text = 'title = "none"\n'
    bench = Bench(parse_profile(text, "test"), text, tmp_path / "s.plm")
    try:
        assert bench.status().message == "A program holds the file."
        bench.message = "A command failed."
        assert bench.status().message == "A command failed. A program holds the file."
        assert status_line(bench.status(), 1.0, None).endswith("A command failed. A program holds the file.")
    finally:
        bench.close()
