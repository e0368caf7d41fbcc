# SPDX-License-Identifier: Apache-2.0
"""What a frame costs, counted and not timed: nothing is read, made or painted again that is there already."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication

from monitor_app.gui.plot import axis_picture, trace_curve
from monitor_app.gui.plot.annotations import Annotations, Interval
from monitor_app.gui.plot.grounds import LEAST_EDGED_PX, STRIP_PX, paint_grounds, phase_colours
from monitor_app.gui.plot.items import Columns, Curve, Dots, Placement
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.plot.plot_state import PaneState, PlotState
from monitor_app.gui.plot.scales.time_labels import TimeLabels
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.plot.words import elided, text_px
from monitor_app.gui.session.curve_style import CurveStyle
from monitor_app.gui.theme import BODY_PX, DARK, LIGHT, set_text_size, ui_font
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.theme import Theme
    from monitor_app.session.reader import SessionReader
    from tests.gui.conftest import StandIn, Tape

    Live = tuple[MainWindow, StandIn, Tape]

ROOM = QRect(10, 5, 200, 60)


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    made = open_window(session=session)
    made.navigation.show_between(2.0, 7.0)
    frames(made, 3)
    QApplication.processEvents()
    return made


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The paintings of the panes from now on."""
    seen: list[object] = []
    paint = PaneStack.paintEvent

    def noted(stack: PaneStack, event: object) -> None:
        seen.append(event)
        paint(stack, event)  # type: ignore[arg-type]

    monkeypatch.setattr(PaneStack, "paintEvent", noted)
    return seen


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals of which an envelope was read, in order."""
    from monitor_app.session.reader import SessionReader

    seen: list[int] = []
    envelope = SessionReader.envelope

    def noted(reader: SessionReader, signal_id: int, *rest: int) -> object:
        seen.append(signal_id)
        return envelope(reader, signal_id, *rest)

    monkeypatch.setattr(SessionReader, "envelope", noted)
    return seen


def makings(window: MainWindow) -> int:
    return sum(item.makings for pane in window.parts.stack.panes for item in pane.items)


def test_a_frame_in_which_nothing_has_changed_reads_and_paints_nothing(
    window: MainWindow, painted: list[object], read: list[int]
) -> None:
    for _ in range(3):
        window.refresh()
        QApplication.processEvents()
    assert not painted
    assert not read


@pytest.mark.parametrize(
    "change",
    [
        lambda stack: stack.show_times(TimeLabels(date(2026, 11, 30), 40_000.0, "UTC")),
        lambda stack: stack.keep_clear((QRectF(300, 10, 50, 12),)),
        lambda stack: stack.trace.box.y_zoom_asked.emit(0.5, 0.6),
        lambda stack: stack.set_options(replace(stack.options, style=CurveStyle.MEAN)),
        lambda stack: stack.set_theme(LIGHT),
    ],
    ids=["times", "words", "range", "style", "theme"],
)
def test_a_change_is_painted(window: MainWindow, painted: list[object], change: Callable[[PaneStack], None]) -> None:
    change(window.parts.stack)
    window.refresh()
    QApplication.processEvents()
    assert painted


def test_a_view_that_moves_is_painted_once_a_frame(window: MainWindow, painted: list[object]) -> None:
    for _ in range(4):
        window.navigation.pan(0.01)
        window.refresh()
        QApplication.processEvents()
    assert len(painted) == 4


def test_a_view_moved_by_pixels_takes_what_is_there(window: MainWindow, read: list[int]) -> None:
    window.grab()
    before, pixel_s = makings(window), window.view.width_s / window.parts.stack.pixels
    for pixels in (3, 20, -7):
        window.navigation.pan(pixels * pixel_s)
        window.refresh()
        window.grab()
    assert makings(window) == before
    assert not read


def test_axes_are_painted_again_only_when_a_range_or_the_theme_changes(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    paint = axis_picture._painted
    monkeypatch.setattr(axis_picture, "_painted", lambda *given: made.append(given) or paint(*given))
    window.grab()
    made.clear()
    window.navigation.pan(0.05)
    window.refresh()
    window.grab()
    assert not made
    window.parts.stack.trace.box.y_zoom_asked.emit(0.5, 0.6)
    window.grab()
    window.grab()
    assert len(made) == 1
    window.parts.stack.set_theme(LIGHT)
    window.grab()
    assert len(made) == 2


def test_a_view_that_is_zoomed_has_a_group_for_each_pixel_and_rests_on_what_a_new_one_reads(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_curve, "QUICK_S", 1e6)  # no curve rests, however slow this machine is
    stack = window.parts.stack
    for factor in (*(0.92,) * 12, *(1.09,) * 11):
        window.navigation.zoom(factor, 4.5)
        window.refresh()
        for trace in stack.traces:
            drawn = trace.lines
            assert drawn is not None
            group_s = drawn.samples_per_column / 10_000
            assert group_s <= window.view.width_s / stack.pixels * (1 + 1e-9), "no stripes between columns"
            assert drawn.mean_x[0] <= max(window.view.start_s, 0.0) + group_s
            assert drawn.mean_x[-1] >= window.view.end_s - group_s
    frames(window, 4)
    at_rest = [trace.lines for trace in stack.traces]
    for trace in stack.traces:
        for curve in trace.curves:
            curve._read = None
            curve._envelopes.clear()
    window.refresh()
    for rested, trace in zip(at_rest, stack.traces, strict=True):
        anew = trace.lines
        assert rested is not None
        assert anew is not None
        assert rested.samples_per_column == anew.samples_per_column
        np.testing.assert_allclose(rested.mean_y, anew.mean_y)


@pytest.mark.parametrize("pixels", [1, -13, 39])
@pytest.mark.parametrize("kind", ["columns", "curve", "dots"])
def test_what_was_moved_by_pixels_is_what_is_painted_anew(kind: str, pixels: int) -> None:
    x = np.linspace(0.0, 10.0, 900)
    y = np.sin(3 * x) + 0.2 * np.cos(40 * x)

    def made() -> Columns | Curve | Dots:
        item = {"columns": Columns, "curve": Curve, "dots": lambda: Dots(3)}[kind]()
        item.set_colour("#ff8800")
        if isinstance(item, Columns):
            item.set_data(x, y - 0.1, y + 0.1)
        else:
            item.set_data(x, y)
        return item

    def picture(item: Columns | Curve | Dots, place: Placement) -> QImage:
        image = QImage(220, 70, QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        painter.setClipRect(ROOM)
        item.paint(painter, place)
        painter.end()
        return image

    here = Placement(50.0, -137.0, -20.0, 35.0, ROOM, 1.0)
    there = replace(here, x_offset=here.x_offset + pixels)
    item = made()
    first = picture(item, here)
    assert first != picture(made(), there), "there is something to see"
    assert picture(item, there) == picture(made(), there)
    assert item.makings == 1
    assert picture(item, replace(there, y_scale=-10.0)) == picture(made(), replace(there, y_scale=-10.0))
    assert item.makings == 2


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("start_s", [0.0, 3.217, 11.9])
def test_rows_of_pixels_are_the_rectangles_of_runs_and_phases(theme: Theme, start_s: float) -> None:
    runs = (Interval(1.0, 6.13, "one"), Interval(8.07, 13.0, "two"))
    phases = (
        Interval(1.0, 2.01, "warm-up"), Interval(2.01, 5.0, "timed", strong=True), Interval(5.0, 6.13, "accuracy"),
        Interval(8.07, 8.1, "warm-up"), Interval(8.1, 13.0, "timed", strong=True),
    )  # fmt: skip
    panes = tuple(PaneState(QRectF(64, top, 301, 40.25), (0.0, 1.0)) for top in (10.0, 60.4, 111.2))
    state = PlotState(
        QRectF(0, 0, 400, 200), theme, TimeWindow(start_s, 9.0), 20, panes, None, None, None,
        Annotations(runs=runs, phases=phases), (), None,
    )  # fmt: skip
    rows, rectangles = (QImage(400, 200, QImage.Format.Format_RGB32) for _ in range(2))
    for image, paint in ((rows, paint_grounds), (rectangles, rectangle_by_rectangle)):
        image.fill(QColor(theme.ground))
        painter = QPainter(image)
        paint(painter, state)
        painter.end()
    assert rows == rectangles


def rectangle_by_rectangle(painter: QPainter, state: PlotState) -> None:
    view, notes, first = state.view, state.annotations, state.first.rect
    strong = tuple(each for each in notes.phases if each.strong)
    for intervals, colour in ((notes.runs, state.theme.span_soft), (strong, state.theme.span)):
        for left, right, _ in places(state, intervals):
            for pane in state.panes:
                painter.fillRect(QRectF(left, pane.rect.top(), right - left, pane.rect.height()), QColor(colour))
    edge, soft, full = phase_colours(state.theme)
    for left, right, each in places(state, notes.phases):
        painter.fillRect(QRectF(left, first.top(), right - left, STRIP_PX), full if each.strong else soft)
        for x, at_s in ((left, each.start_s), (right, each.end_s)):
            if right - left >= LEAST_EDGED_PX and view.start_s <= at_s <= view.end_s:
                for pane in state.panes:
                    painter.fillRect(QRectF(round(x), pane.rect.top(), 1, pane.rect.height()), edge)


def places(state: PlotState, intervals: tuple[Interval, ...]) -> list[tuple[float, float, Interval]]:
    view, rect, found = state.view, state.first.rect, []
    for each in intervals:
        if each.end_s >= view.start_s and each.start_s <= view.end_s:
            left = max(state.x_pixel(each.start_s), rect.left())
            found.append((left, max(min(state.x_pixel(each.end_s), rect.right()), left + 1), each))
    return found


def test_texts_that_are_kept_have_the_size_that_text_has_now(qapp: QApplication) -> None:
    def width(text: str, size_px: int) -> float:
        return QFontMetricsF(QFont(ui_font(size_px))).horizontalAdvance(text)

    words = "GoogLeNet  ·  batch 64"
    try:
        for percent in (100, 130, 80, 100):
            set_text_size(percent)
            assert text_px(words) == width(words, 11)
            assert text_px(words, BODY_PX) == width(words, BODY_PX)
            assert elided(words, text_px(words)) == words
            assert text_px(elided(words, 60.0)) <= 60.0
    finally:
        set_text_size(100)


def test_the_ground_of_the_running_run_follows_the_trace_between_two_readings_of_the_rows(live: Live) -> None:
    window, _, tape = live  # within the timed phase of run 2
    before = window.parts.stack.annotations
    tape.write_until(16.5)
    window.refresh()  # a frame, and no task
    notes = window.parts.stack.annotations
    assert window.edge_s == pytest.approx(16.5, abs=1e-3)
    assert (before.runs[-1].end_s, notes.runs[-1].end_s) == pytest.approx((15.0, 16.5), abs=1e-3)
    assert notes.phases[-1].end_s == notes.runs[-1].end_s
    assert notes.runs[:-1] == before.runs[:-1]


def test_a_run_that_goes_on_beside_the_view_costs_no_painting(live: Live, painted: list[object]) -> None:
    window, _, tape = live
    window.navigation.show_between(2.0, 7.0)
    frames(window)
    QApplication.processEvents()
    painted.clear()
    tape.write_until(16.5)
    window.refresh()
    QApplication.processEvents()
    assert not painted
