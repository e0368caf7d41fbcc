# SPDX-License-Identifier: Apache-2.0
"""Another window, as a process of its own: what happens in it reaches no recording of this one (decision 27)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QProcess

from monitor_app.core.child_process import python_module

if TYPE_CHECKING:
    from pathlib import Path


def new_window(session: Path | None) -> bool:
    """Open a window on a session, or on the start page; whether it could be started. It outlives this one."""
    what = "--start-page" if session is None else str(session.absolute())
    program, *arguments = python_module("monitor_app", "window", what)
    started, _ = QProcess.startDetached(program, arguments)
    return started
