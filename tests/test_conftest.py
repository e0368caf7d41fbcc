# SPDX-License-Identifier: Apache-2.0
"""The fixtures that watch every other test are watched here, in a pytest of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ("pytester",)

_LEAKS = """
import subprocess, sys, threading
from pathlib import Path
from PySide6.QtWidgets import QWidget

release = threading.Event()
kept = []

def test_leaves_a_thread():
    threading.Thread(target=release.wait, name="sampler", daemon=True).start()

def test_after_a_thread_is_clean():
    release.set()

def test_leaves_a_process():
    kept.append(subprocess.Popen([sys.executable, "-c", "input()", "orphan"], stdin=subprocess.PIPE))

def test_after_a_process_is_clean():
    kept[0].stdin.close()
    kept[0].wait()

def test_leaves_a_window(qapp):
    kept.append(QWidget())
    kept[-1].setWindowTitle("panel")
    kept[-1].show()

def test_after_a_window_is_clean(qapp):
    pass
"""

_TIDY = """
import subprocess, sys, threading
from PySide6.QtCore import QThread
from PySide6.QtWidgets import QWidget

def test_thread_that_ends_by_itself():
    threading.Thread(target=lambda: None).start()

def test_process_that_is_waited_for():
    subprocess.run([sys.executable, "-c", ""], check=True)

def test_window_given_to_qtbot(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()

def test_thread_of_qt_that_was_joined(qapp):
    class Reader(QThread):
        def run(self):
            threading.current_thread()
    reader = Reader()
    reader.start()
    assert reader.wait(5000)
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    conftest = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    pytester.makeconftest(conftest.replace("_GRACE_S = 10.0", "_GRACE_S = 0.5"))
    return pytester


def test_what_a_test_leaves_behind_fails_it_by_name(inner: pytest.Pytester) -> None:
    inner.makepyfile(_LEAKS)
    result = inner.runpytest_subprocess()
    result.assert_outcomes(passed=6, errors=3)
    result.stdout.fnmatch_lines_random(
        [
            "*left behind: thread sampler",
            "*left behind: process * orphan)",
            "*left behind: window panel",
        ]
    )


def test_a_tidy_test_passes(inner: pytest.Pytester) -> None:
    inner.makepyfile(_TIDY)
    inner.runpytest_subprocess().assert_outcomes(passed=4)


def test_the_home_is_empty_and_not_the_users(own_home: Path) -> None:
    assert Path.home() == own_home
    assert {path.name for path in own_home.iterdir()} == {"cache", "config", "data", "state", "runtime"}
    assert os.environ["XDG_CONFIG_HOME"].startswith(str(own_home))
