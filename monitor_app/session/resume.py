# SPDX-License-Identifier: Apache-2.0
"""Resuming a session: its last part is completed, and the state of its writer is restored from the file.

A recording that was killed leaves a valid session without the state that only its writer had: incomplete summaries,
and the ends of runs. A session that was closed has shortened last summaries, which are now continued.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor_app.core.errors import DamagedSessionError, SessionError
from monitor_app.core.host_time import CLOCK_NAME
from monitor_app.core.samples import Signal
from monitor_app.session import schema
from monitor_app.session.host_clock import BOOT_ID, CLOCK, SHIFT, read_host_clock, shift_of
from monitor_app.session.pyramid import LEVELS, STORED, Pyramid, contiguous_runs, entry_size, fold, pack
from monitor_app.session.reader import SessionReader
from monitor_app.session.source_state import Channel, Source, Tail
from monitor_app.session.time_map import LARGEST
from monitor_app.session.wal import CHECKPOINT_PAGES
from monitor_app.session.writer_lock import WriterLock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor_app.core.samples import SourceInfo
    from monitor_app.session.rows import SignalRow, SourceRow
    from monitor_app.session.waveform import Waveform

PARTS = "parts"
"""Key of meta: the number of parts, one for each time that the session was recorded."""
RUN_INTERRUPTED = "The recording was interrupted."
_RATES_ALIKE = 1.25
"""Nominal rates within this factor are alike: some sources measure theirs at each connection."""
_TIMES = (
    "utc.host_ns", "clock.host_ns", "alignment.host_ns", "gap.end_ns", "run.started_ns", "run.ended_ns",
    "span.start_ns", "span.end_ns", "batch.end_ns", "mark.host_ns", "log.host_ns", "work_span.start_ns",
    "work_span.end_ns",
)  # fmt: skip


@dataclass(slots=True)
class EarlierParts:
    """The state that a writer takes over from earlier parts; its defaults are those of a new session."""

    shift_ns: int = 0
    next_run_id: int = 1
    next_span_id: int = 1
    source_id: int = 0
    """The largest in the file."""
    signal_id: int = 0
    """The largest in the file."""
    names: set[str] = field(default_factory=set)
    """Of all sources in the file."""
    idle: list[tuple[SourceRow, Source]] = field(default_factory=list)
    """Sources that have not been connected in this part."""

    def claim(self, info: SourceInfo) -> Source | None:
        """The source of an earlier part that this one resumes, if there is one; each only once."""
        # A number is added only to a name that is taken.
        numbered = re.compile(re.escape(info.name) + (r"( \(\d+\))?" if info.name in self.names else ""))
        for row, source in sorted(self.idle, key=lambda each: each[0].name != info.name):
            if numbered.fullmatch(row.name) and _continues(row, source, info):
                self.idle.remove((row, source))
                by_name = {channel.signal.name: channel for channel in source.channels}
                source.stored = [by_name[signal.name] for signal in info.stored_signals]
                source.derived = [by_name[signal.name] for signal in info.derived_signals]
                return source
        return None

    def free_name(self, name: str) -> str:
        """The name, or where another source of the file has it, the name with a number."""
        number, free = 1, name
        while free in self.names:
            number += 1
            free = f"{name} ({number})"
        self.names.add(free)
        return free


def open_to_resume(path: Path) -> tuple[sqlite3.Connection, WriterLock, EarlierParts]:
    """A session open for writing, with its last part completed.

    Raises:
        NotASessionError, NewerSessionError: It is not a session, or it is damaged.
        SessionError: Another process is writing it, or it cannot be written.
    """
    path = path.resolve()  # SQLite keeps the -wal beside the file itself, not beside a link to it
    schema.open_read_only(path).close()
    db, lock = None, None
    try:
        db = connected_to_write(path)
        lock = WriterLock(db, path)
        schema.add_missing_tables(db)
        with SessionReader(path) as reader:
            past = _restored(db, reader)
        return db, lock, past
    except BaseException as error:
        if db is not None:
            db.close()
        if lock is not None:
            lock.release()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise SessionError(
                f"{path} cannot be resumed ({error}): close other programs that use it, and check that it is writable."
            ) from error
        raise


def connected_to_write(path: Path) -> sqlite3.Connection:
    """A session, checked before, in WAL mode as while it is recorded; the caller takes the WriterLock.

    Raises:
        SessionError: It is of an older format.
        sqlite3.Error: It cannot be written.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != schema.FORMAT_VERSION:
            raise SessionError(f"{path} has the older session format {version}: record into a new session.")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    except BaseException:
        db.close()
        raise
    return db


