# SPDX-License-Identifier: Apache-2.0
"""The analysis of the inferences of a pair: opened with a key, read, taken out, and up to date with the pair."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from monitor_app.analysis.figures.inferences import folded_chart, spectrum_chart
from monitor_app.analysis.run.inputs import Effort
from monitor_app.analysis.run.pair import pair_inputs
from monitor_app.gui.actions import ShortcutsDialog
from monitor_app.gui.inferences.controller import NO_PAIR
from monitor_app.gui.inferences.job import STEPS, PairRequest, analyse
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.session.reader import SessionReader
from tests.gui.conftest import Tape, at, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtGui import QAction
    from pytestqt.qtbot import QtBot

    from monitor_app.gui.inferences.job import Analysis
    from monitor_app.gui.inferences.window import InferencesWindow
    from monitor_app.gui.main_window import MainWindow


@pytest.fixture
def window(open_window: Callable[..., MainWindow], session: Path) -> MainWindow:
    return open_window(None, session)


def opened(qtbot: QtBot, window: MainWindow) -> InferencesWindow:
    """By its key, once everything is computed."""
    qtbot.keyClick(window, Qt.Key.Key_A)
    found = window.inferences.window
    assert found is not None
    computed(qtbot, found)
    return found


def computed(qtbot: QtBot, window: InferencesWindow) -> Analysis:
    qtbot.waitUntil(lambda: window.job is None and window.analysis is not None)
    assert window.analysis is not None
    return window.analysis


def texts(window: InferencesWindow) -> list[str]:
    return [window.list.item(k).text() for k in range(window.list.count())]


def test_without_a_pair_it_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert window.parts.message_bar.text == NO_PAIR
    assert window.inferences.window is None


def test_a_pair_is_analysed(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 7.0, "timed")
    found = opened(qtbot, window)
    analysis = computed(qtbot, found)
    assert found.windowTitle() == "Inferences of the pair timed"
    assert len(analysis.charts) == len(STEPS) + 1 == found.list.count()
    assert analysis.words.startswith("150 timed batches of run 1, SqueezeNet 1.1 b1")
    for row in range(found.list.count()):
        found.list.setCurrentRow(row)
        chart = found.chart
        assert chart is not None
        assert chart.lines, chart.key
        assert chart.missing == ()
        found.view.grab()
    assert found.view.chart is not None
    assert found.view.chart.key == "largest-window"
    energies = next(chart for chart in analysis.charts if chart.key == "energy-histogram")
    assert "mean 162" in energies.caption
    assert energies.simulated


def test_a_pair_without_batches_has_a_spectrum_and_says_what_is_missing(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(0.5, 1.5)
    analysis = computed(qtbot, opened(qtbot, window))
    by_key = {chart.key: chart for chart in analysis.charts}
    assert by_key["latency-histogram"].missing == ("No batch lies wholly within this pair.",)
    assert by_key["spectrum"].lines
    assert analysis.window is not None


def test_it_follows_the_active_pair(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 7.0)
    found = opened(qtbot, window)
    found.choose("folded")
    window.markers.lay(14.0, 15.0)
    qtbot.waitUntil(lambda: "run 2" in found.state.whole)
    assert found.chart is not None
    assert found.chart.key == "folded", "what is shown stays"


def test_it_keeps_no_samples_once_it_is_closed(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 5.0)
    found = opened(qtbot, window)
    analysis = computed(qtbot, found)
    assert analysis.inputs is not None
    samples = weakref.ref(analysis.inputs.power.values)
    del analysis
    qtbot.keyClick(found, Qt.Key.Key_Escape)
    assert not found.isVisible()
    gc.collect()
    qtbot.waitUntil(lambda: samples() is None)
    opened(qtbot, window)
    assert found.chart is not None


def test_the_largest_window_is_looked_for_and_laid(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(1.0, 3.0)
    found = opened(qtbot, window)
    found.choose("largest-window")
    assert found.length.text() == "0.2"
    found.length.selectAll()
    qtbot.keyClicks(found.length, "0.5")
    qtbot.keyClick(found.length, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: found.analysis is not None and found.analysis.window_s == 0.5 and found.job is None)
    assert found.chart is not None
    assert found.chart.title == "Mean power over 500.0 ms"
    qtbot.mouseClick(found.lay, Qt.MouseButton.LeftButton)
    frames(window)
    assert window.selection is not None
    # The run begins at 2 s.
    assert window.selection[0] >= 1.999
    assert window.selection[1] - window.selection[0] == pytest.approx(0.5)


def test_picture_and_numbers_are_copied(qtbot: QtBot, window: MainWindow) -> None:
    window.markers.lay(4.0, 7.0)
    found = opened(qtbot, window)
    found.activateWindow()
    qtbot.waitUntil(found.isActiveWindow)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(found, Qt.Key.Key_C, both)
    assert not QGuiApplication.clipboard().image().isNull()
    qtbot.keyClick(found, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].startswith("kind\tseries\tx_time_of_a_batch_ms")
    assert all(len(line.split("\t")) == len(lines[0].split("\t")) for line in lines)
    keys = {action.text().replace("&", ""): action.shortcut().toString() for action in found.chart_menu().actions()}
    assert keys["Copy values as a table"] == "Ctrl+C"
    assert keys["Copy picture of the chart"] == "Ctrl+Shift+C"
    qtbot.keyClick(found, Qt.Key.Key_F1)
    page = found.findChild(ShortcutsDialog)
    assert page is not None
    said = [label.text() for label in page.findChildren(QLabel)]
    assert said[said.index("Ctrl+C") + 1] == "Copy values as a table"
    page.close()


def test_a_long_pair_is_looked_into_at_its_middle(session: Path) -> None:
    with SessionReader(session) as reader:
        inputs = pair_inputs(reader, at(4.0), at(7.0), effort=Effort(most_samples=10_000, resamples=50))
    assert len(inputs.power.values) <= 10_010
    assert np.median(np.diff(inputs.power.times_ns)) > 2e5, "means of neighbours, of all of it"
    assert np.median(np.diff(inputs.detail.times_ns)) == pytest.approx(1e5), "every sample, of a part"
    assert inputs.detail.times_ns[0] > at(4.9)
    folded = folded_chart(inputs)
    assert folded.lines
    assert folded.caption.startswith("4")
    assert "of the middle" in spectrum_chart(inputs).caption


def test_what_is_cancelled_shows_nothing(session: Path) -> None:
    done: list[float] = []

    def go_on(fraction: float) -> bool:
        done.append(fraction)
        return len(done) < 3

    request = PairRequest(session, at(4.0), at(7.0), at(0.0), 0.1)
    assert analyse(request, None, go_on) is None
    assert len(done) == 3
    whole = analyse(request, None, lambda _: True)
    assert whole is not None
    asked: list[float] = []
    again = analyse(request, whole, lambda fraction: not asked.append(fraction))  # type: ignore[func-returns-value]
    assert again is not None
    assert again.inputs is whole.inputs, "nothing is read a second time"
    assert len(asked) == 1


def test_another_session_closes_it(qtbot: QtBot, window: MainWindow, written_once: Path) -> None:
    window.markers.lay(4.0, 7.0)
    found = opened(qtbot, window)
    assert found.isVisible()
    window.document.show(written_once)
    assert not found.isVisible()
    assert window.inferences.window is None


def test_two_runs_are_overlaid_from_the_table(qtbot: QtBot, window: MainWindow) -> None:
    table = window.parts.panel(RunTable)
    table.select(1)
    assert not action(table, "Overlay the runs").isEnabled(), "one is not enough"
    click = partial(qtbot.mouseClick, table.view.viewport(), Qt.MouseButton.LeftButton)
    second = table.view.visualRect(table.view.model().index(1, 1)).center()
    click(Qt.KeyboardModifier.ControlModifier, second)
    assert table.selected == [1, 2]
    action(table, "Overlay the runs").trigger()
    found = window.inferences.window
    assert found is not None
    analysis = computed(qtbot, found)
    assert found.windowTitle() == "run 1, SqueezeNet 1.1 b1  and  run 2, ResNet-18 b1"
    assert [chart.key for chart in analysis.charts] == [
        "overlay", "overlay-folded", "overlay-difference", "overlay-changes",
    ]  # fmt: skip
    for row, chart in enumerate(analysis.charts):
        found.list.setCurrentRow(row)
        assert chart.lines
        assert not chart.missing
        assert chart.simulated
        found.view.grab()
    # Both draw 10 W: aligned at their start, the shorter one ends first.
    first, second_run = analysis.charts[0].lines
    assert (first.x[0], second_run.x[0]) == pytest.approx((0.0, 0.0), abs=0.01)
    assert (first.x[-1], second_run.x[-1]) == pytest.approx((3.0, 4.0), abs=0.03)
    assert "no difference is shown" in analysis.charts[2].caption
    assert "no difference is shown" in analysis.words
    # Another pair does not take its place, until it is asked for.
    window.markers.lay(4.0, 5.0)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: found.job is None and found.list.count() == len(STEPS) + 1)


def test_a_run_without_timed_batches_cannot_be_overlaid(
    qtbot: QtBot, open_window: Callable[..., MainWindow], tmp_path: Path
) -> None:
    tape = Tape(tmp_path / "short.plm")
    tape.write_until(13.0)
    tape.close()
    window = open_window(None, tape.path)
    window.inferences.overlay_runs(1, 2)
    found = window.inferences.window
    assert found is not None
    qtbot.waitUntil(lambda: found.job is None)
    assert found.message_bar.text == "Run 2 has no timed batches: choose two runs that were timed."


def action(table: RunTable, text: str) -> QAction:
    """Of the menu of the first row."""
    return next(each for each in table.row_menu(0).actions() if each.text() == text)
