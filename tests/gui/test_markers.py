# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: micro signs)
"""Markers, laid, moved, named, removed and undone with the mouse and the keys, and stored in the session."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication, QDialogButtonBox

from monitor_app.bench.messages import SetMarkers
from monitor_app.core.markers import Marker
from monitor_app.gui.markers.dialog import BACKWARDS, NO_TIME, MarkerDialog
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.theme import DARK, LIGHT
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer import SessionWriter
from tests.gui.conftest import LENGTH_S, StandIn, Tape, at, frames
from tests.gui.test_window import drag, on_trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.plot.markers.layer import MarkerLayer
    from monitor_app.gui.plot.markers.layout import PlacedMarker

    Live = tuple[MainWindow, StandIn, Tape]

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    return open_window(None, session)


def stored(path: Path) -> list[Marker]:
    with SessionReader(path) as reader:
        return reader.markers()


def spans(window: MainWindow) -> dict[int, tuple[float, float | None]]:
    """Of all markers, in s, by number."""
    recording = window.recording
    assert recording is not None
    return {
        m.number: (recording.seconds(m.start_ns), None if m.end_ns is None else recording.seconds(m.end_ns))
        for m in window.markers.markers.markers
    }


def layer(window: MainWindow) -> MarkerLayer:
    """After a painting, as on a screen."""
    window.parts.stack.viewport().grab()
    return window.parts.stack.marker_layer


def painted(window: MainWindow, number: int) -> PlacedMarker:
    return next(each for each in layer(window).placed if each.marker.number == number)


def pixel(window: MainWindow, at_px: QPointF) -> QPoint:
    return window.parts.stack.mapFromScene(at_px)


def move(window: MainWindow, at_px: QPoint) -> None:
    """The mouse to a place. Again and again until it is seen: pyqtgraph leaves out a move that follows another at once,
    and QTest one to the same place."""
    viewport, none = window.parts.stack.viewport(), Qt.MouseButton.NoButton
    place = QPointF(at_px)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, viewport.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(viewport, event)


def point_at(qtbot: QtBot, window: MainWindow, share_x: float) -> None:
    """Move the mouse to a place of the first pane."""
    view = window.view

    def is_there() -> bool:
        move(window, on_trace(window, share_x))
        at_s = window.parts.stack.pointer_s
        return at_s is not None and abs(at_s - view.start_s - share_x * view.width_s) < view.width_s / 200

    qtbot.waitUntil(is_there)


def test_markers_follow_the_theme_at_once(window: MainWindow) -> None:
    """The first is nearly white on a dark ground, and was so on a light one until the next look at the session."""
    window.markers.lay_single(5.0)
    for theme in (LIGHT, DARK):
        window.appearance.use_theme(theme.name)
        assert [each.colour for each in window.parts.stack.markers] == [theme.markers[0]]


def test_keys_lay_at_the_pointer_and_in_the_middle(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert spans(window) == {1: pytest.approx((8.0, 12.0), abs=0.01)}
    point_at(qtbot, window, 0.25)
    qtbot.keyClick(window, Qt.Key.Key_S)
    assert spans(window)[2] == (pytest.approx(5.0, abs=0.05), None)
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert spans(window)[3] == pytest.approx((3.0, 7.0), abs=0.05)
    assert window.selection == spans(window)[3]
    assert painted(window, 3).text == "3  4.0000 s"


def test_a_pair_that_would_leave_the_recording_ends_there(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(-10.0, 10.0)
    frames(window)
    point_at(qtbot, window, 0.5)
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert spans(window)[1] == pytest.approx((0.0, 2.0), abs=0.05)
    point_at(qtbot, window, 0.2)
    for key in (Qt.Key.Key_D, Qt.Key.Key_S):
        qtbot.keyClick(window, key)
        assert len(spans(window)) == 1
        assert window.parts.message_bar.text == "Nothing was recorded in that interval."


def test_a_live_view_that_is_half_empty_has_its_middle_in_what_is_recorded(qtbot: QtBot, live: Live) -> None:
    window, _, _ = live
    window.navigation.show_between(0.0, 100.0)
    frames(window)
    qtbot.keyClick(window, Qt.Key.Key_S)
    assert spans(window) == {1: (pytest.approx(7.5, abs=0.01), None)}


def test_the_panel_and_the_boxes_are_of_the_active_pair(qtbot: QtBot, window: MainWindow) -> None:
    drag(qtbot, window, on_trace(window, 4.5 / 20), on_trace(window, 6.5 / 20), SHIFT)
    drag(qtbot, window, on_trace(window, 10.2 / 20), on_trace(window, 11.8 / 20), SHIFT)
    frames(window)
    assert window.parts.panel(SelectionPanel).shown.rows["mean"] == "1.000 W"
    # A click on the banner of the other one makes the panel show that.
    qtbot.mouseClick(window.parts.stack.viewport(), LEFT, pos=pixel(window, painted(window, 1).banner.center()))
    assert window.selection == spans(window)[1]
    assert window.parts.panel(SelectionPanel).shown.rows["mean"] == "10.00 W"
    frames(window)
    power, latency = (placed.box for placed in painted(window, 1).boxes)
    first = dict(zip(power.names, power.columns[0].texts, strict=True))
    assert first["mean"] == first["min"] == first["rms"] == "10.000 W"
    assert first["p-p"] == first["std"] == "0 W"
    joules = 10 * (spans(window)[1][1] - spans(window)[1][0])  # type: ignore[operator]
    assert first["energy"] == f"{joules:.3f} J"
    assert latency.names == ("images", "net energy / image")
    images = int(latency.columns[0].texts[0])
    assert images == pytest.approx(100, abs=8)
    assert latency.columns[0].texts[1] == f"{1e3 * joules * 0.9 / images:.2f} mJ"


def test_where_samples_are_missing_a_box_says_so_and_energy_is_a_bound(window: MainWindow) -> None:
    window.markers.lay(8.5, 9.5)
    frames(window)
    (power,) = [placed.box for placed in painted(window, 1).boxes if placed.box.integral]
    assert power.warning == "recorded 50.00 %"
    assert power.columns[0].texts[-1] == "≥ 500.00 mJ"


def test_a_click_on_an_integral_changes_its_unit(qtbot: QtBot, window: MainWindow) -> None:
    window.signals.toggle_quantity("A")
    frames(window)
    window.markers.lay(4.0, 6.0)
    frames(window)

    def integrals() -> list[str]:
        return [each.box.columns[0].texts[-1] for each in painted(window, 1).boxes if each.box.integral]

    assert integrals() == ["20.000 J", "2.0000 C"]
    spot = painted(window, 1).boxes[0].integral
    assert spot is not None
    qtbot.mouseClick(window.parts.stack.viewport(), LEFT, pos=pixel(window, spot.center()))
    assert integrals() == ["5.5556 mWh", "555.56 µAh"]
    qtbot.keyClick(window, Qt.Key.Key_U)
    assert integrals() == ["20.000 J", "2.0000 C"]


def test_edges_and_banner_are_dragged(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(6.0, 10.0)
    frames(window)
    one = painted(window, 1)
    assert one.right is not None
    second_px = window.parts.stack.trace.rect.width() / LENGTH_S
    edge = pixel(window, QPointF(one.right, window.parts.stack.trace.rect.center().y()))
    drag(qtbot, window, edge, edge + QPoint(round(2 * second_px), 0))
    assert spans(window)[1] == pytest.approx((6.0, 12.0), abs=0.1)
    assert window.view.start_s == 0.0, "the view stays"
    length_s = spans(window)[1][1] - spans(window)[1][0]  # type: ignore[operator]
    banner = pixel(window, painted(window, 1).banner.center())
    drag(qtbot, window, banner, banner + QPoint(round(-3 * second_px), 0))
    assert spans(window)[1] == pytest.approx((3.0, 9.0), abs=0.1)
    assert spans(window)[1][1] - spans(window)[1][0] == pytest.approx(length_s, abs=1e-8)  # type: ignore[operator]
    # As a whole it stops at the beginning, and keeps its length.
    banner = pixel(window, painted(window, 1).banner.center())
    drag(qtbot, window, banner, banner + QPoint(round(-5 * second_px), 0))
    assert spans(window)[1] == pytest.approx((0.0, length_s))
    assert window.recording is not None
    assert stored(window.recording.reader.path) == list(window.markers.markers.markers)
    # The three drags are three steps, and laying it was one.
    for _ in range(3):
        qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert spans(window)[1] == pytest.approx((6.0, 10.0))
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert spans(window) == {}
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL | SHIFT)
    assert spans(window)[1] == pytest.approx((6.0, 10.0))
    assert len(stored(window.recording.reader.path)) == 1


def test_an_edge_dragged_past_the_other_becomes_the_other(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(6.0, 8.0)
    frames(window)
    left = painted(window, 1).left
    assert left is not None
    edge = pixel(window, QPointF(left, window.parts.stack.trace.rect.center().y()))
    drag(qtbot, window, edge, edge + QPoint(round(4 * window.parts.stack.trace.rect.width() / LENGTH_S), 0))
    assert spans(window)[1] == pytest.approx((8.0, 10.0), abs=0.1)


def test_the_dialog_names_a_marker_and_takes_exact_times(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 6.0)
    frames(window)
    viewport, banner = window.parts.stack.viewport(), pixel(window, painted(window, 1).banner.center())
    qtbot.mouseDClick(viewport, LEFT, pos=banner)
    dialog = window.findChild(MarkerDialog)
    assert dialog is not None
    assert (dialog.start.text(), dialog.end.text(), dialog.length.text()) == ("4", "6", "2")
    qtbot.keyClicks(dialog.name, "first batch")
    ok = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)
    for text, problem in (("soon", NO_TIME), ("3", BACKWARDS), ("99", "The recording lasts from 0 to 20 s.")):
        dialog.end.selectAll()
        qtbot.keyClicks(dialog.end, text)
        qtbot.mouseClick(ok, LEFT)
        assert dialog.problem.text() == problem
    dialog.length.selectAll()
    qtbot.keyClicks(dialog.length, "0.012345678")
    assert dialog.end.text() == "4.012345678"
    dialog.colour.setCurrentIndex(3)
    qtbot.mouseClick(ok, LEFT)
    marker = Marker(1, at(4.0), at(4.0) + 12_345_678, "first batch", 3)
    assert window.markers.markers.markers == (marker,)
    frames(window)
    assert painted(window, 1).text == "1  first batch  12.3457 ms"
    assert window.recording is not None
    assert stored(window.recording.reader.path) == [marker]
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert window.markers.markers.markers == (Marker(1, at(4.0), at(6.0), "", 0),)


def test_enter_is_for_the_marker_unless_a_field_or_the_table_has_the_focus(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 6.0)
    table = window.parts.panel(RunTable)
    table.filter.setFocus()
    qtbot.keyClick(table.filter, Qt.Key.Key_Return)
    table.select(2)
    table.view.setFocus()
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    assert window.findChild(MarkerDialog) is None
    window.parts.stack.setFocus()
    qtbot.keyClick(window.parts.stack, Qt.Key.Key_Enter)
    dialog = window.findChild(MarkerDialog)
    assert dialog is not None
    dialog.reject()


def test_no_edge_crosses_the_statistics_above_a_pane(window: MainWindow) -> None:
    window.navigation.show_between(5.0, 6.0)
    window.markers.lay(4.9, 5.9)
    window.markers.deactivate()
    frames(window)
    (words,) = window.parts.stack.marker_layer.kept_clear
    edge = round(painted(window, 1).right)  # type: ignore[arg-type]
    assert words.left() < edge < words.right()
    window.statistics.lines[0].hide()  # what is left is the edge
    picture, colour = window.parts.stack.viewport().grab().toImage(), QColor(window.theme.markers[0])
    drawn = [y for y in range(picture.height()) if picture.pixelColor(edge, y) == colour]
    assert not [y for y in drawn if words.top() <= y < words.bottom()]
    assert [y for y in drawn if y > words.bottom()]


def test_enter_opens_the_dialog_of_the_active_marker(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 6.0)
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_Return)
    dialog = window.findChild(MarkerDialog)
    assert dialog is not None
    dialog.start.setText("0:05.5")
    dialog.accept()
    assert spans(window)[1] == pytest.approx((5.5, 6.0))


def test_numbers_choose_and_delete_removes(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(1.0, 2.0)
    window.markers.lay(15.0, 16.0)
    window.navigation.show_between(14.0, 17.0)
    frames(window)
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert window.selection == pytest.approx((1.0, 2.0))
    assert window.view.start_s == pytest.approx(0.0)
    assert window.view.width_s == pytest.approx(3.0)
    qtbot.keyClick(window, Qt.Key.Key_2)
    qtbot.keyClick(window, Qt.Key.Key_Delete)
    assert set(spans(window)) == {1}
    assert window.selection is None
    qtbot.keyClick(window, Qt.Key.Key_Delete)
    assert set(spans(window)) == {1}, "none is active"
    qtbot.keyClick(window, Qt.Key.Key_D)
    assert set(spans(window)) == {1, 2}, "a number that is free is given again"


def test_a_click_on_the_ground_and_escape_leave_the_pair_where_it_is(qtbot: QtBot, window: MainWindow) -> None:
    for leave in (
        lambda: qtbot.mouseClick(window.parts.stack.viewport(), LEFT, pos=on_trace(window, 0.9)),
        lambda: qtbot.keyClick(window, Qt.Key.Key_Escape),
    ):
        window.markers.lay(4.0, 6.0)
        assert window.selection is not None
        leave()
        qtbot.waitUntil(lambda: window.selection is None)
        assert spans(window) == {1: pytest.approx((4.0, 6.0))}


def test_a_double_click_lays_a_pair_around_a_run_once(qtbot: QtBot, window: MainWindow) -> None:
    viewport = window.parts.stack.viewport()
    for _ in range(2):
        qtbot.mouseDClick(viewport, LEFT, pos=on_trace(window, 15 / 20))
        assert spans(window) == {1: pytest.approx((12.0, 18.0))}
    assert window.markers.markers.markers[0].name == "ResNet-18  ·  batch 1"


def test_a_double_click_lays_a_pair_around_a_batch(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(5.0, 5.2)
    frames(window, 3)
    stack = window.parts.stack
    dot = stack.latency.box.mapViewToScene(QPointF(5.078, 18.0))  # the batch from 5.06 s, which takes 18 ms
    qtbot.mouseDClick(stack.viewport(), LEFT, pos=pixel(window, dot))
    assert spans(window) == {1: pytest.approx((5.06, 5.078), abs=1e-6)}


def test_a_double_click_on_empty_ground_shows_all(qtbot: QtBot, window: MainWindow) -> None:
    window.navigation.show_between(8.2, 11.0)
    frames(window)
    qtbot.mouseDClick(window.parts.stack.viewport(), LEFT, pos=on_trace(window, 0.5))
    assert window.view.width_s == pytest.approx(LENGTH_S)
    assert spans(window) == {}


# -- stored --------------------------------------------------------------------------------------


def test_they_are_there_when_the_session_is_opened_again(
    qtbot: QtBot, open_window: Callable[..., MainWindow], window: MainWindow
) -> None:
    assert window.recording is not None
    path = window.recording.reader.path
    window.markers.lay(4.0, 6.0, "swing")
    qtbot.keyClick(window, Qt.Key.Key_S)
    kept = window.markers.markers.markers
    frames(window)
    assert window.parts.stack.trace.lines is not None, "the window reads on"
    again = open_window(None, path)
    assert again.markers.markers.markers == kept
    assert painted(again, 1).text == "1  swing  2.0000 s"
    assert again.selection is None


def test_while_it_is_recorded_the_bench_stores_them(qtbot: QtBot, live: Live) -> None:
    window, bench, tape = live
    drag(qtbot, window, on_trace(window, 0.2), on_trace(window, 0.3), SHIFT)
    (sent,) = [command for command in bench.commands if isinstance(command, SetMarkers)]
    assert sent.markers == window.markers.markers.markers
    assert len(sent.markers) == 1, "a drag is stored once, when it ends"
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert bench.commands[-1] == SetMarkers(())
    assert stored(tape.path) == [], "the window writes nothing itself"


def test_a_session_that_another_process_records_is_not_written(
    open_window: Callable[..., MainWindow], tape: Tape
) -> None:
    tape.write_until(5.0)
    window = open_window(None, tape.path)
    window.markers.lay(1.0, 2.0)
    assert "being recorded by another process" in window.parts.message_bar.text
    window.parts.message_bar.dismiss()
    window.markers.lay(2.0, 3.0)
    assert window.parts.message_bar.text == "" or not window.parts.message_bar.isVisible(), "said once"
    assert len(spans(window)) == 2
    tape.write_until(6.0)  # the recording goes on
    assert stored(tape.path) == []


def test_another_session_has_its_own_markers_and_nothing_to_undo(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    other = Tape(tmp_path / "other.plm")
    other.write_until(5.0)
    other.close()
    window.markers.lay(4.0, 6.0)
    window.document.open_saved(other.path)
    frames(window)
    assert spans(window) == {}
    assert layer(window).placed == ()
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert stored(other.path) == []


def test_a_session_of_an_earlier_program_takes_markers(open_window: Callable[..., MainWindow], session: Path) -> None:
    with closing(sqlite3.connect(session, isolation_level=None)) as db:
        db.execute("DROP TABLE marker")
    window = open_window(None, session)
    window.markers.lay(4.0, 6.0)
    assert len(stored(session)) == 1
    SessionWriter.resume(session).close()  # and it can be resumed
    assert len(stored(session)) == 1


# -- painted -------------------------------------------------------------------------------------


def test_what_the_mouse_can_do_is_shown_by_its_shape(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(6.0, 10.0)
    frames(window)
    one, marker_layer = painted(window, 1), layer(window)
    assert one.right is not None
    middle = window.parts.stack.trace.rect.center().y()

    def is_shown(place: QPointF, shape: Qt.CursorShape | None) -> bool:
        move(window, pixel(window, place))
        return (marker_layer.cursor().shape() if marker_layer.hasCursor() else None) == shape

    for place, shape in (
        (QPointF(one.right - 2, middle), Qt.CursorShape.SizeHorCursor),
        (one.banner.center(), Qt.CursorShape.SizeAllCursor),
        (QPointF(one.right + 40, middle), None),
    ):
        qtbot.waitUntil(lambda place=place, shape=shape: is_shown(place, shape))


def test_banners_that_overlap_in_time_stand_in_rows_above_the_panes(window: MainWindow) -> None:
    before = window.parts.stack.trace.rect.top()
    window.markers.lay(2.0, 10.0)
    window.markers.lay(4.0, 6.0)
    window.markers.lay(12.0, 14.0)
    frames(window)
    QApplication.sendPostedEvents()
    one, two, three = (painted(window, number).banner for number in (1, 2, 3))
    assert one.top() == three.top() < two.top()
    assert not one.intersects(two)
    assert two.bottom() <= window.parts.stack.trace.rect.top()
    assert window.parts.stack.trace.rect.top() > before


def test_a_banner_says_less_where_there_is_little_room(window: MainWindow) -> None:
    recording = window.recording
    assert recording is not None
    markers = window.markers.markers
    for k in range(12):
        markers = markers.laid(at(5.0 + 0.5 * k), at(5.4 + 0.5 * k), "a long name")
    window.markers._do(markers)
    frames(window)
    texts = [painted(window, number).text for number in range(1, 13)]
    assert texts[0] == "1"
    assert texts[-1] == "12  a long name  400.0000 ms", "the active one says all"
    rects = sorted((painted(window, number).banner for number in range(1, 12)), key=lambda rect: rect.left())
    assert all(one.right() <= other.left() for one, other in itertools.pairwise(rects))


def test_a_marker_that_is_not_in_view_is_not_painted(window: MainWindow) -> None:
    window.markers.lay(4.0, 6.0)
    window.navigation.show_between(7.0, 9.0)
    frames(window)
    assert layer(window).placed == ()
    window.navigation.show_between(5.0, 9.0)
    frames(window)
    placed = painted(window, 1)
    assert (placed.left, placed.right is not None) == (None, True)


def test_a_change_of_name_alone_is_a_step_and_a_change_of_the_active_one_is_none(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.markers.lay(4.0, 6.0)
    window.markers.lay(7.0, 8.0)
    first = window.markers.markers.markers[0]
    window.markers._do(window.markers.markers.with_marker(replace(first, name="idle")))
    qtbot.keyClick(window, Qt.Key.Key_2)
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert window.markers.markers.markers[0].name == ""
    assert len(spans(window)) == 2


def test_the_tag_at_the_pointer_covers_no_box(qtbot: QtBot, window: MainWindow) -> None:
    drag(qtbot, window, on_trace(window, 4.5 / 20), on_trace(window, 12.5 / 20), SHIFT)
    stack = window.parts.stack
    for share in (12.5 / 20, 12.9 / 20, 4.5 / 20, 4.0 / 20, 14.0 / 20, 0.97):
        move(window, on_trace(window, share))
        frames(window)
        stack.viewport().grab()
        boxes = [box.rect for box in painted(window, 1).boxes]
        assert boxes
        assert stack.cursor_layer.tags
        assert not any(tag.intersects(box) for tag in stack.cursor_layer.tags for box in boxes), share
