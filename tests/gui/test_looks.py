# SPDX-License-Identifier: Apache-2.0
"""Letters of buttons and questions, ticks and check marks, and what larger text needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtWidgets import QApplication, QCheckBox, QMainWindow, QMessageBox, QPushButton, QScrollArea

from monitor_app.bench.messages import Status
from monitor_app.charts.palette import contrast_of
from monitor_app.core.status import BenchPhase
from monitor_app.gui.actions import ShortcutsDialog
from monitor_app.gui.confirm import confirmed, tell
from monitor_app.gui.figures.window import FiguresWindow
from monitor_app.gui.keyboard import mnemonic_of
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.session_files.unsaved_dialog import UnsavedDialog
from monitor_app.gui.theme import THEMES, application, style_sheet
from tests.gui.conftest import StandIn, Tape, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]
    Live = tuple[MainWindow, StandIn, Tape]


def letters_of(window: QMainWindow) -> list[str]:
    """Of the menu bar and of all buttons that can be pressed now."""
    buttons = [b.text() for b in window.findChildren(QPushButton) if b.isVisible() and b.isEnabled()]
    texts = [*(action.text() for action in window.menuBar().actions()), *buttons]
    return [letter for text in texts if (letter := mnemonic_of(text))]


def test_no_letter_means_two_things_and_alt_presses_a_button(qtbot: QtBot, live: Live) -> None:
    window, bench, _ = live
    bench.say(Status(status(BenchPhase.RUNNING)))
    frames(window)
    window.parts.message_bar.note("A sentence.")
    letters = letters_of(window)
    assert len(letters) == len(set(letters))
    window.parts.message_bar.offer("A sentence.", "Show the figures", window.figures.show)
    assert mnemonic_of(window.parts.message_bar.button.text())
    letters = letters_of(window)
    assert len(letters) == len(set(letters))
    toolbar, runs = window.parts.panel(Toolbar), window.parts.panel(RunPanel)
    assert all(mnemonic_of(button.text()) for button in (runs.start_stop, runs.skip, runs.resume))
    assert all(mnemonic_of(b.text()) for b in (toolbar.record, toolbar.start, toolbar.mark, toolbar.open))
    marked: list[bool] = []
    toolbar.mark_asked.connect(lambda: marked.append(True))
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: marked == [True], timeout=5000)  # the button is seen to be pressed first
    window.figures.show()
    figures = window.figures.window
    assert isinstance(figures, FiguresWindow)
    letters = letters_of(figures)
    assert len(letters) == len(set(letters))
    assert all(mnemonic_of(button.text()) for button in figures.bar.buttons.values())


@pytest.mark.parametrize(("letter", "went_on"), [("e", True), ("k", False)])
def test_a_question_is_answered_by_a_letter(
    qtbot: QtBot, open_window: Opener, session: Path, letter: str, went_on: bool
) -> None:
    window = open_window(None, session)
    boxes: list[QMessageBox] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox) or not box.isActiveWindow():
            QTimer.singleShot(10, answer)
            return
        boxes.append(box)
        assert all(mnemonic_of(button.text()) for button in box.buttons())
        qtbot.keyClick(box, letter, Qt.KeyboardModifier.AltModifier)

    QTimer.singleShot(0, answer)
    assert confirmed(window, "Is this the end?", "End it", "Keep running") is went_on
    assert len(boxes) == 1


def test_a_recorded_session_has_letters_as_well(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.parts.message_bar.offer("A sentence.", "Save what can be read…", lambda: None)
    panel = window.parts.panel(RunPanel)
    texts = [panel.start_stop.text(), window.parts.message_bar.button.text()]
    assert all(map(mnemonic_of, texts))
    letters = [mnemonic_of(action.text()) for action in window.menuBar().actions()]
    letters += [letter for b in window.findChildren(QPushButton) if b.isVisible() and (letter := mnemonic_of(b.text()))]
    assert len(letters) == len(set(letters)), "also those of buttons that cannot be pressed now"


def test_what_could_not_be_saved_is_told_in_a_box_that_a_letter_closes(
    qtbot: QtBot, open_window: Opener, session: Path
) -> None:
    window = open_window(None, session)
    sentences: list[str] = []

    def close() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox) or not box.isActiveWindow():
            QTimer.singleShot(10, close)
            return
        sentences.append(box.text())
        [button] = box.buttons()
        qtbot.keyClick(box, mnemonic_of(button.text()), Qt.KeyboardModifier.AltModifier)

    QTimer.singleShot(0, close)
    tell(window, "Save session", "a <b> of somebody else cannot be written.")
    assert sentences == ["a <b> of somebody else cannot be written."]


def test_the_present_theme_is_checked_in_the_menu(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    dark, light = (window.actions_by_name[f"{name} theme"] for name in ("Dark", "Light"))
    assert (dark.isChecked(), light.isChecked()) == (True, False)
    light.trigger()
    assert window.theme.name == "light"
    assert (dark.isChecked(), light.isChecked()) == (False, True)
    light.trigger()
    assert light.isChecked(), "one of them always is"
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.theme.name == "dark"
    assert dark.isChecked()


@pytest.mark.parametrize("name", THEMES)
def test_a_checked_box_has_a_tick(qtbot: QtBot, name: str) -> None:
    application()
    box = QCheckBox("choice")
    box.setStyleSheet(style_sheet(THEMES[name]))
    qtbot.addWidget(box)
    box.setChecked(True)
    box.show()
    image = box.grab().toImage()
    middle = box.height() // 2
    inside = [image.pixelColor(x, y).name() for x in range(2, 11) for y in range(middle - 4, middle + 4)]
    filled = max(set(inside), key=inside.count)
    assert max(contrast_of(pixel, filled) for pixel in inside) >= 4.5


class Screen:
    """That of most notebooks; the offscreen one is smaller."""

    def availableGeometry(self) -> QRect:  # noqa: N802 (Qt names this method)
        return QRect(0, 0, 1280, 800)


def test_the_page_of_keys_is_not_wider_than_a_screen_at_large_text(
    open_window: Opener, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShortcutsDialog, "screen", lambda _: Screen())
    window = open_window(None, session)
    window.appearance.set_text_percent(130)
    window.show_shortcuts()
    page = window.findChild(ShortcutsDialog)
    assert page is not None
    assert page.width() <= 1280
    area = page.findChild(QScrollArea)
    assert area is not None
    assert area.horizontalScrollBar().maximum() == 0, "nothing is cut at the right"
    page.close()
    window.appearance.set_text_percent(100)


def test_unsaved_recordings_have_a_button_that_closes(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    dialog = UnsavedDialog(open_window(None, session))
    dialog.open()
    [button] = [b for b in dialog.findChildren(QPushButton) if "Close" in b.text().replace("&", "")]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


def test_axes_are_as_wide_as_their_text(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    left = window.parts.stack.trace.rect.left()
    window.appearance.set_text_percent(130)
    QApplication.processEvents()
    assert window.parts.stack.trace.rect.left() == pytest.approx(1.3 * left, abs=4)
    window.appearance.set_text_percent(100)
    QApplication.processEvents()
    assert window.parts.stack.trace.rect.left() == pytest.approx(left, abs=1)