def _restored(db: sqlite3.Connection, reader: SessionReader) -> EarlierParts:
    """The state of the writer, read from the file; runs and summaries that it left open are completed."""
    rows, signals, meta, pairs = reader.sources(), reader.signals(), reader.meta(), reader.utc_pairs()
    clock, parts = read_host_clock(), _number(reader, meta.get(PARTS, "1"))
    db.execute("BEGIN IMMEDIATE")
    idle = [(row, _source(db, reader, row, [s for s in signals if s.source == row.id])) for row in rows]
    last_ns = max([_last_time(db, reader), *(source.tail.last_ns for _, source in idle if source.tail)])
    _number(reader, meta.get(SHIFT, "0"))
    shift_ns = shift_of(clock, meta, pairs, last_ns if last_ns >= 0 else None)
    _end_runs(db, last_ns)
    db.execute("DELETE FROM meta WHERE key = 'completed_utc_ns'")
    db.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        [(BOOT_ID, clock.boot_id), (CLOCK, CLOCK_NAME), (SHIFT, str(shift_ns)), (PARTS, str(parts + 1))],
    )
    past = EarlierParts(
        shift_ns=shift_ns,
        next_run_id=_next_id(db, "run"),
        next_span_id=_next_id(db, "span"),
        source_id=max((row.id for row in rows), default=0),
        signal_id=max((signal.id for signal in signals), default=0),
        names={row.name for row in rows},
        idle=idle,
    )
    db.execute("COMMIT")
    return past


def _end_runs(db: sqlite3.Connection, last_ns: int) -> None:
    """A run that was interrupted ended with the last part."""
    db.execute("UPDATE span SET end_ns = max(start_ns, ?) WHERE end_ns IS NULL", (last_ns,))
    db.execute(
        "UPDATE run SET state = 'cancelled', error = ?, "
        "ended_ns = CASE WHEN started_ns IS NULL THEN NULL ELSE max(started_ns, ?) END "
        "WHERE state IN ('waiting', 'running')",
        (RUN_INTERRUPTED, last_ns),
    )


def _source(db: sqlite3.Connection, reader: SessionReader, row: SourceRow, signals: Sequence[SignalRow]) -> Source:
    """The state of a source at the end of the last part."""
    names = {signal.id: signal.name for signal in signals}
    ends = {signal.id: reader.waveform(signal.id).times.last() for signal in signals}
    if len(set(ends.values())) > 1:
        raise DamagedSessionError(reader.path, f"the signals of {row.name} have different ends")
    last = next(iter(ends.values()), None)
    channels = [
        Channel(
            signal.id,
            _signal(signal, names),
            _pyramid(db, reader.waveform(signal.id), signal.id, last[0] + 1) if last else Pyramid(),
        )
        for signal in signals
    ]
    stored = [channel for channel in channels if channel.signal.product_of is None]
    derived = [channel for channel in channels if channel.signal.product_of is not None]
    if last is None:
        return Source(row.id, stored, derived)
    tail = Tail(last[0] + 1, last[1], _rate_hz(reader.waveform(signals[0].id), row.rate_hz))
    for gap in reader.gaps():
        if gap.source == row.id and gap.first == tail.end and gap.n > 0:
            # It was missing when the last part ended: the pause begins after that.
            tail = Tail(gap.first + gap.n, gap.end_ns - round(1e9 / tail.rate_hz), tail.rate_hz)
    return Source(row.id, stored, derived, tail, offset=None, last_ns=last[1])


