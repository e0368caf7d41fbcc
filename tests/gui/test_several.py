# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 (the micro sign)
"""The window with several instruments: what is shown, how signals are distinguished, what the panel offers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from monitor_app.bench.messages import AddSource, Disconnect, FindSources, Status
from monitor_app.core.samples import Quantity
from monitor_app.core.status import SourceState
from monitor_app.gui.panels.discovery_panel import DiscoveryPanel
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.plot.legend import paint_mark
from monitor_app.gui.session.shown_signals import MOST_IN_PANE, MOST_PANES
from monitor_app.gui.theme import LIGHT
from tests.gui.conftest import frames
from tests.gui.several import FOUND, GAP_S, LENGTH_S, NOTE, SeveralBench, several_status, write_several
from tests.gui.test_window import drag

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.session.rows import SignalRow


@pytest.fixture(scope="module")
def several_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("several") / "several.plm"
    write_several(path)
    return path


@pytest.fixture
def path(several_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(several_once, tmp_path))


@pytest.fixture
def window(open_window: Callable[..., MainWindow], path: Path) -> MainWindow:
    return open_window(None, path)


@pytest.fixture
def live(open_window: Callable[..., MainWindow], path: Path) -> tuple[MainWindow, SeveralBench]:
    bench = SeveralBench(path)
    return open_window(bench), bench


def signal(window: MainWindow, name: str, source: int) -> SignalRow:
    assert window.recording is not None
    return next(s for s in window.recording.signals if (s.name, s.source) == (name, source))


def shown(window: MainWindow) -> list[list[str]]:
    """Labels of the signals in each pane, as drawn."""
    assert window.recording is not None
    labels = window.recording.labels
    return [[labels[curve.shown.signal.id] for curve in pane.curves] for pane in window.parts.stack.traces]


def click(
    qtbot: QtBot, window: MainWindow, of: SignalRow, *, on_margin: bool = False, keys: Qt.KeyboardModifier | None = None
) -> None:
    """On the line of a signal in the source panel."""
    name = ("meter", "rails", "carrier and regulators")[of.source - 1]
    lines = window.parts.panel(SourcePanel).cards[name].signals
    at = lines.middle_of(of.id, on_margin=on_margin).toPoint()
    qtbot.mouseClick(lines, Qt.MouseButton.LeftButton, keys or Qt.KeyboardModifier.NoModifier, at)
    frames(window, 3)


# -- the picture ---------------------------------------------------------------------------------


def test_all_powers_are_overlaid_until_someone_chooses(window: MainWindow) -> None:
    assert shown(window) == [["meter power", "rails power", "carrier and regulators"]]
    low, high = window.parts.stack.trace.y_range
    assert low <= 2.0
    assert high > 8.0
    assert all(curve.lines is not None for curve in window.parts.stack.trace.curves)


def test_names_and_marks_tell_signals_apart_without_their_colours(window: MainWindow) -> None:
    (entries,) = window.parts.stack.legends
    assert [entry.name for entry in entries] == ["meter power", "rails power", "carrier and regulators"]
    assert len({entry.slot for entry in entries}) == len({entry.colour for entry in entries}) == 3
    assert entries[0].colour == window.theme.power


def test_each_mark_looks_different(qtbot: QtBot) -> None:
    from PySide6.QtGui import QImage, QPainter

    pictures = set()
    for slot in range(MOST_IN_PANE):
        image = QImage(40, 40, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        painter.setBrush(Qt.GlobalColor.white)
        paint_mark(painter, QPointF(20, 20), slot, 15)
        painter.end()
        pictures.add(bytes(image.constBits()))
    assert len(pictures) == MOST_IN_PANE


def test_a_click_shows_a_signal_alone(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, signal(window, "voltage", 1))
    assert shown(window) == [["voltage"]]
    assert window.parts.stack.trace.quantity is Quantity.VOLTAGE


def test_control_click_and_the_margin_add_and_take_out(qtbot: QtBot, window: MainWindow) -> None:
    current, gpu = signal(window, "current", 1), signal(window, "VDD_GPU", 2)
    click(qtbot, window, current, keys=Qt.KeyboardModifier.ControlModifier)
    click(qtbot, window, gpu, on_margin=True)
    powers = ["meter power", "rails power", "carrier and regulators", "VDD_GPU"]
    assert shown(window) == [powers, ["current"]]
    assert window.parts.panel(SourcePanel).cards["rails"].signals.lines[1].slot == 3
    click(qtbot, window, current, keys=Qt.KeyboardModifier.ControlModifier)
    click(qtbot, window, gpu, on_margin=True)
    assert shown(window) == [powers[:3]]


def test_a_pane_that_goes_leaves_the_others_their_height(qtbot: QtBot, window: MainWindow) -> None:
    whole = window.parts.stack.trace.rect.height()
    click(qtbot, window, signal(window, "current", 1), on_margin=True)
    click(qtbot, window, signal(window, "voltage", 1), on_margin=True)
    qtbot.waitUntil(lambda: window.parts.stack.trace.rect.height() < 0.6 * whole)
    upper, lower = window.parts.stack.traces[1:]
    assert upper.rect.bottom() < lower.rect.top()
    click(qtbot, window, signal(window, "current", 1), on_margin=True)
    click(qtbot, window, signal(window, "voltage", 1), on_margin=True)
    qtbot.waitUntil(lambda: window.parts.stack.trace.rect.height() == pytest.approx(whole))
    assert len(window.parts.stack.panes) == 1


def test_a_signal_keeps_its_colour_while_others_come_and_go(qtbot: QtBot, window: MainWindow) -> None:
    beyond = signal(window, "power", 3)
    before = window.signals.shown.of(beyond.id)
    click(qtbot, window, signal(window, "power", 2), on_margin=True)
    assert window.signals.shown.of(beyond.id) == before
    click(qtbot, window, signal(window, "VDD_GPU", 2), on_margin=True)
    gpu = window.signals.shown.of(signal(window, "VDD_GPU", 2).id)
    assert gpu is not None
    assert gpu.slot == 1


def test_the_last_signal_stays(qtbot: QtBot, window: MainWindow) -> None:
    current = signal(window, "current", 1)
    click(qtbot, window, current)
    click(qtbot, window, current, on_margin=True)
    assert shown(window) == [["current"]]


def test_what_has_no_room_says_so(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.panel(SourcePanel).cards["rails"].more.click()
    for name, source in (("current", 1), ("voltage", 1), ("zone0", 2)):
        click(qtbot, window, signal(window, name, source), on_margin=True)
    assert len(shown(window)) == MOST_PANES
    click(qtbot, window, signal(window, "GPU clock", 2), on_margin=True)
    assert len(shown(window)) == MOST_PANES
    assert "hide one of them" in window.parts.message_bar.text
    for k in range(1, MOST_IN_PANE + 1):
        window.signals.toggle(signal(window, f"zone{k}", 2).id)
    frames(window, 2)
    assert len(shown(window)[-1]) == MOST_IN_PANE


def test_all_panes_have_the_same_time_axis(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, signal(window, "current", 1), on_margin=True)
    window.navigation.show_between(2.0, 4.0)
    frames(window, 3)
    for pane in window.parts.stack.traces:
        assert pane.box.x_range == pytest.approx((2.0, 4.0))
        assert pane.rect.left() == window.parts.stack.trace.rect.left()


def test_keys_add_the_current_and_come_back_to_the_powers(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    frames(window, 2)
    assert shown(window)[1:] == [["current"]]
    qtbot.keyClick(window, Qt.Key.Key_V)
    frames(window, 2)
    assert shown(window) == [["voltage"]]
    qtbot.keyClick(window, Qt.Key.Key_P)
    frames(window, 2)
    assert len(shown(window)[0]) == 3


def test_the_cursor_shows_all_values(window: MainWindow) -> None:
    stack = window.parts.stack
    rect = stack.trace.rect
    stack._move_cursor(QPointF(rect.left() + 3.0 / LENGTH_S * rect.width(), rect.center().y()))
    assert stack.cursor_values is not None
    _when, *values = stack.cursor_values.traces[0]
    assert values == ["6.000 W   meter power", "4.000 W   rails power", "2.000 W   carrier and regulators"]


def test_a_slow_signal_is_drawn_where_it_was_measured(window: MainWindow) -> None:
    rails = window.parts.stack.trace.curves[1]
    assert rails.lines is not None
    assert rails.group_at(5.9) == (4.0, 4.0, 4.0)
    assert rails.group_at(6.1) == (6.0, 6.0, 6.0)
    assert rails.lines.has_gaps


def test_a_gap_of_one_source_is_not_one_of_the_others(qtbot: QtBot, window: MainWindow) -> None:
    (gap,) = window.parts.stack.annotations.gaps
    assert (gap.start_s, gap.end_s, gap.source) == (*GAP_S, 2)
    assert gap.name.startswith("rails")
    click(qtbot, window, signal(window, "voltage", 1))
    assert gap.source not in window.parts.stack.trace.source_ids


def test_small_values_are_read_in_their_own_unit(qtbot: QtBot, window: MainWindow) -> None:
    window.parts.panel(SourcePanel).cards["rails"].more.click()
    click(qtbot, window, signal(window, "GPU clock", 2))
    assert window.parts.stack.trace.text_scale == 1e-6
    assert "MHz" in window.parts.stack.trace.value_axis.label


# -- figures -------------------------------------------------------------------------------------


def test_the_read_out_says_whose_power_it_is(window: MainWindow) -> None:
    number = window.parts.panel(Readouts).numbers[0]
    assert (number.reading.caption, number.reading.text) == ("meter power", "7.00")


def test_a_selection_is_measured_for_each_signal(window: MainWindow) -> None:
    window.markers.lay(2.0, 4.0)
    frames(window, 2)
    figures = window.parts.panel(SelectionPanel).shown
    assert [each.name for each in figures.signals] == ["meter power", "rails power", "carrier and regulators"]
    assert [each.texts for each in figures.signals] == [
        ("6.00", "6.00", "6.00", "12.0 J"), ("4.00", "4.00", "4.00", "8.00 J"), ("2.00", "2.00", "2.00", "4.00 J"),
    ]  # fmt: skip
    assert figures.rows["Δt"] == "2.0000 s"
    assert "mean" not in figures.rows


# -- the source panel ----------------------------------------------------------------------------


def test_a_long_list_shows_its_powers_until_it_is_opened(qtbot: QtBot, window: MainWindow) -> None:
    card = window.parts.panel(SourcePanel).cards["rails"]
    assert [line.name for line in card.signals.lines] == ["power", "VDD_GPU"]
    assert card.more.text() == "38 more"
    card.more.click()
    assert len(card.signals.lines) == 40
    click(qtbot, window, signal(window, "zone7", 2), on_margin=True)
    card.more.click()
    assert [line.name for line in card.signals.lines] == ["power", "VDD_GPU", "zone7"]


def test_a_card_says_what_its_numbers_rest_on(qtbot: QtBot, live: tuple[MainWindow, SeveralBench]) -> None:
    window, _ = live
    meter, rails = (window.parts.panel(SourcePanel).cards[name] for name in ("meter", "rails"))
    assert meter.about.whole == "Power meter  ·  M-17"
    assert meter.clock.whole == "± 20 µs, line"
    assert rails.clock.whole == "± 21 ms, polled"
    assert rails.signals.lines[0].detail == "380 mW / step"
    assert not meter.info.isVisible()
    assert NOTE in rails.info.toolTip()
    assert not rails.notes.isVisible()
    qtbot.mouseClick(rails.info, Qt.MouseButton.LeftButton)
    assert rails.notes.isVisible()
    assert NOTE in rails.notes.text().splitlines()
    assert "difference" in window.parts.panel(SourcePanel).cards["carrier and regulators"].about.whole


def test_the_panel_is_as_wide_as_its_place(live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    bench.say(Status(several_status(rails=SourceState.LOST, message="The rails " * 9, found=FOUND)))
    frames(window, 3)
    side = window.parts.side
    inner = side.widget()
    assert inner is not None
    assert inner.width() <= side.viewport().width()


def test_cards_stay_the_same_widgets(live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    before = dict(window.parts.panel(SourcePanel).cards)
    bench.say(Status(several_status(rails=SourceState.CONNECTING)))
    frames(window, 2)
    assert window.parts.panel(SourcePanel).cards == before


def test_a_lost_source_is_an_alarm_until_it_is_back(live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    sentence = "The rails no longer answer; trying again."
    bench.say(Status(several_status(rails=SourceState.LOST, message=sentence)))
    frames(window, 2)
    card = window.parts.panel(SourcePanel).cards["rails"]
    assert window.parts.message_bar.text == card.message.text() == sentence
    assert window.parts.message_bar.property("kind") == "alarm"
    assert card.detail.text() == "lost, trying again"
    assert card.detail.palette().windowText().color().name() == window.theme.alarm
    bench.say(Status(several_status()))
    frames(window, 2)
    assert window.parts.message_bar.text == ""
    assert not window.parts.message_bar.isVisible()
    assert card.detail.text() == "25.0 Sa/s"
    assert card.detail.palette().windowText().color().name() == window.theme.dim
    assert not card.message.isVisible()


def test_another_message_outlives_a_reconnect(live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    bench.say(Status(several_status(rails=SourceState.LOST, message="Gone.")))
    frames(window, 2)
    window.parts.message_bar.note("The picture was saved as view.png.")
    bench.say(Status(several_status()))
    frames(window, 2)
    assert window.parts.message_bar.text == "The picture was saved as view.png."


# -- what else is there --------------------------------------------------------------------------


def test_a_recorded_session_has_nothing_to_find(window: MainWindow) -> None:
    assert not window.parts.panel(DiscoveryPanel).isVisible()


def test_a_search_is_shown_until_the_bench_ends_it(qtbot: QtBot, live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    found = window.parts.panel(DiscoveryPanel)
    assert found.isVisible()
    qtbot.mouseClick(found.find_button, Qt.MouseButton.LeftButton)
    assert bench.commands == [FindSources()]
    assert found.progress.isVisible()
    assert not found.find_button.isEnabled()
    # What was plugged in meanwhile is no answer; the end of the search is, also where it found nothing new.
    bench.say(Status(several_status(found=FOUND)))
    frames(window, 2)
    assert found.progress.isVisible()
    bench.say(Status(replace(several_status(found=FOUND), searches=1)))
    frames(window, 2)
    assert not found.progress.isVisible()
    assert found.find_button.isEnabled()


def test_what_is_in_use_is_not_offered(live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    bench.say(Status(several_status(found=FOUND)))
    frames(window, 2)
    lines = window.parts.panel(DiscoveryPanel).lines
    assert lines is not None
    assert [line.where for line in lines] == ["/dev/ttyACM3", "/dev/ttyUSB0", "simulated-tx1 shunt"]
    assert "dialout" in lines[1].problem
    assert not lines[1].spec


def test_a_selection_is_seen_beside_many_sources(window: MainWindow) -> None:
    window.parts.side.setFixedHeight(200)
    frames(window, 1)
    window.markers.lay(1.0, 2.0)
    frames(window, 1)
    panel, side = window.parts.panel(SelectionPanel), window.parts.side
    top = panel.mapTo(side.viewport(), QPoint(0, 0)).y()
    assert top >= 0
    assert top + min(panel.height(), 60) <= side.viewport().height()


def test_adding_sends_what_was_found(qtbot: QtBot, live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    bench.say(Status(several_status(found=FOUND)))
    frames(window, 2)
    add, _ = window.parts.panel(DiscoveryPanel).add_buttons
    qtbot.mouseClick(add, Qt.MouseButton.LeftButton)
    assert bench.commands == [AddSource(FOUND[0].spec)]


def test_a_second_one_of_a_kind_gets_a_name_of_its_own(live: tuple[MainWindow, SeveralBench]) -> None:
    from dataclasses import replace

    from monitor_app.gui.panels.discovery_panel import found_lines

    _window, _bench = live
    status = several_status(found=FOUND[1:2])
    there = replace(status.sources[0], name="shunt", kind="shunt")
    (line,) = found_lines(replace(status, sources=(there,)))
    assert line.spec == {"kind": "shunt", "emulate": "tx1", "name": "shunt 2"}


# -- exports -------------------------------------------------------------------------------------


def test_the_shown_signals_are_exported(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(qtbot, window, signal(window, "current", 1))
    click(qtbot, window, signal(window, "power", 2), on_margin=True)
    monkeypatch.setattr("monitor_app.gui.session.exporting.ask_target", lambda *_: tmp_path / "view.csv")
    window.navigation.show_between(2.0, 4.0)
    frames(window, 1)
    window.output.export_samples()
    qtbot.waitUntil(lambda: "view.csv" in window.parts.message_bar.text, timeout=20_000)
    first, second = (tmp_path / name for name in ("view.csv", "view-rails.csv"))
    assert str(second) in window.parts.message_bar.text
    heads = [next(line for line in f.read_text().splitlines() if not line.startswith("#")) for f in (first, second)]
    assert "current" in heads[0]
    assert "power" not in heads[0]
    assert "power" in heads[1]
    assert "zone" not in heads[1]


def test_the_mouse_works_on_every_pane(qtbot: QtBot, window: MainWindow) -> None:
    click(qtbot, window, signal(window, "current", 1), on_margin=True)
    stack = window.parts.stack
    rect = stack.traces[1].rect
    stack._move_cursor(QPointF(rect.left() + rect.width() / 4, rect.center().y()))
    assert stack.cursor_values is not None
    assert stack.cursor_values.traces[1] == ("600.0 mA",)
    qtbot.mouseClick(stack.viewport(), Qt.MouseButton.MiddleButton, pos=stack.mapFromScene(rect.center()))
    drag(qtbot, window, stack.mapFromScene(rect.center()), stack.mapFromScene(rect.center() + QPointF(60, 0)))
    assert window.view.start_s < 0


def test_a_picture_has_the_powers_of_all_instruments(qtbot: QtBot, path: Path) -> None:
    from monitor_app.gui.plot.picture import session_picture
    from monitor_app.session.reader import SessionReader

    with SessionReader(path) as reader:
        picture = session_picture(reader)
        one = session_picture(reader, signals=[s for s in reader.signals() if s.name == "power"][:1])
    assert picture.width() == one.width() == 1600
    for slot, expected in ((0, True), (1, True)):
        colour = QColor(LIGHT.of_trace(Quantity.POWER, slot)).rgb()
        found = [image_has(each, colour) for each in (picture, one)]
        assert found == [expected, slot == 0]


def image_has(image: QImage, colour: int) -> bool:
    pixels = np.frombuffer(image.constBits(), np.uint32)
    return bool((pixels | 0xFF000000 == colour).any())


def test_without_runs_the_traces_take_the_room_of_latency_and_accuracy(window: MainWindow, session: Path) -> None:
    stack, table = window.parts.stack, window.parts.panel(RunTable)
    assert not table.isVisible()
    assert stack.panes == stack.traces
    window.document.show(session)
    frames(window, 3)
    assert table.isVisible()
    assert stack.panes == (*stack.traces, stack.latency, stack.accuracy)
    assert not stack.trace.has_legend
    assert stack.trace.value_axis.label.startswith("power")


def test_what_was_chosen_is_of_its_session(qtbot: QtBot, window: MainWindow, session: Path) -> None:
    click(qtbot, window, signal(window, "voltage", 1))
    window.document.show(session)
    frames(window, 3)
    assert shown(window) == [["power"]]


LONG = "power supply of the carrier board, behind the second regulator"


def test_a_long_name_cuts_nothing_off_the_side_panel(qtbot: QtBot, live: tuple[MainWindow, SeveralBench]) -> None:
    window, bench = live
    plain = several_status()
    sources = (replace(plain.sources[0], name=LONG, message=f"{'x' * 60} is lost."), *plain.sources[1:])
    bench.say(Status(replace(plain, sources=sources)))
    frames(window, 2)
    card, room = window.parts.panel(SourcePanel).cards[LONG], window.parts.side.viewport()
    parts = (card.title, card.detail, card.action, window.parts.panel(RunPanel).skip)
    QApplication.processEvents()
    assert all(part.mapTo(room, part.rect().topRight()).x() < room.width() for part in parts)
    assert "…" in card.title.text()
    assert card.title.toolTip() == LONG
    qtbot.mouseClick(card.action, Qt.MouseButton.LeftButton)
    assert bench.commands == [Disconnect(LONG)]


def test_long_names_of_sources_that_are_gone_leave_the_window_as_it_is(
    qtbot: QtBot, live: tuple[MainWindow, SeveralBench]
) -> None:
    window, bench = live
    window.resize(910, 541)
    names = [f"{LONG}, {k}" for k in range(4)]
    gone = [replace(several_status().sources[0], name=name, state=SourceState.DISCONNECTED) for name in names]
    bench.say(Status(replace(several_status(), sources=tuple(gone))))
    frames(window, 2)
    QApplication.processEvents()
    assert window.width() == 910
    caption = window.parts.panel(StatusBar).lost
    assert caption.text().startswith("no samples from power supply of the")
    assert caption.text().endswith("…")
    assert all(name in caption.toolTip() for name in names)


def test_a_long_name_is_elided_in_the_selection(window: MainWindow) -> None:
    assert window.recording is not None
    window.recording.labels[signal(window, "power", 1).id] = LONG
    window.markers.lay(1.0, 5.0)
    panel, room = window.parts.panel(SelectionPanel), window.parts.side.viewport()
    panel.show_state(window._state())
    QApplication.processEvents()
    name, unit, cells = panel._signals[0]
    assert name.toolTip() == LONG
    assert all(each.mapTo(room, each.rect().topRight()).x() < room.width() for each in (name, unit, *cells))
