# SPDX-License-Identifier: Apache-2.0
"""Notes on a session and its name, as they are written in the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from monitor_app.bench.messages import SetNotes
from monitor_app.gui.session_files.facts import facts_of
from monitor_app.session.reader import SessionReader
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.notes_controller import NotesDialog
    from tests.gui.conftest import StandIn, Tape

    Opener = Callable[..., MainWindow]

CTRL = Qt.KeyboardModifier.ControlModifier


def notes_in(path: Path) -> str:
    with SessionReader(path) as reader:
        return reader.meta().get("notes", "")


def opened_notes(qtbot: QtBot, window: MainWindow) -> NotesDialog:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_I, CTRL)
    assert window.notes.dialog is not None
    return window.notes.dialog


def test_what_is_typed_is_stored_in_the_session(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    dialog = opened_notes(qtbot, window)
    qtbot.keyClicks(dialog.text, "new fan")
    qtbot.waitUntil(lambda: notes_in(session) == "new fan")
    qtbot.keyClick(dialog.text, Qt.Key.Key_Return)
    qtbot.keyClicks(dialog.text, "35 degrees")
    dialog.close()
    assert notes_in(session) == "new fan\n35 degrees"
    assert facts_of(session).summary.endswith("new fan")
    frames(window)
    assert window.recording is not None
    again = opened_notes(qtbot, window)
    assert again.text.toPlainText() == "new fan\n35 degrees"


def test_another_session_has_notes_of_its_own(
    qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path, written_once: Path
) -> None:
    other = tmp_path / "other.plm"
    other.write_bytes(written_once.read_bytes())
    window = open_window(None, session)
    qtbot.keyClicks(opened_notes(qtbot, window).text, "of the first")
    window.document.open_saved(other)
    assert notes_in(session) == "of the first"
    assert notes_in(other) == ""
    qtbot.waitUntil(lambda: window.notes.dialog is None)
    assert opened_notes(qtbot, window).text.toPlainText() == ""
    qtbot.keyClicks(window.notes.dialog.text, "of the second")  # type: ignore[union-attr]
    window.close()
    assert notes_in(other) == "of the second", "also when the window is closed at once"


def test_while_it_is_recorded_the_bench_stores_them(qtbot: QtBot, live: tuple[MainWindow, StandIn, Tape]) -> None:
    window, bench, _tape = live
    dialog = opened_notes(qtbot, window)
    qtbot.keyClicks(dialog.text, "warm")
    dialog.close()
    assert bench.commands == [SetNotes("warm")]


def test_a_session_that_cannot_be_written_keeps_its_notes_and_says_so(
    qtbot: QtBot, live: tuple[MainWindow, StandIn, Tape], open_window: Opener
) -> None:
    _window, _bench, tape = live
    other = open_window(None, tape.path)
    dialog = opened_notes(qtbot, other)
    qtbot.keyClicks(dialog.text, "x")
    dialog.close()
    assert "Notes are not stored" in other.parts.message_bar.text


def test_a_session_that_is_recorded_keeps_its_name(qtbot: QtBot, live: tuple[MainWindow, StandIn, Tape]) -> None:
    window, _bench, tape = live
    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert "still being recorded" in window.parts.message_bar.text
    assert window.recording is not None
    assert window.recording.reader.path == tape.path


def test_a_session_is_renamed(
    qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(None, session)
    taken = tmp_path / "taken.plm"
    taken.write_text("something else")
    names = iter(["taken", "", "fan test.plm"])
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (next(names), True))
    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert "already a file" in window.parts.message_bar.text
    assert taken.read_text() == "something else"
    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert session.exists(), "no name is no name"
    qtbot.keyClick(window, Qt.Key.Key_F2)
    assert not session.exists()
    assert window.recording is not None
    assert window.recording.reader.path == tmp_path / "fan test.plm"
    assert window.windowTitle().startswith("fan test.plm")
    assert window.sessions.recent_entries()[0][0].startswith("fan test.plm")
