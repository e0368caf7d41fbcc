# SPDX-License-Identifier: Apache-2.0
"""The board in the sheet New: what is typed is in the profile, and the test of the connection says what it finds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget

from monitor_app.bench.board.doctor import Check, Verdict
from monitor_app.core.errors import BoardLostError, BoardUnreachableError
from monitor_app.core.files.own_profiles import own_profiles_folder
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.profile import Board
from monitor_app.gui.new.board_hosts import known_hosts
from monitor_app.gui.new.board_part import MISTAKE, STOP, STOPPED, TEST, THIS, BoardPart
from monitor_app.gui.new.images_part import ImagesPart
from monitor_app.gui.new.networks_part import NetworksPart
from monitor_app.gui.new.sheet import NewSheet
from monitor_app.gui.new.source_part import SourcePart
from monitor_app.gui.tasks import Tasks
from monitor_app.gui.theme import DARK, application
from monitor_app.sources.profile_reader import parse_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot

CLICK = Qt.MouseButton.LeftButton
FOUND = [
    Check("board", Verdict.READY, "Jetson TX2, L4T 32.7.1 (JetPack 4)."),
    Check("sudo rule", Verdict.CAUTION, "The clocks cannot be set.", "sudo visudo"),
    Check("inference", Verdict.READY, "Python 3.6.9, torch 1.10.0, on cpu, cuda:0 (NVIDIA Tegra X2)."),
]


class Stub:
    """A board that answers when the test lets it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Board, str]] = []
        self.go_on = threading.Event()
        self.error: BoardUnreachableError | None = None
        self.cancelled = threading.Event()

    def __call__(
        self, board: Board, device: str, tell: Callable[[str], None], cancelled: Callable[[], bool]
    ) -> Iterator[Check]:
        self.asked.append((board, device))
        tell(f"Connecting to {board.host} …")
        while not self.go_on.wait(0.01):
            if cancelled():
                self.cancelled.set()
                raise BoardLostError("stopped")
        if self.error is not None:
            raise self.error
        yield from FOUND


@pytest.fixture
def sheet(qtbot: QtBot) -> Iterator[NewSheet]:
    application()
    window = QWidget()
    window.resize(1280, 800)
    tasks = Tasks(window)
    made = NewSheet(window, DARK, tasks)
    made.open_path(profile_path("simulated-tx1"), own=True)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    made.close()
    tasks.wait()
    window.deleteLater()


@pytest.fixture
def part(sheet: NewSheet) -> BoardPart:
    return sheet.part(BoardPart)


@pytest.fixture
def stub(part: BoardPart) -> Iterator[Stub]:
    made = Stub()
    part.look = made
    yield made
    made.go_on.set()


def board_of(sheet: NewSheet) -> Board | None:
    return parse_profile(sheet.toml.editor.toPlainText(), "the text").board


def type_host(qtbot: QtBot, part: BoardPart, host: str) -> None:
    line = part.host.lineEdit()
    assert line is not None
    qtbot.mouseClick(line, CLICK)
    line.selectAll()
    qtbot.keyClicks(line, host)


def texts(part: BoardPart) -> list[str]:
    return [label.text() for label in part.lines.findChildren(QLabel) if label.text() and not label.isHidden()]


def test_a_host_that_is_typed_stands_in_the_profile_and_goes_again(
    qtbot: QtBot, sheet: NewSheet, part: BoardPart
) -> None:
    before = sheet.draft.profile
    assert part.host.currentText() == THIS
    assert not part.test.isVisible()
    type_host(qtbot, part, "lab@tx1")
    assert board_of(sheet) == Board(host="lab@tx1")
    assert '[board]\nhost = "lab@tx1"\n' in sheet.draft.text, "and nothing that is as usual"
    assert part.test.isVisible()
    assert not part.folded.isVisible()
    type_host(qtbot, part, THIS)
    assert board_of(sheet) is None
    assert sheet.draft.profile == before


