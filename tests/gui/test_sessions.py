# SPDX-License-Identifier: Apache-2.0
"""What the window remembers, the sessions that it lists, and what is offered for a damaged one."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QProcess, QSize, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFontMetricsF
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from monitor_app.bench.client import ProfileFile
from monitor_app.cli import main
from monitor_app.core.files.package_data import profile_path
from monitor_app.gui.actions import SubMenu
from monitor_app.gui.layout import SIDE_PX
from monitor_app.gui.panels.parts import Label
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.session_files.facts import COLUMNS, SessionFacts, facts_of
from monitor_app.gui.session_files.unsaved_dialog import UnsavedDialog
from monitor_app.gui.session_files.unsaved_list import IN_USE
from monitor_app.gui.settings import Settings, reset_settings, settings_file
from monitor_app.gui.theme import SMALL_PX, set_text_size, ui_font
from monitor_app.session.files import unsaved_folder
from monitor_app.session.promise import promise
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.gui.conftest import LENGTH_S, StandIn, frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.bench.controller import Wanted
    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.session_files.session_row import SessionRow
    from tests.gui.conftest import Tape

    Opener = Callable[..., MainWindow]
    Live = tuple[MainWindow, StandIn, Tape]

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "window.ini")


@pytest.fixture
def usual_text() -> Iterator[None]:
    yield
    set_text_size(100)


# -- what is remembered --------------------------------------------------------------------------


def test_the_next_window_is_as_the_last_one_was_left(
    qtbot: QtBot, open_window: Opener, session: Path, settings: Settings, tmp_path: Path
) -> None:
    first = open_window(None, session, settings=settings)
    first.resize(790, 640)
    first.parts.splitters["side"].setSizes([240, 550])
    first.parts.splitters["table"].setSizes([300, 120])
    side_px, table_px = first.parts.side.width(), first.parts.splitters["table"].sizes()
    assert side_px == 240
    qtbot.keyClick(first, Qt.Key.Key_F8)
    first.actions_by_name["Light theme"].trigger()
    first.close()
    sizes: list[QSize] = []
    again = open_window(
        None, session, settings=Settings(tmp_path / "window.ini"), before_shown=lambda new: sizes.append(new.size())
    )
    assert sizes == [QSize(790, 640)]
    again.resize(790, 640)
    qtbot.waitUntil(lambda: again.parts.side.width() == side_px)
    assert again.parts.splitters["table"].sizes() == table_px
    assert not again.parts.overview.isVisible()
    assert again.settings.read("theme", "") == "light"


def test_the_traces_alone_and_full_screen_are_for_a_moment(
    qtbot: QtBot, open_window: Opener, session: Path, settings: Settings
) -> None:
    window = open_window(None, session, settings=settings)
    qtbot.keyClick(window, Qt.Key.Key_F10)
    assert not window.parts.side.isVisible()
    window.close()
    assert open_window(None, session, settings=settings).parts.side.isVisible()


def test_a_followed_view_begins_as_wide_as_it_was(qtbot: QtBot, live: Live, settings: Settings) -> None:
    window, _bench, tape = live
    window.settings.write("live_width_s", 4.0)
    window.document.show(tape.path)
    frames(window, 1)
    assert window.view.following
    assert window.view.width_s == 4.0


def test_text_is_as_large_as_the_user_wants_it(
    qtbot: QtBot, open_window: Opener, session: Path, settings: Settings, usual_text: None
) -> None:
    window = open_window(None, session, settings=settings)
    label = next(each for each in window.findChildren(Label) if each.text())
    usual = label.font().pixelSize()
    for key in (*[Qt.Key.Key_Plus] * 3, Qt.Key.Key_Minus):
        qtbot.keyClick(window, key, CTRL)
    assert label.font().pixelSize() == round(usual * 1.2)
    stack, metrics = window.parts.stack, QFontMetricsF(ui_font(SMALL_PX))
    for note in (*stack.annotations.latency, *stack.annotations.accuracy):
        assert 16 + metrics.horizontalAdvance(note.name + note.text) <= stack.gutter_px
    set_text_size(100)
    again = open_window(None, session, settings=settings)
    label = next(each for each in again.findChildren(Label) if each.text())
    assert label.font().pixelSize() == round(usual * 1.2)
    qtbot.keyClick(again, Qt.Key.Key_0, CTRL | Qt.KeyboardModifier.AltModifier)
    assert label.font().pixelSize() == usual
    for _ in range(20):
        qtbot.keyClick(again, Qt.Key.Key_Plus, CTRL)
    assert label.font().pixelSize() == round(usual * 1.3)
    assert again.parts.side.width() >= int(SIDE_PX * 1.3)
    assert again.view.width_s == pytest.approx(LENGTH_S), "the same keys without Ctrl zoom in time"


@pytest.mark.parametrize("content", ["theme=[1", '[General]\ntheme=12\ngeometry="{}"\n', "\0\1\2[[[\n=", None])
def test_settings_that_cannot_be_read_are_ignored_with_a_line_in_the_log(
    content: str | None, open_window: Opener, session: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "window.ini"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    with caplog.at_level(logging.WARNING):
        window = open_window(None, session, settings=Settings(path))
        assert window.settings.read("theme", "dark") == "dark"
        window.appearance.choose_theme("light")
    if content is None or "General" in content:
        assert str(path) in caplog.text


@pytest.mark.parametrize("words", [["--reset-settings"], ["window", "p.toml", "--reset-settings"], ["p.toml"]])
def test_the_command_can_reset_the_settings(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def opened(*_: object, reset: bool = False, **__: object) -> int:
        asked.append(reset)
        return 0

    monkeypatch.setattr("monitor_app.cli.window.open_window", opened)
    monkeypatch.setattr("monitor_app.cli.commands.parser.log_to_file", lambda _: None)
    assert main(words) == 0
    assert asked == ["--reset-settings" in words]


def test_the_command_can_begin_on_the_start_page(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[object, ...]] = []
    monkeypatch.setattr("monitor_app.cli.window._has_display", lambda: True)
    monkeypatch.setattr("monitor_app.cli.commands.parser.log_to_file", lambda _: None)
    monkeypatch.setattr("monitor_app.gui.app.run_window", lambda *args, **_: (shown.append(args), 0)[1])
    assert main(["window", "--start-page"]) == 0
    assert shown == [(None, None)], "neither a bench nor a session"
    assert main(["window", "p.toml", "--start-page"]) != 0


def test_settings_can_be_reset(caplog: pytest.LogCaptureFixture) -> None:
    reset_settings()
    Settings(settings_file()).write("theme", "light")
    assert Settings(settings_file()).read("theme", "") == "light"
    reset_settings()
    assert Settings(settings_file()).read("theme", "") == ""
    assert not caplog.records


# -- recent sessions -----------------------------------------------------------------------------


def test_recent_sessions_are_in_the_menu_and_open(
    open_window: Opener, session: Path, settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other & more.plm"
    shutil.copy(session, other)
    window = open_window(None, session, settings=settings)
    window.document.open_saved(other)
    menu = next(e for e in window.commands if isinstance(e, SubMenu) and e.text == "Recent sessions")
    texts = [entry[0] for entry in menu.entries()]
    assert [text.split("   ")[0] for text in texts] == ["other & more.plm", "old.plm"]
    assert "0:20" in texts[0]
    assert "MB" in texts[0] or "kB" in texts[0]
    session.unlink()
    assert len(menu.entries()) == 1, "one that is gone is not listed"
    shutil.copy(other, session)
    menu.entries()[1][1]()
    assert window.recording is not None
    assert window.recording.reader.path == session
    again = open_window(None, None, settings=Settings(tmp_path / "window.ini"))
    assert [text.split("   ")[0] for text, _ in again.sessions.recent_entries()] == ["old.plm", "other & more.plm"]


def test_a_session_that_is_dropped_on_the_window_is_opened(open_window: Opener, session: Path) -> None:
    window = open_window(None, None)
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(session))])
    for kind in (QDragEnterEvent, QDropEvent):
        at = QPointF(100, 100) if kind is QDropEvent else QPoint(100, 100)
        event = kind(at, Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(window, event)
        assert event.isAccepted()
    assert window.recording is not None
    assert window.recording.reader.path == session


def test_what_another_window_has_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    settings = Settings(path)
    settings.write("theme", "dark")
    path.write_text(path.read_text().replace("dark", "light"))  # as a process of its own does
    assert settings.read("theme", "") == "light"


def test_what_is_in_the_place_of_recent_sessions_is_ignored(open_window: Opener, settings: Settings) -> None:
    settings.write("recent", [1, {"path": 3}, {"path": "/nowhere", "title": "", "length_s": 1.0}])
    assert open_window(None, None, settings=settings).sessions.recent_entries() == []


def test_while_a_bench_records_another_session_is_opened_in_a_window_of_its_own(
    qtbot: QtBot, live: Live, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, _bench, tape = live
    begun: list[list[str]] = []
    monkeypatch.setattr(QProcess, "startDetached", lambda _program, words: (begun.append(words) or True, 1))
    window.sessions.add_recent(session)
    window.sessions.recent_entries()[0][1]()
    bar = window.parts.message_bar
    assert "recording is in progress" in bar.text
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    monkeypatch.setattr(window.document, "ask_source", lambda: session)
    qtbot.keyClick(window, Qt.Key.Key_O, CTRL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(window, Qt.Key.Key_O, CTRL)
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(window, Qt.Key.Key_N, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert [words[-2:] for words in begun] == [["window", str(session)]] * 3 + [["window", "--start-page"]]
    qtbot.keyClick(window, Qt.Key.Key_W, CTRL)
    assert "stop it first" in bar.text
    assert window.recording is not None
    assert window.recording.reader.path == tape.path


def test_what_is_no_session_is_said_and_opens_no_window(
    qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(None, session)
    begun: list[list[str]] = []
    monkeypatch.setattr(QProcess, "startDetached", lambda _program, words: (begun.append(words) or True, 1))
    profile = tmp_path / "board.toml"
    profile.write_text("title = 'board'")
    for chosen, said in ((profile, "not a session file"), (tmp_path / "gone.plm", "There is no file")):
        monkeypatch.setattr(window.document, "ask_source", lambda chosen=chosen: chosen)
        qtbot.keyClick(window, Qt.Key.Key_O, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert said in window.parts.message_bar.text
    assert begun == []


@pytest.mark.parametrize("name", ["s.plm", "renamed.db"])
def test_a_session_is_shown_whatever_its_name_ends_with(
    session: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[object, ...]] = []
    monkeypatch.setattr("monitor_app.gui.app.run_window", lambda *what, **_: shown.append(what) or 0)
    path = session.rename(tmp_path / name)
    assert main([str(path)]) == main(["window", str(path)]) == 0
    assert shown == [(None, path)] * 2


# -- unsaved recordings --------------------------------------------------------------------------


@pytest.fixture
def unsaved(session: Path) -> Path:
    """One session that was never saved."""
    return shutil.copy(session, unsaved_folder() / "session-1.plm")


def shown_dialog(qtbot: QtBot, window: MainWindow) -> tuple[UnsavedDialog, list[SessionRow]]:
    window.actions_by_name["Unsaved recordings…"].trigger()
    [dialog] = window.findChildren(UnsavedDialog)
    qtbot.waitUntil(lambda: bool(dialog.list.rows))
    return dialog, list(dialog.list.rows.values())


def test_unsaved_recordings_are_announced_once_with_a_way_to_them(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path
) -> None:
    SessionWriter(unsaved_folder() / "empty.plm").close()
    window = open_window(None, session)
    window.sessions.announce_unsaved()
    qtbot.waitUntil(lambda: bool(window.parts.message_bar.text))
    assert window.parts.message_bar.text.startswith("There is 1 unsaved recording of ")
    qtbot.mouseClick(window.parts.message_bar.button, Qt.MouseButton.LeftButton)
    [dialog] = window.findChildren(UnsavedDialog)
    qtbot.waitUntil(lambda: len(dialog.list.rows) == 2)
    texts = " ".join(row.facts.summary for row in dialog.list.rows.values())
    assert "0:20" in texts
    assert "nothing was recorded" in texts
    dialog.close()


def test_the_announcement_waits_for_the_session_that_begins(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path
) -> None:
    window = open_window(StandIn(session))
    window.sessions.announce_unsaved()
    assert window.sessions._look is None, "what it found would be dismissed when the session begins"
    window.document.show(session)
    qtbot.waitUntil(lambda: "unsaved recording" in window.parts.message_bar.text)


def test_a_promise_of_the_last_time_is_kept_at_the_start(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path, tmp_path: Path
) -> None:
    target = tmp_path / "mine.plm"
    promise(unsaved, target)
    window = open_window(None, session)
    window.sessions.announce_unsaved()
    qtbot.waitUntil(lambda: str(target) in window.parts.message_bar.text)
    assert not target.is_symlink()
    assert not unsaved.exists()
    assert window.sessions.recent_entries()[0][0].startswith("mine.plm")


def test_an_unsaved_recording_is_opened_as_unsaved(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path
) -> None:
    window = open_window(None, session)
    _dialog, [row] = shown_dialog(qtbot, window)
    qtbot.mouseClick(row.buttons["open"], Qt.MouseButton.LeftButton)
    assert window.recording is not None
    assert window.recording.reader.path == unsaved
    assert window.document.undecided
    assert not any("session-1" in text for text, _ in window.sessions.recent_entries())


def test_an_unsaved_recording_is_saved(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, target = open_window(None, session), tmp_path / "kept.plm"
    dialog, [row] = shown_dialog(qtbot, window)
    monkeypatch.setattr(dialog.list, "ask_target", lambda _: target)
    qtbot.mouseClick(row.buttons["save"], Qt.MouseButton.LeftButton)
    assert not unsaved.exists()
    with SessionReader(target) as reader:
        assert reader.extent() is not None
    assert window.sessions.recent_entries()[0][0].startswith("kept.plm")
    assert "no unsaved" in dialog.list.head.text()
    dialog.close()


@pytest.mark.parametrize("answer", ["Discard", "Keep it"])
def test_an_unsaved_recording_is_discarded_only_where_the_user_says_so(
    answer: str, qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path
) -> None:
    window = open_window(None, session)
    dialog, [row] = shown_dialog(qtbot, window)

    def press() -> None:
        [box] = dialog.findChildren(QMessageBox)
        buttons = {each.text().replace("&", ""): each for each in box.findChildren(QPushButton)}
        # A question that is not answered would hold this thread for ever.
        buttons[answer].click() if answer in buttons else box.reject()

    timer = dialog.startTimer(5)
    dialog.timerEvent = lambda _: press() if dialog.findChildren(QMessageBox) else None  # type: ignore[method-assign]
    qtbot.mouseClick(row.buttons["discard"], Qt.MouseButton.LeftButton)
    dialog.killTimer(timer)
    assert unsaved.exists() == (answer != "Discard")
    dialog.close()


def test_one_that_another_window_shows_is_not_discarded(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SessionWriter(unsaved_folder() / "session-2.plm")
    reader = SessionReader(writer.path)
    reader.extent()
    writer.close()
    monkeypatch.setattr("monitor_app.gui.session_files.unsaved_list.confirmed", lambda *_: True)
    window = open_window(None, session)
    dialog, _ = shown_dialog(qtbot, window)
    qtbot.mouseClick(dialog.list.rows[writer.path].buttons["discard"], Qt.MouseButton.LeftButton)
    assert writer.path.exists()
    assert dialog.list.head.text() == IN_USE
    reader.close()
    dialog.close()


def test_the_small_picture_shows_the_power_and_where_nothing_was_recorded(session: Path) -> None:
    trace = facts_of(session, with_trace=True).trace
    assert len(trace) == COLUMNS
    middle = trace[round(COLUMNS * 6.0 / LENGTH_S)]
    assert middle == pytest.approx((10.0, 10.0), rel=0.1)
    assert trace[round(COLUMNS * 1.0 / LENGTH_S)][1] == pytest.approx(1.0, rel=0.3)


# -- start page ----------------------------------------------------------------------------------


def test_without_a_session_the_window_lists_what_there_is(
    qtbot: QtBot, open_window: Opener, session: Path, unsaved: Path, settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    window = open_window(None, session, settings=settings)
    page = window.parts.start_page
    assert not page.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_W, CTRL)
    frames(window, 1)
    assert page.isVisible()
    assert window.recording is None
    assert window.parts.panel(StatusBar).text == ""
    assert window.parts.panel(RunTable).view.model().rowCount() == 0
    assert not window.parts.panel(Toolbar).figures.isEnabled()
    qtbot.waitUntil(lambda: list(page.recent) == [session] and list(page.unsaved.rows) == [unsaved])
    assert len(page.recent[session].facts.trace) == COLUMNS
    marks = [label for label in page.recent[session].findChildren(QLabel) if label.text() == "SIMULATED"]
    assert [mark.isHidden() for mark in marks] == [False]
    target = tmp_path / "kept.plm"
    monkeypatch.setattr(page.unsaved, "ask_target", lambda _: target)
    qtbot.mouseClick(page.unsaved.rows[unsaved].buttons["save"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: list(page.recent) == [target, session])
    assert not page.unsaved.isVisible()
    qtbot.mouseDClick(page.recent[target], Qt.MouseButton.LeftButton)
    frames(window, 1)
    assert window.recording is not None
    assert window.recording.reader.path == target
    assert not page.isVisible()
    assert window.parts.stack.isVisible()


def test_the_start_page_begins_a_session_of_the_simulated_board(
    qtbot: QtBot, open_window: Opener, tape: Tape, settings: Settings
) -> None:
    asked: list[Wanted] = []

    def start(wanted: Wanted) -> StandIn:
        asked.append(wanted)
        return StandIn(tape.path)

    window = open_window(None, None, start_bench=start, settings=settings)
    page = window.parts.start_page
    qtbot.waitUntil(page.findChildren(Label)[0].isVisible)
    frames(window, 1)
    page.new.click()
    assert window.new_bench.sheet is not None
    window.new_bench.sheet.close()
    qtbot.mouseClick(page.simulated, Qt.MouseButton.LeftButton)
    assert asked == [ProfileFile(profile_path("simulated-tx1"))]
    frames(window, 1)
    assert not page.isVisible(), "the bench that starts has the panes"


def test_a_session_that_has_not_changed_is_read_once(
    qtbot: QtBot, open_window: Opener, session: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def facts(path: Path, **options: bool) -> SessionFacts:
        read.append(path)
        return facts_of(path, **options)

    monkeypatch.setattr("monitor_app.gui.session_files.look.facts_of", facts)
    window = open_window(None, session, settings=settings)
    page = window.parts.start_page
    for _ in range(2):
        window.sessions.list_on(page)
        qtbot.waitUntil(lambda: session in page.recent)
        page.recent.clear()
    assert read == [session]


# -- damaged and empty ones ----------------------------------------------------------------------


@pytest.fixture
def damaged(session: Path, tmp_path: Path) -> Path:
    path = tmp_path / "damaged.plm"
    content = bytearray(session.read_bytes())
    content[:4096] = bytes(4096)
    path.write_bytes(content)
    return path


def test_a_damaged_session_is_offered_its_repair_into_a_copy(
    qtbot: QtBot, open_window: Opener, session: Path, damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, copy, before = open_window(None, session), tmp_path / "copy.plm", damaged.read_bytes()
    monkeypatch.setattr(window.sessions, "ask_copy", lambda _: copy)
    window.document.open_saved(damaged)
    bar = window.parts.message_bar
    assert "damaged.plm" in bar.text
    assert bar.property("kind") == "alarm"
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Saved: " in bar.text)
    assert damaged.read_bytes() == before
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    assert window.recording is not None
    assert window.recording.reader.path == copy
    assert window.edge_s == pytest.approx(LENGTH_S, abs=0.1)


def test_a_sentence_without_an_offer_has_no_button(open_window: Opener, session: Path, damaged: Path) -> None:
    window = open_window(None, session)
    window.document.open_saved(damaged)
    assert window.parts.message_bar.button.isVisible()
    window.document.open_saved(session.with_name("none.plm"))
    assert "none.plm" in window.parts.message_bar.text
    assert not window.parts.message_bar.button.isVisible()


def test_an_empty_session_says_that_nothing_was_recorded(open_window: Opener, session: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.plm"
    SessionWriter(empty).close()
    window = open_window(None, empty)
    assert window.parts.nothing.isVisible()
    assert window.parts.nothing.size() == window.parts.stack.size()
    window.document.open_saved(session)
    frames(window, 1)
    assert not window.parts.nothing.isVisible()
