# SPDX-License-Identifier: Apache-2.0
"""The one QApplication, with a display or without."""

from __future__ import annotations

import sys

import pyqtgraph as pg
from PySide6.QtWidgets import QApplication

from monitor_app.gui.theme import BODY_PX, ui_font

LOG = "window"
"""Name of the log of the window's process."""
_offscreen: QApplication | None = None
"""Kept here, since Qt keeps no reference to it."""


def application(*options: str) -> QApplication:
    """The application in our style; ``options`` are those of Qt, for one that does not exist yet."""
    app = QApplication.instance() or QApplication([*sys.argv[:1], *options])
    assert isinstance(app, QApplication)
    app.setApplicationName("monitor-app")
    app.setStyle("Fusion")
    app.setFont(ui_font(BODY_PX))
    pg.setConfigOptions(antialias=False, useOpenGL=False)
    return app


def offscreen_application() -> None:
    """Make one that needs no display, for a command line, unless there is an application already."""
    global _offscreen
    if QApplication.instance() is None:
        _offscreen = application("-platform", "offscreen")
