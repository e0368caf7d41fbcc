# SPDX-License-Identifier: Apache-2.0
"""Markers of a session that is not being recorded: the only rows that are changed after a recording (decision 22).

While it is recorded, the bench alone writes it, and markers go there as any command does.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import astuple
from typing import TYPE_CHECKING

from monitor_app.core.errors import SessionError
from monitor_app.session import schema
from monitor_app.session.resume import connected_to_write
from monitor_app.session.writer_lock import WriterLock

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor_app.core.markers import Marker


def store_markers(path: Path, markers: Iterable[Marker]) -> None:
    """These instead of all markers of the session, in one transaction; no other table is touched.

    Raises:
        SessionError: It is being recorded, it is damaged, or it cannot be written; it is as it was.
    """
    path = path.resolve()  # SQLite keeps the -wal beside the file itself, not beside a link to it
    schema.open_read_only(path).close()
    db, lock = None, None
    try:
        db = connected_to_write(path)
        lock = WriterLock(db, path)
        db.execute("BEGIN IMMEDIATE")
        schema.add_missing_tables(db)
        db.execute("DELETE FROM marker")
        db.executemany("INSERT INTO marker VALUES (?, ?, ?, ?, ?)", map(astuple, markers))
        db.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise SessionError(
            f"The markers cannot be stored in {path} ({error}): they last until it is closed; copy the session to a "
            "folder that you can write to, and open the copy."
        ) from error
    finally:
        if db is not None:
            _settle(db)
        if lock is not None:
            lock.release()


def _settle(db: sqlite3.Connection) -> None:
    """A single file again, where nobody else reads it."""
    with contextlib.suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()
