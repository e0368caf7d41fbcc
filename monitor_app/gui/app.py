# SPDX-License-Identifier: Apache-2.0
"""The window as an application."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING

from monitor_app.core.log import WINDOW_LOG, log_file, log_to_file
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.theme import THEMES, application, system_theme

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from monitor_app.gui.bench_controller import Client, StartBench

log = logging.getLogger(__name__)


def run_window(
    client: Client | None,
    session: Path | None = None,
    *,
    start_bench: StartBench | None = None,
    unsaved: bool = False,
    title: str = "",
    theme: str | None = None,
) -> int:
    """Show the window until it is closed; the exit code.

    Start the bench before importing this module, so that it records while Qt loads.
    """
    log_to_file(WINDOW_LOG)
    app = application()
    chosen = THEMES[theme] if theme else system_theme(app)
    window = MainWindow(client, session, start_bench=start_bench, unsaved=unsaved, title=title, theme=chosen)
    _show_errors_in(window)
    # The frame timer lets Python look at signals often enough.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: window.close_at_once())
    window.show()
    return app.exec()


def _show_errors_in(window: MainWindow) -> None:
    """Log an unexpected error of a slot with its traceback, and show a sentence; the window keeps running."""

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        log.error("unexpected error in the window", exc_info=(kind, error, traceback))
        window.parts.message_bar.alarm(
            f"An unexpected error occurred in the window ({kind.__name__}: {error}); the recording continues. "
            f"Please report it with the log, {log_file(WINDOW_LOG)}."
        )

    sys.excepthook = excepthook
