# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (typography: dashes)
"""Figures in the window: hand-made charts and the paper's, asked with the mouse and the keys."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QProcess, QRect, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from monitor_app.analysis.figures import charts_of
from monitor_app.analysis.figures.options import headline_batches
from monitor_app.analysis.findings.finding import Verdict
from monitor_app.charts import names as names_module
from monitor_app.charts.axis import chart_axis, full_span, straight
from monitor_app.charts.budget import Budget, budget_words, first_budget, has_budget, within
from monitor_app.charts.contents import notes_of, room_y, without, without_paper
from monitor_app.charts.layout import lay_out
from monitor_app.charts.marks import radius_of
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.charts.palette import PALETTES
from monitor_app.charts.plot import rectangle
from monitor_app.charts.point_text import point_lines, quantity_words
from monitor_app.core.estimate import Estimate
from monitor_app.gui.context_menu import Item
from monitor_app.gui.figures.chart_list import lines_of, verdict_colour
from monitor_app.gui.figures.job import FiguresJob
from monitor_app.gui.figures.job_messages import VIEWS, Figures, FindingText, decode, encode, view_name
from monitor_app.gui.figures.window import FiguresController, beside, chart_of
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.session.recording import Recording
from monitor_app.gui.theme import DARK, LIGHT, application
from monitor_app.session.reader import SessionReader
from tests.analysis.campaigns import campaign, published_campaign
from tests.gui.conftest import StandIn, Tape, frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.charts.layout import Layout
    from monitor_app.gui.context_menu import Entry
    from monitor_app.gui.figures.window import FiguresWindow
    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]

# A QGuiApplication made by the drawing itself would be in the way of every later test with widgets.
pytestmark = pytest.mark.usefixtures("qapp")

MS, PERCENT, BATCH = Axis("Time per image", "ms"), Axis("Top-1 accuracy", "%"), Axis("Batch size", "", Scale.LOG2)


def point(x: float, y: float, label: str, *, run: int | None = None, size: float | None = None, k: int = 0) -> Point:
    return Point(Estimate(x, x - 1, x + 1), Estimate(y, y - 0.5, y + 0.5), size, label, run, k)


def one(name: str, colour: str, at: Point, origin: Origin = Origin.MEASURED, group: str = "") -> Series:
    return Series(name, colour, (at,), origin, group=group)


def trade() -> Chart:
    """Three networks far apart, with what the paper says of one, and a front."""
    return Chart(
        "top1-time-b1", None, "Top-1 accuracy against time per image at batch 1", MS, PERCENT,
        (
            one("Swift", "#fd8d3c", point(20, 55, "Swift b1", run=1, size=1)),
            one("Middle", "#08519c", point(50, 65, "Middle b1", run=2, size=4)),
            one("Slow", "#000000", point(80, 75, "Slow b1", run=2, size=16)),
            one("Swift", "#fd8d3c", point(25, 56, "Swift b1 (paper)", size=1), Origin.DIGITISED, "paper"),
        ),
        (Line("Pareto front", (20, 50, 50, 80, 80), (55, 55, 65, 65, 75), Origin.MEASURED,
              text="Swift, Middle, Slow"),),
        size_title="Operations [G]", caption="What is got for what is paid.", missing=("Lost: it failed.",),
    )  # fmt: skip


def lines_chart() -> Chart:
    batches = (1, 2, 4)
    return Chart(
        "time-batch", 3, "Forward time per image against batch size", BATCH, replace(MS, scale=Scale.LOG),
        (
            Series("Swift", "#fd8d3c", tuple(point(b, 20 / b, f"Swift b{b}", run=b) for b in batches),
                   Origin.SIMULATED, joined=True),
        ),
        simulated=True,
    )  # fmt: skip


def bars_chart() -> Chart:
    places = Axis("Network", "", Scale.CATEGORY, ("A network of long name", "Another", "Third"))
    series = tuple(
        Series(name, colour, (Point(Estimate(k, k, k), Estimate(50 + k, 49 + k, 51 + k), None, name, 1),),
               Origin.MEASURED)
        for k, (name, colour) in enumerate((("A network of long name", "#ff0000"), ("Another", "#00ff00")))
    )  # fmt: skip
    return Chart("top1", 1, "Top-1 accuracy by network", places, PERCENT, series, bars=True)


def empty_chart() -> Chart:
    return Chart(
        "power-batch", 4, "Net power against batch size", BATCH, Axis("Net power", "W"), (),
        missing=("None of 3 points is there: power was not measured.",),
    )  # fmt: skip


def finding() -> FindingText:
    return FindingText(
        "operations-time", "Operations predict time.", "holds", "The slope is 0.229 G/ms.",
        (("slope", "0.229 G/ms"),), "time-batch", "within a factor of two", "Of one board only.", simulated=True,
        headline=4,
    )  # fmt: skip


def figures() -> Figures:
    charts = (bars_chart(), lines_chart(), empty_chart(), trade(), replace(trade(), key="top1-time-b16",
              title="Top-1 accuracy against time per image at batch 16"))  # fmt: skip
    return Figures(("Session",), views(charts, charts), (finding(),))


# -- values --------------------------------------------------------------------------------------


def views(net, gross):
    return {view_name(**view): gross if view["gross"] else net for view in VIEWS}


def test_what_the_process_says_is_what_the_window_hears() -> None:
    compared = [published_campaign(), campaign(power=6.0, title="Five watts", noise=0.1)]
    sent = Figures(("A", "B"), views(tuple(charts_of(compared)), (empty_chart(),)), (finding(),))
    assert decode(encode(sent)) == sent


def test_intervals_without_an_end_come_through() -> None:
    endless = one("Swift", "#fd8d3c", Point(Estimate(1, 0, math.inf), Estimate(2, -math.inf, 3)))
    sent = Figures(("A",), views((replace(trade(), series=(endless,)),), ()), ())
    assert decode(encode(sent)) == sent


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"titles":[],"views":{"net":[{}]},"findings":[]}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(text)


@given(
    st.sampled_from([Scale.LINEAR, Scale.LOG, Scale.LOG2]),
    st.floats(1e-3, 1e4),
    st.floats(1e-3, 6.0),
    st.integers(2, 25),
)
def test_numbers_of_an_axis_stand_where_their_values_are(scale: Scale, low: float, decades: float, most: int) -> None:
    span = straight(scale, low), straight(scale, low * 10**decades)
    axis = chart_axis(scale, span, 0.0, 40.0 * most, most=most)
    places = [axis.place(tick.value) for tick in axis.ticks]
    for tick, place in zip(axis.ticks, places, strict=True):
        assert -1e-6 * 40 * most <= place <= (1 + 1e-6) * 40 * most
        assert axis.value(place) == pytest.approx(tick.value)
        written = float(tick.text.replace(",", ""))
        assert written == pytest.approx(tick.value, rel=2e-2, abs=1e-9)
    assert np.all(np.diff(places) > 10)


def test_powers_and_names_are_marked() -> None:
    def written(axis: Axis, low: float, high: float, most: int) -> list[str]:
        found = chart_axis(axis.scale, (low, high), 0.0, 700.0, most=most, categories=axis.categories)
        return [tick.text for tick in found.ticks]

    assert written(BATCH, -0.5, 6.5, 11) == ["1", "2", "4", "8", "16", "32", "64"]
    assert written(replace(MS, scale=Scale.LOG), 0, 2, 15) == ["1", "2", "5", "10", "20", "50", "100"]
    assert written(replace(MS, scale=Scale.LOG), 0, 2, 5) == ["1", "10", "100"]
    assert written(replace(MS, scale=Scale.LOG), 0, 6, 7) == [
        "1", "10", "100", "1000", "10,000", "100,000", "1,000,000",
    ]  # fmt: skip
    assert written(bars_chart().x, -0.6, 2.4, 2) == list(bars_chart().x.categories)


def test_areas_are_in_proportion() -> None:
    assert radius_of(16, 16, 20.0) ** 2 == pytest.approx(4 * radius_of(4, 16, 20.0) ** 2)


def test_a_logarithm_has_no_place_for_nothing() -> None:
    chart = replace(
        lines_chart(), series=(Series("X", "#123456", (point(1, 0, ""), point(2, 5, "")), Origin.MEASURED),)
    )
    layout = lay_out(chart, (800, 600), PALETTES["dark"])
    assert [mark.point.y.value for mark in layout.marks] == [5]
    assert layout.whole.y is not None
    assert np.isfinite(layout.whole.y).all()


def test_an_endless_interval_does_not_squeeze_the_rest() -> None:
    wild = Point(Estimate(50, 49, 51), Estimate(65, -math.inf, math.inf), None, "wild")
    chart = replace(trade(), series=(*trade().series, one("Wild", "#123456", wild)))
    low, high = full_span(Scale.LINEAR, room_y(chart), 0.05)
    assert 20 < low < 55
    assert 75 < high < 120
    long = Point(Estimate(50, 49, 51), Estimate(65, -1e6, 1e6), None, "long")
    low, high = full_span(Scale.LINEAR, room_y(replace(chart, series=(*chart.series, one("L", "#123456", long)))), 0.05)
    assert low > -100
    assert high < 200


def test_a_budget_names_the_best_that_is_left() -> None:
    chart = trade()
    assert has_budget(chart)
    assert not has_budget(lines_chart())
    time = within(chart, Budget(60, 0), along_y=False)
    assert time.best is not None
    assert (time.best[1].label, time.within, time.of) == ("Middle b1", 2, 3)
    accuracy = within(chart, Budget(0, 60), along_y=True)
    assert accuracy.best is not None
    assert (accuracy.best[1].label, accuracy.within) == ("Middle b1", 2)
    across, up = budget_words(chart, Budget(10, 60))
    assert across == "at most 10 ms: none of 3"
    assert up == "at least 60 %: Middle b1 is best with 50.0 ms (49.0\N{EN DASH}51.0); 2 of 3 are within"


def test_where_both_are_paid_less_is_better() -> None:
    joules = replace(trade(), y=Axis("Energy", "J"))
    found = within(joules, Budget(60, 0), along_y=False)
    assert found.best is not None
    assert found.best[1].label == "Swift b1"
    assert "at most" in budget_words(joules, first_budget(joules))[1]


def test_the_paper_and_what_is_hidden_are_left_out() -> None:
    assert [s.name for s in without_paper(trade()).series] == ["Swift", "Middle", "Slow"]
    assert [s.name for s in without(trade(), {"Swift"}).series] == ["Middle", "Slow"]
    assert [s.name for s in without(trade(), {"paper"}).series] == ["Swift", "Middle", "Slow"]
    assert not [line for line in without(trade(), {"Pareto front"}).lines if line.x]


def test_values_have_the_digits_that_their_intervals_bear() -> None:
    assert quantity_words(Estimate(24.123, 23.8, 24.5), MS) == "24.12 ms (23.80\N{EN DASH}24.50)"
    assert quantity_words(Estimate(60.97, 60.97, 60.97), Axis("Parameters", "M")) == "60.97 M"
    assert quantity_words(Estimate(4, 4, 4), BATCH) == "4"
    assert point_lines(trade(), trade().series[0], trade().series[0].points[0])[-1] == ("Operations", "1 G")


def test_batch_sizes_are_the_papers_or_the_nearest_there_are() -> None:
    assert headline_batches([published_campaign()]) == (1, 16)
    assert headline_batches([campaign({"AlexNet": {1: 0.1, 4: 0.2, 32: 0.3}})]) == (1, 4)
    assert headline_batches([campaign({"AlexNet": {8: 0.1}})]) == (8,)
    assert headline_batches([campaign({})]) == (1, 16)


def test_the_list_has_one_line_for_a_figure() -> None:
    lines = lines_of(figures())
    assert [line.number for line in lines if line.kind == "chart"] == ["1", "3", "4", ""]
    assert lines[-3].variants == (("top1-time-b1", "1"), ("top1-time-b16", "16"))
    assert next(line for line in lines if line.key == "power-batch").quiet
    assert lines[-1].verdict == "holds"


def test_a_finding_finds_its_chart() -> None:
    charts = figures().charts
    assert chart_of(charts, "top1-time") is charts[-1]
    assert chart_of(charts, "time-batch") is charts[1]
    assert chart_of(charts, "") is None


# -- the window ----------------------------------------------------------------------------------

Started = list[list["Path"]]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """What would be computed, each time."""
    jobs: Started = []
    monkeypatch.setattr(FiguresJob, "start", lambda _, sessions: jobs.append(list(sessions)))
    return jobs


@pytest.fixture
def main(open_window: Opener, session: Path, started: Started) -> MainWindow:
    """A main window on an old session whose figures are never computed."""
    return open_window(None, session)


@pytest.fixture(scope="module")
def recorded(written_once: Path) -> Iterator[Recording]:
    """That session without a window."""
    with SessionReader(written_once) as reader:
        made = Recording(reader)
        made.advance()
        made.update_rows()
        yield made


@pytest.fixture
def controller(request: pytest.FixtureRequest, recorded: Recording, started: Started) -> Iterator[FiguresController]:
    """That of the main window, where the test has one."""
    application()
    if "main" in request.fixturenames:
        yield request.getfixturevalue("main").figures
        return
    made = FiguresController(lambda: recorded, lambda: DARK)
    yield made
    made.close()


@pytest.fixture
def window(controller: FiguresController, qtbot: QtBot) -> FiguresWindow:
    """Figures made by hand, of that session."""
    controller.show()
    shown = controller.window
    assert shown is not None
    shown.resize(1280, 800)
    qtbot.waitUntil(shown.isActiveWindow)
    shown.show_figures(figures())
    shown.choose("chart", "top1-time-b1")
    QApplication.processEvents()
    return shown


def at_point(window: FiguresWindow, name: str, k: int = 0) -> QPoint:
    """Where a point is, in pixels of the view."""
    mark = [mark for mark in layout_of(window).marks if mark.series.name == name][k]
    return QPointF(mark.bubble.x, mark.bubble.y).toPoint()


def layout_of(window: FiguresWindow) -> Layout:
    found = window.view.laid_out
    assert found is not None
    return found


def spans(window: FiguresWindow) -> tuple[float, float]:
    """Widths of what is in view, in straight values."""
    plot = layout_of(window).plot
    return plot.x.axis.high - plot.x.axis.low, plot.y.axis.high - plot.y.axis.low


def move(window: FiguresWindow, at: QPoint) -> None:
    viewport = window.view
    QApplication.sendEvent(
        viewport,
        QMouseEvent(QMouseEvent.Type.MouseMove, QPointF(at), QPointF(viewport.mapToGlobal(at)),
                    Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier),
    )  # fmt: skip


def drag(
    qtbot: QtBot, window: FiguresWindow, start: QPoint, end: QPoint, keys: Qt.KeyboardModifier | None = None
) -> None:
    viewport, held = window.view, keys or Qt.KeyboardModifier.NoModifier
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, held, start)
    for k in range(1, 11):
        at = start + (end - start) * (k / 10)
        event = QMouseEvent(QMouseEvent.Type.MouseMove, QPointF(at), QPointF(viewport.mapToGlobal(at)),
                            Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, held)  # fmt: skip
        QApplication.sendEvent(viewport, event)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, held, end)


def wheel(window: FiguresWindow, at: QPoint, notches: int, keys: Qt.KeyboardModifier | None = None) -> None:
    viewport = window.view
    event = QWheelEvent(
        QPointF(at), QPointF(viewport.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        keys or Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def names(window: FiguresWindow) -> list[str]:
    drawn = {mark.series.name for mark in layout_of(window).marks}
    return [series.name for series in layout_of(window).chart.series if series.name in drawn]


def test_f5_goes_to_the_figures_and_back(qtbot: QtBot, main: MainWindow, started: Started, session: Path) -> None:
    qtbot.keyClick(main, Qt.Key.Key_F5)
    window = main.figures.window
    assert window is not None
    qtbot.waitUntil(window.isActiveWindow)
    assert started == [[session]]
    assert "old.plm" in window.windowTitle()
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(main.isActiveWindow)
    main.parts.panel(Toolbar).figures.click()
    qtbot.waitUntil(window.isActiveWindow)
    assert main.figures.window is window


def test_without_a_session_there_are_no_figures(open_window: Opener) -> None:
    main = open_window(None, None)
    main.figures.show()
    assert main.figures.window is None
    assert "no session" in main.parts.message_bar.text


def test_hovering_names_the_network_with_its_figures(qtbot: QtBot, window: FiguresWindow) -> None:
    move(window, at_point(window, "Middle"))
    card = window.view.card
    assert card.isVisible()
    for words in ("Middle b1", "50.0 ms (49.0\N{EN DASH}51.0)", "65.0 % (64.5\N{EN DASH}65.5)", "4 G", "its trace"):
        assert words in card.text()
    move(window, QPoint(at_point(window, "Middle") - QPoint(0, 120)))
    assert not card.isVisible()
    move(window, at_point(window, "Swift (paper)"))
    assert "digitised" in card.text()
    assert "its trace" not in card.text()


def test_m_shows_macs_and_g_the_whole_board(qtbot: QtBot, window: FiguresWindow) -> None:
    charts = {view_name(**view): (replace(trade(), title=view_name(**view)),) for view in VIEWS}
    window.show_figures(Figures(("Session",), charts, ()))
    seen = []
    for key in (Qt.Key.Key_M, Qt.Key.Key_G, Qt.Key.Key_M):
        qtbot.keyClick(window, key)
        assert window.chart is not None
        seen.append(window.chart.title)
    assert seen == ["net macs", "gross macs", "gross"]


def test_a_small_bubble_is_found_before_a_large_one(qtbot: QtBot, window: FiguresWindow) -> None:
    small = one("Small", "#123456", point(80.5, 75.1, "Small b1", run=1, size=0.1))
    chart = replace(trade(), series=(*trade().series, small))
    window.show_figures(Figures(("Session",), views((chart,), (chart,)), ()))
    move(window, at_point(window, "Small"))
    assert "Small b1" in window.view.card.text()
    move(window, at_point(window, "Slow") - QPoint(14, 0))
    assert "Slow b1" in window.view.card.text()


def test_a_click_on_a_bubble_shows_its_trace(qtbot: QtBot, window: FiguresWindow, main: MainWindow) -> None:
    move(window, at_point(window, "Middle"))
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton, pos=at_point(window, "Middle"))
    assert main.view.start_s == pytest.approx(10.0, abs=0.3)
    assert main.view.end_s == pytest.approx(18.0, abs=0.3)
    assert "Middle b1" in main.parts.message_bar.text


def test_a_bubble_of_another_session_says_whose_it_is(window: FiguresWindow, main: MainWindow, tmp_path: Path) -> None:
    window.compared = [tmp_path / "other.plm"]
    before = main.view
    window.show_trace(point(1, 1, "Other b1", run=1, k=1))
    assert "other.plm" in window.notice.text
    assert main.view == before


def test_a_click_in_the_legend_hides_a_network_with_what_the_paper_has_of_it(
    qtbot: QtBot, window: FiguresWindow
) -> None:
    legend = window.legend
    where = legend.middle_of("Swift").toPoint()
    qtbot.mouseClick(legend, Qt.MouseButton.LeftButton, pos=where)
    assert names(window) == ["Middle", "Slow"]
    qtbot.mouseClick(legend, Qt.MouseButton.LeftButton, pos=where)
    assert set(names(window)) == {"Swift", "Swift (paper)", "Middle", "Slow"}
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.mouseClick(legend, Qt.MouseButton.LeftButton, control, legend.middle_of("Slow").toPoint())
    assert names(window) == ["Slow"]
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert len(names(window)) == 4


def test_the_paper_can_be_left_out(qtbot: QtBot, window: FiguresWindow) -> None:
    qtbot.mouseClick(window.bar.buttons["show_paper"], Qt.MouseButton.LeftButton)
    assert names(window) == ["Swift", "Middle", "Slow"]
    assert [entry.name for entry in window.legend.entries] == ["Swift", "Middle", "Slow", "Pareto front"]
    qtbot.keyClick(window, Qt.Key.Key_P)
    assert "Swift (paper)" in names(window)
    assert window.bar.buttons["show_paper"].isChecked()


def test_the_wheel_zooms_at_the_pointer(window: FiguresWindow, qtbot: QtBot) -> None:
    at = at_point(window, "Middle")
    x_before, y_before = spans(window)
    wheel(window, at, 2)
    assert (at_point(window, "Middle") - at).manhattanLength() <= 2
    x_after, y_after = spans(window)
    assert (x_after, y_after) == (pytest.approx(x_before / 2), pytest.approx(y_before / 2))
    wheel(window, at, -2, Qt.KeyboardModifier.ControlModifier)
    x_now, y_now = spans(window)
    assert (x_now, y_now) == (pytest.approx(x_after), pytest.approx(y_before))
    qtbot.keyClick(window, Qt.Key.Key_Asterisk)
    assert spans(window) == pytest.approx((x_before, y_before))


def test_a_double_click_and_the_menu_show_everything_again(window: FiguresWindow, qtbot: QtBot) -> None:
    whole, at = spans(window), at_point(window, "Middle")
    for again in ("double click", "menu"):
        wheel(window, at, 3)
        assert spans(window) != whole
        if again == "menu":
            entries = [each for each in window.menus.chart_entries(QPointF(2, 2)) if isinstance(each, Item)]
            [entry] = [each for each in entries if each.text.replace("&", "") == "Show everything"]
            entry.do()
        else:
            qtbot.mouseDClick(window.view, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
        assert spans(window) == whole, again


def test_a_drag_pans_and_with_shift_frames(window: FiguresWindow, qtbot: QtBot) -> None:
    start = at_point(window, "Slow") + QPoint(0, 60)
    before = at_point(window, "Slow")
    drag(qtbot, window, start, start - QPoint(40, -30))
    moved = at_point(window, "Slow") - before
    assert abs(moved.x() + 40) <= 2
    assert abs(moved.y() - 30) <= 2
    corner, other = at_point(window, "Middle") - QPoint(50, 50), at_point(window, "Middle") + QPoint(50, 50)
    drag(qtbot, window, corner, other, Qt.KeyboardModifier.ShiftModifier)
    middle, centre = at_point(window, "Middle"), rectangle(layout_of(window).box).center()
    assert middle.x() == pytest.approx(centre.x(), abs=12)
    assert middle.y() == pytest.approx(centre.y(), abs=12)


def test_a_budget_line_is_dragged(window: FiguresWindow, qtbot: QtBot) -> None:
    view = window.view
    assert view.view.budget is None
    qtbot.mouseClick(window.bar.buttons["show_budget"], Qt.MouseButton.LeftButton)
    assert view.view.budget is not None
    assert view.view.budget.x == pytest.approx(50, abs=0.1)
    lines = layout_of(window).budget
    assert lines is not None
    grip = QPointF(lines.x, layout_of(window).box.top + 80).toPoint()
    drag(qtbot, window, grip, QPoint(at_point(window, "Slow").x() - 20, grip.y()))
    kept = view.view.budget
    assert kept is not None
    assert 60 < kept.x < 80
    assert view.chart is not None
    assert "Middle b1 is best" in budget_words(view.chart, kept)[0]
    dragged = layout_of(window).budget
    assert dragged is not None
    assert "Middle b1 is best" in dragged.tags[0][1]
    window.choose("chart", "time-batch")
    assert view.view.budget is None
    window.choose("chart", "top1-time-b1")
    assert view.view.budget == kept
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert view.view.budget is None


def test_an_empty_figure_says_why(window: FiguresWindow) -> None:
    window.choose("chart", "power-batch")
    assert layout_of(window).empty
    assert layout_of(window).marks == ()
    assert notes_of(layout_of(window).chart) == ["None of 3 points is there: power was not measured."]


def test_what_is_not_in_a_figure_stands_in_it_or_below_it(window: FiguresWindow) -> None:
    footer = layout_of(window).footer
    assert footer is not None
    words = " ".join(text for text, _ in footer.lines)
    assert "What is got for what is paid." in words
    assert "Not shown: Lost: it failed." in words
    assert not window.text.isVisible()
    many = tuple(f"Network {k} at batch 64: did not fit in memory." for k in range(30))
    chart = replace(trade(), missing=many)
    window.show_figures(Figures(("Session",), views((chart,), (chart,)), ()))
    assert window.text.isVisible()
    assert all(sentence in window.text.html for sentence in many)


def test_figures_are_chosen_with_mouse_and_keys(window: FiguresWindow, qtbot: QtBot) -> None:
    area = window.list.area_of("chart", "time-batch")
    qtbot.mouseClick(window.list, Qt.MouseButton.LeftButton, pos=area.center().toPoint())
    assert window.view.chart is not None
    assert window.view.chart.key == "time-batch"
    header = layout_of(window).header
    assert header is not None
    assert header.title.startswith("Figure 3. ")
    assert header.source.startswith("numbered as in Canziani")
    assert window.bar.simulated.isVisible()
    qtbot.mouseClick(
        window.list, Qt.MouseButton.LeftButton, pos=window.list.area_of("chart", "top1-time-b16").center().toPoint()
    )
    assert window.choice == ("chart", "top1-time-b16")
    qtbot.keyClick(window, Qt.Key.Key_Up)
    assert window.choice == ("chart", "top1-time-b1")
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    qtbot.keyClick(window, Qt.Key.Key_Down)
    assert window.choice == ("finding", "operations-time")


def test_a_finding_shows_its_verdict_and_the_figure_behind_it(window: FiguresWindow) -> None:
    window.choose("finding", "operations-time")
    assert window.view.chart is not None
    assert window.view.chart.key == "time-batch"
    for words in ("● holds", "The slope is 0.229 G/ms.", "within a factor of two", "Of one board only.", "SIMULATED"):
        assert words in window.text.html


def test_verdicts_are_told_apart_by_their_signs_and_by_their_colours() -> None:
    assert len({verdict.marked[0] for verdict in Verdict}) == len(Verdict)
    for theme in (DARK, LIGHT):
        assert len({verdict_colour(verdict, theme) for verdict in Verdict}) == len(Verdict)


@pytest.mark.parametrize("key", ["top1", "time-batch", "power-batch", "top1-time-b1"])
@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_each_kind_of_chart_is_drawn_in_both_themes(
    window: FiguresWindow, main: MainWindow, key: str, theme: object
) -> None:
    main.appearance.use_theme(theme.name)  # type: ignore[attr-defined]
    window.choose("chart", key)
    QApplication.processEvents()
    image = window.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ground = QColor(main.theme.ground).rgb()
    assert image.pixel(3, image.height() - 3) == ground
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 3
    assert (window.view.card.styleSheet().find(main.theme.raised)) >= 0


def test_a_bar_is_found_by_its_body(window: FiguresWindow) -> None:
    window.choose("chart", "top1")
    layout = layout_of(window)
    mark = next(mark for mark in layout.marks if mark.series.name == "Another")
    halfway = QPointF(mark.bubble.x, layout.plot.y.place(20.0)).toPoint()
    move(window, halfway)
    assert "Another" in window.view.card.text()
    move(window, QPoint(halfway.x(), round(layout.box.top) - 2))
    assert not window.view.card.isVisible()


def test_names_are_placed_once_at_rest(window: FiguresWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[int] = []
    search = names_module.place_labels

    def counted(*arguments: object) -> object:
        placed.append(1)
        return search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(names_module, "place_labels", counted)
    view = window.view
    view._rest.setInterval(60_000)
    for name in ("Middle", "Slow", "Swift"):
        move(window, at_point(window, name))
        view.grab()
    wheel(window, at_point(window, "Middle"), 1)
    start = at_point(window, "Middle") + QPoint(0, 60)
    drag(qtbot, window, start, start - QPoint(40, -30))
    view.grab()
    assert placed == []
    view._rest.timeout.emit()
    view.grab()
    view.grab()
    assert placed == [1]


# -- files ---------------------------------------------------------------------------------------


def answer(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    said = (str(path) if path else "", "")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: said)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: said)


def test_what_is_seen_is_saved(
    window: FiguresWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.toggle("Slow")
    answer(monkeypatch, tmp_path / "values.csv")
    qtbot.keyClick(window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    with (tmp_path / "values.csv").open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert "Middle b1" in cells
    assert "Slow b1" not in cells
    assert str(tmp_path / "values.csv") in window.notice.text
    answer(monkeypatch, tmp_path / "picture.png")
    qtbot.mouseClick(window.bar.buttons["save .png"], Qt.MouseButton.LeftButton)
    assert QImage(str(tmp_path / "picture.png")).width() > 400
    answer(monkeypatch, tmp_path / "drawing.svg")
    qtbot.mouseClick(window.bar.buttons["save .svg"], Qt.MouseButton.LeftButton)
    assert "Middle" in (tmp_path / "drawing.svg").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_reported(
    window: FiguresWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, tmp_path / "no" / "such" / "folder.svg")
    window.save(".svg")
    assert "no/such" in window.notice.text
    answer(monkeypatch, None)
    window.notice.dismiss()
    window.save(".svg")
    assert not window.notice.isVisible()


def test_another_session_is_laid_over(
    window: FiguresWindow, started: Started, written_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Tape(tmp_path / "other.plm")
    other.write_until(1.0)
    other.close()
    answer(monkeypatch, other.path)
    window.compare()
    assert started[-1] == [written_once, other.path]
    window.compare()
    assert "already" in window.notice.text
    answer(monkeypatch, tmp_path / "absent.plm")
    window.compare()
    assert "absent.plm" in window.notice.text
    assert window.compared == [other.path]
    window.remove_session("other.plm")
    assert started[-1] == [written_once]


def test_the_axes_fit_anew_where_another_session_is_compared(window: FiguresWindow) -> None:
    zoomed = replace(window.view.view, x=(1.0, 2.0))
    window.view.view = zoomed
    window.show_figures(figures())
    assert window.view.view == zoomed, "a run has ended: what the user looks at stays"
    window.show_figures(replace(figures(), titles=("one", "two")))
    assert window.view.view.x is None


def test_the_figure_is_copied_as_it_is_shown(window: FiguresWindow, qtbot: QtBot) -> None:
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_C, control)
    assert QGuiApplication.clipboard().text().startswith("kind\tseries\t"), "numbers, as in the main window"
    qtbot.keyClick(window, Qt.Key.Key_C, control | shift)
    copied = QGuiApplication.clipboard().image()
    assert copied.width() == 2 * window.view.width()
    QGuiApplication.clipboard().clear()
    choose(window.menus.chart_entries(QPointF(2, 2)), "Copy picture of the figure")
    assert QGuiApplication.clipboard().image() == copied


def choose(entries: Iterable[Entry], text: str) -> None:
    """Do what an entry of a menu does."""
    next(entry for entry in entries if isinstance(entry, Item) and entry.text == text).do()


def copied_rows() -> list[dict[str, str]]:
    heads, *rows = (line.split("\t") for line in QGuiApplication.clipboard().text().splitlines())
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_a_right_click_on_a_bubble(window: FiguresWindow, main: MainWindow) -> None:
    at = QPointF(at_point(window, "Middle"))
    choose(window.menus.chart_entries(at), "Copy its values as a table")
    (row,) = copied_rows()
    assert (row["label"], row["origin"], row["run"]) == ("Middle b1", "measured", "2")
    choose(window.menus.chart_entries(at), "Show its trace")
    assert main.view.start_s == pytest.approx(10.0, abs=0.3)
    choose(window.menus.chart_entries(at), "Hide it")
    assert "Middle" not in names(window)
    assert window.actions_by_name["Undo"].text() == "Undo hiding of Middle"


def test_a_right_click_in_the_legend_and_undo(qtbot: QtBot, window: FiguresWindow) -> None:
    swift = window.legend.middle_of("Swift")
    choose(window.menus.legend_entries(swift), "Copy its values as a table")
    assert {row["series"] for row in copied_rows()} == {"Swift", "Swift (paper)"}
    choose(window.menus.legend_entries(swift), "Show it alone")
    assert set(names(window)) == {"Swift", "Swift (paper)"}
    qtbot.keyClick(window, Qt.Key.Key_P)
    assert names(window) == ["Swift"]
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(window, Qt.Key.Key_Z, control)
    assert set(names(window)) == {"Swift", "Swift (paper)"}
    qtbot.keyClick(window, Qt.Key.Key_Z, control)
    assert len(names(window)) == 4
    qtbot.keyClick(window, Qt.Key.Key_Y, control)
    choose(window.menus.legend_entries(swift), "Show the others again")
    assert len(names(window)) == 4


def test_a_right_click_on_a_finding_and_on_a_figure(window: FiguresWindow) -> None:
    at = window.list.area_of("finding", finding().key).center()
    choose(window.menus.list_entries(at), "Copy claim and verdict")
    assert QGuiApplication.clipboard().text().startswith(f"{finding().claim}\n{finding().verdict.capitalize()}\n")
    choose(window.menus.list_entries(at), "Copy its numbers as a table")
    assert [row["statistic"] for row in copied_rows()] == [what for what, _ in finding().figures]
    at = window.list.area_of("chart", "top1-time-b1").center()
    choose(window.menus.list_entries(at), "Copy its values as a table")
    assert window.choice == ("chart", "top1-time-b1")
    assert {row["series"] for row in copied_rows() if row["kind"] == "point"} >= {"Swift", "Middle", "Slow"}


def test_the_window_is_called_as_its_session(main: MainWindow, window: FiguresWindow) -> None:
    main.document.unsaved = True
    main.document.announce_title()
    assert window.windowTitle() == f"Figures – {main.document.name}"
    assert main.document.name.endswith("(unsaved)")


@pytest.mark.parametrize(
    ("main_at", "expected"),
    [((0, 0, 1200, 800), (1200, 0)), ((100, 60, 1800, 900), (148, 108)), ((900, 500, 1000, 600), (640, 280))],
)
def test_it_opens_where_it_covers_little(main_at: tuple[int, int, int, int], expected: tuple[int, int]) -> None:
    at = beside(QRect(*main_at), QSize(1280, 800), QRect(0, 0, 2560 if main_at[2] == 1200 else 1920, 1080))
    assert (at.x(), at.y()) == expected


# -- computing -----------------------------------------------------------------------------------


def test_figures_are_computed_anew_when_a_run_has_ended(
    open_window: Opener, tape: Tape, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape.write_until(6.0)
    main = open_window(StandIn(tape.path), tape.path)
    main.figures.show()
    window = main.figures.window
    assert window is not None
    assert len(started) == 1
    window.look()
    assert len(started) == 1
    tape.write_until(9.0)
    frames(main)
    window.show_figures(figures())
    window.look()
    assert len(started) == 1, "not so soon after the last"
    monkeypatch.setattr("monitor_app.gui.figures.job.PAUSE_S", 0.0)
    window.look()
    assert len(started) == 2
    window.close()
    tape.write_until(18.5)
    frames(main)
    window.look()
    assert len(started) == 2, "nobody looks"


def test_a_process_of_its_own_computes_them(open_window: Opener, session: Path, qtbot: QtBot) -> None:
    main = open_window(None, session)
    main.figures.show()
    window = main.figures.window
    assert window is not None
    done: list[float] = []
    window.job.progressed.connect(done.append)
    assert window.bar.progress.isVisible()
    with qtbot.waitSignal(window.job.computed, timeout=240_000):
        pass
    assert done
    assert done == sorted(done)
    assert 0.5 < done[-1] <= 1.0
    assert not window.bar.progress.isVisible()
    assert window.figures is not None
    assert [int(line.number) for line in window.list.lines if line.number] == list(range(1, 16))
    times = chart_of(window.figures.charts, "time-batch")
    assert times is not None
    own = [p for s in times.series if s.origin is Origin.SIMULATED or s.origin is Origin.MEASURED for p in s.points]
    assert [p.run_id for p in own] == [1, 2]
    assert own[0].y.value == pytest.approx(18.0, rel=1e-3)
    assert window.figures.findings


def test_figures_that_are_cancelled_hold_nothing_up_and_end_with_the_window(
    open_window: Opener, session: Path, qtbot: QtBot
) -> None:
    main = open_window(None, session)
    main.figures.show()
    window = main.figures.window
    assert window is not None
    [process] = window.job.findChildren(QProcess)
    assert process.waitForStarted()
    window.close()
    assert not window.job.running
    assert process.state() is QProcess.ProcessState.Running, "killed, and not waited for by the window"
    window.start()
    [_, second] = window.job.findChildren(QProcess)
    main.close_at_once()
    assert {process.state(), second.state()} == {QProcess.ProcessState.NotRunning}


def test_a_session_that_cannot_be_read_is_reported(
    window: FiguresWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with qtbot.waitSignal(window.job.failed, timeout=60_000) as failed:
        window.job.start([tmp_path / "absent.plm"])
    assert "absent.plm" in failed.args[0]
    assert "absent.plm" in window.notice.text
    assert not window.job.running


def test_closing_the_window_ends_the_process(open_window: Opener, session: Path) -> None:
    main = open_window(None, session)
    main.figures.show()
    assert main.figures.window is not None
    job = main.figures.window.job
    assert job.running
    main.close()
    assert not job.running
    assert main.figures.window is None
