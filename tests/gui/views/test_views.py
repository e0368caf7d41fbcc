# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (minus and micro signs)
"""How the panes are shown, chosen by keys, menus, a dialog and the mouse, and remembered for the next window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QDialogButtonBox, QMenu

from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.plot.pane import BELOW_LOG, OUTSIDE
from monitor_app.gui.plot.picture import picture_of
from monitor_app.gui.plot.scales.value_scale import Scale
from monitor_app.gui.session.caption import caption_of
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.settings import Settings
from monitor_app.gui.views.controller import NO_UTC, TOO_MANY
from monitor_app.gui.views.range_dialog import BACKWARDS, NO_VALUE, NOT_POSITIVE, RangeDialog, parsed
from monitor_app.gui.views.view_memory import HEIGHTS, LOG, RANGES, STYLE, read_options
from tests.gui.conftest import FULL_A, IDLE_A, VOLTS, Tape, at, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from tests.gui.conftest import StandIn

    Opener = Callable[..., MainWindow]

IDLE_W, FULL_W = VOLTS * IDLE_A, VOLTS * FULL_A


def entry(window: MainWindow, *path: str) -> None:
    """Choose an entry of a menu within a menu of the window."""
    menu = next(m for m in window.menuBar().findChildren(QMenu) if m.title().replace("&", "") == path[-2])
    menu.aboutToShow.emit()
    next(a for a in menu.actions() if a.text().replace("&", "") == path[-1]).trigger()
    frames(window)


def y_of(window: MainWindow, value: float) -> float:
    return window.parts.stack.trace.state().y_pixel(value)


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis(
    qtbot: QtBot, open_window: Opener, session: Path
) -> None:
    window = open_window(None, session)
    pane = window.parts.stack.trace
    qtbot.keyClick(window, Qt.Key.Key_L)
    frames(window)
    assert pane.scale is Scale.LOG
    low, high = pane.y_range
    assert 0 < low <= IDLE_W
    assert FULL_W < high < 100
    assert y_of(window, 1.0) - y_of(window, 2.0) == pytest.approx(y_of(window, 5.0) - y_of(window, 10.0))
    # The curve is where the axis says.
    middle = QPointF(0.0, sum(pane.box.y_range) / 2)
    assert pane.box.mapViewToScene(middle).y() == pytest.approx(pane.rect.center().y(), abs=1)
    drawn = pane.curves[0]._mean.data[1]
    assert np.nanmax(drawn) == pytest.approx(np.log10(FULL_W), abs=1e-3)
    pane.box.y_zoom_asked.emit(0.5, 0.0)  # about 1 W
    zoomed = pane.y_range
    assert np.log10(zoomed[1] / zoomed[0]) == pytest.approx(0.5 * np.log10(high / low))
    qtbot.keyClick(window, Qt.Key.Key_L)
    assert pane.scale is Scale.LINEAR


def test_what_has_no_logarithm_is_said(open_window: Opener, tmp_path: Path) -> None:
    tape = Tape(tmp_path / "negative.plm")
    tape.write_until(4.0)
    k = np.arange(40_000, 50_000)
    tape._writer.write_block(
        1, 40_000, (np.full(len(k), -0.2, "<f4"), np.full(len(k), 10.0, "<f4")), at(4.0), at(4.9999)
    )
    tape._writer.commit()
    tape.close()
    window = open_window(None, tape.path)
    pane = window.parts.stack.trace
    assert pane.state().note == ""
    window.views.set_scale(pane, Scale.LOG)
    frames(window)
    assert pane.state().note == BELOW_LOG
    assert pane.y_range[0] > 0
    window.navigation.show_between(0.5, 1.5)
    frames(window)
    assert pane.state().note == ""


def dialog_of(window: MainWindow) -> RangeDialog:
    dialog = window.findChild(RangeDialog)
    assert dialog is not None
    return dialog


def test_a_range_is_typed(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    pane = window.parts.stack.trace
    qtbot.keyClick(window, Qt.Key.Key_Y)
    dialog = dialog_of(window)
    assert dialog.pane.currentText() == "Power"
    for low, high, problem in (
        ("x", "2", NO_VALUE.format(unit="W")), ("3", "2 W", BACKWARDS), ("500 mW", "2.5 W", ""),
    ):  # fmt: skip
        dialog.low.setText(low)
        dialog.high.setText(high)
        if not problem:
            dialog.log.setChecked(True)
            dialog.low.setText("0")
            qtbot.keyClick(dialog.low, Qt.Key.Key_Return)
            assert dialog.problem.text() == NOT_POSITIVE
            dialog.log.setChecked(False)
            dialog.low.setText(low)
        qtbot.keyClick(dialog.low, Qt.Key.Key_Return)
        assert dialog.problem.text() == problem
    frames(window)
    assert pane.y_range == (0.5, 2.5)
    window.navigation.show_between(4.5, 6.5)  # at 10 W
    frames(window)
    assert pane.y_range == (0.5, 2.5)
    assert pane.state().note == OUTSIDE
    qtbot.mouseClick(
        window.parts.stack.viewport(), Qt.MouseButton.MiddleButton,
        pos=window.parts.stack.mapFromScene(pane.rect.center()),
    )  # fmt: skip
    frames(window)
    assert pane.y_range[1] > FULL_W
    assert not window.views.options.ranges


def test_the_dialog_lets_the_values_fit_again(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    latency = window.parts.stack.latency
    window.views.set_range(latency, (0.0, 5.0))
    assert latency.y_range == (0.0, 5.0)
    window.views.ask_range(latency)
    dialog = dialog_of(window)
    assert (dialog.pane.currentText(), dialog.high.text()) == ("Latency", "5 ms")
    buttons = dialog.findChild(QDialogButtonBox)
    assert buttons is not None
    fit = next(button for button in buttons.buttons() if "Fit" in button.text())
    qtbot.mouseClick(fit, Qt.MouseButton.LeftButton)
    assert latency.y_range[1] > 18.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5), ("300 mW", 0.3), ("-1,5", -1.5), ("2k", 2000.0), ("−5 µW", -5e-6), ("1e3 W", 1000.0),
        ("5 A", None), ("", None), ("1e99", None),
    ],
)  # fmt: skip
def test_values_are_read_with_prefix_and_unit(text: str, value: float | None) -> None:
    assert parsed(text, "W") == (pytest.approx(value) if value is not None else None)


def test_the_band_is_the_standard_deviation_of_the_samples(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    curve = window.parts.stack.trace.curves[0]
    recording = window.recording
    assert recording is not None
    _, low, high = curve._columns.data
    assert high.max() == pytest.approx(FULL_W)
    entry(window, "View", "Curves", CurveStyle.DEVIATION.title)
    lines = curve.lines
    assert lines is not None
    _, low, high = curve._columns.data
    assert (low + high) / 2 == pytest.approx(lines.mean_y)
    # The column in which the power falls has the deviation of its own samples.
    k = int(np.argmax(high - low))
    half = (lines.mean_x[1] - lines.mean_x[0]) / 2
    own = recording.reader.statistics(
        curve.shown.signal.id, recording.host_ns(lines.mean_x[k] - half), recording.host_ns(lines.mean_x[k] + half)
    )
    assert own.deviation > 0.1
    assert (high[k] - low[k]) / 2 == pytest.approx(own.deviation, rel=0.05)
    assert window.parts.panel(StatusBar).resolution.whole.startswith("mean ± std")
    assert caption_of(recording, None, (0.0, 20.0), 64, CurveStyle.DEVIATION).notes[0].text == (
        "mean ± standard deviation of 64 samples a column"
    )
    entry(window, "View", "Curves", CurveStyle.MEAN.title)
    assert len(curve._columns.data[0]) == 0
    assert curve.group_at(5.0) == pytest.approx((FULL_W, FULL_W, FULL_W))


def test_times_by_the_clock(qtbot: QtBot, open_window: Opener, tmp_path: Path) -> None:
    tape = Tape(tmp_path / "clock.plm")
    tape._writer.write_utc(at(0.0), 1_700_000_000_000_000_000)
    tape.write_until(2.0)
    tape.close()
    window = open_window(None, tape.path)
    stack = window.parts.stack
    assert stack.state().times.text(1.0, 1.0) == "0:01"
    qtbot.keyClick(window, Qt.Key.Key_T)
    times = stack.state().times
    assert times.zone.startswith("UTC")
    assert times.text(1.0, 1.0).endswith(":13:21")  # 22:13:21 in UTC
    qtbot.mouseMove(stack.viewport(), stack.mapFromScene(stack.trace.rect.center()))
    qtbot.waitUntil(lambda: stack.cursor_values is not None)
    assert stack.cursor_values is not None
    assert stack.cursor_values.traces[0][0].endswith(times.zone)
    qtbot.keyClick(window, Qt.Key.Key_S)
    frames(window)
    assert ":13:2" in stack.markers[0].labels[0]
    entry(window, "View", "Times", "Since the start of the session")
    assert stack.state().times.day is None


def test_a_session_without_a_clock_says_so(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.views.use_wall_clock(True)
    assert window.parts.message_bar.text == NO_UTC
    assert window.parts.stack.state().times.text(1.0, 1.0) == "0:01"


def test_a_live_view_of_the_whole_session_can_grow(live: tuple[MainWindow, StandIn, Tape]) -> None:
    window, _, tape = live
    window.navigation.show_all()
    frames(window)
    width = window.view.width_s
    tape.write_until(19.5)
    frames(window)
    assert window.view.width_s == width  # there was room
    entry(window, "View", "Times", "Keep the width while live")
    assert not window.navigation.keep_width
    window.navigation.view = window.view.between(0.0, 15.0, 14.0, live=True)
    window.navigation.view = window.view.fitted(12.0, live=True)
    frames(window)
    assert window.view.start_s == 0.0
    assert window.view.end_s > 19.5
    assert window.view.following


# -- panes ---------------------------------------------------------------------------------------


def test_all_quantities_in_one_pane(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.signals.toggle_quantity("V")
    frames(window)
    stack = window.parts.stack
    apart = [pane.rect for pane in stack.traces]
    qtbot.keyClick(window, Qt.Key.Key_O)
    qtbot.waitUntil(lambda: stack.trace.rect.left() > apart[0].left())  # room for three axes
    frames(window)
    assert [pane.rect for pane in stack.traces] == [stack.trace.rect] * 3
    assert stack.trace.rect.height() > apart[0].height()
    assert stack.latency.rect.left() == stack.trace.rect.left()
    # Each has an axis and a colour of its own.
    assert len({pane.state().column for pane in stack.traces}) == 3
    assert len({pane.curves[0].colour for pane in stack.traces}) == 3
    ranges = [pane.y_range for pane in stack.traces]
    assert ranges[0][1] > FULL_W > ranges[1][1] > FULL_A
    # The wheel on the outermost axis zooms the voltage alone.
    before = [pane.y_range for pane in stack.traces]
    axis = stack.mapFromScene(stack.traces[2].value_axis.sceneBoundingRect().center())
    from tests.gui.test_window import wheel

    wheel(window, axis, 2)
    after = [pane.y_range for pane in stack.traces]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False]
    entry(window, "View", "Panes", "Stacked, one for each quantity")
    qtbot.waitUntil(lambda: len({pane.rect.top() for pane in stack.traces}) == 3)
    assert [pane.curves[0].shown.slot for pane in stack.traces] == [0, 0, 0]


def test_boxes_of_a_pair_do_not_cover_each_other_in_one_pane(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.views.overlay(True)
    window.markers.lay(4.5, 6.5)
    frames(window, 3)
    window.parts.stack.repaint()
    (placed,) = window.parts.stack.marker_layer.placed
    boxes = [box.rect for box in placed.boxes]
    assert len(boxes) >= 2
    assert not boxes[0].intersects(boxes[1])


def test_too_many_signals_are_stacked(open_window: Opener, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from monitor_app.gui.views import controller

    monkeypatch.setattr(controller, "MOST_IN_PANE", 1)
    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.views.overlay(True)
    frames(window)
    assert window.parts.message_bar.text == TOO_MANY
    assert window.parts.stack.traces[0].rect != window.parts.stack.traces[1].rect


def test_the_boundary_between_panes_is_dragged(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    stack = window.parts.stack
    handle = window.views.handles.handles[0]
    heights = [pane.plot.geometry().height() for pane in stack.rows]
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=QPoint(50, 4))
    qtbot.mouseMove(handle, QPoint(50, -36))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=QPoint(50, 4))
    qtbot.waitUntil(lambda: stack.rows[0].plot.geometry().height() == pytest.approx(heights[0] - 40, abs=3))
    assert stack.rows[1].plot.geometry().height() == pytest.approx(heights[1] + 40, abs=3)
    assert stack.rows[2].plot.geometry().height() == pytest.approx(heights[2], abs=3)
    handle.setFocus()
    qtbot.keyClick(handle, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: stack.rows[0].plot.geometry().height() > heights[0] - 36)
    qtbot.mouseDClick(handle, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stack.rows[0].plot.geometry().height() == pytest.approx(heights[0], abs=1))
    assert not window.views.options.heights


# -- remembered ----------------------------------------------------------------------------------


def test_the_next_window_shows_the_panes_alike(open_window: Opener, session: Path, tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    first = open_window(None, session, settings=Settings(file))
    stack = first.parts.stack
    first.views.set_scale(stack.trace, Scale.LOG)
    first.views.set_range(stack.latency, (1.0, 50.0))
    first.views.choose_style(CurveStyle.MEAN)
    first.views.use_wall_clock(True)
    first.views.keep_width(False)
    first.views.handles.move(0, -30.0)
    first.views.overlay(True)
    options = first.views.options
    assert options.heights
    second = open_window(None, session, settings=Settings(file))
    assert second.views.options == options
    assert second.views.wall_clock
    assert not second.navigation.keep_width
    assert second.parts.stack.trace.scale is Scale.LOG
    assert second.parts.stack.latency.y_range == (1.0, 50.0)


def test_nonsense_in_the_settings_is_the_usual_look() -> None:
    settings = Settings()
    settings.write(STYLE, "dotted")
    settings.write(RANGES, [["W", 3, 1], ["A", "x", 2], 7, ["V", 1.0, 2.0]])
    settings.write(HEIGHTS, [["3r", [1, -1]], ["2", []], ["1", [5]]])
    settings.write(LOG, ["W", 3])
    options = read_options(settings)
    assert options.style is CurveStyle.ENVELOPE
    assert options.ranges == {"V": (1.0, 2.0)}
    assert options.heights == {"1": (5,)}
    assert options.log == {"W"}


def test_the_exported_picture_is_of_the_same_panes(open_window: Opener, session: Path) -> None:
    from tests.gui.plot.test_picture import live_panes, panes_in, pixels

    window = open_window(None, session)
    window.signals.toggle_quantity("A")
    window.views.set_scale(window.parts.stack.trace, Scale.LOG)
    window.views.overlay(True)
    frames(window, 3)
    recording = window.recording
    assert recording is not None
    picture = pixels(picture_of(window.parts.stack, caption_of(recording, None, (0.0, 20.0), None), ratio=1.0))
    shown = live_panes(window, 1.0)
    assert np.abs(panes_in(picture, window, 1.0) - shown).max(axis=2).astype(bool).mean() < 0.01
