# SPDX-License-Identifier: Apache-2.0
"""Of what the program is made, and where it runs. Nothing is imported for it but what is there already."""

from __future__ import annotations

import platform
import sqlite3

import numpy as np
import pyqtgraph as pg
import PySide6
from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from monitor_app import __version__


def versions() -> dict[str, str]:
    """The program and what it stands on, with their versions."""
    return {
        "monitor-app": __version__,
        "Python": platform.python_version(),
        "Qt": qVersion(),
        "PySide6": PySide6.__version__,
        "pyqtgraph": pg.__version__,
        "numpy": np.__version__,
        "SQLite": sqlite3.sqlite_version,
        "torch": _installed("torch"),
    }


def surroundings() -> dict[str, str]:
    """The machine and the screens."""
    screens = [
        f"{screen.size().width()}x{screen.size().height()} at {screen.devicePixelRatio():g}"
        for screen in QGuiApplication.screens()
    ]
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "platform of Qt": QGuiApplication.platformName(),
        "screens": ", ".join(screens),
    }


def _installed(distribution: str) -> str:
    import importlib.metadata  # which takes as long as several frames, and is seldom asked

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
