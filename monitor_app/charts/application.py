# SPDX-License-Identifier: Apache-2.0
"""Drawing text without a display."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

_application: QCoreApplication | None = None


def need_application() -> None:
    """Text needs a QGuiApplication; a command line has none, and one that shows nothing will do."""
    global _application
    if QCoreApplication.instance() is None:
        _application = QGuiApplication(["monitor-app", "-platform", "offscreen"])
