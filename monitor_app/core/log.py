# SPDX-License-Identifier: Apache-2.0
"""The log: a file of bounded size in the user's state folder, with the tracebacks that are not shown to the user."""

from __future__ import annotations

import logging
import logging.handlers
import os
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from monitor_app.core.errors import MonitorError

MAX_BYTES = 1_000_000
WINDOW_LOG = "window"
"""Name of the log of the process of the window."""


def state_folder() -> Path:
    """The folder for logs and unsaved sessions (XDG base directory specification); made where missing.

    Where there is no home that can be written to, it is a temporary folder of this process.

    Raises:
        MonitorError: There is no place for one.
    """
    return _folder_at_home() or _temporary_folder(os.getpid())


def _folder_at_home() -> Path | None:
    """None where this user has no home, or none to write to."""
    with suppress(OSError, RuntimeError):
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder = Path(base) / "monitor-app"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    return None


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
    """Send this process's log to its file; without a home to write to there is no log. Returns the file."""
    folder = _folder_at_home()
    path = folder / f"{process}.log" if folder else Path(os.devnull)
    try:
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return path
