# SPDX-License-Identifier: Apache-2.0
"""What is looked at is what is read: the run in view and its caption, the way back to the newest, lines of all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_table import RunTable
from tests.gui.conftest import StandIn, Tape, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Live = tuple[MainWindow, StandIn, Tape]


def test_a_live_view_that_is_moved_names_the_run_in_view_until_live_is_clicked(qtbot: QtBot, live: Live) -> None:
    window, _, _ = live
    readouts = window.parts.panel(Readouts)
    assert readouts.caption.text().startswith("live")
    assert not readouts.live.isVisible()
    window.navigation.show_between(3.0, 7.0)
    frames(window)
    assert readouts.caption.text() == "run 1: SqueezeNet 1.1  ·  batch 1"
    qtbot.mouseClick(readouts.live, Qt.MouseButton.LeftButton)
    assert window.view.following
    assert readouts.caption.text().startswith("live")
    assert not readouts.live.isVisible()


def test_the_selected_run_is_read_while_it_is_in_view_although_the_view_follows(qtbot: QtBot, live: Live) -> None:
    window, _, _ = live
    window.navigation.show_between(0.0, 16.0)
    frames(window)
    assert window.view.following
    assert window.subject.live
    table, readouts = window.parts.panel(RunTable), window.parts.panel(Readouts)
    table.select(1)
    frames(window)
    assert readouts.caption.text() == "run 1: SqueezeNet 1.1  ·  batch 1"
    assert readouts.live.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_End)
    assert window.subject.live
    assert table.chosen is None


def test_each_run_carries_its_full_power_and_its_median_latency(
    open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    stack = window.parts.stack
    figures = {(round(f.start_s), round(f.end_s)): (f.full_w, f.p50_ms) for f in stack.annotations.figures}
    assert figures == {
        (2, 8): (pytest.approx(10.0), pytest.approx(18.0)), (12, 18): (pytest.approx(10.0), pytest.approx(18.0)),
    }  # fmt: skip
    state = stack.state()
    picture = stack.viewport().grab().toImage()
    assert state.latency is not None
    for pane, value in ((state.first, 10.0), (state.latency, 18.0)):
        y = int(pane.y_pixel(value))
        near = [
            any(picture.pixelColor(round(state.x_pixel(s)), y + d) == QColor(window.theme.text) for d in (-1, 0, 1))
            for s in (5.0, 10.0, 15.0)
        ]
        assert near == [True, False, True]


def test_without_the_power_of_the_board_no_run_carries_a_full_power(
    qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    qtbot.keyClick(window, Qt.Key.Key_C)
    frames(window)
    assert [figures.full_w for figures in window.parts.stack.annotations.figures] == [None, None]
