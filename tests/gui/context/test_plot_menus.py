# SPDX-License-Identifier: Apache-2.0
"""A right click on each thing in the panes opens a menu for just that, and its entries do what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from monitor_app.gui.context.plot_menus import settings
from monitor_app.gui.context.target import Kind
from monitor_app.gui.context_menu import Item
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.session import tables
from tests.gui.conftest import at, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.context.target import Target
    from monitor_app.gui.main_window import MainWindow


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    return open_window(None, session)


def place(window: MainWindow, seconds: float, value: float | None = None, pane: int = 0) -> QPointF:
    """Of a time and a value in the stack; without a value, near the top of the pane."""
    state = window.parts.stack.state()
    shown = state.panes[pane]
    return QPointF(state.x_pixel(seconds), shown.rect.top() + 20 if value is None else shown.y_pixel(value))


def target(window: MainWindow, at_px: QPointF) -> Target:
    window.parts.stack.viewport().grab()
    return window.menus.target(at_px)


def right_click(qtbot: QtBot, window: MainWindow, at_px: QPointF) -> QMenu:
    """As Qt tells the panes; two real ones at once in one place would be a double click."""
    stack = window.parts.stack
    stack.viewport().grab()  # marker and panes are where they are painted
    there = stack.mapFromScene(at_px)
    QApplication.sendEvent(
        stack.viewport(),
        QContextMenuEvent(QContextMenuEvent.Reason.Mouse, there, stack.viewport().mapToGlobal(there)),
    )
    return opened(qtbot)


def opened(qtbot: QtBot) -> QMenu:
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu), timeout=5000)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def texts(menu: QMenu) -> list[str]:
    return [action.text().split("\t")[0] for action in menu.actions() if not action.isSeparator()]


def entry(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text().split("\t")[0] == text)


def choose(menu: QMenu, text: str) -> None:
    """Trigger an entry as a click does, and close the menu."""
    entry(menu, text).trigger()
    menu.close()


def copied() -> list[list[str]]:
    return [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]


def test_what_lies_at_a_place(window: MainWindow) -> None:
    window.markers.lay(9.0, 11.0)
    frames(window)
    state = window.parts.stack.state()
    first, lowest = state.panes[0].rect, state.panes[-1].rect
    found = target(window, place(window, 5.0, 10.0))
    assert (found.kind, found.pane, found.slot, found.run.run_id) == (Kind.TRACE, 0, 0, 1)  # type: ignore[union-attr]
    assert found.seconds == pytest.approx(5.0, abs=0.02)
    assert target(window, place(window, 5.0, 5.0)).kind is Kind.PANE, "between idle and full"
    empty = target(window, place(window, 10.5, 5.0))
    assert (empty.kind, empty.run) == (Kind.PANE, None)
    gap = target(window, place(window, 9.25, 1.0))
    assert gap.kind is Kind.PANE, "no line in a gap"
    assert target(window, place(window, 5.0, 18.0, pane=1)).kind is Kind.BATCH
    assert target(window, place(window, 5.0, 10.0, pane=1)).kind is Kind.PANE
    axis = target(window, QPointF(first.left() - 20, lowest.center().y()))
    assert (axis.kind, axis.pane) == (Kind.VALUE_AXIS, 2)
    assert target(window, QPointF(first.center().x(), lowest.bottom() + 12)).kind is Kind.TIME_AXIS
    marker = target(window, place(window, 11.0, 5.0))
    assert (marker.kind, marker.marker) == (Kind.MARKER, 1)
    box = window.parts.stack.marker_layer.placed[0].boxes[0].rect
    assert target(window, box.center()).marker == 1


def test_the_right_button_of_a_mouse_opens_a_menu(qtbot: QtBot, window: MainWindow) -> None:
    there = window.parts.stack.viewport().mapTo(window, window.parts.stack.mapFromScene(place(window, 5.0, 5.0)))
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, there)
    menu = opened(qtbot)
    assert "Lay a pair of markers here" in texts(menu)
    menu.close()


def test_a_right_click_on_the_trace(qtbot: QtBot, window: MainWindow) -> None:
    menu = right_click(qtbot, window, place(window, 5.0, 10.0))
    assert texts(menu)[0] == "power"
    assert not entry(menu, "Show only this signal").isEnabled(), "it is alone"
    choose(menu, "Copy its statistics in view")
    heads, row = copied()
    assert heads == list(tables.STATISTICS_HEADS)
    numbers = dict(zip(heads, row, strict=True))
    assert (numbers["signal"], numbers["unit"], numbers["max"]) == ("power", "W", "10")
    assert numbers["origin"] == "SIMULATED"
    assert float(numbers["recorded (s)"]) == pytest.approx(19.5)
    # In a legend and among others it can be hidden.
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    frames(window)
    choose(right_click(qtbot, window, place(window, 5.0, 1.0, pane=1)), "Hide this signal")
    assert [signal.name for signal in window.signals.shown.signals] == ["power"]
    assert window.actions_by_name["Undo"].text() == "Undo signals shown"


def test_a_right_click_on_the_ground_of_a_run_lays_markers_there(qtbot: QtBot, window: MainWindow) -> None:
    menu = right_click(qtbot, window, place(window, 5.0, 5.0))
    assert "SqueezeNet 1.1  ·  batch 1" in texts(menu)
    choose(menu, "Lay a single marker here")
    assert window.recording is not None
    (single,) = window.markers.markers.markers
    assert window.recording.seconds(single.start_ns) == pytest.approx(5.0, abs=0.02)
    choose(right_click(qtbot, window, place(window, 6.0, 5.0)), "Lay a pair around this run")
    assert window.selection == pytest.approx((2.0, 8.0))
    choose(right_click(qtbot, window, place(window, 15.0, 5.0)), "Copy its row of the table")
    heads, row = copied()
    assert row[:2] == ["2", "ResNet-18"]
    assert (heads[-1], row[-1]) == ("origin", "SIMULATED")
    choose(right_click(qtbot, window, place(window, 15.0, 5.0)), "Show this run alone")
    frames(window)
    assert window.view.start_s == pytest.approx(9.76, abs=0.1)
    assert window.parts.panel(RunTable).chosen == 2


def test_a_right_click_on_the_statistics_above_a_pane_is_one_on_the_pane(qtbot: QtBot, window: MainWindow) -> None:
    line = window.statistics.lines[0]
    middle = line.rect().center()
    QApplication.sendEvent(line, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, middle, line.mapToGlobal(middle)))
    menu = opened(qtbot)
    choose(menu, "Copy statistics of the view")
    assert copied()[0] == list(tables.STATISTICS_HEADS)


def test_a_right_click_on_the_read_outs_copies_them(window: MainWindow) -> None:
    readouts = window.parts.panel(Readouts)
    power = readouts.numbers[0]

    def do(text: str) -> None:
        entries = readouts.entries(power.geometry().center())
        next(each for each in entries if isinstance(each, Item) and each.text == text).do()

    do("Copy this number")
    assert QGuiApplication.clipboard().text() == f"{power.reading.words} (SIMULATED)"
    do("Copy all of them as a table")
    heads, *rows = copied()
    assert dict(zip(heads, rows[0], strict=True)) == {
        "of": " ".join(readouts.caption.text().split()), "quantity": "power", "value": power.reading.text, "unit": "W",
        "origin": "SIMULATED",
    }  # fmt: skip


def test_a_right_click_on_a_batch(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.4)
    frames(window)
    menu = right_click(qtbot, window, place(window, 5.02 + 0.018, 18.0, pane=1))
    choose(menu, "Copy its numbers")
    heads, row = copied()
    assert heads == list(tables.BATCH_HEADS)
    assert dict(zip(heads, row, strict=True)) == {
        "run": "1", "network": "SqueezeNet 1.1", "batch size": "1", "phase": "timed", "end (s)": "5.038",
        "latency (s)": "0.018", "images": "1", "right": "", "origin": "SIMULATED",
    }  # fmt: skip
    choose(right_click(qtbot, window, place(window, 5.02 + 0.018, 18.0, pane=1)), "Lay a pair around this batch")
    assert window.selection == pytest.approx((5.02, 5.038))


def test_a_right_click_on_a_marker(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(9.0, 11.0)
    frames(window)
    edge = place(window, 11.0, 5.0)
    menu = right_click(qtbot, window, edge)
    assert texts(menu)[0] == "Marker 1"
    choose(menu, "Copy its statistics")
    numbers = dict(zip(*copied(), strict=True))
    assert float(numbers["recorded (s)"]) == pytest.approx(1.5)
    assert float(numbers["integral"]) == pytest.approx(1.5)
    choose(right_click(qtbot, window, edge), "Analyse this pair…")
    assert window.inferences.window is not None
    assert window.inferences.window.isVisible()
    window.inferences.close()
    window.activateWindow()
    menu = right_click(qtbot, window, edge)
    colours = entry(menu, "Colour").menu()
    assert isinstance(colours, QMenu)
    choose(colours, "Colour 3")
    menu.close()
    assert [marker.colour for marker in window.markers.markers.markers] == [2]
    choose(right_click(qtbot, window, edge), "Remove this marker")
    assert window.markers.markers.markers == ()
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [(m.start_ns, m.colour) for m in window.markers.markers.markers] == [(at(9.0), 2)]


def test_a_right_click_on_an_axis(qtbot: QtBot, window: MainWindow) -> None:
    first = window.parts.stack.trace
    fitted = first.y_range
    axis = QPointF(first.rect.left() - 20, first.rect.center().y())
    menu = right_click(qtbot, window, axis)
    choose(menu, "Zoom in")
    assert first.y_range[1] - first.y_range[0] == pytest.approx((fitted[1] - fitted[0]) / 2)
    choose(right_click(qtbot, window, axis), "Fit the values")
    assert first.y_range == fitted
    window.navigation.show_between(3.0, 4.0)
    frames(window)
    lowest = window.parts.stack.panes[-1].rect
    choose(right_click(qtbot, window, QPointF(lowest.center().x(), lowest.bottom() + 12)), "Show the whole session")
    assert window.view.width_s == pytest.approx(20.0)


def test_a_setting_of_a_pane_is_one_more_function(window: MainWindow) -> None:
    asked = []
    window.menus.pane_entries.append(lambda pane: settings([("Inverted", lambda: asked.append(pane), False)]))
    first = window.parts.stack.trace.rect
    for at_px in (first.center(), QPointF(first.left() - 20, first.center().y())):
        inverted = entry(window.menus.menu(window.menus.target(at_px)), "Inverted")
        assert not inverted.isChecked()
        inverted.trigger()
    assert asked == [window.parts.stack.trace] * 2


def test_the_menu_key_opens_the_menu_of_the_active_marker_and_of_the_row(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = opened(qtbot)
    assert "Lay a pair of markers here" in texts(menu), "the panes have the focus first"
    menu.close()
    window.markers.lay(9.0, 11.0)
    frames(window)
    window.parts.stack.viewport().grab()
    qtbot.keyClick(window, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = opened(qtbot)
    assert texts(menu)[0] == "Marker 1"
    menu.close()
    table = window.parts.panel(RunTable)
    table.select(2)
    table.view.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Menu)
    menu = opened(qtbot)
    choose(menu, "Copy row")
    heads, row = copied()
    assert row[:2] == ["2", "ResNet-18"]
    assert (heads[-1], row[-1]) == ("origin", "SIMULATED")


def test_the_view_is_copied_as_a_picture_as_statistics_and_as_samples(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_C, control | shift)
    assert QGuiApplication.clipboard().image().width() > window.parts.stack.width()
    qtbot.keyClick(window, Qt.Key.Key_C, control)
    assert [row[0] for row in copied()] == ["signal", "power"]
    window.navigation.show_between(5.0, 5.001)
    frames(window)
    window.actions_by_name["Copy samples in view"].trigger()
    assert copied() == [
        ["time (s)", "power (W, SIMULATED)"], *([f"{5 + k * 1e-4:.9f}", "10"] for k in range(10)),
    ]  # fmt: skip
    monkeypatch.setattr("monitor_app.gui.view_output.MOST_SAMPLES", 5)
    QGuiApplication.clipboard().setText("before")
    window.actions_by_name["Copy samples in view"].trigger()
    assert QGuiApplication.clipboard().text() == "before"
    assert "About 10 samples" in window.parts.message_bar.text
