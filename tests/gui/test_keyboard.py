# SPDX-License-Identifier: Apache-2.0
"""The windows without a mouse and without sight: every control has a name, is reached by Tab, and has its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QWidget,
)

from monitor_app.bench.messages import StartRuns, Status, StopRuns
from monitor_app.charts.palette import contrast_of
from monitor_app.core.status import BenchPhase
from monitor_app.gui.figures.window import FiguresWindow
from monitor_app.gui.keyboard import mnemonic_of, with_mnemonics
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.signal_list import SignalList
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.plot.grounds import phase_colours
from monitor_app.gui.theme import THEMES
from tests.gui.conftest import StandIn, Tape, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]
    Live = tuple[MainWindow, StandIn, Tape]

OF_QT = (QHeaderView,)
PRESSED = ("mousePressEvent", "mouseReleaseEvent")


def clickable(root: QWidget) -> Iterator[QWidget]:
    """The visible widgets with which the mouse can do something."""
    for widget in root.findChildren(QWidget):
        controls = isinstance(widget, QAbstractButton | QLineEdit | QComboBox | QAbstractItemView)
        ours = any(name in vars(kind) for kind in type(widget).__mro__ for name in PRESSED if _is_ours(kind))
        inside = any(isinstance(parent, QComboBox) for parent in parents(widget))
        corner = isinstance(widget, QAbstractButton) and isinstance(widget.parentWidget(), QAbstractItemView)
        if widget.isVisible() and (controls or ours) and not isinstance(widget, OF_QT) and not inside and not corner:
            yield widget


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("monitor_app")


def parents(widget: QWidget) -> Iterator[QWidget]:
    while (above := widget.parentWidget()) is not None:
        yield above
        widget = above


def name_of(widget: QWidget) -> str:
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def unreachable(root: QWidget) -> list[str]:
    """What has no name, or is passed over by Tab."""
    found = []
    for widget in clickable(root):
        what = f"{type(widget).__name__} {name_of(widget)!r} in {type(widget.parentWidget()).__name__}"
        if not name_of(widget).strip(" \N{MULTIPLICATION SIGN}"):
            found.append(f"no name: {what}")
        if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            found.append(f"not reached by Tab: {what}")
    return found


def reached_by_tab(qtbot: QtBot, window: QWidget) -> list[QWidget]:
    """All widgets that have the focus in turn, until the first one has it again."""
    first = QApplication.focusWidget()
    found: list[QWidget] = []
    while len(found) < 300:
        qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        now = QApplication.focusWidget()
        assert now is not None
        if now in found or now is first:
            break
        found.append(now)
    return found


def test_every_control_of_the_window_has_a_name_and_is_reached(qtbot: QtBot, live: Live) -> None:
    window, _, _ = live
    window.parts.message_bar.offer("A sentence.", "do it", lambda: None)
    window.navigation.show_between(2.0, 8.0)
    frames(window)
    assert window.parts.pill.isVisible()
    assert unreachable(window) == []
    window.parts.stack.setFocus()
    reached = reached_by_tab(qtbot, window)
    missed = [w for w in clickable(window) if w.isEnabled() and w not in reached and w is not window.parts.stack]
    assert [name_of(w) for w in missed] == []


def test_every_control_of_the_figures_has_a_name(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.figures.show()
    figures = window.figures.window
    assert isinstance(figures, FiguresWindow)
    assert unreachable(figures) == []


@pytest.mark.parametrize(
    "ask", ["views.ask_range", "markers.edit_active", "sessions.show_unsaved", "help.show_about", "help.show_log"]
)
def test_every_control_of_a_dialog_has_a_name_and_its_buttons_a_letter(
    open_window: Opener, session: Path, ask: str
) -> None:
    window = open_window(None, session)
    window.markers.lay(4.5, 6.5)
    frames(window)
    before = set(QApplication.topLevelWidgets())
    part, name = ask.split(".")
    getattr(getattr(window, part), name)()
    opened = [w for w in QApplication.topLevelWidgets() if w not in before and isinstance(w, QDialog)]
    assert opened or ask == "sessions.show_unsaved"
    for dialog in opened:
        assert unreachable(dialog) == []
        assert all(mnemonic_of(button.text()) for button in dialog.findChildren(QPushButton))
        dialog.close()


def test_the_ring_shows_who_has_the_keys(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    keyboard = window.keyboard
    assert QApplication.focusWidget() is window.parts.stack
    assert keyboard.ring is None
    button = window.parts.panel(Toolbar).open
    # After a double click in another test Qt takes the button to be down.
    qtbot.mouseRelease(window.parts.stack.viewport(), Qt.MouseButton.LeftButton)
    while QApplication.focusWidget() is not button:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    ring = keyboard.ring
    assert ring is not None
    assert ring.isVisible()
    assert ring.geometry().contains(button.geometry())
    colour = ring.grab().toImage().pixelColor(1, ring.height() // 2).name()
    assert contrast_of(colour, window.theme.panel) >= 3.0
    window.parts.stack.setFocus(Qt.FocusReason.MouseFocusReason)
    assert keyboard.ring is not ring


def test_no_ring_comes_with_the_focus_of_another_window(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    """As when the figures open: nobody has asked with a key who has the focus."""
    window = open_window(None, session)
    other = QLineEdit()
    qtbot.addWidget(other)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.focusChanged.emit(other, window.parts.stack)
    assert window.keyboard.ring is None


def test_space_presses_the_button_that_has_the_focus_and_else_runs_the_plan(qtbot: QtBot, live: Live) -> None:
    window, bench, _ = live
    bench.say(Status(status(BenchPhase.MONITORING)))
    frames(window)
    window.navigation.show_between(2.0, 8.0)
    frames(window)
    window.parts.pill.setFocus()
    qtbot.keyClick(window.parts.pill, Qt.Key.Key_Space)
    assert window.view.following
    assert not any(isinstance(command, StartRuns | StopRuns) for command in bench.commands)
    window.parts.stack.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert any(isinstance(command, StartRuns) for command in bench.commands)


def test_a_signal_is_shown_and_a_run_is_chosen_by_keys(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    signals = window.findChild(SignalList)
    assert isinstance(signals, SignalList)
    signals.setFocus()
    qtbot.keyClick(signals, Qt.Key.Key_Down)
    qtbot.keyClick(signals, Qt.Key.Key_Space)
    assert len(window.signals.shown.all) == 2
    qtbot.keyClick(signals, Qt.Key.Key_Return)
    assert len(window.signals.shown.all) == 1
    table = window.parts.panel(RunTable)
    table.view.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(table.view, Qt.Key.Key_Down)
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    frames(window)
    assert table.chosen is not None
    assert window.view.width_s < 15.0


# -- mnemonics -----------------------------------------------------------------------------------


def test_each_entry_of_a_menu_has_a_letter_of_its_own(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    bar = window.menuBar()
    for menu in (bar, *bar.findChildren(QMenu)):
        if isinstance(menu, QMenu):
            menu.aboutToShow.emit()
        texts = [action.text() for action in menu.actions() if not action.isSeparator()]
        letters = [mnemonic_of(text) for text in texts]
        assert all(letters[:20]), texts
        assert len(set(filter(None, letters))) == len(list(filter(None, letters))), texts
    assert [mnemonic_of(action.text()) for action in bar.actions()][:2] == ["f", "e"]


def test_letters_that_are_there_are_kept() -> None:
    assert with_mnemonics(["Save", "Sa&ve as", "Save && quit", "…"]) == ["&Save", "Sa&ve as", "Save && &quit", "…"]


# -- colours -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEMES)
def test_phases_stand_out_from_what_is_around_them(name: str) -> None:
    theme = THEMES[name]
    edge, soft, strong = (colour.name() for colour in phase_colours(theme))
    for ground in (theme.ground, theme.span, theme.span_soft):
        assert contrast_of(edge, ground) >= 1.3
        assert contrast_of(soft, ground) >= 1.3
        assert contrast_of(strong, ground) >= 3.0
    assert contrast_of(strong, soft) >= 1.3
    assert contrast_of(theme.span_soft, theme.ground) >= 1.3
    assert contrast_of(theme.span, theme.ground) > contrast_of(theme.span_soft, theme.ground) + 0.1
    assert contrast_of(theme.on_span, theme.span) >= 4.5
    assert contrast_of(theme.text, theme.span) >= 7.0
    for colour in (theme.dim, theme.power, theme.current, theme.latency, theme.accuracy, *theme.others):
        assert contrast_of(colour, theme.span) >= 3.0


@pytest.mark.parametrize("name", THEMES)
def test_phases_stand_out_on_the_screen_and_the_trace_over_them(open_window: Opener, session: Path, name: str) -> None:
    """From the pixels of a grab alone, which may be of any style."""
    window = open_window(None, session, theme=THEMES[name])
    window.navigation.show_between(0.0, 20.0)
    frames(window)
    stack = window.parts.stack
    image, rect = stack.viewport().grab().toImage(), stack.trace.rect

    def column(seconds: float) -> list[str]:
        x = round(rect.left() + seconds / window.view.width_s * rect.width())
        return [image.pixelColor(x, y).name() for y in range(round(rect.top()) + 1, round(rect.bottom()) - 1)]

    def ground(pixels: list[str]) -> str:
        return max(set(pixels), key=pixels.count)

    idle, warm_up, timed, accuracy = (column(seconds) for seconds in (1.3, 3.3, 5.3, 7.6))
    assert contrast_of(ground(timed), ground(idle)) >= 1.3
    for others in (warm_up, accuracy):
        assert contrast_of(ground(others), ground(idle)) >= 1.3
        assert contrast_of(others[0], idle[0]) >= 1.3, "the strip over a phase that is not timed"
    assert contrast_of(timed[0], warm_up[0]) >= 1.3, "which differs from that of a timed one"
    assert max(contrast_of(each, ground(timed)) for each in timed[10:]) >= 3.0, "the trace"


def test_the_phases_are_painted_so(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    stack = window.parts.stack
    image = stack.viewport().grab().toImage()
    rect = stack.trace.rect
    found = []
    for seconds in (1.0, 3.0, 5.0):  # none, warm-up, timed
        x = rect.left() + seconds / window.view.width_s * rect.width()
        found.append(image.pixelColor(round(x), round(rect.top()) + 1).name())
    _, soft, strong = (colour.name() for colour in phase_colours(window.theme))
    assert found == [window.theme.ground, soft, strong]
