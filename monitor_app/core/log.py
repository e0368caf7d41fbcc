# SPDX-License-Identifier: Apache-2.0
"""The log: a file of bounded size in the user's state folder, with the tracebacks that are not shown to the user."""

from __future__ import annotations

import logging
import logging.handlers
import os
from pathlib import Path

MAX_BYTES = 1_000_000
WINDOW_LOG = "window"
"""Name of the log of the process of the window."""


def state_folder() -> Path:
    """The folder for logs and unsaved sessions (XDG base directory specification); made where missing."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(base) / "monitor-app"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def log_file(process: str) -> Path:
    """Where a process of this name writes its log."""
    return state_folder() / f"{process}.log"


def log_to_file(process: str) -> Path:
    """Send this process's log to its file. Returns the file."""
    path = log_file(process)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    return path
