# SPDX-License-Identifier: Apache-2.0
"""The tables of a session file, the numbers that mark it, and how a file is opened safely.

docs/session-format.md is the contract for readers outside this program; this module implements it.
"""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from typing import TYPE_CHECKING

from monitor_app.core.errors import DamagedSessionError, NewerSessionError, NotASessionError
from monitor_app.core.files.session_mark import APPLICATION_ID
from monitor_app.session.wal import CHECKPOINT_PAGES

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 1
PAGE_BYTES = 16_384
NOTES = "notes"
"""Key of meta: what the user has written about the session."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE environment (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE utc (host_ns INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL);
CREATE TABLE source (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, model TEXT NOT NULL,
    serial_number TEXT NOT NULL, firmware TEXT NOT NULL, rate_hz REAL NOT NULL,
    lines TEXT NOT NULL, simulated INTEGER NOT NULL, notes TEXT NOT NULL);
CREATE TABLE signal (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source, name TEXT NOT NULL,
    quantity TEXT NOT NULL, role TEXT NOT NULL, encoding TEXT NOT NULL, scale REAL NOT NULL,
    zero_offset REAL NOT NULL, resolution REAL, accuracy REAL,
    factor_a INTEGER REFERENCES signal, factor_b INTEGER REFERENCES signal, UNIQUE (source, name));
CREATE TABLE samples (
    id INTEGER PRIMARY KEY, signal INTEGER NOT NULL REFERENCES signal, first INTEGER NOT NULL,
    n INTEGER NOT NULL, t_first_ns INTEGER NOT NULL, t_last_ns INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX samples_by_index ON samples (signal, first);
CREATE INDEX samples_by_time ON samples (signal, t_first_ns);
CREATE TABLE summary (
    id INTEGER PRIMARY KEY, signal INTEGER NOT NULL REFERENCES signal, level INTEGER NOT NULL,
    first INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX summary_by_index ON summary (signal, level, first);
CREATE TABLE clock (
    source INTEGER NOT NULL REFERENCES source, host_ns INTEGER NOT NULL, rate_hz REAL NOT NULL,
    bound_ns INTEGER NOT NULL, method TEXT NOT NULL, PRIMARY KEY (source, host_ns)) WITHOUT ROWID;
CREATE TABLE alignment (
    source INTEGER NOT NULL REFERENCES source, host_ns INTEGER NOT NULL, delay_ns INTEGER NOT NULL,
    bound_ns INTEGER NOT NULL, correlation REAL NOT NULL, PRIMARY KEY (source, host_ns)) WITHOUT ROWID;
CREATE TABLE gap (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source, first INTEGER NOT NULL,
    n INTEGER NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE line_change (
    source INTEGER NOT NULL REFERENCES source, line INTEGER NOT NULL, sample INTEGER NOT NULL,
    level INTEGER NOT NULL, PRIMARY KEY (source, line, sample)) WITHOUT ROWID;
CREATE TABLE run (
    id INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, network TEXT NOT NULL, title TEXT NOT NULL,
    batch_size INTEGER NOT NULL, precision TEXT NOT NULL, device TEXT NOT NULL, threads INTEGER NOT NULL,
    channels_last INTEGER NOT NULL, compiled INTEGER NOT NULL, power_mode TEXT, clocks TEXT,
    state TEXT NOT NULL, error TEXT, started_ns INTEGER, ended_ns INTEGER,
    parameters INTEGER, macs INTEGER, operations INTEGER, input_pixels INTEGER,
    weights TEXT, weights_sha256 TEXT, dataset TEXT, accuracy_note TEXT,
    steady INTEGER, warm_up_note TEXT);
CREATE TABLE memory (
    run INTEGER NOT NULL REFERENCES run, kind TEXT NOT NULL, peak_bytes INTEGER NOT NULL,
    floor_bytes INTEGER NOT NULL, PRIMARY KEY (run, kind)) WITHOUT ROWID;
CREATE TABLE span (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, phase TEXT NOT NULL,
    start_ns INTEGER NOT NULL, end_ns INTEGER);
CREATE INDEX span_by_time ON span (start_ns);
CREATE TABLE batch (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, phase TEXT NOT NULL,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, images INTEGER NOT NULL,
    top1 INTEGER, top5 INTEGER, device_ns INTEGER);
CREATE INDEX batch_by_run ON batch (run, phase);
CREATE INDEX batch_by_time ON batch (start_ns);
CREATE TABLE zero_limit (
    signal INTEGER PRIMARY KEY REFERENCES signal, most REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE answers (
    run INTEGER PRIMARY KEY REFERENCES run, images_sha256 TEXT NOT NULL, top1 TEXT NOT NULL);
CREATE TABLE implausible (
    source INTEGER NOT NULL REFERENCES source, sample INTEGER NOT NULL, PRIMARY KEY (source, sample)) WITHOUT ROWID;
CREATE TABLE mark (
    id INTEGER PRIMARY KEY, host_ns INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, run INTEGER);
CREATE TABLE marker (
    number INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, end_ns INTEGER, name TEXT NOT NULL,
    colour INTEGER NOT NULL);
CREATE TABLE run_fact (
    run INTEGER NOT NULL REFERENCES run, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE part (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, kind TEXT NOT NULL,
    start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL, units INTEGER NOT NULL);
CREATE INDEX part_by_run ON part (run, kind);
CREATE TABLE metric (
    run INTEGER NOT NULL REFERENCES run, name TEXT NOT NULL, value REAL NOT NULL, low REAL, high REAL,
    items INTEGER, PRIMARY KEY (run, name)) WITHOUT ROWID;
CREATE TABLE arrival (batch INTEGER PRIMARY KEY REFERENCES batch, arrival_ns INTEGER NOT NULL);
CREATE TABLE stages (
    batch INTEGER PRIMARY KEY REFERENCES batch, decode_ns INTEGER NOT NULL, pre_process_ns INTEGER NOT NULL,
    copy_in_ns INTEGER NOT NULL, compute_ns INTEGER NOT NULL, copy_out_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL);
CREATE TABLE log (
    id INTEGER PRIMARY KEY, host_ns INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE program (
    run INTEGER PRIMARY KEY REFERENCES run, command TEXT NOT NULL, exit_code INTEGER,
    marks INTEGER NOT NULL, lost INTEGER NOT NULL, malformed INTEGER NOT NULL, left_out INTEGER NOT NULL);
CREATE TABLE work_span (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, name TEXT NOT NULL,
    start_ns INTEGER NOT NULL, end_ns INTEGER, images INTEGER);
CREATE INDEX work_span_by_run ON work_span (run);
CREATE INDEX work_span_by_time ON work_span (start_ns);
"""

