# SPDX-License-Identifier: Apache-2.0
"""Quiet mode: nothing is read or painted while batches are timed, the panes say so, and the choice is remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from monitor_app.bench.messages import Opened, Status
from monitor_app.core.status import BenchPhase
from monitor_app.gui.menus import QUIET
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.settings import Settings
from tests.gui.conftest import StandIn, Tape, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

TIMED = status(BenchPhase.RUNNING)
"""Its second run is in its timed phase."""
LOADING = replace(TIMED, runs=(TIMED.runs[0], replace(TIMED.runs[1], phase="load")))


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The paintings of the panes; emptied by the test."""
    seen: list[object] = []
    paint = PaneStack.paintEvent

    def noted(stack: PaneStack, event: object) -> None:
        seen.append(event)
        paint(stack, event)  # type: ignore[arg-type]

    monkeypatch.setattr(PaneStack, "paintEvent", noted)
    return seen


def choose(qtbot: QtBot, window: MainWindow) -> None:
    """Click the entry of the menu."""
    bench = next(action for action in window.menuBar().actions() if action.text().replace("&", "") == "Bench")
    qtbot.mouseClick(window.menuBar(), Qt.MouseButton.LeftButton, pos=window.menuBar().actionGeometry(bench).center())
    menu = bench.menu()
    assert isinstance(menu, QMenu)
    qtbot.waitUntil(menu.isVisible)
    entry = next(action for action in menu.actions() if action.text().replace("&", "") == QUIET)
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entry).center())
    qtbot.waitUntil(lambda: not menu.isVisible())


def grow(window: MainWindow, tape: Tape, until_s: float) -> None:
    """Samples come, and the mouse is moved over the panes."""
    tape.write_until(until_s)
    window.parts.stack.viewport().update()
    frames(window)


def test_nothing_is_painted_while_batches_are_timed(
    live: tuple[MainWindow, StandIn, Tape], painted: list[object], qtbot: QtBot
) -> None:
    window, bench, tape = live
    choose(qtbot, window)
    bench.say(Status(LOADING))
    grow(window, tape, 15.5)
    qtbot.waitUntil(lambda: bool(painted))
    assert not window.quiet.label.isVisible()
    bench.say(Status(TIMED))
    window.refresh()
    assert window.quiet.label.isVisible()
    assert "Quiet" in window.quiet.label.text()
    stack = window.parts.stack
    seen, there = stack.grab().toImage(), stack.rect().center()
    assert len({seen.pixel(x, there.y()) for x in range(stack.width())}) > 2, "the last picture stays"
    painted.clear()
    edge_s = window.edge_s
    grow(window, tape, 16.5)
    window.do_task()
    qtbot.wait(50)
    assert not painted
    assert window.edge_s == edge_s, "the file is not even read"
    bench.say(Status(LOADING))
    window.refresh()
    qtbot.waitUntil(lambda: bool(painted))
    assert not window.quiet.label.isVisible()
    assert window.edge_s == pytest.approx(16.5, abs=0.01)


def test_a_click_on_the_label_paints_again(
    live: tuple[MainWindow, StandIn, Tape], painted: list[object], qtbot: QtBot
) -> None:
    window, bench, tape = live
    choose(qtbot, window)
    bench.say(Status(TIMED))
    window.refresh()
    painted.clear()
    qtbot.mouseClick(window.quiet.label, Qt.MouseButton.LeftButton)
    assert not window.quiet.wanted
    assert not window.actions_by_name["quiet"].isChecked()
    grow(window, tape, 16.5)
    qtbot.waitUntil(lambda: bool(painted))


def test_it_is_remembered_and_off_at_first(open_window: Callable[..., MainWindow], tape: Tape, qtbot: QtBot) -> None:
    settings = Settings()
    tape.write_until(5.0)
    first = open_window(StandIn(tape.path), settings=settings)
    assert not first.quiet.wanted
    choose(qtbot, first)
    bench = StandIn(tape.path)
    bench.say(Opened(str(tape.path)), Status(TIMED))
    second = open_window(bench, settings=settings)
    assert second.actions_by_name["quiet"].isChecked()
    assert second.quiet.active


def test_another_theme_or_size_takes_a_new_picture_and_samples_are_not_missed(
    live: tuple[MainWindow, StandIn, Tape], qtbot: QtBot
) -> None:
    window, bench, tape = live
    choose(qtbot, window)
    bench.say(Status(TIMED))
    window.refresh()
    stack = window.parts.stack

    def ground() -> str:
        return stack.grab().toImage().pixelColor(stack.width() - 3, stack.height() - 3).name()

    assert ground() == window.theme.ground
    tape.write_until(16.5)
    window.appearance.use_theme("light")
    assert window.quiet.active
    assert ground() == window.theme.ground, "in the picture that stands in for the panes"
    assert window.edge_s == pytest.approx(16.5, abs=0.01), "what is said of the samples is of now"
    window.resize(1400, 900)
    qtbot.waitUntil(lambda: stack.width() > 1100)
    qtbot.waitUntil(lambda: ground() == window.theme.ground)
    label, words = window.quiet.label, [line for line in window.statistics.lines if line.isVisible()]
    assert words
    assert not any(label.geometry().intersects(line.geometry()) for line in words)
