# SPDX-License-Identifier: Apache-2.0
"""Writes a session file. Used from one thread; nothing is on disk before ``commit``."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import astuple
from typing import TYPE_CHECKING

import numpy as np

from monitor_app.core.errors import DiskFullError, MonitorError, SessionError, SessionMovedError
from monitor_app.core.host_time import CLOCK_NAME
from monitor_app.session import schema
from monitor_app.session.file_place import FilePlace
from monitor_app.session.files import saved_copy
from monitor_app.session.host_clock import BOOT_ID, CLOCK, SHIFT, read_host_clock
from monitor_app.session.pyramid import FACTOR, Entries, contiguous_runs, entry_size, pack
from monitor_app.session.resume import PARTS, EarlierParts, open_to_resume
from monitor_app.session.source_state import INTERRUPTED, Block, Channel, Source, sample_rows
from monitor_app.session.wal import Sizes, WriteAheadLog
from monitor_app.session.writer_lock import WriterLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor_app.core.clock import ClockState, Delay
    from monitor_app.core.markers import Marker
    from monitor_app.core.runs import Batch, ImageAnswers, MemoryUse, Phase, RunSpec, RunState
    from monitor_app.core.samples import LineChanges, Signal, SourceInfo


LOCKED_MS = 60_000
"""How long a commit waits for another program that has locked the file. What is measured meanwhile waits in memory."""
CLOSING_MS = 1000
"""How long the end of a recording waits for readers, to leave a single file."""


class SessionWriter:
    """A session file being written. Any call may raise DiskFullError or SessionError; then only close is left."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """A new file, or with `resume` one that is there. Raises SessionError where it exists or cannot be created."""
        self.path = path
        self._db, self._lock, self._past = open_to_resume(path) if resume else _created(path)
        self.shift_ns = self._past.shift_ns
        """Added to every host time that is written, so that times increase in a resumed file."""
        self.next_run_id, self.next_span_id = self._past.next_run_id, self._past.next_span_id
        """Smaller ids were used by earlier parts."""
        self._failed = False
        # Opening waits only a moment, so that a refusal comes soon.
        self._db.execute(f"PRAGMA busy_timeout = {LOCKED_MS}")
        self._wal = WriteAheadLog(self._db, path)
        self._file = FilePlace(path)
        self._sources: dict[int, Source] = {}
        """By the number that the caller gives them; in the file they may have another."""
        self._execute("BEGIN")
        if not resume:
            self.set_meta({BOOT_ID: read_host_clock().boot_id, CLOCK: CLOCK_NAME, SHIFT: "0", PARTS: "1"})

    @classmethod
    def resume(cls, path: Path) -> SessionWriter:
        """Resume a session that is not being written, however its recording ended.

        Raises:
            NotASessionError: It is not a session, or it is damaged.
            NewerSessionError: It is of a later version.
            SessionError: Another process is writing it, or it cannot be written.
        """
        return cls(path, resume=True)

    # -- the session --------------------------------------------------------------------------

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Facts about the session as a whole: versions, board, host, profile text."""
        self._execute_many("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def set_environment(self, values: Mapping[str, str]) -> None:
        """Facts about what the networks ran on: library versions, threads, power mode."""
        self._execute_many("INSERT OR REPLACE INTO environment VALUES (?, ?)", values.items())

    def write_utc(self, host_ns: int, utc_ns: int) -> None:
        """One pair of monotonic and UTC time."""
        self._execute("INSERT OR REPLACE INTO utc VALUES (?, ?)", (self._at(host_ns), utc_ns))

    def add_source(self, source_id: int, info: SourceInfo) -> None:
        """A source and its signals, before its first block. A source of an earlier part is resumed where possible."""
        self._sources[source_id] = self._past.claim(info) or self._new_source(source_id, info)

    def _new_source(self, source_id: int, info: SourceInfo) -> Source:
        past = self._past
        if past.source_id:
            source_id = past.source_id = past.source_id + 1
        self._execute(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (source_id, past.free_name(info.name), info.kind, info.model, info.serial_number, info.firmware,
             info.rate_hz, json.dumps(info.lines), int(info.simulated), json.dumps(info.notes)),
        )  # fmt: skip
        stored = [self._add_signal(source_id, signal, {}) for signal in info.stored_signals]
        ids = {channel.signal.name: channel.id for channel in stored}
        return Source(source_id, stored, [self._add_signal(source_id, signal, ids) for signal in info.derived_signals])

    def _add_signal(self, source_id: int, signal: Signal, ids: dict[str, int]) -> Channel:
        self._past.signal_id += 1
        factors = [ids[name] for name in signal.product_of] if signal.product_of else [None, None]
        self._execute(
            "INSERT INTO signal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._past.signal_id, source_id, signal.name, signal.quantity.value, signal.role.value,
             "product" if signal.product_of else signal.dtype, signal.scale, signal.offset,
             signal.resolution, signal.accuracy, *factors),
        )  # fmt: skip
        if signal.zero is not None:
            self._execute("INSERT INTO zero_limit VALUES (?, ?)", (self._past.signal_id, signal.zero))
        return Channel(self._past.signal_id, signal)

    # -- samples ---------------------------------------------------------------------------------

    def write_block(
        self,
        source_id: int,
        first: int,
        codes: tuple[NDArray[np.generic], ...],
        t_first_ns: int,
        t_last_ns: int,
    ) -> None:
        """Samples ``first`` to ``first + n - 1``; ``first`` never decreases, and missing indices are losses."""
        self._add_block(source_id, first, codes, np.array([t_first_ns, t_last_ns], np.int64), even=True)

    def write_timed_block(
        self, source_id: int, first: int, codes: tuple[NDArray[np.generic], ...], times_ns: NDArray[np.int64]
    ) -> None:
        """As write_block, for samples each of which has its own time; times increase."""
        self._add_block(source_id, first, codes, times_ns, even=False)

    def _add_block(
        self,
        source_id: int,
        first: int,
        codes: tuple[NDArray[np.generic], ...],
        times_ns: NDArray[np.int64],
        *,
        even: bool,
    ) -> None:
        source, times_ns = self._sources[source_id], times_ns + self.shift_ns
        self._place(source, first, int(times_ns[0]))
        source.add(first, codes, times_ns, even=even)

    def _place(self, source: Source, first: int, start_ns: int) -> int:
        """Index in the file of a sample; the first one of this part also records the gap before it."""
        if source.offset is None and (pause := source.resume(first, start_ns)) is not None:
            self._add_gap(source.id, pause.first, 0, pause.start_ns, pause.end_ns, INTERRUPTED)
        return source.index(first)

    def write_gap(self, source_id: int, first: int, n: int, start_ns: int, end_ns: int, reason: str) -> None:
        """Samples ``first`` to ``first + n - 1`` never arrived."""
        source, start_ns, end_ns = self._sources[source_id], self._at(start_ns), self._at(end_ns)
        self._add_gap(source.id, self._place(source, first, start_ns), n, start_ns, end_ns, reason)

    def write_open_gap(self, source_id: int, first: int, n: int, start_ns: int, end_ns: int, reason: str) -> None:
        """As `write_gap`, of samples that are still missing: called again, it replaces what it wrote before."""
        self.remove_open_gap(source_id)
        source, start_ns, end_ns = self._sources[source_id], self._at(start_ns), self._at(end_ns)
        source.open_gap = self._add_gap(source.id, self._place(source, first, start_ns), n, start_ns, end_ns, reason)

    def remove_open_gap(self, source_id: int) -> None:
        """Samples have come again, and the gap before them is written with `write_gap`."""
        source = self._sources[source_id]
        if source.open_gap is not None:
            self._execute("DELETE FROM gap WHERE id = ?", (source.open_gap,))
            source.open_gap = None

    def _add_gap(self, number: int, first: int, n: int, start_ns: int, end_ns: int, reason: str) -> int | None:
        return self._execute(
            "INSERT INTO gap (source, first, n, start_ns, end_ns, reason) VALUES (?, ?, ?, ?, ?, ?)",
            (number, first, n, start_ns, end_ns, reason),
        ).lastrowid

    def write_line_changes(self, source_id: int, changes: LineChanges) -> None:
        """Changes of the digital lines, with sample indices counted as in write_block; after the block itself."""
        source = self._sources[source_id]
        indices = (source.index(index) for index in changes.index.tolist())
        rows = zip(changes.line.tolist(), indices, changes.level.tolist(), strict=True)
        self._execute_many(
            "INSERT OR REPLACE INTO line_change VALUES (?, ?, ?, ?)", ((source.id, *row) for row in rows)
        )

    def write_clock(self, source_id: int, host_ns: int, state: ClockState) -> None:
        """The clock fit of a source as it stood at host_ns."""
        self._execute(
            "INSERT OR REPLACE INTO clock VALUES (?, ?, ?, ?, ?)",
            (self._sources[source_id].id, self._at(host_ns), state.rate_hz, state.bound_ns, state.method.value),
        )

    def write_alignment(self, source_id: int, host_ns: int, delay: Delay) -> None:
        """The delay of a source, found from a load-step sequence played at host_ns.

        ``source_id`` is that in the file.
        """
        self._execute(
            "INSERT OR REPLACE INTO alignment VALUES (?, ?, ?, ?, ?)",
            (source_id, self._at(host_ns), delay.delay_ns, delay.bound_ns, delay.correlation),
        )

    def write_implausible(self, source_id: int, samples: NDArray[np.int64]) -> None:
        """Samples, counted as in write_block, that a bit flipped on the line explains best; after their block."""
        source = self._sources[source_id]
        rows = ((source.id, source.index(index)) for index in samples.tolist())
        self._execute_many("INSERT OR IGNORE INTO implausible VALUES (?, ?)", rows)

    # -- runs ------------------------------------------------------------------------------------

    def add_run(self, run_id: int, cycle: int, spec: RunSpec, title: str, state: RunState) -> None:
        """A run as planned."""
        self._execute(
            "INSERT INTO run (id, cycle, network, title, batch_size, precision, device, threads, channels_last, "
            "compiled, power_mode, clocks, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (run_id, cycle, spec.network, title, spec.batch_size, spec.precision, spec.device, spec.threads,
             int(spec.channels_last), int(spec.compiled), spec.power_mode, spec.clocks, state.value),
        )  # fmt: skip
        self.write_run_facts(run_id, spec.facts)

    def write_run_facts(self, run_id: int, facts: Mapping[str, str]) -> None:
        """What else is known of a run, by name: its back end, and all that changes its times."""
        rows = ((run_id, key, value) for key, value in facts.items())
        self._execute_many("INSERT OR REPLACE INTO run_fact VALUES (?, ?, ?)", rows)

    def start_run(self, run_id: int, host_ns: int) -> None:
        """Its turn has come."""
        self.update_run(run_id, started_ns=host_ns + self.shift_ns)

    def end_run(self, run_id: int, state: RunState, error: str | None, host_ns: int) -> None:
        """It is over, one way or another."""
        self.update_run(run_id, state=state.value, error=error, ended_ns=host_ns + self.shift_ns)

    def update_run(self, run_id: int, **columns: str | int | None) -> None:
        """Set columns of a run as they become known."""
        names = ", ".join(f"{name} = ?" for name in columns)
        self._execute(f"UPDATE run SET {names} WHERE id = ?", (*columns.values(), run_id))

    def open_span(self, span_id: int, run_id: int, phase: Phase, start_ns: int) -> None:
        """A phase has begun; its end is null until close_span."""
        self._execute("INSERT INTO span VALUES (?, ?, ?, ?, NULL)", (span_id, run_id, phase.value, self._at(start_ns)))

    def close_span(self, span_id: int, end_ns: int) -> None:
        self._execute("UPDATE span SET end_ns = ? WHERE id = ?", (self._at(end_ns), span_id))

    def write_batches(self, run_id: int, batches: Iterable[Batch]) -> None:
        """Forward passes that have ended."""
        self._execute_many(
            "INSERT INTO batch (run, phase, start_ns, end_ns, images, top1, top5, device_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    run_id,
                    b.phase.value,
                    b.start_ns + self.shift_ns,
                    b.end_ns + self.shift_ns,
                    b.images,
                    b.top1,
                    b.top5,
                    b.device_ns,
                )
                for b in batches
            ),
        )

    def write_answers(self, run_id: int, answers: ImageAnswers) -> None:
        """The answer to each image of the accuracy phase."""
        self._execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (run_id, answers.images_sha256, answers.top1))

    def write_memory(self, run_id: int, uses: Iterable[MemoryUse]) -> None:
        """Memory of a run, one row an account."""
        self._execute_many(
            "INSERT OR REPLACE INTO memory VALUES (?, ?, ?, ?)",
            ((run_id, use.kind.value, use.peak_bytes, use.floor_bytes) for use in uses),
        )

    def write_mark(self, host_ns: int, kind: str, text: str, run_id: int | None = None) -> None:
        """Something worth seeing on the time axis."""
        self._execute(
            "INSERT INTO mark (host_ns, kind, text, run) VALUES (?, ?, ?, ?)", (self._at(host_ns), kind, text, run_id)
        )

    def write_markers(self, markers: Iterable[Marker]) -> None:
        """These instead of all markers so far; their times are those of the file already."""
        self._execute("DELETE FROM marker")
        self._execute_many("INSERT INTO marker VALUES (?, ?, ?, ?, ?)", map(astuple, markers))

    def write_log(self, host_ns: int, level: str, text: str) -> None:
        self._execute("INSERT INTO log (host_ns, level, text) VALUES (?, ?, ?)", (self._at(host_ns), level, text))

    def _at(self, host_ns: int) -> int:
        """A host time as a time in the file."""
        return host_ns + self.shift_ns

    # -- durability ------------------------------------------------------------------------------

    def commit(self, *, durable: bool = False) -> None:
        """Make everything since the last commit readable by others.

        It then survives the death of this process; with ``durable`` also a loss of power.
        """
        self.store()
        self._execute("COMMIT")
        if durable:
            # May not change inside a transaction, so the sync rides on an empty one after the commit.
            self._execute("PRAGMA synchronous = FULL")
            # Of a transaction that begins by reading, SQLite does not wait for the lock of another writer.
            self._execute("BEGIN IMMEDIATE")
            self._execute("INSERT OR REPLACE INTO meta VALUES ('durable_commits', ?)", (str(self._tick()),))
            self._execute("COMMIT")
            self._execute("PRAGMA synchronous = NORMAL")
            self._tend()
        self._execute("BEGIN")

    def store(self) -> None:
        """Make rows of the blocks so far; without it, those that follow each other are one row at the commit."""
        for source in self._sources.values():
            self._store_blocks(source)

    def _tend(self) -> None:
        try:
            self._wal.tend()
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def sizes_after(self, sizes: Sizes) -> Sizes:
        """Of the file and its -wal now, after these."""
        return sizes.then(self._wal.file_bytes, self._wal.bytes)

    @property
    def wal_held_by(self) -> str:
        """The programs that keep the -wal from shrinking, for a sentence."""
        return self._wal.held_by()

    def check_place(self) -> None:
        """Notice that the file was renamed or deleted; `close` then saves what it holds. Raises SessionMovedError."""
        if self._file.lost:
            raise SessionMovedError(f"{self.path} was moved or deleted while it was recorded.")

    def _tick(self) -> int:
        row = self._execute("SELECT value FROM meta WHERE key = 'durable_commits'").fetchone()
        return int(row[0]) + 1 if row else 1

    def close(self) -> None:
        """Write the remaining samples and summaries, and leave a single file if no other process has it open.

        Raises:
            SessionMovedError: The file was moved, or it was deleted and copied out of what was still open of it.
        """
        if self._failed:
            return
        try:
            for source in (*self._sources.values(), *(source for _, source in self._past.idle)):
                self._store_blocks(source)
                for channel in source.channels:
                    self._store_entries(channel, channel.pyramid.finish(), at_least=1)
            self._execute("COMMIT")
            self._wal.stop()
            self._execute(f"PRAGMA busy_timeout = {CLOSING_MS}")
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if self._file.lost:
                raise self._moved()
        finally:
            self._release()

    def _release(self) -> None:
        self._wal.stop()
        self._db.close()
        self._lock.release()
        self._file.close()

    def _moved(self) -> SessionMovedError:
        """Where all samples up to now are; they are copied where the file was deleted and only we have it open."""
        there = self._file.present
        if there is not None:
            return SessionMovedError(
                f"{self.path} was moved while it was recorded: the recording stopped, and the session is complete up "
                f"to then in {there}."
            )
        try:
            copy = saved_copy(self._db, self.path)
        except (OSError, sqlite3.Error, MonitorError) as error:
            return SessionMovedError(
                f"{self.path} was deleted while it was recorded, and could not be saved elsewhere ({error}): make "
                "room, and record again."
            )
        return SessionMovedError(
            f"{self.path} was deleted while it was recorded: the recording stopped, and all samples up to then were "
            f"saved as {copy}."
        )

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        try:
            self._db.executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.DatabaseError) -> SessionError:
        """Roll back, so that the file ends at the last commit; the error to raise."""
        self._failed = True
        with contextlib.suppress(sqlite3.DatabaseError):
            self._db.execute("ROLLBACK")
        self._release()
        if "full" in str(error):
            return DiskFullError(
                f"The disk is full: {self.path} is complete up to now; make room and start a new session."
            )
        return SessionError(f"{self.path} cannot be written ({error}): check the disk it is on.")

    def _store_blocks(self, source: Source) -> None:
        for blocks in source.take_runs():
            self._store_run(source, blocks)

    def _store_run(self, source: Source, blocks: list[Block]) -> None:
        """Consecutive samples as rows, and the summaries that are complete with them."""
        first = blocks[0].first
        values: dict[str, NDArray[np.float64]] = {}
        for k, channel in enumerate(source.stored):
            codes = np.concatenate([block.codes[k] for block in blocks]).astype(channel.signal.dtype, copy=False)
            self._execute_many(
                "INSERT INTO samples (signal, first, n, t_first_ns, t_last_ns, data) VALUES (?, ?, ?, ?, ?, ?)",
                sample_rows(channel.id, blocks, codes),
            )
            values[channel.signal.name] = channel.signal.scale * codes.astype(np.float64) + channel.signal.offset
        for channel in source.derived:
            a, b = channel.signal.product_of or ("", "")
            values[channel.signal.name] = values[a] * values[b]
        for channel in source.channels:
            self._store_entries(channel, channel.pyramid.add(first, values[channel.signal.name]), at_least=FACTOR)

    def _store_entries(self, channel: Channel, levels: list[Entries], *, at_least: int) -> None:
        """Summary rows. Level 1 at once, higher ones in groups: readers compute a missing end from the level below."""
        for level, entries in enumerate(levels, start=1):
            waiting = channel.waiting[level - 1]
            if len(entries):
                waiting.append(entries)
            if not waiting or (level > 1 and sum(map(len, waiting)) < at_least):
                continue
            channel.waiting[level - 1] = []
            for run in contiguous_runs(np.concatenate(waiting), entry_size(level)):
                self._execute(
                    "INSERT INTO summary (signal, level, first, n, data) VALUES (?, ?, ?, ?, ?)",
                    (channel.id, level, int(run["start"][0]), len(run), pack(run)),
                )


def _created(path: Path) -> tuple[sqlite3.Connection, WriterLock, EarlierParts]:
    try:
        db = schema.create(path)
        return db, WriterLock(db, path), EarlierParts()
    except FileExistsError as error:
        raise SessionError(f"{path} exists already: choose another name or remove it first.") from error
    except (OSError, sqlite3.Error) as error:
        raise SessionError(f"{path} cannot be created ({error}): choose a folder you can write to.") from error
