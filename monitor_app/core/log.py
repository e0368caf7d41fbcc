# SPDX-License-Identifier: Apache-2.0
"""The log: a file of bounded size in the user's state folder, with the tracebacks that are not shown to the user."""

from __future__ import annotations

import errno
import logging
import logging.handlers
import os
import pwd
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.core.files.private_files import open_private, private_folder

if TYPE_CHECKING:
    from io import TextIOWrapper

MAX_BYTES = 1_000_000
WINDOW_LOG = "window"
"""Name of the log of the process of the window."""


def state_folder() -> Path:
    """The folder for logs and unsaved sessions (XDG base directory specification); made where missing.

    Where there is no home that can be written to, it is a temporary folder of this process.

    Raises:
        MonitorError: It belongs to another user, or there is no place for one.
    """
    return _folder_at_home() or _temporary_folder(os.getpid())


def _folder_at_home() -> Path | None:
    """None where this user has no home, or none to write to. Raises MonitorError where it is another user's."""
    try:
        base = os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state"
        folder = private_folder(Path(base) / "monitor-app")
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EPERM:
            raise MonitorError(
                f"{error.filename} cannot be used ({error.strerror}): set XDG_STATE_HOME to a folder of your own."
            ) from error
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _home() -> Path:
    """Root's own where sudo has kept the user's: files that root leaves there would stand in the user's way."""
    home = Path.home()
    if os.geteuid() == 0 and home.exists() and home.stat().st_uid != 0:
        return Path(pwd.getpwuid(0).pw_dir)
    return home


@cache
def _temporary_folder(process: int) -> Path:
    """Private and of an unguessable name; its unsaved sessions are the user's, so nothing removes it."""
    try:
        return Path(tempfile.mkdtemp(prefix="monitor-app-"))
    except OSError as error:
        raise MonitorError(
            f"There is no folder for logs and unsaved sessions ({error.strerror}): set XDG_STATE_HOME to one that can "
            "be written to."
        ) from error


def log_file(process: str) -> Path:
    """Where a process of this name writes its log."""
    return state_folder() / f"{process}.log"


def log_to_file(process: str) -> Path:
    """Send this process's log to its file; without a home to write to there is no log. Returns the file.

    Raises:
        MonitorError: The file is not ours to write.
    """
    folder = _folder_at_home()
    path = folder / f"{process}.log" if folder else Path(os.devnull)
    try:
        handler: logging.Handler = (
            _PrivateLog(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
            if folder
            else logging.NullHandler()
        )
    except OSError as error:
        raise MonitorError(f"The log {path} cannot be written ({error.strerror}): remove what is there.") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return path


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """Follows no link, and only the user can read it."""

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(Path(self.baseFilename), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)
