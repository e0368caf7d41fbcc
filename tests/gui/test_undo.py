# SPDX-License-Identifier: Apache-2.0
"""Undo and redo of what the user sets in the window, with the keys."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from monitor_app.gui import undo as undo_module
from monitor_app.gui.appearance import text_percent
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.undo import Setting, Undo
from tests.gui.conftest import frames
from tests.gui.test_window import on_trace, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from tests.gui.conftest import StandIn, Tape

    Live = tuple[MainWindow, StandIn, Tape]

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    return open_window(None, session)


def undo(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)


def redo(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL | SHIFT)


def texts(window: MainWindow) -> tuple[str, str]:
    return window.actions_by_name["Undo"].text(), window.actions_by_name["Redo"].text()


def zoom_values(window: MainWindow, notches: int) -> None:
    viewport, at = window.parts.stack.viewport(), QPointF(on_trace(window, 0.5))
    event = QWheelEvent(
        at, viewport.mapToGlobal(at), QPoint(0, 0), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, CONTROL,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


@pytest.fixture
def values() -> dict[str, Any]:
    return {"one": 0, "other": 0}


@pytest.fixture
def history(values: dict[str, Any]) -> Undo:
    def setting(name: str, *, merges: bool = False) -> Setting[int]:
        return Setting(
            lambda: values[name], lambda value: values.update({name: value}),
            lambda _, after: name if merges else f"{name} {after}",
            merges=merges, drifts=lambda _, after: after < 0,
        )  # fmt: skip

    made = Undo()
    made.track(setting("one"), setting("other", merges=True))
    return made


def test_every_step_is_taken_back_in_its_turn(values: dict[str, Any], history: Undo) -> None:
    for value in (1, 2):
        values["one"] = value
        history.notice()
    assert history.stack.undoText() == "one 2"
    values["other"] = 5  # nobody has said so
    history.undo()
    assert values == {"one": 2, "other": 0}
    history.undo()
    history.undo()
    history.undo()
    assert values == {"one": 0, "other": 0}
    for _ in range(3):
        history.redo()
    assert values == {"one": 2, "other": 5}


def test_what_follows_closely_is_one_step_where_it_may_be(
    values: dict[str, Any], history: Undo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_to(name: str, value: int) -> int:
        values[name] = value
        history.notice()
        return history.stack.count()

    assert [set_to("other", value) for value in (1, 2)] == [1, 1]
    assert set_to("other", 0) == 0, "as it was before"
    assert [set_to("one", value) for value in (1, 2)] == [1, 2]
    monkeypatch.setattr(undo_module, "MERGE_S", -1.0)
    assert [set_to("other", value) for value in (1, 2)] == [3, 4]


def test_what_comes_about_by_itself_is_no_step(values: dict[str, Any], history: Undo) -> None:
    values["one"] = -1
    history.look()
    assert history.stack.count() == 0
    values["one"] = -2
    history.notice()
    assert history.stack.count() == 1, "a command has done the same"
    history.undo()
    assert values["one"] == -1


def test_commands_of_the_window_are_undone_and_named(qtbot: QtBot, window: MainWindow) -> None:
    assert texts(window) == ("Undo", "Redo")
    assert not window.actions_by_name["Undo"].isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert texts(window) == ("Undo new marker 1", "Redo")
    qtbot.keyClick(window, Qt.Key.Key_C)
    qtbot.keyClick(window, Qt.Key.Key_F8)
    assert texts(window)[0] == "Undo hiding of overview"
    window.actions_by_name["Light theme"].trigger()
    qtbot.keyClick(window, Qt.Key.Key_Plus, CONTROL)
    assert text_percent(window.settings) == 110
    undo(qtbot, window)
    assert text_percent(window.settings) == 100
    undo(qtbot, window)
    assert window.theme.name == "dark"
    assert window.settings.read("theme", "") == "dark"
    assert texts(window) == ("Undo hiding of overview", "Redo theme")
    undo(qtbot, window)
    assert window.parts.overview.isVisible()
    assert [signal.name for signal in window.signals.shown.signals] == ["current"]
    undo(qtbot, window)
    assert [signal.name for signal in window.signals.shown.signals] == ["power"]
    undo(qtbot, window)
    assert window.markers.markers.markers == ()
    for _ in range(3):
        redo(qtbot, window)
    assert not window.parts.overview.isVisible()
    assert [signal.name for signal in window.signals.shown.signals] == ["current"]
    assert len(window.markers.markers.markers) == 1


def test_a_range_is_one_step_however_many_turns_of_the_wheel(qtbot: QtBot, window: MainWindow) -> None:
    pane = window.parts.stack.trace
    fitted = pane.y_range
    for _ in range(3):
        zoom_values(window, 1)
    zoomed = pane.y_range
    assert zoomed[1] - zoomed[0] < 0.5 * (fitted[1] - fitted[0])
    assert texts(window)[0] == "Undo range of values"
    undo(qtbot, window)
    assert pane.fits_itself
    assert pane.y_range == fitted
    redo(qtbot, window)
    assert pane.y_range == zoomed
    # Another signal takes the range away, which is no step of its own.
    qtbot.keyClick(window, Qt.Key.Key_V)
    frames(window)
    assert texts(window)[0] == "Undo signals shown"
    undo(qtbot, window)
    frames(window)
    assert texts(window) == ("Undo range of values", "Redo signals shown")


def test_columns_order_and_filter_of_the_table_are_undone(qtbot: QtBot, window: MainWindow) -> None:
    table = window.parts.panel(RunTable)
    before = table.view_settings()
    next(action for action in table.columns_menu().actions() if action.text() == "p99 ms").setChecked(False)
    window.undo.look()
    header = table.view.horizontalHeader()
    qtbot.mouseClick(
        header.viewport(), Qt.MouseButton.LeftButton, NONE, QPoint(header.sectionViewportPosition(1) + 20, 8)
    )
    window.undo.look()
    assert texts(window)[0] == "Undo order of the table"
    qtbot.keyClicks(table.filter, "ResNet")
    window.undo.look()
    assert texts(window)[0] == "Undo filter of the table"
    table.filter.clearFocus()
    undo(qtbot, window)
    assert table.filter.text() == ""
    undo(qtbot, window)
    undo(qtbot, window)
    assert table.view_settings() == before
    redo(qtbot, window)
    assert table.view_settings().columns == (("p99 ms", False),)


def test_zoom_and_place_in_time_are_undone(qtbot: QtBot, window: MainWindow) -> None:
    whole = window.view
    for _ in range(3):
        wheel(window, on_trace(window, 0.5), 1)
    zoomed = window.view
    assert zoomed.width_s < whole.width_s
    assert texts(window)[0] == "Undo zoom in time"
    undo(qtbot, window)
    assert window.view == whole, "the turns of a wheel are one step"
    redo(qtbot, window)
    assert window.view == zoomed
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert texts(window)[0] == "Undo move in time"
    qtbot.keyClick(window, Qt.Key.Key_Home)
    window.show_run(2)
    undo(qtbot, window)
    undo(qtbot, window)
    assert window.view == zoomed


def test_the_whole_session_and_its_ranges_come_back_in_one_step(qtbot: QtBot, window: MainWindow) -> None:
    wheel(window, on_trace(window, 0.5), 1)
    zoomed = window.view
    zoom_values(window, 1)
    values = window.parts.stack.trace.y_range
    qtbot.mouseDClick(window.parts.stack.viewport(), Qt.MouseButton.LeftButton, pos=on_trace(window, 0.5, 0.02))
    assert window.view.width_s > zoomed.width_s
    assert window.parts.stack.trace.fits_itself
    undo(qtbot, window)
    assert (window.view, window.parts.stack.trace.y_range) == (zoomed, values)


def test_following_is_no_step_and_is_restored(qtbot: QtBot, live: Live) -> None:
    window, _, tape = live
    assert window.view.following
    tape.write_until(17.0)
    frames(window)
    assert texts(window)[0] == "Undo"
    qtbot.keyClick(window, Qt.Key.Key_Home)
    assert not window.view.following
    tape.write_until(19.0)
    frames(window)
    undo(qtbot, window)
    frames(window)
    assert window.view.following
    assert window.view.start_s <= window.edge_s <= window.view.end_s


@pytest.mark.parametrize("name", ["side", "table"])
def test_a_dragged_splitter_is_put_back(qtbot: QtBot, window: MainWindow, name: str) -> None:
    splitter = window.parts.splitters[name]
    before = splitter.sizes()
    handle = splitter.handle(1)
    start = handle.rect().center()
    end = start + (QPoint(60, 0) if name == "side" else QPoint(0, -60))
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(handle, end)
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=end)
    moved = splitter.sizes()
    assert moved != before
    assert texts(window)[0] == "Undo sizes of the panels"
    undo(qtbot, window)
    assert splitter.sizes() == before
    redo(qtbot, window)
    assert splitter.sizes() == moved
    undo(qtbot, window)
    window.resize(1200, 760)
    frames(window)
    assert texts(window)[0] == "Undo", "another size of the window is no step"


def test_another_session_has_nothing_to_undo(qtbot: QtBot, window: MainWindow, session: Path) -> None:
    qtbot.keyClick(window, Qt.Key.Key_D)
    qtbot.keyClick(window, Qt.Key.Key_C)
    window.document.open_saved(shutil.copy(session, session.with_name("other.plm")))
    frames(window)
    assert texts(window) == ("Undo", "Redo")
    undo(qtbot, window)
    assert [signal.name for signal in window.signals.shown.signals] == ["power"]
