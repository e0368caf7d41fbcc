# SPDX-License-Identifier: Apache-2.0
"""The window with a synthetic session, driven by the mouse and the keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QMessageBox

from monitor_app.bench.messages import (
    AddMark,
    AskTrust,
    Closed,
    Disconnect,
    Failed,
    Opened,
    Quit,
    SkipRun,
    StartRuns,
    Status,
    StopRuns,
    Trust,
)
from monitor_app.core.errors import BenchError
from monitor_app.core.formatting import NOTHING
from monitor_app.core.status import BenchPhase, CheckState, CheckStatus, RunStatus, SourceState
from monitor_app.gui.actions import Command, ShortcutsDialog
from monitor_app.gui.layout import first_size
from monitor_app.gui.panels import status_bar
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.source_panel import SourcePanel
from monitor_app.gui.panels.status_bar import StatusBar
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.periodic import INTERACTIVE_MS, RESTING_MS, TASK_MS
from monitor_app.gui.plot.pane_stack import PaneStack
from monitor_app.gui.session import recording
from monitor_app.gui.theme import DARK, LIGHT
from monitor_app.session.promise import promised
from monitor_app.session.reader import SessionReader
from tests.gui.conftest import LENGTH_S, StandIn, Tape, frames, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.gui.main_window import MainWindow
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.session.shown_signals import ShownSignals

    Opener = Callable[..., MainWindow]
    Live = tuple[MainWindow, StandIn, Tape]


def on_trace(window: MainWindow, share_x: float, share_y: float = 0.5) -> QPoint:
    """A point of the first pane, in pixels of its viewport."""
    rect = window.parts.stack.trace.rect
    at = QPointF(rect.left() + share_x * rect.width(), rect.top() + share_y * rect.height())
    return window.parts.stack.mapFromScene(at)


def wheel(window: MainWindow, at: QPoint, notches: int, keys: Qt.KeyboardModifier | None = None) -> None:
    viewport = window.parts.stack.viewport()
    event = QWheelEvent(
        QPointF(at), QPointF(viewport.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        keys or Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def drag(qtbot: QtBot, window: MainWindow, start: QPoint, end: QPoint, keys: Qt.KeyboardModifier | None = None) -> None:
    viewport = window.parts.stack.viewport()
    held = keys or Qt.KeyboardModifier.NoModifier
    qtbot.mousePress(viewport, Qt.MouseButton.LeftButton, held, start)
    for k in range(1, 11):
        # pyqtgraph looks at the mouse at most a hundred times a second.
        qtbot.wait(12)
        window_event(viewport, start + (end - start) * (k / 10), held)
    qtbot.mouseRelease(viewport, Qt.MouseButton.LeftButton, held, end)


def window_event(viewport: object, at: QPoint, held: Qt.KeyboardModifier) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QWidget

    assert isinstance(viewport, QWidget)
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(at), QPointF(viewport.mapToGlobal(at)), Qt.MouseButton.NoButton, button, held
    )
    QApplication.sendEvent(viewport, event)


def texts(window: MainWindow) -> dict[str, str]:
    return {number.dial.caption: number.reading.text for number in window.parts.panel(Readouts).numbers}


# -- an old session ------------------------------------------------------------------------------


def test_an_old_session_is_shown_whole(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    assert window.view.start_s == 0.0
    assert window.view.end_s == pytest.approx(LENGTH_S)
    assert not window.live
    assert window.windowTitle().startswith("old.plm")
    assert texts(window)["throughput"] == "50.0"
    assert window.parts.panel(RunTable).view.model().rowCount() == 2
    assert window.parts.stack.trace.lines is not None
    assert window.parts.panel(StatusBar).resolution.whole.startswith("envelope")
    assert "5,000 lost" in window.parts.panel(StatusBar).text


def test_a_file_from_a_simulated_source_says_so(open_window: Opener, session: Path, tmp_path: Path) -> None:
    window = open_window(None, session)
    assert window.parts.panel(Toolbar).simulated.isVisible()
    real = Tape(tmp_path / "real.plm", simulated=False)
    real.write_until(2.0)
    real.close()
    window.document.show(real.path)
    frames(window)
    assert not window.parts.panel(Toolbar).simulated.isVisible()


def test_a_wheel_that_turns_without_a_pause_is_followed(
    open_window: Opener, session: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some mice and touchpads say so every few milliseconds, more often than there are frames."""
    window = open_window(None, session)
    shown: list[float] = []
    show_frame = PaneStack.show_frame

    def noted(stack: PaneStack, recording: Recording, signals: ShownSignals, view: TimeWindow) -> None:
        shown.append(view.width_s)
        show_frame(stack, recording, signals, view)

    monkeypatch.setattr(PaneStack, "show_frame", noted)
    window._timer.start()
    for k in range(60):
        wheel(window, on_trace(window, 0.3), 1 if k < 30 else -1)
        qtbot.wait(5)
    assert len(set(shown)) > 3


