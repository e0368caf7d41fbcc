# SPDX-License-Identifier: Apache-2.0
"""The window as an application."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from monitor_app import __version__
from monitor_app.core.log import WINDOW_LOG, log_file, log_to_file
from monitor_app.gui.help.versions import surroundings
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.settings import Settings, reset_settings, settings_file
from monitor_app.gui.theme import THEMES, application, system_theme
from monitor_app.session.files import discard_empty_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from PySide6.QtWidgets import QApplication

    from monitor_app.gui.bench.controller import Client, StartBench

NO_DISPLAY = (
    "The window cannot be opened on this display (DISPLAY={display}): check DISPLAY and QT_QPA_PLATFORM, or run "
    "`monitor-app record` to record without a window; the log {log} says more."
)
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
log = logging.getLogger(__name__)


def run_window(
    client: Client | None,
    session: Path | None = None,
    *,
    start_bench: StartBench | None = None,
    unsaved: bool = False,
    title: str = "",
    theme: str | None = None,
    reset: bool = False,
    asked_to_end: Sequence[int] = (),
) -> int:
    """Show the window until it is closed; the exit code.

    Start the bench before importing this module, so that it records while Qt loads. ``reset``: forget the settings.
    ``asked_to_end``: signals that have come meanwhile; with any, the window is closed before it is shown.
    """
    log_to_file(WINDOW_LOG)
    app = _application(client)
    log.info("Started: monitor-app %s, %s", __version__, surroundings())
    if reset:
        reset_settings()
    settings = Settings(settings_file())
    chosen = THEMES.get(theme or settings.read("theme", ""), system_theme(app))
    window = MainWindow(
        client, session, start_bench=start_bench, unsaved=unsaved, title=title, theme=chosen, settings=settings
    )
    _show_errors_in(window)
    _close_on_signals(window)
    if asked_to_end:
        window.close_at_once()
        return 0
    window.show()
    window.sessions.announce_unsaved()
    window.tour.start_once()
    window.new_bench.load_soon(lambda: window.quiet.active)
    code = app.exec()
    log.info("Ended")
    return code


def _application(client: Client | None) -> QApplication:
    """What Qt says goes to the log. Where Qt finds no display it can only abort: then a sentence is said before."""

    def handle(kind: QtMsgType, _: QMessageLogContext, text: str) -> None:
        log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", text)
        if kind is QtMsgType.QtFatalMsg:
            _give_up(client)

    qInstallMessageHandler(handle)
    return application()


def _give_up(client: Client | None) -> None:
    """End the bench, and this process without returning to Qt."""
    if client is not None:
        client.close()
        discard_empty_session(client.session)
    display = os.environ.get("DISPLAY", "")
    sys.stderr.write(NO_DISPLAY.format(display=display, log=log_file(WINDOW_LOG)) + "\n")
    sys.stderr.flush()
    os._exit(1)


def _close_on_signals(window: MainWindow) -> None:
    """The frame timer lets Python look at signals often enough. One that is ignored, as under `nohup`, stays so."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: window.close_at_once())


def _show_errors_in(window: MainWindow) -> None:
    """Log an unexpected error of a slot with its traceback, and show a sentence; the window keeps running."""

    def excepthook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        log.error("unexpected error in the window", exc_info=(kind, error, traceback))
        window.parts.message_bar.alarm(
            f"An unexpected error occurred in the window ({kind.__name__}: {error}); the recording continues. "
            f"Please report it with the log, {log_file(WINDOW_LOG)}."
        )

    sys.excepthook = excepthook
