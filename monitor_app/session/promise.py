# SPDX-License-Identifier: Apache-2.0
"""The name that a user has given to a session that is still recorded.

SQLite's file must keep its name while it is written: its -wal is found by that name, and a renamed file, or one with a
second name, would be read without it. So the file stays where it is. The chosen name is a link to it, through which
SQLite finds the -wal as well, until the complete file takes the place of the link. A small file beside the session
remembers the name, so that the next start keeps the promise where this one could not.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from monitor_app.core.files.private_files import create_beside, open_private

SUFFIX = ".save-as"
_LONGEST_BYTES = 10_000


def promise(session: Path, target: Path) -> bool:
    """Remember where a session that is being recorded is to be saved, and give it that name now.

    What is already there is left until the session is complete, as is a folder that cannot hold a link: then the
    answer is False.

    Raises:
        OSError: It cannot be remembered.
    """
    withdraw(session)
    session, target = session.absolute(), target.absolute()
    descriptor, part = create_beside(session)
    try:
        with open(descriptor, "wb") as file:
            file.write(os.fsencode(target))
            file.flush()
            os.fsync(file.fileno())
        part.replace(_note(session))
    finally:
        part.unlink(missing_ok=True)
    try:
        target.symlink_to(session)
    except OSError:
        return False
    return True


def promised(session: Path) -> Path | None:
    """Where the session is to be saved; None where nobody has said so."""
    try:
        with open(open_private(_note(session), os.O_RDONLY), "rb") as file:
            return Path(os.fsdecode(file.read(_LONGEST_BYTES)))
    except OSError:
        return None


def withdraw(session: Path) -> None:
    """Forget the name, and remove the link that stands for it."""
    target = promised(session)
    if target is not None and leads_to(target, session):
        with contextlib.suppress(OSError):
            target.unlink()
    with contextlib.suppress(OSError):
        _note(session).unlink()


def leads_to(target: Path, session: Path) -> bool:
    """Whether there is a link at ``target`` to this session."""
    try:
        return os.readlink(target) == str(session.absolute())
    except OSError:
        return False


def _note(session: Path) -> Path:
    return session.with_name(session.name + SUFFIX)
