# SPDX-License-Identifier: Apache-2.0
"""The window as an application."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtWidgets import QApplication

from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.theme import BODY_PX, THEMES, system_theme, ui_font

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from monitor_app.gui.bench_controller import Client

log = logging.getLogger(__name__)


def run_window(
    client: Client | None,
    session: Path | None = None,
    *,
    start_bench: Callable[[], Client] | None = None,
    unsaved: bool = False,
    title: str = "",
    theme: str | None = None,
) -> int:
    """Show the window until it is closed; the exit code.

    Start the bench before importing this module, so that it records while Qt loads.
    """
    app = application()
    chosen = THEMES[theme] if theme else system_theme(app)
    window = MainWindow(client, session, start_bench=start_bench, unsaved=unsaved, title=title, theme=chosen)
    _show_errors_in(window)
    # The frame timer lets Python look at signals often enough.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close_at_once())
    window.show()
    return app.exec()


def application() -> QApplication:
    """The one QApplication, in our style."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("monitor-app")
    app.setStyle("Fusion")
    app.setFont(ui_font(BODY_PX))
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    return app


def _show_errors_in(window: MainWindow) -> None:
    """A mistake of ours in a slot is logged with its traceback and told in a sentence; the window goes on."""

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        log.error("unexpected error in the window", exc_info=(kind, error, traceback))
        window.parts.notice.alarm(
            f"Something went wrong in the window ({kind.__name__}: {error}); the recording goes on. "
            "Please report this with the log."
        )

    sys.excepthook = excepthook
