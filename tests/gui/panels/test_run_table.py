# SPDX-License-Identifier: Apache-2.0
"""The table of a campaign as it is read the morning after: counted, filtered, sorted, copied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QKeySequence, QMouseEvent, QShortcut
from PySide6.QtWidgets import QApplication

from monitor_app.bench.messages import Failed, Opened, Status
from monitor_app.core.formatting import NOTHING
from monitor_app.core.runs import RunSpec, RunState
from monitor_app.core.status import BenchPhase, RunStatus
from monitor_app.gui.panels.run_lines import COLUMNS, planned_runs, run_lines
from monitor_app.gui.panels.run_panel import plan_of
from monitor_app.gui.panels.run_table import PADDING_PX, RunTable
from monitor_app.gui.session.recording import CUT_OFF, Recording
from monitor_app.gui.theme import set_text_size
from monitor_app.session.reader import SessionReader
from monitor_app.session.writer_lock import is_written
from tests.gui.conftest import StandIn, Tape, at, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow

    Opener = Callable[..., MainWindow]

REASON = "no weights for this network on this board"
# (cycle, network, precision, state, steady)
RUNS = (
    (1, "SqueezeNet 1.1", "fp32", "done", 1), (1, "ResNet-18", "fp32", "done", 0),
    (1, "Inception-ResNet-v2", "fp32", "does_not_fit", None), (2, "SqueezeNet 1.1", "fp16", "done", 0),
    (2, "ResNet-18", "fp16", "failed", None), (2, "Inception-ResNet-v2", "fp16", "running", None),
)  # fmt: skip


class Campaign(Tape):
    """Six runs of three networks, of which one is in progress."""

    def _plan(self) -> None:
        for number, (cycle, title, precision, state, steady) in enumerate(RUNS, start=1):
            spec = RunSpec(title.lower(), precision=precision)
            self._writer.add_run(number, cycle, spec, title, RunState(state))
            self._writer.update_run(number, started_ns=at(10.0 - number), steady=steady, accuracy_note=REASON)

    def _events(self, start_s: float, end_s: float) -> None:
        """The rows say it all."""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    tape = Campaign(tmp_path / "campaign.plm")
    tape.write_until(1.0)
    tape.close()
    return tape.path


@pytest.fixture
def window(open_window: Opener, campaign: Path) -> MainWindow:
    return open_window(None, campaign)


def table_of(window: MainWindow) -> RunTable:
    return window.parts.panel(RunTable)


def column(table: RunTable, name: str) -> list[str]:
    """The texts of a column as they stand from top to bottom."""
    model = table.view.model()
    return [str(model.index(row, COLUMNS.index(name)).data()) for row in range(model.rowCount())]


def click_head(qtbot: QtBot, table: RunTable, name: str) -> None:
    header = table.view.horizontalHeader()
    at = QPoint(header.sectionViewportPosition(COLUMNS.index(name)) + 8, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=at)


def click_row(
    qtbot: QtBot, table: RunTable, row: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    at = table.view.visualRect(table.view.model().index(row, 1)).center()
    qtbot.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, keys, at)


def test_the_strip_counts_and_each_count_filters(qtbot: QtBot, window: MainWindow) -> None:
    table = table_of(window)
    said = [button.text() for button in table.counts.values()]
    assert said == ["3 of 6 done", "1 did not fit", "2 lost", "2 not steady"]
    for end, runs in (("not steady", ["2", "4"]), ("lost", ["5", "6"]), ("did not fit", ["3"])):
        qtbot.mouseClick(table.counts[end], Qt.MouseButton.LeftButton)
        assert column(table, "#") == runs
        assert [name for name, button in table.counts.items() if button.isChecked()] == [end]
    qtbot.mouseClick(table.counts["did not fit"], Qt.MouseButton.LeftButton)
    assert len(column(table, "#")) == 6


def test_what_is_typed_filters_and_esc_gives_the_keys_back(qtbot: QtBot, window: MainWindow) -> None:
    table = table_of(window)
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert table.filter.hasFocus()
    before = window.signals.shown
    qtbot.keyClicks(table.filter, "v resnet fp16")  # V alone would show the voltage
    assert column(table, "#") == ["6"], "the only one with a v in its name"
    assert window.signals.shown == before
    qtbot.keyClick(table.filter, Qt.Key.Key_Escape)
    assert not table.filter.hasFocus()
    assert len(column(table, "#")) == 6


def test_a_head_sorts_and_what_was_not_measured_stays_last(qtbot: QtBot, window: MainWindow) -> None:
    table = table_of(window)
    click_head(qtbot, table, "start")
    assert column(table, "#") == ["6", "5", "4", "3", "2", "1"]
    click_head(qtbot, table, "run")
    assert column(table, "run") == sorted(column(table, "run"))
    click_head(qtbot, table, "run")
    assert column(table, "run") == sorted(column(table, "run"), reverse=True)
    click_head(qtbot, table, "run")
    assert column(table, "#") == ["1", "2", "3", "4", "5", "6"], "the third click gives the order of the session"


def test_missing_values_are_last_in_both_orders(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    table = table_of(open_window(None, session))
    for _ in range(2):
        click_head(qtbot, table, "top-1")
        assert "/" in column(table, "top-1")[0]
        assert "/" not in column(table, "top-1")[1]


def test_ctrl_c_copies_the_chosen_rows_for_a_spreadsheet(qtbot: QtBot, window: MainWindow) -> None:
    table = table_of(window)
    click_row(qtbot, table, 0)
    click_row(qtbot, table, 3, Qt.KeyboardModifier.ControlModifier)
    elsewhere: list[bool] = []
    QShortcut(QKeySequence.StandardKey.Copy, window).activated.connect(lambda: elsewhere.append(True))
    qtbot.keyClick(table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert not elsewhere, "the table comes before what the window copies"
    heads, *rows = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert heads == [*COLUMNS, "origin"]
    assert {row[-1] for row in rows} == {"SIMULATED"}
    assert [dict(zip(heads, row, strict=True))["cycle"] for row in rows] == ["1", "2"]
    assert [row[heads.index("precision")] for row in rows] == ["fp32", "fp16"]
    assert NOTHING not in rows[0]


def test_other_keys_are_still_those_of_the_window(qtbot: QtBot, window: MainWindow) -> None:
    table = table_of(window)
    click_row(qtbot, table, 0)
    assert table.view.hasFocus()
    qtbot.keyClick(table.view, Qt.Key.Key_C)
    assert [each.name for each in window.signals.shown.signals] == ["current"]


def test_the_menu_of_a_row_shows_and_copies(window: MainWindow) -> None:
    table = table_of(window)
    shown: list[int] = []
    table.run_chosen.connect(shown.append)
    table.select(5)
    actions = {action.text(): action for action in table.row_menu(4).actions()}
    actions["Show"].trigger()
    assert shown == [5]
    actions["Copy row"].trigger()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 2
    actions["Copy table"].trigger()
    assert len(QGuiApplication.clipboard().text().splitlines()) == 7


def test_columns_tell_equal_networks_apart_and_can_be_hidden(
    window: MainWindow, open_window: Opener, session: Path
) -> None:
    table = table_of(window)
    shown = {name for k, name in enumerate(COLUMNS) if not table.view.isColumnHidden(k)}
    assert {"cycle", "precision", "start"} <= shown
    assert len({(a, b) for a, b in zip(column(table, "run"), column(table, "cycle"), strict=True)}) == len(RUNS)
    entries = {action.text(): action for action in table.columns_menu().actions()}
    entries["cycle"].trigger()
    frames(window)
    assert table.view.isColumnHidden(COLUMNS.index("cycle"))
    alike = table_of(open_window(None, session))
    assert alike.view.isColumnHidden(COLUMNS.index("cycle")), "one cycle: nothing to tell apart"
    assert [line.title for line in plan_of(window.recording, None).lines][::3] == [
        "SqueezeNet 1.1  b1  c1", "SqueezeNet 1.1  b1  c2",
    ]  # fmt: skip


def test_names_and_reasons_have_the_room_there_is(window: MainWindow) -> None:
    window.resize(1900, 800)
    view = table_of(window).view
    for name, text in (("run", "Inception-ResNet-v2"), ("top-1", REASON)):
        assert view.columnWidth(COLUMNS.index(name)) > view.fontMetrics().horizontalAdvance(text) + 18
    assert view.horizontalScrollBar().maximum() == 0


def test_a_run_that_a_filter_hides_is_found(window: MainWindow) -> None:
    table = table_of(window)
    table.filter.setText("squeezenet")
    assert len(column(table, "#")) == 2
    window.show_run(2)
    assert table.chosen == 2


# -- a bench that died ---------------------------------------------------------------------------


def test_a_killed_run_is_cut_off_wherever_it_is_shown(campaign: Path) -> None:
    with SessionReader(campaign) as reader:
        recording = Recording(reader)
        recording.update_rows()
        assert run_lines(recording)[5].texts[COLUMNS.index("state")] == CUT_OFF
        assert (plan_of(recording, None).lines[5].state, plan_of(recording, None).lines[5].tone) == (CUT_OFF, "failed")


def test_a_run_in_a_session_of_another_process_is_in_progress(tmp_path: Path) -> None:
    tape = Campaign(tmp_path / "other.plm")
    tape.write_until(1.0)
    try:
        with SessionReader(tape.path) as reader:
            recording = Recording(reader)
            recording.update_rows()
            assert run_lines(recording)[5].texts[COLUMNS.index("state")] == "running"
    finally:
        tape.close()


@pytest.mark.parametrize("width_px", [1280, 1700])
def test_columns_fill_the_table(open_window: Opener, session: Path, width_px: int) -> None:
    window = open_window(None, session)
    window.resize(width_px, 800)
    QApplication.processEvents()
    view = table_of(window).view
    shown = sum(view.columnWidth(k) for k in range(len(COLUMNS)))
    assert 0 <= view.viewport().width() - shown < 2 * len(COLUMNS)


def test_larger_text_has_wider_columns(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    table = table_of(window)
    k = COLUMNS.index("mJ/image")
    text = run_lines(window.recording)[0].texts[k]  # type: ignore[arg-type]
    try:
        for _ in range(3):
            qtbot.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
        room = table.view.columnWidth(k) - PADDING_PX
        assert QFontMetricsF(table.view.font()).horizontalAdvance(text) <= room + 1
    finally:
        set_text_size(100)


def test_columns_that_matter_less_give_way_to_the_names(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    table = table_of(window)
    bar, run = table.view.horizontalScrollBar(), COLUMNS.index("run")

    def shown() -> set[str]:
        return {name for k, name in enumerate(COLUMNS) if not table.view.isColumnHidden(k)}

    everything = shown()
    assert "p99 ms" in everything
    try:
        window.appearance.set_text_percent(130)
        qtbot.waitUntil(lambda: shown() < everything)
        assert bar.maximum() == 0, "nothing is to be scrolled sideways"
        width = max(QFontMetricsF(table.view.font()).horizontalAdvance(name) for name in column(table, "run"))
        assert table.view.columnWidth(run) >= width + PADDING_PX
        assert {"#", "run", "batch", "state", "ms/image", "mJ/image", "top-1"} <= shown()
        table.show_column("p99 ms", True)
        assert "p99 ms" in shown(), "what the user has chosen stays"
        assert bar.maximum() == 0
    finally:
        set_text_size(100)
    window.appearance.set_text_percent(100)
    qtbot.waitUntil(lambda: shown() == everything)


def test_a_run_is_cut_off_once_its_bench_has_died(open_window: Opener, campaign: Path) -> None:
    bench = StandIn(campaign)
    window = open_window(bench, campaign)
    assert column(table_of(window), "state")[5] == "running"
    bench.say(Failed("The bench process ended unexpectedly."))
    frames(window)
    assert column(table_of(window), "state")[5] == CUT_OFF


@pytest.mark.parametrize("last", ["done", "cancelled"])
def test_a_plan_that_has_ended_is_summed_up_with_a_way_to_its_figures(
    last: str, qtbot: QtBot, open_window: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = Campaign(tmp_path / "campaign.plm")
    tape.write_until(1.0)
    bench = StandIn(tape.path)
    ended = tuple(RunStatus(k + 1, run[1], 1, run[3] if k < 5 else last) for k, run in enumerate(RUNS))
    bench.say(Opened(str(tape.path)), Status(replace(status(BenchPhase.RUNNING), cycles=1)))
    window = open_window(bench)
    bar, asked = window.parts.message_bar, []
    monkeypatch.setattr(window.figures, "show", lambda: asked.append("figures"))
    bench.say(Status(replace(status(), runs=ended, cycles=1)))
    frames(window)
    assert bar.text == "", "the last run has not ended in the file"
    tape._writer.update_run(6, state=last)
    tape._writer.commit()
    frames(window)
    if last == "cancelled":
        assert bar.text == "", "the user knows"
    else:
        assert bar.text == "The plan has ended: 4 of 6 done, 1 did not fit, 1 lost, 2 not steady."
        qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
        assert asked == ["figures"]
    assert table_of(window).counts["lost"].property("wrong")
    tape.close()


def test_asking_who_writes_does_not_keep_a_writer_out(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "live.plm")
    tape.write_until(0.5)
    assert is_written(tape.path)
    tape.close()
    assert not is_written(tape.path)
    assert not is_written(tmp_path / "no such file.plm")


def test_runs_still_to_come_are_counted(campaign: Path) -> None:
    with SessionReader(campaign) as reader:
        recording = Recording(reader)
        recording.update_rows()
        lines = run_lines(recording)
    runs = tuple(RunStatus(6 if k == 0 else None, "Net", 1, "running" if k == 0 else "waiting") for k in range(3))
    plan = replace(status(BenchPhase.RUNNING), runs=runs, cycle=2, cycles=4)
    assert planned_runs(lines, plan) == 6 + 2 + 2 * 3
    assert planned_runs(lines, replace(plan, phase=BenchPhase.MONITORING, runs=runs[:1])) == 6, "it was stopped"
    assert planned_runs(lines, None) == 6


class Resumed(Tape):
    """A plan of two that was stopped in its second run and resumed there."""

    def _plan(self) -> None:
        for number, state in enumerate(("done", "cancelled", "done"), start=1):
            title = "SqueezeNet 1.1" if number == 1 else "ResNet-18"
            self._writer.add_run(number, 1, RunSpec(title.lower()), title, RunState(state))
            self._writer.update_run(number, started_ns=at(float(number)), steady=1)

    def _events(self, start_s: float, end_s: float) -> None:
        """The rows say it all."""


def test_a_run_that_was_stopped_and_resumed_is_counted_once(open_window: Opener, tmp_path: Path) -> None:
    tape = Resumed(tmp_path / "resumed.plm")
    tape.write_until(1.0)
    tape.close()
    table = table_of(open_window(None, tape.path))
    assert column(table, "state") == ["done", "cancelled", "done"]
    assert [button.text() for button in table.counts.values() if button.isVisible()] == [
        "2 of 2 done", "0 did not fit", "0 lost", "0 not steady",
    ]  # fmt: skip


@pytest.mark.parametrize("width_px", [1280, 2400])
def test_the_columns_share_the_width_that_the_table_has(
    width_px: int, qtbot: QtBot, open_window: Callable[..., MainWindow], session: Path
) -> None:
    window = open_window(None, session)
    window.resize(width_px, 800)
    view = window.parts.panel(RunTable).view
    qtbot.waitUntil(lambda: view.viewport().width() > width_px - 500)
    left_over_px = view.viewport().width() - view.horizontalHeader().length()
    assert 0 <= left_over_px < len(COLUMNS), "each column is as wide as whole pixels allow"


def test_a_double_click_outlives_a_refresh_between_its_clicks(
    qtbot: QtBot, live: tuple[MainWindow, StandIn, Tape]
) -> None:
    """The rows have other places at the second click, as where a column is sorted whose values have changed."""
    window, _, tape = live
    table = table_of(window)
    shown: list[int] = []
    table.run_chosen.connect(shown.append)
    for until_s, order in ((16.0, Qt.SortOrder.DescendingOrder), (18.5, Qt.SortOrder.AscendingOrder)):
        at_px = table.view.visualRect(table.view.model().index(0, 1)).center()
        viewport = table.view.viewport()
        qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, pos=at_px)
        qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=at_px)
        tape.write_until(until_s)
        table.view.sortByColumn(0, order)
        frames(window)
        second = QMouseEvent(
            QEvent.Type.MouseButtonDblClick, QPointF(at_px), QPointF(viewport.mapToGlobal(at_px)),
            Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(viewport, second)
    assert shown == [1, 2]
