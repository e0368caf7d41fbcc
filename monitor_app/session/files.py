# SPDX-License-Identifier: Apache-2.0
"""Keeping or throwing away a session file that nobody writes any more. Only the user throws away samples."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from typing import TYPE_CHECKING

from monitor_app.core.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

COMPANIONS = ("-wal", "-shm")


def keep_session(session: Path, target: Path) -> None:
    """Move a session to where the user wants it. Raises SessionError; then it is still where it was."""
    try:
        settle(session)
        shutil.move(session, target)
    except (OSError, sqlite3.Error) as error:
        raise SessionError(
            f"The session could not be saved as {target} ({error}): it is still at {session}."
        ) from error
    for companion in COMPANIONS:
        with contextlib.suppress(OSError):
            session.with_name(session.name + companion).unlink(missing_ok=True)


def discard_session(session: Path) -> None:
    """Delete a session and what SQLite left beside it."""
    for suffix in ("", *COMPANIONS):
        with contextlib.suppress(OSError):
            session.with_name(session.name + suffix).unlink(missing_ok=True)


def discard_empty_session(session: Path) -> bool:
    """Delete a session that nobody writes any more, unless it holds samples; whether it was deleted.

    A file that cannot be read stays too: what is in it is not known.
    """
    try:
        db = sqlite3.connect(session, isolation_level=None)
        try:
            empty = db.execute("SELECT 1 FROM samples LIMIT 1").fetchone() is None
        finally:
            db.close()
    except sqlite3.Error:
        return False
    if empty:
        discard_session(session)
    return empty


def settle(session: Path) -> None:
    """Make one file of a session: a bench that was killed, or closed while it was read, leaves commits beside it.

    Raises:
        sqlite3.Error: It is still being written or read, or cannot be written; it is as it was.
    """
    db = sqlite3.connect(session, isolation_level=None)
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (mode,) = db.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise sqlite3.OperationalError("it is still being read")
    finally:
        db.close()
