# SPDX-License-Identifier: Apache-2.0
"""What a window takes, and what it leaves behind once it is closed: nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from monitor_app.gui.freed_memory import give_back_large_blocks
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.theme import application
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.inferences.window import InferencesWindow


def let_go() -> None:
    """Of what is deleted later, and of what holds itself."""
    for _ in range(3):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # type: ignore[arg-type]
    gc.collect()


def wait_for_analysis(qtbot: QtBot, window: MainWindow) -> InferencesWindow:
    found = window.inferences.window
    assert found is not None
    qtbot.waitUntil(lambda: found.job is None and found.analysis is not None)
    return found


def test_a_closed_window_is_gone_with_all_its_parts(qtbot: QtBot, session: Path) -> None:
    application()
    let_go()
    before = set(map(id, QApplication.allWidgets()))
    window = MainWindow(None, session)
    window.resize(1280, 800)
    window.show()
    frames(window)
    window.markers.lay(4.0, 7.0)
    window.inferences.analyse_active_pair()
    analysed = wait_for_analysis(qtbot, window)
    window.figures.show()
    window.new_bench.show()
    parts = [
        weakref.ref(each)
        for each in (
            window, analysed, window.figures.window, window.bench, window.signals, window.figures, window.markers,
            window.document.recording, window.parts.stack, *window.parts.stack.every,
        )
    ]  # fmt: skip
    del analysed
    window.close_at_once()
    window.deleteLater()
    del window
    let_go()
    assert [each() for each in parts if each() is not None] == []
    assert [each for each in QApplication.allWidgets() if id(each) not in before] == []


def test_pyqtgraph_makes_no_classes_of_qt_that_nobody_uses() -> None:
    code = """
import monitor_app.gui.main_window, pyqtgraph, sys
from PySide6 import QtWidgets
from pyqtgraph.Qt import QtCore, QtGui
assert "QWizard" not in vars(sys.modules["pyqtgraph.Qt.QtWidgets"])
assert pyqtgraph.QtWidgets.QWizard is QtWidgets.QWizard
assert QtCore.__version__
assert not hasattr(QtGui, "no such class")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


CODE = """
import sys
from monitor_app.gui.freed_memory import give_back_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "yes" and not give_back_large_blocks():
    print("none")
    sys.exit()
bytearray(30 << 20)  # from now on, by itself, glibc takes blocks of up to this size from its heap
before, small = resident(), []
large = [bytearray(10 << 20) for _ in range(20) if small.append(bytearray(1000)) is None]
small.append(bytearray(100_000))  # behind all of them
large.clear()
print(resident() - before)
"""


def left(given_back: str) -> int:
    """Bytes that a process still has after 200 MB were freed."""
    said = subprocess.run([sys.executable, "-c", CODE, given_back], check=True, capture_output=True, text=True).stdout
    if said.strip() == "none":
        pytest.skip("another allocator than that of glibc")
    return int(said)


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_what_was_freed_goes_back() -> None:
    assert left("yes") < 10 << 20
    assert left("no") > 100 << 20, "by itself it does not, or this is not needed any more"


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not give_back_large_blocks()