def test_a_recorded_session_that_is_left_alone_is_seldom_looked_at(
    open_window: Opener, session: Path, qtbot: QtBot
) -> None:
    window = open_window(None, session)
    window._pace.forget_interaction()
    frames(window, 1)
    assert (window._timer.interval(), window._task_timer.interval()) == (RESTING_MS, RESTING_MS)
    qtbot.keyClick(window, Qt.Key.Key_C)
    assert (window._timer.interval(), window._task_timer.interval()) == (INTERACTIVE_MS, TASK_MS)


def test_the_wheel_keeps_the_time_under_the_cursor(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    at = on_trace(window, 0.3)
    before = window.parts.stack.trace.box.mapSceneToView(window.parts.stack.mapToScene(at)).x()
    wheel(window, at, 4)
    frames(window, 1)
    after = window.parts.stack.trace.box.mapSceneToView(window.parts.stack.mapToScene(at)).x()
    assert window.view.width_s == pytest.approx(LENGTH_S / 4)
    assert after == pytest.approx(before, abs=0.01)


def test_the_wheel_pans_with_shift_and_zooms_values_with_control(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.zoom(0.25, 10.0)
    frames(window, 1)
    start, width = window.view.start_s, window.view.width_s
    wheel(window, on_trace(window, 0.5), -1, Qt.KeyboardModifier.ShiftModifier)
    assert window.view.start_s == pytest.approx(start + 0.1 * width)
    low, high = window.parts.stack.trace.y_range
    wheel(window, on_trace(window, 0.5), 2, Qt.KeyboardModifier.ControlModifier)
    assert window.view.width_s == width
    closer = window.parts.stack.trace.y_range
    assert closer[1] - closer[0] == pytest.approx((high - low) / 2)


def test_a_drag_pans_and_a_double_click_shows_all(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.zoom(0.5, 10.0)
    frames(window, 1)
    start = window.view.start_s
    drag(qtbot, window, on_trace(window, 0.5), on_trace(window, 0.3))
    assert window.view.start_s == pytest.approx(start + 0.2 * window.view.width_s, rel=0.1)
    frames(window, 1)
    ground = on_trace(window, (9.0 - window.view.start_s) / window.view.width_s)  # between the runs
    qtbot.mouseDClick(window.parts.stack.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, ground)
    assert window.view.width_s == pytest.approx(LENGTH_S)


def test_shift_and_drag_measures_an_interval(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    shift = Qt.KeyboardModifier.ShiftModifier
    drag(qtbot, window, on_trace(window, 4.5 / 20), on_trace(window, 6.5 / 20), shift)
    frames(window, 2)
    assert window.selection == pytest.approx((4.5, 6.5), abs=0.1)
    assert window.parts.panel(SelectionPanel).isVisible()
    assert window.parts.panel(SelectionPanel).shown.rows["mean"] == "10.00 W"
    qtbot.keyClick(window, Qt.Key.Key_Z)
    assert window.view.start_s == pytest.approx(4.5, abs=0.1)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.selection is None
    assert not window.parts.panel(SelectionPanel).isVisible()


def test_a_selection_ends_where_the_recording_ends(qtbot: QtBot, live: Live) -> None:
    window, _, _ = live
    shift = Qt.KeyboardModifier.ShiftModifier
    window.navigation.show_between(0.0, 30.0)
    frames(window, 2)
    drag(qtbot, window, on_trace(window, 10 / 30), on_trace(window, 25 / 30), shift)
    frames(window, 2)
    assert window.selection == pytest.approx((10.0, 15.0), abs=0.2)
    assert window.parts.panel(SelectionPanel).shown.rows["coverage"] == "100.00 %"
    drag(qtbot, window, on_trace(window, 20 / 30), on_trace(window, 25 / 30), shift)
    assert window.selection is None


def test_the_middle_button_fits_the_values_of_an_old_session_at_once(
    qtbot: QtBot, open_window: Opener, session: Path
) -> None:
    window = open_window(None, session)
    pane = window.parts.stack.trace
    fitted = pane.y_range
    wheel(window, on_trace(window, 0.5), 3, Qt.KeyboardModifier.ControlModifier)
    frames(window, 2)
    assert pane.y_range != fitted
    viewport = window.parts.stack.viewport()
    qtbot.mouseClick(viewport, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier, on_trace(window, 0.5))
    assert pane.y_range == fitted
    assert pane.box.y_range == pytest.approx(fitted)


def test_the_value_under_the_cursor_is_shown(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.parts.stack._move_cursor(window.parts.stack.mapToScene(on_trace(window, 5.0 / 20)))
    cursor = window.parts.stack.cursor_values
    assert cursor is not None
    assert "10.00 W" in cursor.traces[0][1]
    assert cursor.latency == ("18.00 ms",)
    window.parts.stack._move_cursor(window.parts.stack.mapToScene(on_trace(window, 9.25 / 20)))
    assert len(window.parts.stack.cursor_values.traces[0]) == 1  # type: ignore[union-attr]


def test_zoomed_to_single_samples_it_says_so(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.show_between(5.0, 5.02)
    frames(window, 3)
    assert window.parts.panel(StatusBar).resolution.whole == "every sample"


def test_keys_change_the_view(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    qtbot.keyClick(window, Qt.Key.Key_Up)
    assert window.view.width_s < LENGTH_S
    start = window.view.start_s
    qtbot.keyClick(window, Qt.Key.Key_Right)
    assert window.view.start_s > start
    qtbot.keyClick(window, Qt.Key.Key_End)
    assert window.view.end_s == pytest.approx(LENGTH_S)
    qtbot.keyClick(window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert window.view.width_s == pytest.approx(LENGTH_S)


def test_current_and_voltage_can_be_shown(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    qtbot.keyClick(window, Qt.Key.Key_C)
    frames(window, 2)
    assert window.parts.stack.trace.y_range[1] < 3.0
    assert window.parts.stack.annotations.levels == ()
    qtbot.keyClick(window, Qt.Key.Key_P)
    frames(window, 2)
    assert window.parts.stack.trace.y_range[1] >= 10.0
    assert len(window.parts.stack.annotations.levels) == 2


def test_a_double_click_on_a_run_shows_it(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    view = window.parts.panel(RunTable).view
    at_px = view.visualRect(view.model().index(1, 1)).center()
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at_px)
    assert 9.0 < window.view.start_s < 10.0
    assert 18.0 < window.view.end_s < 19.0


def test_the_overview_moves_the_view(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.navigation.show_between(2.0, 4.0)
    frames(window, 1)
    overview = window.parts.overview
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, pos=QPoint(round(overview._x(15.0)), 20))
    assert window.view.start_s == pytest.approx(14.0, abs=0.1)
    assert window.view.width_s == pytest.approx(2.0)


def test_panels_leave_the_traces_alone_when_asked(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    before = window.parts.stack.width() * window.parts.stack.height()
    qtbot.keyClick(window, Qt.Key.Key_F10)
    for part in (window.parts.side, window.parts.panel(Readouts), window.parts.overview, window.parts.panel(RunTable)):
        assert not part.isVisible()
    qtbot.waitUntil(lambda: window.parts.stack.width() * window.parts.stack.height() > 1.5 * before)


def test_a_file_that_is_no_session_leaves_the_present_one(open_window: Opener, session: Path, tmp_path: Path) -> None:
    window = open_window(None, session)
    stranger = tmp_path / "stranger.plm"
    stranger.write_bytes(b"not a session" * 100)
    window.document.show(stranger)
    assert "stranger.plm" in window.parts.message_bar.text
    assert window.recording is not None
    assert window.recording.reader.path == session


def test_a_recorded_session_without_a_bench_cannot_start(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert "recorded session" in window.parts.message_bar.text


def test_the_read_outs_follow_the_run_in_view(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.show_run(1)
    frames(window, 2)
    assert window.parts.panel(Readouts).caption.text().startswith("run 1: SqueezeNet 1.1")
    assert texts(window)["top-1"] == "25/50"
    window.show_run(2)
    frames(window, 2)
    assert window.parts.panel(Readouts).caption.text().startswith("run 2: ResNet-18")
    assert texts(window)["top-1"] == NOTHING
    window.navigation.show_between(3.0, 7.0)
    frames(window, 2)
    assert texts(window)["top-1"] == "25/50"
    assert window.parts.stack.annotations.accuracy_note == ""


def test_a_meter_that_stops_shows_nothing_as_live(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    window, _, tape = live
    assert texts(window)["power"] == "10.00"
    assert "live" in window.parts.panel(Readouts).caption.text()
    monkeypatch.setattr(recording, "SILENT_S", 0.0)
    monkeypatch.setattr(recording, "SILENT_SAMPLES", 0)
    frames(window, 2)
    assert [texts(window)[name] for name in ("power", "net power", "current", "voltage")] == [NOTHING] * 4
    caption = window.parts.panel(Readouts).caption
    assert "no samples for" in caption.text()
    assert caption.palette().color(caption.foregroundRole()) == QColor(DARK.alarm)
    assert "no samples for" in window.parts.panel(StatusBar).text
    assert "no samples since 0:15" in window.parts.panel(Toolbar).recording.text()
    monkeypatch.setattr(recording, "SILENT_S", 1e6)
    tape.write_until(15.5)
    frames(window, 2)
    assert texts(window)["power"] == "10.00"
    assert caption.palette().color(caption.foregroundRole()) == QColor(DARK.dim), "no alarm any more"
    assert "lost" in window.parts.panel(StatusBar).text


def test_a_disconnected_meter_is_named_in_the_status_bar(live: Live) -> None:
    window, bench, _ = live
    gone = replace(status().sources[0], state=SourceState.DISCONNECTED)
    bench.say(Status(replace(status(), sources=(gone,))))
    frames(window, 2)
    assert "no samples from shunt" in window.parts.panel(StatusBar).text


def test_a_new_window_fits_its_screen_and_shows_all_that_matters(open_window: Opener, session: Path) -> None:
    assert first_size(QSize(2560, 1440)) == QSize(1440, 900)
    small = first_size(QSize(1280, 800))
    assert small.width() <= 1280
    assert small.height() < 800
    asked: list[QSize] = []
    window = open_window(None, session, before_shown=lambda new: asked.append(new.size()))
    assert asked[0].boundedTo(window.screen().availableGeometry().size()) == asked[0]
    window.resize(small)
    frames(window, 2)
    kinds = (Toolbar, Readouts, RunTable, StatusBar)
    for part in (window.parts.panel(Toolbar).simulated, *(window.parts.panel(kind) for kind in kinds)):
        assert part.visibleRegion().boundingRect() == part.rect()
    assert window.parts.stack.trace.rect.height() > 150
    assert len(window.parts.stack.annotations.levels) == 2


# -- themes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_both_themes_colour_the_window(open_window: Opener, session: Path, theme: object) -> None:
    window = open_window(None, session, theme=theme)
    other = LIGHT if theme is DARK else DARK
    for expected in (theme, other):
        assert hasattr(expected, "name")
        window.appearance.use_theme(expected.name)
        frames(window, 2)
        image = window.grab().toImage()
        corner = window.parts.stack.mapTo(window, QPoint(3, 3))
        ratio = image.devicePixelRatio()
        assert image.pixelColor(round(corner.x() * ratio), round(corner.y() * ratio)) == QColor(expected.ground)


def test_another_theme_reaches_the_status_bar_at_once(open_window: Opener, session: Path) -> None:
    """The number of lost samples stayed in the colour of the dark theme, which is next to nothing on a light ground."""
    window = open_window(None, session, theme=DARK)
    lost = window.parts.panel(StatusBar).lost
    assert DARK.text in lost.styleSheet()
    window.appearance.use_theme(LIGHT.name)
    assert LIGHT.text in lost.styleSheet()


def test_the_list_of_keys_is_deleted_when_it_is_closed(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    for _ in range(3):
        window.show_shortcuts()
        [dialog] = window.findChildren(ShortcutsDialog)
        dialog.close()
        QApplication.sendPostedEvents(dialog, QEvent.Type.DeferredDelete)
    assert not window.findChildren(ShortcutsDialog)


def test_the_dialog_of_shortcuts_names_every_key_and_fits_the_screen(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.show_shortcuts()
    [dialog] = window.findChildren(ShortcutsDialog)
    texts = {label.text() for label in dialog.findChildren(QLabel)}
    keys = {" or ".join(each.keys) for each in window.commands if isinstance(each, Command) and each.keys}
    assert keys <= texts
    room = dialog.screen().availableGeometry()
    assert dialog.height() < room.height()
    assert dialog.width() < room.width()
    dialog.close()


def test_menus_are_short_and_keep_their_commands_above_what_is_chosen_now(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    menus = {menu.title().replace("&", ""): menu for menu in window.findChildren(QMenu)}
    assert max(len(menu.actions()) for menu in menus.values()) <= 20
    values = menus["Values"]
    for _ in range(2):
        values.aboutToShow.emit()
        texts = [action.text().replace("&", "") for action in values.actions()]
        assert texts[:4] == ["Linear or logarithmic values", "Range of values…", "", "Power: logarithmic"]
        assert len(texts) == len({*texts})


# -- a bench -------------------------------------------------------------------------------------


def test_a_live_session_is_followed_as_it_grows(live: Live) -> None:
    window, _bench, tape = live
    assert window.view.following
    tape.write_until(LENGTH_S)
    window.navigation.view = window.view.between(6.0, 15.0, 15.0, live=True)
    frames(window, 2)
    assert window.view.end_s == pytest.approx(LENGTH_S, abs=0.05)
    assert list(window.parts.panel(SourcePanel).cards) == ["shunt"]
    assert window.parts.panel(RunPanel).foot.text().endswith("cycle 1 of 2")


def test_the_check_of_the_power_and_its_refusal_are_shown(live: Live) -> None:
    window, bench, _tape = live
    panel = window.parts.panel(RunPanel)
    assert not panel.check.isVisible()
    for state, text in (
        (CheckState.PLAYING, "Playing load steps."),
        (CheckState.REFUSED, "The power does not follow."),
    ):
        bench.say(Status(replace(status(), check=CheckStatus(state, text))))
        frames(window, 1)
        assert panel.check.isVisible()
        assert panel.check.text() == text
        assert panel.check.height() >= panel.check.heightForWidth(panel.check.width())


def test_panning_back_pauses_and_end_follows_again(qtbot: QtBot, live: Live) -> None:
    window, _bench, tape = live
    window.navigation.view = window.view.between(10.0, 15.0, 15.0, live=True)
    frames(window, 1)
    drag(qtbot, window, on_trace(window, 0.3), on_trace(window, 0.6))
    paused = window.view
    tape.write_until(18.0)
    frames(window, 2)
    assert window.view == paused
    assert window.parts.pill.isVisible()
    assert "End" in window.parts.pill.text()
    qtbot.keyClick(window, Qt.Key.Key_End)
    frames(window, 1)
    assert window.view.end_s == pytest.approx(18.0, abs=0.05)
    assert not window.parts.pill.isVisible()


def test_a_loss_is_an_alarm_only_while_it_is_new(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    window, _bench, _tape = live
    lost = window.parts.panel(StatusBar).lost
    assert lost.whole == "5,000 lost"
    assert window.theme.alarm in lost.styleSheet()
    monkeypatch.setattr(status_bar, "LATELY_NS", 1_000_000_000)
    frames(window)
    assert lost.whole == "5,000 lost"
    assert window.theme.alarm not in lost.styleSheet()


def test_space_starts_and_stops(qtbot: QtBot, live: Live) -> None:
    window, bench, _tape = live
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert bench.commands == [StartRuns()]
    bench.say(Status(replace(status(BenchPhase.RUNNING), cycles=1)))
    frames(window, 1)
    assert window.parts.panel(Toolbar).start.text().replace("&", "") == "Stop plan"
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert bench.commands == [StartRuns(), StopRuns()], "the last run, so that nothing is asked"


@pytest.mark.parametrize("running", [True, False])
def test_the_recording_is_stopped_from_the_window(
    running: bool, qtbot: QtBot, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, _tape = live
    asked: list[str] = []
    monkeypatch.setattr(
        "monitor_app.gui.session.document.confirmed", lambda _, question, *words: asked.append(question)
    )
    bench.say(Status(status(BenchPhase.RUNNING if running else BenchPhase.MONITORING)))
    frames(window, 1)
    toolbar = window.parts.panel(Toolbar)
    assert toolbar.record.text().replace("&", "") == "Stop recording"
    assert toolbar.start.text().replace("&", "") == ("Stop plan" if running else "Run plan")
    qtbot.mouseClick(toolbar.record, Qt.MouseButton.LeftButton)
    if running:
        assert (len(asked), bench.commands) == (1, []), "a plan keeps running until the user says otherwise"
        return
    assert (asked, bench.commands) == ([], [Quit()])
    bench.say(Closed(str(bench.session)))
    frames(window, 1)
    assert not window.bench.live
    assert window.recording is not None
    assert toolbar.record.text().replace("&", "") == "Record"
    assert not toolbar.start.isEnabled()
    button = window.parts.panel(RunPanel).start_stop
    assert button.text().replace("&", "") == "Record", "without a bench, a plan needs a new recording"


def test_what_is_no_longer_measured_is_not_shown_as_live(live: Live) -> None:
    window, bench, _tape = live
    running = status(BenchPhase.RUNNING)
    panel, caption = window.parts.panel(RunPanel), window.parts.panel(Readouts).caption
    bench.say(Status(running))
    frames(window, 1)
    assert not panel.warning.isVisible()
    assert "no samples" not in caption.text()
    gone = replace(running.sources[0], state=SourceState.DISCONNECTED)
    bench.say(Status(replace(running, sources=(gone,))))
    frames(window, 1)
    assert panel.warning.isVisible()
    assert panel.warning.text() == "no power is measured"
    assert "no samples from shunt" in caption.text()
    assert window.theme.alarm in caption.styleSheet()


def test_at_a_small_size_a_unit_is_whole_or_left_out(open_window: Opener, session: Path) -> None:
    window = open_window(None, session)
    window.resize(910, 541)
    window.show_run(1)
    frames(window)
    QApplication.processEvents()
    for number in window.parts.panel(Readouts).numbers:
        picture = number.grab().toImage()
        edge = {picture.pixel(picture.width() - 1 - k, y) for k in range(2) for y in range(picture.height())}
        assert len(edge) == 1, f"{number.dial.caption} is cut off"


CAMPAIGN = replace(
    status(BenchPhase.RUNNING),
    runs=tuple(RunStatus(k or None, "Net", 1, "waiting" if k != 1 else "running") for k in (1, 0, 0)),
    cycles=1,
)


@pytest.mark.parametrize("go_on", [True, False])
def test_what_would_end_a_campaign_is_asked_once(
    go_on: bool, qtbot: QtBot, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, _tape = live
    asked: list[str] = []

    def confirm(_: object, question: str, *words: str) -> bool:
        asked.append(question)
        return go_on

    monkeypatch.setattr("monitor_app.gui.main_window.confirmed", confirm)
    monkeypatch.setattr("monitor_app.gui.session.document.confirmed", confirm)
    bench.say(Status(CAMPAIGN))
    frames(window, 1)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.keyClick(window, Qt.Key.Key_N)
    window.parts.panel(SourcePanel).disconnect_asked.emit("shunt")
    assert bench.commands == [StopRuns(), SkipRun(), Disconnect("shunt")] * go_on
    qtbot.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert window.isVisible() is not go_on
    assert len(asked) == 4


def test_a_question_keeps_running_unless_the_user_says_otherwise(
    qtbot: QtBot, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, _tape = live
    bench.say(Status(CAMPAIGN))
    frames(window, 1)
    keys = [Qt.Key.Key_Return, Qt.Key.Key_Escape]

    def press() -> None:
        box = QApplication.activeModalWidget()
        if box is not None and box.isVisible():
            qtbot.keyClick(box, keys.pop())

    timer = QTimer(interval=5)
    timer.timeout.connect(press)
    timer.start()
    while keys:
        window.start_or_stop()
    timer.stop()
    assert bench.commands == []


def test_a_plan_that_is_started_again_is_in_no_cycle_beyond_the_last(live: Live) -> None:
    window, bench, _tape = live
    bench.say(Status(replace(CAMPAIGN, cycle=2)))
    frames(window, 1)
    assert window.parts.panel(RunPanel).foot.text().endswith("cycle 2")


def test_buttons_reach_the_bench(qtbot: QtBot, live: Live) -> None:
    window, bench, _tape = live
    qtbot.mouseClick(window.parts.panel(Toolbar).mark, Qt.MouseButton.LeftButton)
    window.parts.panel(SourcePanel).disconnect_asked.emit("shunt")
    mark, disconnect = bench.commands
    assert isinstance(mark, AddMark)
    assert mark.text == "mark 1"
    assert disconnect == Disconnect("shunt")


def test_a_mark_is_shown(live: Live) -> None:
    window, _bench, tape = live
    tape.mark(3.0, "fan on")
    frames(window, 1)
    assert window.parts.stack.annotations.marks == ((pytest.approx(3.0), "fan on"),)


def test_what_the_bench_reports_is_shown(live: Live) -> None:
    window, bench, _tape = live
    bench.say(Status(status(message="The meter was unplugged; trying again.")))
    frames(window, 1)
    assert window.parts.message_bar.text == "The meter was unplugged; trying again."


def test_no_label_shows_its_markup(live: Live) -> None:
    window, _bench, _tape = live
    frames(window, 2)
    labels = window.findChildren(QLabel)
    assert any("</" in label.text() for label in labels)
    for label in labels:
        assert label.textFormat() is not Qt.TextFormat.PlainText or "</" not in label.text(), label.text()


def test_a_bench_that_died_says_so_and_start_begins_a_new_session(
    qtbot: QtBot, open_window: Opener, tape: Tape, tmp_path: Path
) -> None:
    tape.write_until(5.0)
    first, second = StandIn(tape.path), StandIn(tmp_path / "next.plm")
    first.say(Opened(str(tape.path)))
    window = open_window(first, start_bench=lambda _: second)
    first.say(Failed("The bench was killed by SIGKILL; press Record to record into a new session."))
    frames(window, 2)
    assert "SIGKILL" in window.parts.message_bar.text
    assert not first.alive
    assert window.recording is not None
    assert window.recording.edge_s == pytest.approx(5.0)

    qtbot.keyClick(window, Qt.Key.Key_Space)
    following = Tape(second.session)
    following.write_until(1.0)
    second.say(Opened(str(second.session)), Status(status(BenchPhase.MONITORING)))
    frames(window, 2)
    assert window.parts.message_bar.text == ""
    assert second.commands == [StartRuns()]
    assert window.recording.reader.path == second.session
    assert window.view.following
    following.close()


def test_a_bench_that_cannot_start_says_why(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    def refuse(_: Path | None) -> StandIn:
        raise BenchError("The bench did not start: no memory is left.")

    window = open_window(None, session, start_bench=refuse)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert window.parts.message_bar.text == "The bench did not start: no memory is left."
    assert not window.bench.live


@pytest.mark.parametrize(("button", "answer"), [("Allow", Trust()), ("Do not run", Quit()), (None, Quit())])
def test_a_profile_that_runs_code_is_asked_about_in_a_dialog(
    qtbot: QtBot, open_window: Opener, tmp_path: Path, button: str | None, answer: Trust | Quit
) -> None:
    bench = StandIn(tmp_path / "next.plm")
    window = open_window(bench)
    bench.say(AskTrust("This profile runs code: <b>the program</b> x. Do you allow it?"))
    frames(window, 2)
    [dialog] = window.findChildren(QMessageBox)
    assert dialog.isVisible()
    assert dialog.text() == "This profile runs code: <b>the program</b> x. Do you allow it?"
    assert dialog.textFormat() is Qt.TextFormat.PlainText
    assert bench.commands == []
    if button is None:
        dialog.close()
    else:
        [pressed] = [each for each in dialog.buttons() if each.text().replace("&", "") == button]
        pressed.click()
    assert bench.commands == [answer]
    bench.say(Failed("sent.toml was not used, because it runs code."))
    frames(window, 2)
    assert window.parts.message_bar.text == "sent.toml was not used, because it runs code."


# -- document ------------------------------------------------------------------------------------


def test_save_moves_the_session_when_its_recording_ends(
    qtbot: QtBot, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, tape = live
    window.document.unsaved = True
    target = tmp_path / "kept.plm"
    monkeypatch.setattr(window.document, "ask_target", lambda: target)
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert str(tape.path) not in window.windowTitle()
    assert window.windowTitle().startswith("kept.plm")
    with SessionReader(target) as reader:
        extent = reader.extent()
    assert extent is not None
    assert extent.duration_s == pytest.approx(15.0), "what is only in the -wal yet is there too"
    assert target.is_symlink()
    assert promised(tape.path) == target
    tape.close()
    bench.say(Closed(str(tape.path)))
    frames(window, 1)
    assert [each.name for each in tmp_path.iterdir()] == ["kept.plm"]
    assert not target.is_symlink()
    assert window.recording is not None
    assert window.recording.reader.path == target
    assert window.edge_s == pytest.approx(15.0)


def test_a_name_in_a_folder_that_does_not_exist_is_refused_when_it_is_chosen(
    qtbot: QtBot, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not when the recording ends, hours later."""
    window, _bench, tape = live
    window.document.unsaved = True
    target = tmp_path / "no folder" / "kept.plm"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert window.parts.message_bar.text == f"There is no folder {target.parent}: create it or choose another name."
    assert window.document.undecided
    assert promised(tape.path) is None


def test_the_title_says_where_a_session_lies_whose_name_is_taken_until_its_recording_ends(
    qtbot: QtBot, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, _bench, tape = live
    window.document.unsaved = True
    target = tmp_path / "kept.plm"
    target.write_text("that the user has agreed to replace")
    monkeypatch.setattr(window.document, "ask_target", lambda: target)
    qtbot.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert window.windowTitle().startswith(f"kept.plm (still in {tape.path})")
    assert target.read_text().startswith("that the user")
    assert promised(tape.path) == target


def test_the_title_that_is_committed_after_the_session_is_opened_is_shown(open_window: Opener, tape: Tape) -> None:
    bench = StandIn(tape.path)
    bench.say(Opened(str(tape.path)))
    window = open_window(bench, unsaved=True)
    assert window.windowTitle().startswith("session (unsaved)")
    tape.write_until(1.0)
    tape.title("Bench 3")
    frames(window, 1)
    assert window.windowTitle().startswith("Bench 3 (unsaved)")


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_closing_asks_what_becomes_of_an_unsaved_session(
    answer: str, live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, bench, tape = live
    window.document.unsaved = True
    target = tmp_path / "kept.plm"
    monkeypatch.setattr(window.document, "ask_what_to_keep", lambda: QMessageBox.StandardButton[answer])
    monkeypatch.setattr(window.document, "ask_target", lambda: target)
    monkeypatch.setattr(bench, "close", tape.close)
    closed = window.close()
    assert closed == (answer != "Cancel")
    assert tape.path.exists() == (answer == "Cancel")
    assert target.exists() == (answer == "Save")
    assert promised(tape.path) is None
    if answer == "Save":
        with SessionReader(target) as reader:
            extent = reader.extent()
        assert extent is not None
        assert extent.duration_s == pytest.approx(15.0)


def test_a_logout_is_not_held_up_where_the_session_cannot_be_saved(
    live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    window, bench, tape = live
    window.document.unsaved = True
    window.document.target = tmp_path / "gone meanwhile" / "kept.plm"
    monkeypatch.setattr(bench, "close", tape.close)
    monkeypatch.setattr(QMessageBox, "exec", lambda *_: pytest.fail("nobody is there to answer"))
    window.close_at_once()
    assert tape.path.exists()
    assert f"it is still at {tape.path}" in caplog.text


def test_an_unsaved_session_stays_unsaved_where_another_cannot_be_opened(
    open_window: Opener, session: Path, tmp_path: Path
) -> None:
    window = open_window(None, session)
    window.document.unsaved = True
    stranger = tmp_path / "stranger.plm"
    stranger.write_bytes(b"not a session" * 100)
    window.document.open_saved(stranger)
    frames(window, 2)
    assert "stranger.plm" in window.parts.message_bar.text
    assert window.document.undecided
    assert window.parts.panel(Toolbar).save.isEnabled()


@pytest.mark.parametrize("answer", ["Save", "Discard", "Cancel"])
def test_opening_another_session_asks_what_becomes_of_an_unsaved_one(
    answer: str, open_window: Opener, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, target = tmp_path / "other.plm", tmp_path / "kept.plm"
    other.write_bytes(session.read_bytes())
    window = open_window(None, session)
    window.document.unsaved = True
    monkeypatch.setattr(window.document, "ask_what_to_keep", lambda: QMessageBox.StandardButton[answer])
    monkeypatch.setattr(window.document, "ask_target", lambda: target)
    window.document.open_saved(other)
    assert window.recording is not None
    assert window.recording.reader.path == (session if answer == "Cancel" else other)
    assert window.document.undecided == (answer == "Cancel")
    assert session.exists() == (answer == "Cancel")
    assert target.exists() == (answer == "Save")


# -- Start in an old session ---------------------------------------------------------------------


class Starts:
    """Starts benches that the test speaks for, and keeps whose profile each was given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.stored_in: list[Path | None] = []
        self.benches: list[StandIn] = []

    def __call__(self, stored_in: Path | None) -> StandIn:
        self.stored_in.append(stored_in)
        self.benches.append(StandIn(self._folder / f"new-{len(self.benches)}.plm"))
        return self.benches[-1]


def test_start_in_an_old_session_takes_the_profile_of_that_session(
    qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path
) -> None:
    starts = Starts(tmp_path)
    window = open_window(None, session, start_bench=starts)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert starts.stored_in == [session]
    [bench] = starts.benches
    new = Tape(bench.session)
    bench.say(Opened(str(bench.session)))
    frames(window, 1)
    assert f"the profile stored in {session}" in window.parts.message_bar.text
    assert window.document.undecided
    bench.say(Failed("The bench was killed."))
    frames(window, 1)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert starts.stored_in == [session, session], "it is recorded again as before"
    new.close()


def test_what_this_window_has_recorded_is_recorded_again_with_its_profile(
    qtbot: QtBot, open_window: Opener, tape: Tape, session: Path, tmp_path: Path
) -> None:
    tape.write_until(1.0)
    bench, starts = StandIn(tape.path), Starts(tmp_path)
    bench.say(Opened(str(tape.path)))
    window = open_window(bench, start_bench=starts)
    bench.say(Failed("The bench was killed."))
    frames(window, 1)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert starts.stored_in == [None]
    starts.benches[0].say(Failed("That profile is not valid TOML."))
    frames(window, 1)
    window.document.open_saved(session)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert starts.stored_in == [None, session]


def test_an_old_session_stays_as_it_is_where_start_leads_to_nothing(
    qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path
) -> None:
    starts = Starts(tmp_path)
    window = open_window(None, session, start_bench=starts)
    qtbot.keyClick(window, Qt.Key.Key_Space)
    starts.benches[0].say(Failed("the profile in old.plm was not used, because it runs code."))
    frames(window, 2)
    assert "was not used" in window.parts.message_bar.text
    assert window.windowTitle().startswith("old.plm")
    assert not window.document.undecided, "it would be deleted where the user discards it"


@pytest.mark.parametrize("answer", ["Discard", "Cancel"])
def test_start_asks_before_an_unsaved_session_is_left(
    answer: str, qtbot: QtBot, open_window: Opener, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = Starts(tmp_path)
    window = open_window(None, session, start_bench=starts)
    window.document.unsaved = True
    monkeypatch.setattr(window.document, "ask_what_to_keep", lambda: QMessageBox.StandardButton[answer])
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert len(starts.benches) == (answer == "Discard")
    assert session.exists() == (answer == "Cancel")


def test_the_overview_of_the_session_before_is_painted_over(qtbot: QtBot, open_window: Opener, session: Path) -> None:
    overview = open_window(None, session).parts.overview
    painted: list[bool] = []

    class Painted(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            painted.extend([True] * (event.type() == QEvent.Type.Paint))
            return False

    QApplication.processEvents()
    seen = Painted(overview)
    overview.installEventFilter(seen)
    overview.clear()
    qtbot.waitUntil(lambda: bool(painted), timeout=60_000)