def test_what_few_need_is_folded_away_and_written(qtbot: QtBot, sheet: NewSheet, part: BoardPart, stub: Stub) -> None:
    type_host(qtbot, part, "tx1")
    qtbot.mouseClick(part.advanced, CLICK)
    assert part.folded.isVisible()
    qtbot.keyClicks(part.fields["inference_python"], "/home/lab/torch/bin/python")
    qtbot.keyClicks(part.fields["env"], "CUDA_VISIBLE_DEVICES=0 OMP_NUM_THREADS=3")
    qtbot.keyClicks(part.fields["ssh"], " -J gateway")
    part.lease.selectAll()
    qtbot.keyClicks(part.lease, "10")
    assert board_of(sheet) == Board(
        host="tx1", ssh=("ssh", "-J", "gateway"), inference_python="/home/lab/torch/bin/python",
        env={"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "3"}, lease_s=10.0,
    )  # fmt: skip
    text = sheet.draft.text
    type_host(qtbot, part, "-oProxyCommand=x")
    assert sheet.draft.profile is None
    qtbot.mouseClick(part.test, CLICK)
    assert stub.asked == []
    assert texts(part) == [MISTAKE]
    assert not sheet.start.isEnabled(), "the profile says why"
    assert "host" in sheet.draft.problem
    type_host(qtbot, part, "tx1")
    assert sheet.draft.text == text


def test_what_is_typed_in_the_text_reaches_the_part(qtbot: QtBot, sheet: NewSheet, part: BoardPart) -> None:
    editor = sheet.toml.editor
    editor.moveCursor(QTextCursor.MoveOperation.End)
    editor.insertPlainText('\n[board]\nhost = "nano"\npython = "python3.8"\nlease_s = 2.5\n')
    qtbot.waitUntil(lambda: part.host.currentText() == "nano")
    assert part.fields["python"].text() == "python3.8"
    assert part.folded.isVisible(), "what is not as usual is seen"
    type_host(qtbot, part, "nano2")
    assert board_of(sheet) == Board(host="nano2", python="python3.8", lease_s=2.5)


def test_the_test_says_line_by_line_what_it_found(qtbot: QtBot, sheet: NewSheet, part: BoardPart, stub: Stub) -> None:
    type_host(qtbot, part, "tx2")
    qtbot.mouseClick(part.test, CLICK)
    qtbot.waitUntil(lambda: texts(part) == ["Connecting to tx2 …"])
    assert part.test.text() == STOP
    assert sheet.start.isEnabled(), "nobody has to wait for it"
    stub.go_on.set()
    qtbot.waitUntil(lambda: part.test.text() == TEST)
    assert part.lines.checks == FOUND
    assert stub.asked == [(Board(host="tx2"), "cpu")]
    qtbot.waitUntil(lambda: "Jetson TX2, L4T 32.7.1 (JetPack 4)." in texts(part))
    assert "mend it: sudo visudo" in texts(part)
    assert not part.lines.step.isVisible()
    type_host(qtbot, part, "tx1")
    assert texts(part) == [], "it was of another board"


def test_the_test_says_the_one_sentence_of_what_is_wrong(qtbot: QtBot, part: BoardPart, stub: Stub) -> None:
    stub.error = BoardUnreachableError("There is no host named tx3: check it.")
    stub.go_on.set()
    type_host(qtbot, part, "tx3")
    line = part.host.lineEdit()
    assert line is not None
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: texts(part) == ["There is no host named tx3: check it."])
    assert part.lines.step.objectName() == "wrong"
    assert part.test.text() == TEST


def test_the_test_is_stopped_and_begun_again(qtbot: QtBot, part: BoardPart, stub: Stub) -> None:
    type_host(qtbot, part, "tx2")
    qtbot.mouseClick(part.test, CLICK)
    qtbot.waitUntil(lambda: bool(stub.asked))
    qtbot.mouseClick(part.test, CLICK)
    assert texts(part) == [STOPPED]
    assert stub.cancelled.wait(60), "the link is closed"
    stub.go_on.set()
    qtbot.mouseClick(part.test, CLICK)
    qtbot.waitUntil(lambda: part.lines.checks == FOUND)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_command_of_somebody_else_is_asked_about_before_it_is_run(
    allowed: bool, qtbot: QtBot, sheet: NewSheet, part: BoardPart, stub: Stub
) -> None:
    stub.go_on.set()
    sheet.begin('title = "sent"\n[board]\nhost = "tx1"\nssh = ["/tmp/x/ssh"]\n', own=False)
    qtbot.mouseClick(part.test, CLICK)
    [box] = sheet.findChildren(QMessageBox)
    assert "/tmp/x/ssh" in box.text()
    assert stub.asked == []
    button = next(
        each for each in box.buttons() if each.text().replace("&", "") == ("Allow" if allowed else "Do not run")
    )
    qtbot.mouseClick(button, CLICK)
    if allowed:
        qtbot.waitUntil(lambda: part.lines.checks == FOUND)
    else:
        qtbot.waitUntil(lambda: not box.isVisible())
        assert stub.asked == []


def test_hosts_of_own_profiles_are_suggested_and_nothing_is_typed_for_the_user(qtbot: QtBot) -> None:
    folder = own_profiles_folder()
    folder.mkdir(parents=True, mode=0o700)
    (folder / "bench.toml").write_text('title = "b"\n[board]\nhost = "lab@bench-tx1"\n')
    (folder / "broken.toml").write_text("title =")
    assert known_hosts()[0] == "lab@bench-tx1"
    tasks = Tasks(QWidget())
    part = BoardPart(tasks)
    qtbot.addWidget(part)
    part.show_profile(parse_profile('title = "t"', "t"))
    part.show()
    assert part.host.itemText(1) == "lab@bench-tx1"
    type_host(qtbot, part, "t")
    assert part.host.currentText() == "t"
    board = part.apply(parse_profile('title = "t"', "t")).board
    assert board is not None
    assert board.host == "t"


def test_the_other_parts_do_not_speak_of_this_machine(qtbot: QtBot, sheet: NewSheet, part: BoardPart) -> None:
    sheet.begin(f'{sheet.draft.text}\n[[source]]\nkind = "jetson-rails"\n', own=True)
    networks, images, sources = sheet.part(NetworksPart), sheet.part(ImagesPart), sheet.part(SourcePart)
    column = [networks.shown.index(row, 3).data() for row in range(networks.shown.rowCount())]
    assert any(text == "here" or text.startswith("to download") for text in column)
    type_host(qtbot, part, "tx1")
    column = [networks.shown.index(row, 3).data() for row in range(networks.shown.rowCount())]
    assert set(column) <= {"not known", "none", "your own"}
    assert images.found.text() == "Looked for on tx1 when the plan begins."
    qtbot.waitUntil(lambda: "tx1 is taken to have as many cores" in sheet.estimate.remarks.text())
    qtbot.mouseClick(sources.rows[1].test, CLICK)
    assert "tx1 measures it of itself" in sources.rows[1].answer.text()
    type_host(qtbot, part, THIS)
    qtbot.waitUntil(lambda: "tx1" not in sheet.estimate.remarks.text())
