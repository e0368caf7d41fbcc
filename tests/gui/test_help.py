# SPDX-License-Identifier: Apache-2.0
"""The Help menu, the log of the window, and a window that finds no display."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from PySide6.QtGui import QGuiApplication

from monitor_app import __version__
from monitor_app.core.child_process import python_module
from monitor_app.core.files.package_data import guide_path
from monitor_app.core.log import log_file, log_to_file
from monitor_app.gui.help.about import LICENCE, AboutDialog
from monitor_app.gui.help.text_window import GuideWindow, LogWindow
from monitor_app.gui.settings import Settings, settings_file
from monitor_app.session.reader import SessionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]


@pytest.fixture
def logged() -> Iterator[Path]:
    """The log of the window, which this process writes; afterwards pytest listens again."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    yield log_to_file("window")
    for handler in root.handlers:
        handler.close()
    root.handlers = handlers
    root.setLevel(level)


def test_about_names_every_version_without_importing_torch(open_window: Opener, session: Path) -> None:
    loaded = "torch" in sys.modules
    window = open_window(None, session)
    window.actions_by_name["About monitor-app"].trigger()
    [dialog] = window.findChildren(AboutDialog)
    assert dialog.rows["monitor-app"] == __version__
    assert {"Python", "Qt", "PySide6", "pyqtgraph", "numpy", "SQLite", "torch"} < set(dialog.rows)
    assert all(version[0].isdigit() or version == "not installed" for version in dialog.rows.values())
    assert ("torch" in sys.modules) == loaded
    assert any(LICENCE in str(label.text()) for label in dialog.findChildren(type(window.parts.nothing)))
    dialog.copy.click()
    assert f"monitor-app {__version__}" in QGuiApplication.clipboard().text()
    dialog.close()


def test_the_log_has_what_was_shown_and_can_be_copied(open_window: Opener, session: Path, logged: Path) -> None:
    window = open_window(None, session)
    window.document.open_saved(session.with_name("none.plm"))
    window.actions_by_name["Show log"].trigger()
    [dialog] = window.findChildren(LogWindow)
    assert "none.plm" in dialog.text.toPlainText()
    assert str(log_file("window")) in dialog.windowTitle()
    dialog.copy.click()
    assert "none.plm" in QGuiApplication.clipboard().text()
    dialog.close()


def test_the_guide_is_in_the_window(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.actions_by_name["User guide"].trigger()
    [dialog] = window.findChildren(GuideWindow)
    assert "A minute without hardware" in dialog.page.toPlainText()
    dialog.close()
    assert guide_path().is_file()


@pytest.mark.parametrize("with_session", [False, True])
def test_a_report_bundle_has_no_samples_unless_asked(
    with_session: bool, qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path, logged: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("API_KEY", "secret")
    Settings(settings_file()).write("theme", "light")
    logging.getLogger("test").info("a line of the log")
    window, target = open_window(None, session), tmp_path / "report.zip"
    monkeypatch.setattr(window.help, "ask_with_session", lambda: with_session)
    monkeypatch.setattr(window.help, "ask_target", lambda: target)
    window.actions_by_name["Save report bundle…"].trigger()
    qtbot.waitUntil(lambda: str(target) in window.parts.message_bar.text)
    with zipfile.ZipFile(target) as bundle:
        names = set(bundle.namelist())
        assert names == {"versions.txt", "surroundings.txt", "window.log", "window.ini"} | (
            {"old.plm"} if with_session else set()
        )
        assert "a line of the log" in bundle.read("window.log").decode()
        assert f"monitor-app: {__version__}" in bundle.read("versions.txt").decode()
        assert "secret" not in bundle.read("surroundings.txt").decode()
        if with_session:
            bundle.extract("old.plm", tmp_path / "out")
            with SessionReader(tmp_path / "out" / "old.plm") as copy, SessionReader(session) as original:
                assert copy.extent() == original.extent()


def test_a_bundle_that_is_cancelled_is_not_written(
    open_window: Opener, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(None, session)
    monkeypatch.setattr(window.help, "ask_with_session", lambda: None)
    monkeypatch.setattr(window.help, "ask_target", lambda: pytest.fail("it was cancelled"))
    window.help.save_bundle()


def test_a_display_that_cannot_be_reached_ends_with_one_sentence(session: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QT_", "WAYLAND"))}
    done = subprocess.run(
        python_module("monitor_app", str(session)), env={**environment, "DISPLAY": ":4999"}, capture_output=True,
        text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 1, "Qt would abort"
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("The window cannot be opened on this display (DISPLAY=:4999)")
    assert "platform plugin" in log_file("window").read_text()


def test_keys_of_the_help_menu_do_not_take_those_of_others(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    keys = [key.toString() for action in window.actions_by_name.values() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