def _signal(row: SignalRow, names: dict[int, str]) -> Signal:
    factors = None
    if row.factor_a is not None and row.factor_b is not None:
        factors = names.get(row.factor_a, ""), names.get(row.factor_b, "")
    dtype = "" if row.is_product else row.encoding
    return Signal(
        row.name, row.quantity, row.role, dtype, row.scale, row.zero_offset, row.resolution, row.accuracy, factors
    )


def _rate_hz(waveform: Waveform, nominal_hz: float) -> float:
    """The measured rate in samples a second of host time; over less than a second, or far from nominal, the nominal."""
    rate_hz = waveform.times.rate_hz()
    first = waveform.times.extent()
    long = first is not None and first[1] - first[0] > 1_000_000_000
    return rate_hz if rate_hz and long and 0.5 < rate_hz / nominal_hz < 2 else nominal_hz


def _pyramid(db: sqlite3.Connection, waveform: Waveform, signal: int, end: int) -> Pyramid:
    """The incomplete summaries of a signal; those up to ``end`` are completed in the file."""
    pending = []
    for level in range(1, LEVELS + 1):
        size = entry_size(level)
        whole = end // size * size
        below = end if level == 1 else end // entry_size(level - 1) * entry_size(level - 1)
        known = waveform.summary_end(level)
        missing = fold(waveform.entries(min(known, whole), whole, level), size)
        pending.append(fold(waveform.entries(whole, below, level - 1), size))
        if known > whole:
            _cut_off(db, signal, level, whole)
        for run in contiguous_runs(missing, size):
            db.execute(
                "INSERT INTO summary (signal, level, first, n, data) VALUES (?, ?, ?, ?, ?)",
                (signal, level, int(run["start"][0]), len(run), pack(run)),
            )
    return Pyramid(pending)


def _cut_off(db: sqlite3.Connection, signal: int, level: int, whole: int) -> None:
    """Remove the entries from ``whole`` on, which were written before they were complete."""
    size = entry_size(level)
    rows = db.execute(
        "SELECT id, first, data FROM summary WHERE signal = ? AND level = ? AND first + n * ? > ?",
        (signal, level, size, whole),
    ).fetchall()
    for row, first, data in rows:
        n = max((whole - first) // size, 0)
        if n:
            db.execute("UPDATE summary SET n = ?, data = ? WHERE id = ?", (n, data[: n * STORED.itemsize], row))
        else:
            db.execute("DELETE FROM summary WHERE id = ?", (row,))


def _last_time(db: sqlite3.Connection, reader: SessionReader) -> int:
    """The last time in any table except that of the samples, or -1."""
    last_ns = -1
    for table, column in (name.split(".") for name in _TIMES):
        sql = f"SELECT max({column}) FROM {table} WHERE typeof({column}) = 'integer'"
        (time_ns,) = db.execute(sql).fetchone()
        last_ns = max(last_ns, -1 if time_ns is None else time_ns)
    if last_ns >= LARGEST:
        raise DamagedSessionError(reader.path, f"it has a time of {last_ns}")
    return last_ns


def _next_id(db: sqlite3.Connection, table: str) -> int:
    (largest,) = db.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()
    return int(largest) + 1


def _number(reader: SessionReader, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise DamagedSessionError(reader.path, f"{text!r:.40} instead of a number") from error


def _continues(row: SourceRow, source: Source, info: SourceInfo) -> bool:
    """Whether the samples of this source continue those of the one in the file."""
    alike = (row.kind, row.serial_number, row.simulated, row.lines) == (
        info.kind, info.serial_number, info.simulated, info.lines,
    )  # fmt: skip
    return (
        alike
        and 1 / _RATES_ALIKE < row.rate_hz / info.rate_hz < _RATES_ALIKE
        and {_encoding(channel.signal) for channel in source.channels} == {_encoding(each) for each in info.signals}
    )


def _encoding(signal: Signal) -> tuple[object, ...]:
    if signal.product_of:
        return signal.name, signal.quantity, signal.role, signal.product_of
    return signal.name, signal.quantity, signal.role, signal.dtype, signal.scale, signal.offset
