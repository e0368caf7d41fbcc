# SPDX-License-Identifier: Apache-2.0
"""Work of a process beside the window ends in one of three ways, each with what it has said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QProcess, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QProgressDialog, QPushButton, QWidget

from monitor_app.gui.process_job import ProcessJob

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow


@pytest.fixture
def parent(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_is_done_or_fails_with_what_it_has_said(qtbot: QtBot, parent: QWidget, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("[1]")
    with qtbot.waitSignal(ProcessJob(parent, "reading", "json.tool", "--compact", str(file)).done) as done:
        pass
    assert done.args == [["[1]"]]
    with qtbot.waitSignal(ProcessJob(parent, "reading", "json.tool", str(tmp_path / "none.json")).failed) as failed:
        pass
    assert "none.json" in failed.args[0][-1]  # type: ignore[index]


def test_it_can_be_cancelled(qtbot: QtBot, parent: QWidget) -> None:
    job = ProcessJob(parent, "reading", "json.tool")  # what it reads never ends
    [dialog] = parent.findChildren(QProgressDialog)
    [cancel] = dialog.findChildren(QPushButton)
    with qtbot.waitSignal(job.cancelled):
        cancel.click()
    assert not dialog.isVisible()


LABEL = "Writing 1,000 rows to view.csv"
TILL_ASKED = """
import pathlib, signal, sys

def end(*_):
    part.unlink()
    sys.exit(1)

part = pathlib.Path({part!r})
signal.signal(signal.SIGTERM, end)
part.write_text("half of it")
signal.pause()
"""
"""Writes, until it is asked to end; then it removes what it has written in part."""


@pytest.fixture
def writing(
    open_window: Callable[..., MainWindow], session: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> tuple[MainWindow, QProcess, Path]:
    """A window that writes a file which never gets complete."""
    part = tmp_path / "view.csv.part"
    (tmp_path / "till_asked.py").write_text(TILL_ASKED.format(part=str(part)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    window = open_window(None, session)
    job = ProcessJob(window, LABEL, "till_asked")
    qtbot.waitUntil(lambda: part.exists() and part.stat().st_size > 0)
    return window, job.process, part


@pytest.mark.parametrize("words", ["Keep open", "Cancel it and close"])
def test_a_window_that_still_writes_asks_before_it_closes(
    words: str, writing: tuple[MainWindow, QProcess, Path], qtbot: QtBot
) -> None:
    window, process, part = writing
    asked = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        [button] = [each for each in box.buttons() if each.text().replace("&", "") == words]
        button.click()

    QTimer.singleShot(0, answer)
    closed = window.close()
    assert LABEL in asked[0]
    assert closed == (words != "Keep open")
    assert part.exists() == (words == "Keep open")
    assert (process.state() is QProcess.ProcessState.Running) == (words == "Keep open")


def test_what_a_window_writes_ends_with_it_and_leaves_nothing_behind(
    writing: tuple[MainWindow, QProcess, Path],
) -> None:
    """Qt would kill the process, which could then not remove what it has written in part."""
    window, process, part = writing
    window.close_at_once()
    assert process.state() is QProcess.ProcessState.NotRunning
    assert not part.exists()
    assert window.parts.message_bar.text == "", "nobody is told of what a signal has cancelled"
