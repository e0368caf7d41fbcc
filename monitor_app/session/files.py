# SPDX-License-Identifier: Apache-2.0
"""Saving or discarding a session file that is no longer written. Samples are discarded only by the user."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import time
from typing import TYPE_CHECKING

from monitor_app.core.errors import SessionError
from monitor_app.core.files.private_files import create_beside, private_folder
from monitor_app.core.log import state_folder
from monitor_app.session.promise import leads_to, promised, withdraw
from monitor_app.session.writer_lock import is_written

if TYPE_CHECKING:
    from pathlib import Path

COMPANIONS = ("-wal", "-shm")
CREATION_S = 2.0
"""Far longer than the creation of a session takes."""


def unsaved_folder() -> Path:
    """Where sessions lie that the user has not saved yet; made where missing. Raises MonitorError, OSError."""
    return private_folder(state_folder() / "sessions")


def unsaved_sessions(folder: Path) -> list[Path]:
    """The sessions in this folder that nobody is recording, oldest first."""
    found = sorted(folder.glob("*.plm"), key=lambda path: path.lstat().st_mtime_ns)
    return [path for path in found if path.is_file() and not path.is_symlink() and not is_written(path)]


def keep_promises(folder: Path) -> list[Path]:
    """Save each session under the name that it was given while it was recorded; returns those names.

    One whose name has been taken by something else meanwhile stays where it is, among the unsaved ones, as does one
    that cannot be moved.
    """
    kept = []
    for session in unsaved_sessions(folder):
        target = promised(session)
        if target is None or (os.path.lexists(target) and not leads_to(target, session)):
            continue
        with contextlib.suppress(SessionError):
            keep_session(session, target)
            kept.append(target)
    return kept


def problem_with_place(target: Path) -> str:
    """Why no session can be saved there, one sentence; empty where nothing speaks against it."""
    if not target.parent.is_dir():
        return f"There is no folder {target.parent}: create it or choose another name."
    if not os.access(target.parent, os.W_OK | os.X_OK):
        return f"The folder {target.parent} cannot be written to: choose another one."
    if _is_device(target):
        return f"{target} is not an ordinary file: choose another name."
    return ""


def _is_device(path: Path) -> bool:
    """Or a folder, a pipe or a socket, or a link to one: none of these is ever replaced by a file."""
    return path.exists() and not path.is_file()


def keep_session(session: Path, target: Path) -> None:
    """Move a session to where the user saves it; a link there is replaced. Raises SessionError: it is where it was."""
    if _is_device(target):
        raise SessionError(f"{target} is not an ordinary file: the session is still at {session}.")
    try:
        settle(session)
        _move(session, target)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SessionError(
            f"The session could not be saved as {target} ({reason}): it is still at {session}."
        ) from error
    withdraw(session)
    for companion in COMPANIONS:
        with contextlib.suppress(OSError):
            session.with_name(session.name + companion).unlink(missing_ok=True)


def _move(session: Path, target: Path) -> None:
    try:
        session.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(session, target)
        session.unlink()


def _copy(session: Path, target: Path) -> None:
    """To another disk: under its name only when it is complete."""
    descriptor, part = create_beside(target)
    try:
        with open(descriptor, "wb") as copy, session.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def discard_session(session: Path) -> None:
    """Delete a session, what SQLite left beside it, and the name it was promised."""
    withdraw(session)
    for suffix in ("", *COMPANIONS):
        with contextlib.suppress(OSError):
            session.with_name(session.name + suffix).unlink(missing_ok=True)


def discard_empty_session(session: Path) -> bool:
    """Delete a session that is no longer written, unless it holds samples; whether it was deleted.

    A file that cannot be read is not deleted.
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


def discard_unbegun_session(session: Path) -> bool:
    """Delete a session whose creation was cut off before it had a table; whether it was deleted.

    One that is being created now is left alone, and so is every file that holds something.
    """
    try:
        if is_written(session) or time.time() - session.stat().st_mtime < CREATION_S:
            return False
    except OSError:
        return False
    if has_begun(session):
        return False
    discard_session(session)
    return True


def has_begun(session: Path) -> bool:
    """Whether a session has a table; its creation takes a moment, and may have been cut off. Else it holds nothing."""
    try:
        db = sqlite3.connect(f"{session.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
        finally:
            db.close()
    except sqlite3.Error:
        return True  # what is wrong with it is said by whoever reads it


def saved_copy(db: sqlite3.Connection, session: Path) -> Path:
    """Copy all that an open session holds into a new file, of which the path is returned.

    It lies beside the session or, where that folder is gone or full, with the unsaved sessions.

    Raises:
        OSError, sqlite3.Error, MonitorError: It cannot be written anywhere.
    """
    copy = _new_file(session)
    target = sqlite3.connect(copy)
    try:
        db.backup(target)
    except sqlite3.Error:
        copy.unlink()
        raise
    finally:
        target.close()
    return copy


def _new_file(session: Path) -> Path:
    """An empty file named after a session that is gone."""
    for folder in (session.parent, state_folder()):
        for number in range(1, 100):
            path = folder / f"{session.stem[:100]}-saved-{number}.plm"
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            except OSError:
                break
            return path
    raise SessionError(f"neither {session.parent} nor {state_folder()} can be written to")


def settle(session: Path) -> None:
    """Move all commits of a session into its file.

    A bench that was killed, or closed while the session was read, leaves some in the -wal beside it.

    Raises:
        sqlite3.Error: It is still being written or read, or cannot be written; it is as it was.
    """
    if not session.exists():
        raise sqlite3.OperationalError("it is no longer there")  # SQLite would make an empty one
    db = sqlite3.connect(session, isolation_level=None)
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (mode,) = db.execute("PRAGMA journal_mode = DELETE").fetchone()
        if mode != "delete":
            raise sqlite3.OperationalError("it is still being read")
    finally:
        db.close()
