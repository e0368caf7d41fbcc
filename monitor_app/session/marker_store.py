# SPDX-License-Identifier: Apache-2.0
"""Markers and notes of a session that is not being recorded: all that is changed after a recording (decision 22).

While it is recorded, the bench alone writes it, and they go there as any command does.
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
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor_app.core.markers import Marker


def store_markers(path: Path, markers: Iterable[Marker]) -> None:
    """These instead of all markers of the session, in one transaction; no other table is touched.

    Raises:
        SessionError: It is being recorded, it is damaged, or it cannot be written; it is as it was.
    """
    rows = tuple(map(astuple, markers))
    with _changed(path, "The markers") as db:
        schema.add_missing_tables(db)
        db.execute("DELETE FROM marker")
        db.executemany("INSERT INTO marker VALUES (?, ?, ?, ?, ?)", rows)


def store_notes(path: Path, text: str) -> None:
    """What the user has written about the session; no other row is touched.

    Raises:
        SessionError: It is being recorded, it is damaged, or it cannot be written; it is as it was.
    """
    with _changed(path, "The notes") as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (schema.NOTES, text))


@contextlib.contextmanager
def _changed(path: Path, what: str) -> Iterator[sqlite3.Connection]:
    """A session in one transaction, which is committed at the end. Raises SessionError about ``what``."""
    path = path.resolve()  # SQLite keeps the -wal beside the file itself, not beside a link to it
    schema.open_read_only(path).close()
    db, lock = None, None
    try:
        db = connected_to_write(path)
        lock = WriterLock(db, path)
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise SessionError(
            f"{what} cannot be stored in {path} ({error}): they last until it is closed; copy the session to a "
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
