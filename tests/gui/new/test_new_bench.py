# SPDX-License-Identifier: Apache-2.0
"""The sheet New in the window: it begins from the open session, and Start records with what it shows."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from monitor_app.bench.client import ProfileFile
from monitor_app.bench.messages import Closed, Opened, Quit, StartRuns, Status
from tests.gui.conftest import StandIn, Tape, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.bench.controller import Wanted
    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.new.sheet import NewSheet

PROFILE = 'title = "Stored"\n[[source]]\nkind = "shunt"\n[plan]\nnetworks = ["mine:net"]\n'


class Starts:
    """Starts benches that the test speaks for, and keeps what each was to record with."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.wanted: list[Wanted] = []
        self.benches: list[StandIn] = []

    def __call__(self, wanted: Wanted) -> StandIn:
        self.wanted.append(wanted)
        self.benches.append(StandIn(self._folder / f"new-{len(self.benches)}.plm"))
        return self.benches[-1]


@pytest.fixture
def starts(tmp_path: Path) -> Starts:
    return Starts(tmp_path)


@pytest.fixture
def old(open_window: Callable[..., MainWindow], session: Path, starts: Starts) -> MainWindow:
    """A window on a recorded session that holds its profile."""
    with sqlite3.connect(session) as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('profile', ?)", (PROFILE,))
    db.close()
    return open_window(None, session, start_bench=starts)


def open_sheet(qtbot: QtBot, window: MainWindow) -> NewSheet:
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    sheet = window.new_bench.sheet
    assert sheet is not None
    qtbot.waitUntil(sheet.isActiveWindow)
    return sheet


def test_the_sheet_begins_from_the_session_whose_code_is_still_asked_about(
    qtbot: QtBot, old: MainWindow, starts: Starts
) -> None:
    sheet = open_sheet(qtbot, old)
    assert sheet.draft.text == PROFILE
    qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)
    [wanted] = starts.wanted
    assert isinstance(wanted, ProfileFile)
    assert wanted.path.read_text() == PROFILE
    assert not wanted.trusted
    assert old.new_bench.sheet is None, "it has done its work"


def test_a_sheet_that_was_closed_keeps_what_was_typed(qtbot: QtBot, old: MainWindow) -> None:
    sheet = open_sheet(qtbot, old)
    sheet.toml.editor.setPlainText('title = "Half done"\n')
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    old.activateWindow()
    qtbot.waitUntil(old.isActiveWindow)
    assert open_sheet(qtbot, old).draft.text == 'title = "Half done"\n'
    sheet.beginning.setFocus()
    qtbot.keyClick(sheet.beginning, Qt.Key.Key_Down)
    assert sheet.draft.text == PROFILE, "that of the session on screen"
    sheet.close()


def test_start_records_what_was_typed_and_record_repeats_it(
    qtbot: QtBot, old: MainWindow, starts: Starts, tmp_path: Path
) -> None:
    sheet = open_sheet(qtbot, old)
    typed = 'title = "Mine"\n[[source]]\nkind = "jtop"\npython = "/bin/true"\n'
    sheet.toml.editor.setPlainText(typed)
    qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)
    [wanted], [bench] = starts.wanted, starts.benches
    assert isinstance(wanted, ProfileFile)
    assert wanted.path.read_text() == typed
    assert wanted.trusted, "the user has named the program"
    new = Tape(bench.session)
    bench.say(Opened(str(bench.session)), Status(status()))
    frames(old)
    assert bench.commands == [StartRuns()]
    assert old.document.undecided, "it is a new session that nobody has saved"
    bench.say(Closed(str(bench.session)))
    frames(old)
    old.activateWindow()
    qtbot.waitUntil(old.isActiveWindow)
    qtbot.keyClick(old, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert starts.wanted == [wanted, wanted]
    new.close()
    old.close_at_once()
    assert not wanted.path.exists()


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_a_recording_in_progress_is_ended_first_as_the_user_says(
    answer: str,
    qtbot: QtBot,
    open_window: Callable[..., MainWindow],
    tape: Tape,
    tmp_path: Path,
    starts: Starts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tape.write_until(1.0)
    bench, kept = StandIn(tape.path), tmp_path / "kept.plm"
    bench.say(Opened(str(tape.path)), Status(status()))
    window = open_window(bench, start_bench=starts, unsaved=True)
    monkeypatch.setattr(window.document, "ask_what_to_keep", lambda: QMessageBox.StandardButton[answer])
    monkeypatch.setattr(window.document, "ask_target", lambda: kept)
    sheet = open_sheet(qtbot, window)
    assert "ends the recording" in sheet.warning.text()
    qtbot.mouseClick(sheet.start, Qt.MouseButton.LeftButton)
    assert (Quit() in bench.commands) == (answer != "Cancel")
    assert starts.wanted == [], "the instruments are still in use"
    if answer == "Cancel":
        assert window.new_bench.sheet is sheet
        sheet.close()
        return
    tape.close()
    bench.say(Closed(str(tape.path)))
    frames(window)
    assert isinstance(starts.wanted[0], ProfileFile)
    assert kept.exists() == (answer == "Save")
    assert not tape.path.exists()
