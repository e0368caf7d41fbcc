# SPDX-License-Identifier: Apache-2.0
"""The log: a file of bounded size in the user's state folder, with the tracebacks that are not shown to the user."""

from __future__ import annotations

import logging
import logging.handlers
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from monitor_app.core.errors import MonitorError
from monitor_app.core.private_files import open_private, private_folder

if TYPE_CHECKING:
    from io import TextIOWrapper

MAX_BYTES = 1_000_000
WINDOW_LOG = "window"
"""Name of the log of the process of the window."""


def state_folder() -> Path:
    """The folder for logs and unsaved sessions (XDG base directory specification); made where missing.

    Raises:
        MonitorError: It belongs to another user.
    """
    base = os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state"
    folder = Path(base) / "monitor-app"
    try:
        return private_folder(folder)
    except PermissionError as error:
        raise MonitorError(
            f"{folder} cannot be used ({error.strerror}): set XDG_STATE_HOME to a folder of your own."
        ) from error


def _home() -> Path:
    """Root's own where sudo has kept the user's: files that root leaves there would stand in the user's way."""
    home = Path.home()
    if os.geteuid() == 0 and home.exists() and home.stat().st_uid != 0:
        return Path(pwd.getpwuid(0).pw_dir)
    return home


def log_file(process: str) -> Path:
    """Where a process of this name writes its log."""
    return state_folder() / f"{process}.log"


def log_to_file(process: str) -> Path:
    """Send this process's log to its file. Returns the file. Raises MonitorError where it is not ours to write."""
    path = log_file(process)
    try:
        handler = _PrivateLog(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
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
