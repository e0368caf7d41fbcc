# SPDX-License-Identifier: Apache-2.0
"""The overlay is painted from a PlotState and from nothing else."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication

from monitor_app.gui.plot.annotations import BELOW_BASELINE_PX, Annotations, Gap, Interval, Note, RunFigures, clear_of
from monitor_app.gui.plot.markers.layer import MarkerLayer
from monitor_app.gui.plot.overlay import Backdrop, CursorLayer, Foreground
from monitor_app.gui.plot.plot_state import Cursor, LegendEntry, PaneState, PlotState, ShownMarker
from monitor_app.gui.plot.scales.axes import value_step
from monitor_app.gui.plot.time_window import TimeWindow
from monitor_app.gui.plot.words import names_px
from monitor_app.gui.theme import DARK, SMALL_PX, set_text_size, ui_font
from tests.gui.conftest import frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.gui.main_window import MainWindow

pytestmark = pytest.mark.usefixtures("qapp")

PANE = PaneState(QRectF(64, 20, 300, 150), (0.0, 10.0), source_ids=frozenset({1}))
STATE = PlotState(
    QRectF(0, 0, 480, 200), DARK, TimeWindow(0.0, 10.0), 108, (PANE,), None, None, PANE, Annotations(), (), None
)


def painted(state: PlotState) -> QImage:
    image = QImage(480, 200, QImage.Format.Format_RGB32)
    image.fill(QColor(state.theme.ground))
    painter = QPainter(image)
    for layer in (Backdrop(), Foreground(), MarkerLayer(), CursorLayer(list)):
        layer.set_state(state)
        layer.paint_layer(painter)
    painter.end()
    return image


def test_a_text_stands_above_the_line_that_would_run_through_it() -> None:
    assert clear_of(100.0, [], 16) == 100.0
    assert clear_of(100.0, [60.0, 110.0], 16) == 100.0
    assert clear_of(100.0, [95.0, 20.0], 16) == 95.0 - BELOW_BASELINE_PX
    assert clear_of(100.0, [95.0, 80.0], 16) == 80.0 - BELOW_BASELINE_PX, "and above the next one"


@pytest.mark.parametrize(
    "change",
    [
        {"markers": (ShownMarker(1, 2.0, 4.0, ("1  2.0 s",), "#ffffff", active=True),)},
        {"markers": (ShownMarker(1, 2.0, None, ("1",), "#ffffff"),)},
        {"view": TimeWindow(1.0, 5.0)},
        {"cursor": Cursor(3.0, (("0:03", "5.0 W"),), ())},
        {"annotations": Annotations(runs=(Interval(1.0, 8.0, "ResNet-18"),))},
        {"annotations": Annotations(gaps=(Gap(1.0, 2.0, "5 lost", 1),))},
        {"annotations": Annotations(marks=((5.0, "fan on"),))},
        {"annotations": Annotations(levels=(Note(2.0, "idle", "2.00 W", line=True),))},
        {"traces": (replace(PANE, legend=(LegendEntry("power", "5.0 W", "#f2b134", 0),)),)},
        {"latency": replace(PANE, rect=QRectF(64, 180, 300, 15))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_the_state_is_seen(change: dict[str, object]) -> None:
    before = painted(STATE)
    assert painted(STATE) == before
    assert painted(replace(STATE, **change)) != before  # type: ignore[arg-type]


def test_a_state_is_frozen_and_says_where_times_and_values_are() -> None:
    assert STATE.x_pixel(5.0) == 64 + 150
    assert PANE.y_pixel(10.0) == 20
    with pytest.raises(FrozenInstanceError):
        STATE.markers = ()  # type: ignore[misc]


def test_the_ground_of_a_run_that_goes_on_ends_where_the_trace_does() -> None:
    notes = Annotations(
        runs=(Interval(1.0, 3.0, "one"), Interval(4.0, 6.0, "two", growing=True)),
        phases=(Interval(4.0, 5.0, "warm-up"), Interval(5.0, 6.0, "timed", strong=True, growing=True)),
        figures=(RunFigures(4.0, 6.0, 10.0, None, growing=True),),
    )
    later = notes.reaching(7.5)
    assert [each.end_s for each in (*later.runs, *later.phases, *later.figures)] == [3.0, 7.5, 5.0, 7.5, 7.5]
    assert later.reaching(7.5) is later, "nothing new, nothing to paint"
    ended = Annotations(runs=(Interval(1.0, 3.0, "one"),))
    assert ended.reaching(9.0) is ended


def test_without_a_state_nothing_is_painted() -> None:
    image = QImage(10, 10, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    Backdrop().paint_layer(painter)
    painter.end()
    assert image.pixel(5, 5) & 0xFFFFFF == 0


@pytest.mark.parametrize("pixels", [40.0, 80.0, 200.0])
@pytest.mark.parametrize("high", [1.0, 1.1, 12.0, 24.0, 45.0, 999.0])
def test_a_low_pane_still_has_two_numbers_on_its_axis(high: float, pixels: float) -> None:
    assert value_step(0.0, high, pixels) <= high


@pytest.mark.parametrize("percent", [100, 130])
def test_the_names_of_runs_stand_above_the_trace(
    open_window: Callable[..., MainWindow], session: Path, percent: int
) -> None:
    window = open_window(None, session)
    try:
        window.appearance.set_text_percent(percent)
        QApplication.processEvents()
        frames(window, 3)
        stack = window.parts.stack
        pane = stack.state().first
        assert pane.y_pixel(10.0) >= pane.rect.top() + names_px(), "the highest sample"
        assert names_px() >= 2 * QFontMetricsF(ui_font(SMALL_PX)).height()
    finally:
        set_text_size(100)
