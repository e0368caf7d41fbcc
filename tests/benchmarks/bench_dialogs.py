# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E402 (Qt and the logs read the environment when they are loaded)
"""Memory of the window over many openings of every dialog, while it shows a recorded session.

    python tests/benchmarks/bench_dialogs.py [OPENINGS]

Every entry of the menus that opens something is chosen so often, and what it opens is closed with Esc or by its close
button. Then the resident memory and the number of widgets have to be what they were after the first openings.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
_home = tempfile.TemporaryDirectory(prefix="dialogs-")
for _variable in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
    os.environ[_variable] = _home.name

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.theme import application

SKIPPED = {"Quit", "Full screen"}
FIRST = 10
"""Openings before the memory is noted: fonts, icons and caches are loaded in them."""
RECORDED_S = 20.0


def main(openings: int) -> None:
    """One row for each entry that opens a dialog or a window."""
    session = Path(_home.name) / "s.plm"
    command = [sys.executable, "-m", "monitor_app", "record", "simulated-tx1-canziani2016", "-o", str(session)]
    subprocess.run([*command, "--duration", str(RECORDED_S)], check=True, capture_output=True)
    app = application()
    window = MainWindow(None, session)
    window.resize(1280, 800)
    window.show()
    wait(app, 1.0)
    print(f"idle: {memory_mb():.0f} MB")
    for action in entries(window):
        if not opens(app, window, action):
            continue
        for _ in range(FIRST):
            open_and_close(app, window, action)
        before = memory_mb(), len(QApplication.allWidgets())
        for _ in range(openings):
            open_and_close(app, window, action)
        after = memory_mb(), len(QApplication.allWidgets())
        each_kb, widgets = 1e3 * (after[0] - before[0]) / openings, after[1] - before[1]
        print(f"{action.text():32} {openings} openings: {before[0]:.1f} MB, then {after[0]:.1f} MB "
              f"({each_kb:+.1f} kB each), {widgets:+d} widgets", flush=True)  # fmt: skip
    print(f"idle again: {memory_mb():.0f} MB")
    window.close_at_once()


def entries(window: MainWindow) -> list:
    """Of all menus, except those that end the window or change its look."""
    return [each for each in window.actions() if not each.isCheckable() and each.text() not in SKIPPED]


def others(window: MainWindow) -> list[QWidget]:
    return [each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not window]


def opens(app: QApplication, window: MainWindow, action: object) -> bool:
    """Whether the entry opens anything; a dialog that waits for its answer is closed."""
    seen: list[bool] = []

    def look() -> None:
        seen.append(bool(others(window)))
        close(window)

    QTimer.singleShot(100, look)
    action.trigger()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        app.processEvents()
    window.navigation.show_all()
    wait(app, 0.1)
    return any(seen)


def open_and_close(app: QApplication, window: MainWindow, action: object) -> None:
    QTimer.singleShot(0, lambda: QTimer.singleShot(15, lambda: close(window)))
    action.trigger()  # type: ignore[attr-defined]
    wait(app, 0.04)
    close(window)
    app.processEvents()


def close(window: MainWindow) -> None:
    for each in others(window):
        QTest.keyClick(each, Qt.Key.Key_Escape)
        if each.isVisible():
            each.close()


def wait(app: QApplication, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.002)


def memory_mb() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    _home.cleanup()