ADDED = (
    "answers", "zero_limit", "implausible", "marker", "run_fact", "part", "part_by_run", "metric", "arrival", "stages",
    "program", "work_span", "work_span_by_run", "work_span_by_time",
)  # fmt: skip
"""Tables, with their indices, that the first sessions of this format do not have."""


def create(path: Path) -> sqlite3.Connection:
    """A new session file open for writing, which nobody else may read; the file must not exist, nor be a link.

    SQLite gives the files beside it the same permissions. Raises sqlite3.Error, OSError.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    try:
        return _created(path)
    except BaseException:
        path.unlink()  # it is ours and holds nothing
        raise


def _created(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.executescript("BEGIN;" + TABLES + "COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def open_read_only(path: Path) -> sqlite3.Connection:
    """An existing session, never to be changed by us. Raises NotASessionError, NewerSessionError.

    The file may come from a stranger: no writes, no functions from its schema, sizes checked by SQLite.
    """
    if not path.is_file():
        raise NotASessionError(f"There is no file {path}: check the name.")
    path = path.resolve()  # SQLite keeps the log of a live session beside the file and not beside a link to it
    try:
        return _open_read_only(path)
    except sqlite3.OperationalError as error:
        if "decode" in str(error):
            raise DamagedSessionError(path, "its definitions cannot be read") from error
        raise NotASessionError(
            f"{path} cannot be opened ({error}): copy it, with the -wal file beside it, to a folder you can write to."
        ) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if "not a database" in str(error):
            raise NotASessionError(f"{path} is damaged or not a session file ({error}).") from error
        raise DamagedSessionError(path, error) from error


def _open_read_only(path: Path) -> sqlite3.Connection:
    # While a session is written its -wal is beside it. Without one the file is final: opened as immutable, SQLite
    # creates no file beside it and needs no right to write to the folder.
    live = path.with_name(path.name + "-wal").exists()
    options = "mode=ro" if live else "mode=ro&immutable=1"
    db = sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None, timeout=1.0)
    try:
        db.execute("PRAGMA query_only = ON")
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        if hasattr(db, "setconfig"):  # Python 3.12
            db.setconfig(1010, True)  # SQLITE_DBCONFIG_DEFENSIVE
        _check_identity(db, path)
        if not live:
            _check_length(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _check_length(db: sqlite3.Connection, path: Path) -> None:
    """Of a final file. SQLite finds that pages are missing, but takes what is missing of the last one for zeros."""
    ((page_bytes,),) = db.execute("PRAGMA page_size").fetchall()
    if path.stat().st_size % page_bytes:
        raise DamagedSessionError(path, "its end is cut off")


def _check_identity(db: sqlite3.Connection, path: Path) -> None:
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        raise NotASessionError(f"{path} is not a session file of this program.")
    if version > FORMAT_VERSION:
        raise NewerSessionError(
            f"{path} has session format {version}, this version reads up to {FORMAT_VERSION}: "
            "open it with a newer monitor-app."
        )
    present = _schema_of(db)
    expected = expected_schema()
    for kind, name, sql in expected:
        found = present.get((kind, name), sql if name in ADDED else None)
        if found != sql:
            raise DamagedSessionError(path, f"its {kind} {name} is {'altered' if found else 'missing'}")


def add_missing_tables(db: sqlite3.Connection) -> None:
    """Give a session of an earlier program the tables that were added since. Raises sqlite3.Error."""
    present = _schema_of(db)
    for kind, name, sql in expected_schema():
        if name in ADDED and (kind, name) not in present:
            db.execute(sql)


def _schema_of(db: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """The definitions of tables and indices, by type and name."""
    rows = db.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL")
    return {(kind, name): sql for kind, name, sql in rows}


@cache
def expected_schema() -> tuple[tuple[str, str, str], ...]:
    """How SQLite keeps the definitions of this version: type, name, definition. Without an index reads take minutes."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(TABLES)
        return tuple((kind, name, sql) for (kind, name), sql in _schema_of(db).items())
    finally:
        db.close()
