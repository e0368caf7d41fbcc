# SPDX-License-Identifier: Apache-2.0
"""Six jobs from end to end: the window with a real bench, driven by mouse and keys, and what it writes read back."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMenu, QMessageBox

from monitor_app.cli.window import _starter
from monitor_app.core.runs import Phase
from monitor_app.gui.main_window import MainWindow
from monitor_app.gui.new.networks_part import NetworksPart
from monitor_app.gui.new.title_part import TitlePart
from monitor_app.gui.panels.readouts import Readouts
from monitor_app.gui.panels.run_panel import RunPanel
from monitor_app.gui.panels.run_table import RunTable
from monitor_app.gui.panels.selection_panel import SelectionPanel
from monitor_app.gui.panels.toolbar import Toolbar
from monitor_app.gui.theme import application
from monitor_app.session.reader import SessionReader
from tests.bench.conftest import EMULATED_RUNS_PROFILE
from tests.gui.test_window import drag, on_trace, texts, wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from PySide6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot

    from monitor_app.gui.new.sheet import NewSheet

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PROFILE = EMULATED_RUNS_PROFILE.replace(', "bn_nin"', "").replace("timed_s = 1.0", "timed_s = 2.0")
"""One run, of which there is time to stop a few: the tests may wait for a processor."""
LOOK_MS = 20
EDGE_S = 0.3
"""Left out where a phase begins: full power is reached a moment later."""
W = TypeVar("W", bound="QWidget")


@pytest.fixture
def window(tmp_path: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """On a board that begins its plan of one run at once."""
    application()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)  # a test cannot type into the system's
    profile = tmp_path / "bench.toml"
    profile.write_text(PROFILE)
    start = _starter(str(profile))
    window = MainWindow(start(None), start_bench=start, unsaved=True)
    qtbot.addWidget(window, before_close_func=lambda each: each.close_at_once())
    window.resize(1280, 800)
    window.show()
    come_forward(qtbot, window)
    yield window
    window.close_at_once()
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs, on=False)


def test_six_jobs(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    watch_live(qtbot, window)
    measure_a_swing(qtbot, window)
    run_three_networks(qtbot, window)
    stop_and_resume(qtbot, window)
    saved = tmp_path / "three networks.plm"
    save_and_reopen(qtbot, window, saved)
    overlay_two_runs(qtbot, window)
    export_the_view(qtbot, window, tmp_path)


def watch_live(qtbot: QtBot, window: MainWindow) -> None:
    """Numbers come, a drag back stops following, and the button above the trace resumes it."""
    qtbot.waitUntil(lambda: is_number(texts(window)["power"]))
    toolbar, pill = window.parts.panel(Toolbar), window.parts.pill
    assert toolbar.simulated.isVisible()
    assert toolbar.record.text().replace("&", "") == "Stop recording"
    qtbot.waitUntil(lambda: window.edge_s > 1.0)
    wheel(window, on_trace(window, 0.9), 3)
    drag(qtbot, window, on_trace(window, 0.6), on_trace(window, 0.8))
    qtbot.waitUntil(pill.isVisible)
    assert not window.view.following
    qtbot.mouseClick(pill, LEFT)
    edge_s = window.edge_s
    qtbot.waitUntil(lambda: not pill.isVisible() and window.edge_s > edge_s and window.view.end_s > edge_s)
    assert window.view.following


def measure_a_swing(qtbot: QtBot, window: MainWindow) -> None:
    """A pair over the idle phase and one over the timed phase differ by the net power that the head line states."""
    qtbot.waitUntil(lambda: column(window, "state") == ["done"] and is_number(column(window, "net W")[0]))
    show_run_of_row(qtbot, window, 0, "AlexNet")
    qtbot.waitUntil(lambda: is_number(texts(window)["net power"]))
    means_w = []
    for count, phase in enumerate((Phase.IDLE_BEFORE, Phase.TIMED), start=1):
        start_s, end_s = span_of(window, phase)
        drag(qtbot, window, at_second(window, start_s + EDGE_S), at_second(window, end_s - 0.05), SHIFT)
        qtbot.waitUntil(lambda n=count: len(window.markers.markers.markers) == n)
        selection = window.parts.panel(SelectionPanel)
        qtbot.waitUntil(selection.isVisible)
        means_w.append(in_units(selection.shown.rows["mean"]))
        assert selection.shown.rows["coverage"] == "100.00 %"
    idle_w, full_w = means_w
    assert idle_w == pytest.approx(1.3, rel=0.1), "of the simulated board"
    assert full_w - idle_w == pytest.approx(float(texts(window)["net power"]), rel=0.05)
    assert full_w == pytest.approx(float(texts(window)["power"]), rel=0.03)
    assert float(column(window, "full W")[0]) == pytest.approx(full_w, rel=0.03)


def run_three_networks(qtbot: QtBot, window: MainWindow) -> None:
    """Two more are looked for and ticked in the sheet; Start asks about the recording that it ends."""
    qtbot.keyClick(window, Qt.Key.Key_N, CONTROL)
    sheet = window.new_bench.sheet
    assert sheet is not None
    come_forward(qtbot, sheet)
    title = sheet.part(TitlePart).findChild(QLineEdit)
    type_over(qtbot, title, "Three networks")
    networks = sheet.part(NetworksPart)
    for name in ("bn_nin", "resnet18"):
        tick(qtbot, sheet, name)
    assert networks.only_chosen.text() == "3 chosen"
    qtbot.waitUntil(lambda: sheet.estimate.values["runs"].text() == "3")
    assert 'title = "Three networks"' in sheet.toml.editor.toPlainText()
    before = window.recording
    with asked(qtbot, window, QMessageBox, lambda box: press(qtbot, box, "Discard")):
        qtbot.keyClick(sheet, Qt.Key.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: window.recording is not None and window.recording is not before)
    qtbot.waitUntil(lambda: "Three networks" in window.windowTitle())
    come_forward(qtbot, window)


def stop_and_resume(qtbot: QtBot, window: MainWindow) -> None:
    """Enter keeps the plan running; stopped in its second run, it goes on there, and all three networks are done."""
    qtbot.waitUntil(lambda: column(window, "state") == ["done", "running"])
    panel = window.parts.panel(RunPanel)
    with asked(qtbot, window, QMessageBox, lambda box: qtbot.keyClick(box, Qt.Key.Key_Return)):
        qtbot.keyClick(window, Qt.Key.Key_Space)
    assert panel.start_stop.text().replace("&", "") == "Stop plan"
    with asked(qtbot, window, QMessageBox, lambda box: press(qtbot, box, "Stop plan")):
        qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(panel.resume.isVisible)
    [at] = [int(word) for word in panel.resume.text().split() if word.isdigit()]
    qtbot.waitUntil(lambda: column(window, "state")[at - 1 :] == ["cancelled"])
    assert window.bench.live, "the recording continues"
    qtbot.mouseClick(panel.resume, LEFT)
    qtbot.waitUntil(lambda: done_networks(window) == {"AlexNet", "BN-NIN", "ResNet-18"})
    qtbot.waitUntil(lambda: not panel.resume.isVisible() and panel.start_stop.text().replace("&", "") == "Run plan")


def save_and_reopen(qtbot: QtBot, window: MainWindow, target: Path) -> None:
    """Saved under a name, closed, and opened again with the same table."""
    with named(qtbot, window, target):
        qtbot.keyClick(window, Qt.Key.Key_S, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_R, CONTROL)
    qtbot.waitUntil(lambda: not window.bench.live and window.windowTitle().startswith(target.name))
    qtbot.waitUntil(lambda: all(is_number(text) for text in energies(window)))
    table = rows(window)
    qtbot.keyClick(window, Qt.Key.Key_W, CONTROL)
    qtbot.waitUntil(window.parts.start_page.isVisible)
    with named(qtbot, window, target):
        qtbot.keyClick(window, Qt.Key.Key_O, CONTROL)
    qtbot.waitUntil(lambda: window.recording is not None and rows(window) == table)
    with SessionReader(target) as reader:
        assert reader.meta()["title"] == "Three networks"
        assert [run.state for run in reader.runs()].count("done") == 3


def overlay_two_runs(qtbot: QtBot, window: MainWindow) -> None:
    """Two rows are chosen, and the menu of the table lays them over each other."""
    done = [k for k, state in enumerate(column(window, "state")) if state == "done"]
    click_on_row(qtbot, window, done[0])
    click_on_row(qtbot, window, done[-1], CONTROL)
    qtbot.keyClick(window.parts.panel(RunTable).view, Qt.Key.Key_F10, SHIFT)
    menu = found(qtbot, QMenu)
    [action] = [each for each in menu.actions() if each.text().replace("&", "") == "Overlay the runs"]
    assert action.isEnabled()
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
    overlay = window.inferences.window
    assert overlay is not None
    qtbot.waitUntil(lambda: overlay.job is None and overlay.list.count() == 4)
    come_forward(qtbot, overlay)
    overlay.list.setFocus()
    for _ in range(3):
        qtbot.keyClick(overlay.list, Qt.Key.Key_Down)
    assert overlay.list.currentItem().text() == "What differs"
    qtbot.keyClick(overlay, Qt.Key.Key_C, CONTROL)
    copied = QGuiApplication.clipboard().text()
    assert "SIMULATED" in copied
    runs = [row["#"] for row in rows(window) if row["state"] == "done"]
    assert f"change_from_run_{runs[0]}_to_run_{runs[-1]}" in copied
    qtbot.keyClick(overlay, Qt.Key.Key_Escape)
    assert not overlay.isVisible()
    come_forward(qtbot, window)


def export_the_view(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    """The picture can be opened elsewhere, and the table has every sample of the view with the mean that is shown."""
    done = [k for k, state in enumerate(column(window, "state")) if state == "done"]
    show_run_of_row(qtbot, window, done[-1], "ResNet-18")
    picture, table = folder / "view.png", folder / "view.csv"
    with named(qtbot, window, picture):
        qtbot.keyClick(window, Qt.Key.Key_P, CONTROL)
    qtbot.waitUntil(lambda: picture.name in window.parts.message_bar.text)
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.width >= window.parts.stack.width()
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50, "traces, shades and words"
    qtbot.keyClick(window, Qt.Key.Key_C, CONTROL)
    [shown] = csv.DictReader(QGuiApplication.clipboard().text().splitlines(), delimiter="\t")
    with named(qtbot, window, table):
        qtbot.keyClick(window, Qt.Key.Key_E, CONTROL)
    qtbot.waitUntil(lambda: table.name in window.parts.message_bar.text)
    lines = table.read_text().splitlines()
    assert "# SIMULATED" in lines
    samples = list(csv.reader(line for line in lines if not line.startswith("#")))
    values = [float(row[-1]) for row in samples[1:]]
    assert len(values) > 1000
    assert sum(values) / len(values) == pytest.approx(float(shown["mean"]), rel=1e-3)


# -- what is on the screen ---------------------------------------------------------------------------


def is_number(text: str) -> bool:
    """Whether something was measured."""
    return text.replace(".", "", 1).replace(",", "").isdigit()


def in_units(text: str) -> float:
    """`1.2975 W` and `950.13 mW`, in watts."""
    value, unit = text.split()
    return float(value) * {"W": 1.0, "mW": 1e-3}[unit]


def rows(window: MainWindow, *only: str) -> list[dict[str, str]]:
    """The table of runs, as it is shown, or these columns of it."""
    model = window.parts.panel(RunTable).view.model()
    across = Qt.Orientation.Horizontal
    heads = {k: str(model.headerData(k, across)) for k in range(model.columnCount())}
    shown = {k: head for k, head in heads.items() if not only or head in only}
    return [
        {head: str(model.data(model.index(row, k))) for k, head in shown.items()} for row in range(model.rowCount())
    ]


def column(window: MainWindow, head: str) -> list[str]:
    return [row[head] for row in rows(window, head)]


def energies(window: MainWindow) -> list[str]:
    return [row["mJ/image"].split()[0] for row in rows(window, "mJ/image", "state") if row["state"] == "done"]


def done_networks(window: MainWindow) -> set[str]:
    return {row["run"] for row in rows(window, "run", "state") if row["state"] == "done"}


def span_of(window: MainWindow, phase: Phase) -> tuple[float, float]:
    """Of the last run, in s of the session."""
    recording = window.recording
    assert recording is not None
    span = next(span for span in reversed(recording.spans) if span.phase == phase and span.end_ns is not None)
    assert span.end_ns is not None
    return recording.seconds(span.start_ns), recording.seconds(span.end_ns)


def at_second(window: MainWindow, second: float) -> QPoint:
    return on_trace(window, (second - window.view.start_s) / window.view.width_s)


# -- the hand ------------------------------------------------------------------------------------------


def come_forward(qtbot: QtBot, window: QWidget) -> None:
    """Keys reach only the window that is active; without a window manager nobody else makes it so."""
    window.raise_()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def found(qtbot: QtBot, kind: type[W]) -> W:
    """The menu or dialog of this kind that is open."""

    def shown() -> list[W]:
        return [each for each in QApplication.topLevelWidgets() if isinstance(each, kind) and each.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1)
    return shown()[0]


@contextmanager
def named(qtbot: QtBot, window: MainWindow, path: Path) -> Iterator[None]:
    """What is done within asks for a file, whose name is typed into the dialog and confirmed with Enter."""

    def answer(dialog: QFileDialog) -> None:
        field = dialog.findChild(QLineEdit)
        assert field is not None
        come_forward(qtbot, dialog)
        type_over(qtbot, field, str(path))
        assert field.text() == str(path)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert not dialog.isVisible()

    with asked(qtbot, window, QFileDialog, answer):
        yield


@contextmanager
def asked(qtbot: QtBot, window: MainWindow, kind: type[W], answer: Callable[[W], object]) -> Iterator[None]:
    """What is done within leads to a dialog of this kind, which holds it up until it is answered."""
    answered = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, kind) and dialog.isVisible():
            timer.stop()
            answered.append(dialog)
            try:
                answer(dialog)
            except BaseException:
                dialog.close()  # else the test would wait for it for ever
                raise

    timer = QTimer(interval=LOOK_MS)
    timer.timeout.connect(look)
    timer.start()
    try:
        yield
        qtbot.waitUntil(lambda: bool(answered))
        come_forward(qtbot, window)
    finally:
        timer.stop()


def press(qtbot: QtBot, box: QMessageBox, words: str) -> None:
    [button] = [each for each in box.buttons() if each.text().replace("&", "") == words]
    qtbot.mouseClick(button, LEFT)


def type_over(qtbot: QtBot, field: QLineEdit, text: str) -> None:
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(field, text)


def tick(qtbot: QtBot, sheet: NewSheet, name: str) -> None:
    """Look for the network, and click on its box."""
    networks = sheet.part(NetworksPart)
    type_over(qtbot, networks.search, name)
    names = [networks.model.rows[networks.shown.mapToSource(networks.shown.index(k, 0)).row()].name
             for k in range(networks.shown.rowCount())]  # fmt: skip
    cell = networks.table.visualRect(networks.shown.index(names.index(name), 0))
    qtbot.mouseClick(networks.table.viewport(), LEFT, pos=QPoint(cell.left() + 12, cell.center().y()))


def row_centre(window: MainWindow, row: int) -> QPoint:
    view = window.parts.panel(RunTable).view
    view.scrollTo(view.model().index(row, 1))
    return view.visualRect(view.model().index(row, 1)).center()


def click_on_row(
    qtbot: QtBot, window: MainWindow, row: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    qtbot.mouseClick(window.parts.panel(RunTable).view.viewport(), LEFT, keys, row_centre(window, row))


def show_run_of_row(qtbot: QtBot, window: MainWindow, row: int, network: str) -> None:
    """By a double click, and another one where the table was filled anew between the two clicks."""
    before = window.view.start_s, window.view.following

    def shown() -> bool:
        if (window.view.start_s, window.view.following) == before or window.view.following:
            click_on_row(qtbot, window, row)
            qtbot.mouseDClick(window.parts.panel(RunTable).view.viewport(), LEFT, pos=row_centre(window, row))
        return not window.view.following and network in window.parts.panel(Readouts).caption.text()

    qtbot.waitUntil(shown)
