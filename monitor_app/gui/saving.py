# SPDX-License-Identifier: Apache-2.0
"""Keeping or throwing away a session file that nobody writes any more. No Qt."""

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
        _fold_wal(session)
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


def _fold_wal(session: Path) -> None:
    """A bench that was killed leaves the newest commits beside the file; bring them in."""
    db = sqlite3.connect(session, isolation_level=None)
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
