# SPDX-License-Identifier: Apache-2.0
"""The right button on the plan and on the selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from monitor_app.bench.messages import SkipRun, Status
from monitor_app.core.status import BenchPhase
from monitor_app.gui.context_menu import Item
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.selection_panel import SelectionPanel
from tests.gui.conftest import StandIn, Tape, frames, status
from tests.gui.context.test_plot_menus import choose, copied, entry, opened, texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from PySide6.QtWidgets import QMenu, QWidget
    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Live = tuple[MainWindow, StandIn, Tape]


ASIDE = QPoint(30, 0)


def right_click(qtbot: QtBot, window: MainWindow, widget: QWidget, at: QPoint) -> QMenu:
    """Two at once in one place would be a double click."""
    QTest.mouseClick(
        window.windowHandle(), Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, widget.mapTo(window, at)
    )
    return opened(qtbot)


def test_a_run_of_the_plan_is_shown_skipped_and_copied(
    qtbot: QtBot, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, _ = live
    bench.say(Status(status(BenchPhase.RUNNING)))
    frames(window)
    lines = window.parts.panel(RunPanel).lines
    menu = right_click(qtbot, window, lines, lines.middle_of(0))
    assert texts(menu)[0] == "SqueezeNet 1.1  b1"
    assert "Skip run" not in texts(menu), "only the run in progress can be skipped"
    choose(menu, "Show this run alone")
    frames(window)
    assert window.view.start_s < 1.0
    assert 8.0 <= window.view.end_s < 10.0
    menu = right_click(qtbot, window, lines, lines.middle_of(1))
    choose(menu, "Copy its row of the table")
    assert copied()[1][1] == "ResNet-18"
    menu = right_click(qtbot, window, lines, lines.middle_of(1) + ASIDE)
    monkeypatch.setattr("monitor_app.gui.main_window.confirmed", lambda *_: True)
    choose(menu, "Skip run")
    assert bench.commands[-1] == SkipRun()


def test_the_plan_of_an_old_session_has_its_menu(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    lines = window.parts.panel(RunPanel).lines
    menu = right_click(qtbot, window, lines, lines.middle_of(1))
    assert "Skip run" not in texts(menu)
    choose(menu, "Show this run alone")
    frames(window)
    assert 9.0 < window.view.start_s <= 10.0


def test_a_number_of_the_selection_is_copied_and_the_pair_is_reached(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    window.markers.lay(4.0, 6.0)
    frames(window)
    panel = window.parts.panel(SelectionPanel)
    names = {name.text(): value for name, value in panel._rows if not name.isHidden()}
    at = names["energy"].geometry().center()
    menu = right_click(qtbot, window, panel, at)
    choose(menu, f"Copy energy  {panel.shown.rows['energy']}")
    assert QGuiApplication.clipboard().text() == f"energy  {panel.shown.rows['energy']} (SIMULATED)"
    menu = right_click(qtbot, window, panel, at + ASIDE)
    choose(menu, "Copy all of them as a table")
    heads, *rows = copied()
    assert heads == ["signal", "quantity", "value", "origin"]
    assert ["", "energy", panel.shown.rows["energy"], "SIMULATED"] in rows
    menu = right_click(qtbot, window, panel, at)
    assert "Marker 1" in texts(menu)
    assert entry(menu, "Analyse this pair…").isEnabled()
    choose(menu, "Remove this marker")
    assert window.markers.markers.markers == ()


def test_of_several_signals_each_number_is_copied_with_its_signal(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.markers.lay(4.0, 6.0)
    frames(window)
    panel = window.parts.panel(SelectionPanel)
    _, _, cells = panel._signals[1]
    menu = right_click(qtbot, window, panel, cells[0].geometry().center())
    choose(menu, "Copy current  mean 1.00 A")
    assert QGuiApplication.clipboard().text() == "current  mean 1.00 A (SIMULATED)"


def test_numbers_that_are_not_there_yet_are_an_empty_table(open_window: Callable[..., MainWindow]) -> None:
    panel = open_window(None, None).parts.panel(Readouts)
    [item] = [each for each in panel.entries(QPoint(0, 0)) if isinstance(each, Item) and "table" in each.text]
    item.do()
    heads, *rows = copied()
    assert heads == ["of", "quantity", "value", "unit", "origin"]
    assert {row[2] for row in rows} == {""}
