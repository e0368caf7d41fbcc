# SPDX-License-Identifier: Apache-2.0
"""A profile is put together in the sheet New: what is shown is what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetricsF, QTextCursor
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from monitor_app.core.files.own_profiles import own_profiles_folder
from monitor_app.core.files.package_data import profile_path
from monitor_app.core.profile import Protocol
from monitor_app.gui.new.batches_part import BatchesPart
from monitor_app.gui.new.device_part import DevicePart
from monitor_app.gui.new.draft import Draft, Origin
from monitor_app.gui.new.images_part import DEMO, FOLDER, NONE, REPLAY, REPLAYED, ImagesPart
from monitor_app.gui.new.network_table import network_rows
from monitor_app.gui.new.networks_part import NOTHING, NetworksPart
from monitor_app.gui.new.protocol_part import TYPED, ProtocolPart, in_words
from monitor_app.gui.new.require_part import RequirePart
from monitor_app.gui.new.sheet import NewSheet
from monitor_app.gui.new.source_part import SourcePart, typed_source
from monitor_app.gui.new.title_part import TitlePart
from monitor_app.gui.tasks import Tasks
from monitor_app.gui.theme import DARK, application, set_text_size
from monitor_app.sources.profile_reader import parse_profile, parse_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.core.profile import Plan, Profile

CLICK = Qt.MouseButton.LeftButton


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


def profile_of(sheet: NewSheet) -> Profile:
    """Of the text that is shown, which is what a bench would be given."""
    return parse_profile(sheet.toml.editor.toPlainText(), "the text")


def plan_of(sheet: NewSheet) -> Plan:
    plan = profile_of(sheet).plan
    assert plan is not None
    return plan


def type_text(sheet: NewSheet, before: str, after: str) -> None:
    """Replace some words of the text as a user does."""
    editor = sheet.toml.editor
    cursor = editor.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.Start)
    editor.setTextCursor(cursor)
    assert editor.find(before)
    editor.insertPlainText(after)


def test_a_profile_that_nothing_has_changed_stays_letter_for_letter(sheet: NewSheet) -> None:
    assert sheet.draft.text == profile_path("simulated-tx1").read_text()


def test_networks_are_searched_and_chosen_with_the_keys(qtbot: QtBot, sheet: NewSheet) -> None:
    networks = sheet.part(NetworksPart)
    qtbot.keyClicks(networks.search, "ResNet 50")
    titles = [networks.shown.index(row, 0).data() for row in range(networks.shown.rowCount())]
    assert "ResNet-50" in titles
    assert all("50" in title for title in titles)
    networks.table.setCurrentIndex(networks.shown.index(titles.index("ResNet-50"), 1))
    qtbot.keyClick(networks.table, Qt.Key.Key_Space)
    assert plan_of(sheet).networks[-1] == "resnet50"
    assert networks.shown.index(titles.index("ResNet-50"), 1).data() == "4,089 M"
    assert "5 in the plan" in networks.names.text()
    qtbot.keyClick(networks.table, Qt.Key.Key_Space)
    assert "resnet50" not in plan_of(sheet).networks


def test_without_a_network_there_is_no_plan_and_it_comes_back(qtbot: QtBot, sheet: NewSheet) -> None:
    networks, batches = sheet.part(NetworksPart), sheet.part(BatchesPart)
    qtbot.mouseClick(batches.buttons[8], CLICK)
    for row in range(4):
        networks.table.setCurrentIndex(networks.shown.index(row, 0))
        qtbot.keyClick(networks.table, Qt.Key.Key_Space)
    assert profile_of(sheet).plan is None
    assert networks.names.text() == NOTHING
    assert not batches.isEnabled()
    assert sheet.start.isEnabled(), "power can be recorded alone"
    qtbot.keyClick(networks.table, Qt.Key.Key_Space)
    assert (plan_of(sheet).networks, plan_of(sheet).batch_sizes) == (("mobilenet_v3_large",), (1, 8))


def test_batches_cycles_precision_and_protocol(qtbot: QtBot, sheet: NewSheet) -> None:
    batches, device, protocol = sheet.part(BatchesPart), sheet.part(DevicePart), sheet.part(ProtocolPart)
    qtbot.mouseClick(batches.buttons[4], CLICK)
    qtbot.keyClicks(batches.field, ", 3")
    batches.cycles.setFocus()
    batches.cycles.selectAll()
    qtbot.keyClicks(batches.cycles, "2")
    qtbot.mouseClick(device.precisions["fp16"], CLICK)
    assert protocol.preset.currentText() == "usual"
    protocol.preset.setFocus()
    qtbot.keyClick(protocol.preset, Qt.Key.Key_Down)
    assert protocol.preset.currentText() == "quick"
    profile, plan = profile_of(sheet), plan_of(sheet)
    assert (plan.batch_sizes, plan.cycles, plan.precisions) == ((1, 4, 3), 2, ("fp32", "fp16"))
    assert profile.protocol.timed_s == 2.0
    assert len(profile.run_specs(1)) == 24
    qtbot.waitUntil(lambda: sheet.estimate.values["runs"].text() == "48")
    assert "SIMULATED" in sheet.estimate.values["energy"].text()
    assert "free" in sheet.estimate.values["disk"].text()


def test_one_pass_of_the_warm_up_is_not_several() -> None:
    assert "warm-up 0.5 s and 1 pass, timed" in in_words(Protocol(warm_up_s=0.5, warm_up_batches=1, warm_up_max_s=0.0))
    assert "2 passes" in in_words(Protocol(warm_up_batches=2))


def test_what_is_typed_reaches_the_parts(qtbot: QtBot, sheet: NewSheet) -> None:
    batches, protocol, title = sheet.part(BatchesPart), sheet.part(ProtocolPart), sheet.part(TitlePart)
    type_text(sheet, "[1]", "[1, 16]")
    type_text(sheet, "timed_s = 5.0", "timed_s = 6.0")
    type_text(sheet, '"Simulated TX1"', '"Bench 3"')
    qtbot.waitUntil(lambda: batches.field.text() == "1, 16")
    assert batches.buttons[16].isChecked()
    assert protocol.preset.currentText() == TYPED
    assert title.field.text() == "Bench 3"
    qtbot.mouseClick(batches.buttons[2], CLICK)
    assert (plan_of(sheet).batch_sizes, profile_of(sheet).protocol.timed_s) == ((1, 2, 16), 6.0)


def test_a_mistake_is_the_sentence_of_the_profile_and_nothing_starts(qtbot: QtBot, sheet: NewSheet) -> None:
    batches = sheet.part(BatchesPart)
    asked: list[str] = []
    sheet.start_asked.connect(lambda text, _: asked.append(text))
    type_text(sheet, "timed_s", "timd_s")
    qtbot.waitUntil(lambda: "did you mean timed_s?" in sheet.toml.problem.text())
    assert "line 23" in sheet.toml.problem.text()
    assert len(sheet.toml.editor.extraSelections()) == 1, "the line is marked"
    assert not sheet.start.isEnabled()
    assert not batches.isEnabled()
    qtbot.keyClick(sheet, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert asked == []
    type_text(sheet, "timd_s", "timed_s")
    qtbot.keyClick(sheet, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert asked == [profile_path("simulated-tx1").read_text()]
    assert sheet.toml.problem.text() == ""


def test_a_part_says_what_is_wrong_and_can_be_put_right(qtbot: QtBot, sheet: NewSheet) -> None:
    batches = sheet.part(BatchesPart)
    qtbot.keyClicks(batches.field, ", x")
    assert "batch_sizes" in sheet.toml.problem.text()
    assert batches.isEnabled()
    for _ in range(3):
        qtbot.keyClick(batches.field, Qt.Key.Key_Backspace)
    assert sheet.toml.problem.text() == ""
    assert sheet.start.isEnabled()


def test_undo_takes_back_what_a_part_has_written(qtbot: QtBot, sheet: NewSheet) -> None:
    batches = sheet.part(BatchesPart)
    qtbot.mouseClick(batches.buttons[8], CLICK)
    sheet.toml.editor.setFocus()
    qtbot.keyClick(sheet.toml.editor, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: batches.field.text() == "1")
    assert sheet.draft.text == profile_path("simulated-tx1").read_text(), "with its comments"


def test_images_are_counted_or_what_is_wrong_is_said(qtbot: QtBot, sheet: NewSheet, tmp_path: Path) -> None:
    images = sheet.part(ImagesPart)
    type_text(sheet, '"demo"', f'"{tmp_path}"')
    qtbot.waitUntil(lambda: "has no labelled image" in images.found.text())
    (tmp_path / "photo_243.png").write_bytes(b"")
    images.kind.setFocus()
    qtbot.keyClick(images.kind, Qt.Key.Key_Home)
    assert plan_of(sheet).images is None
    images.ask_folder = lambda: str(tmp_path)  # type: ignore[method-assign]
    qtbot.keyClick(images.kind, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: images.found.text() == "1 labelled image")
    assert plan_of(sheet).images == str(tmp_path)


def test_the_published_accuracy_is_a_choice_of_an_emulated_board_alone(qtbot: QtBot, sheet: NewSheet) -> None:
    images = sheet.part(ImagesPart)

    def choices() -> list[str]:
        return [images.kind.itemText(k) for k in range(images.kind.count())]

    assert choices() == [NONE, DEMO, FOLDER]
    assert images.kind.currentText() == DEMO
    sheet.open_path(profile_path("simulated-tx1-canziani2016"), own=True)
    assert choices() == [NONE, REPLAY, DEMO, FOLDER]
    assert images.kind.currentText() == REPLAY
    assert not images.folder.isVisible(), "it is no folder"
    assert images.found.text() == REPLAYED
    images.kind.setFocus()
    qtbot.keyClick(images.kind, Qt.Key.Key_Home)
    assert plan_of(sheet).images is None
    qtbot.keyClick(images.kind, Qt.Key.Key_Down)
    assert plan_of(sheet).images == "published"
    assert images.found.text() == REPLAYED
    type_text(sheet, '"emulated:tx1"', '"cpu"')
    qtbot.waitUntil(lambda: choices() == [NONE, DEMO, FOLDER])
    assert (images.kind.currentText(), images.folder.text()) == (FOLDER, "published"), "elsewhere it is one"
    qtbot.waitUntil(lambda: "published" in images.found.text())


@pytest.mark.parametrize("percent", [100, 130])
def test_the_names_of_the_networks_are_read_as_a_whole(qtbot: QtBot, sheet: NewSheet, percent: int) -> None:
    table = sheet.part(NetworksPart).table
    sheet.resize(1280, 760)
    app = application()
    try:
        set_text_size(percent)
        qtbot.waitUntil(lambda: table.font().pixelSize() == app.font().pixelSize())
        rows = network_rows()
        longest = max(QFontMetricsF(table.font()).horizontalAdvance(row.title) for row in rows)
        option = QStyleOptionViewItem()
        table.initViewItemOption(option)
        option.rect = QRect(0, 0, table.columnWidth(0), 22)
        option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
        room = table.style().subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, table)
        assert longest <= room.width(), "as much as the style leaves beside the box"
        assert table.horizontalScrollBar().maximum() == 0
        tip = table.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
        assert tip.splitlines()[:2] == [table.model().index(0, k).data() for k in (0, 3)]
    finally:
        set_text_size(100)


# -- sources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "address", "key", "value"),
    [
        ("shunt", "/dev/pts/7 ", "port", "/dev/pts/7"),
        ("ppk2", "bench.lan:4000", "port", "socket://bench.lan:4000"),
        ("lines", "rfc2217://h:1", "port", "rfc2217://h:1"),
        ("scpi", "10.0.0.5:5025", "resource", "TCPIP::10.0.0.5::5025::SOCKET"),
        ("scpi", "/dev/ttyUSB0", "resource", "ASRL/dev/ttyUSB0::INSTR"),
        ("scpi", "USB0::1::2::INSTR", "resource", "USB0::1::2::INSTR"),
    ],
)
def test_an_address_is_taken_as_people_type_it(kind: str, address: str, key: str, value: str) -> None:
    table = typed_source(kind, address)
    assert table[key] == value
    assert parse_source(table).kind == kind


def test_a_typed_port_is_tested_used_and_added(qtbot: QtBot, sheet: NewSheet, tmp_path: Path) -> None:
    sources = sheet.part(SourcePart)
    port = tmp_path / "meter"
    assert not sources.test.isEnabled()
    qtbot.keyClicks(sources.address, str(port))
    qtbot.mouseClick(sources.test, CLICK)
    qtbot.waitUntil(lambda: str(port) in sources.answer.text())
    qtbot.mouseClick(sources.add, CLICK)
    assert [(each.name, each.port) for each in profile_of(sheet).source] == [  # type: ignore[attr-defined]
        ("shunt", None), ("shunt 2", str(port)),
    ]  # fmt: skip
    qtbot.mouseClick(sources.use, CLICK)
    assert [each.name for each in profile_of(sheet).source] == ["shunt"]
    qtbot.mouseClick(sources.rows[0].remove, CLICK)
    assert profile_of(sheet).source == ()
    assert sources.nothing.isVisible()


def test_a_source_says_what_it_sends(qtbot: QtBot, sheet: NewSheet) -> None:
    sources = sheet.part(SourcePart)
    row = sources.rows[0]
    qtbot.mouseClick(row.test, CLICK)
    qtbot.waitUntil(lambda: "kSa/s" in row.answer.text(), timeout=30_000)
    assert "power 1.3" in row.answer.text()
    assert "SIMULATED" in row.answer.text()


def test_what_is_found_can_be_used(qtbot: QtBot, sheet: NewSheet) -> None:
    sources = sheet.part(SourcePart)
    qtbot.mouseClick(sources.find_button, CLICK)
    qtbot.waitUntil(lambda: bool(sources.found_rows), timeout=30_000)
    wanted = next(row for row in sources.found_rows if "Power Profiler" in row.use.accessibleName())
    qtbot.mouseClick(wanted.use, CLICK)
    [spec] = profile_of(sheet).source
    assert (spec.kind, spec.emulate) == ("ppk2", "tx1")  # type: ignore[attr-defined]


# -- files and trust -----------------------------------------------------------------------------


def test_a_saved_profile_is_listed_and_begun_from(
    qtbot: QtBot, sheet: NewSheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    title = sheet.part(TitlePart)
    title.field.selectAll()
    qtbot.keyClicks(title.field, "Bench 3")
    folder = own_profiles_folder()
    folder.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(sheet, "ask_target", lambda: folder / "bench-3.toml")
    qtbot.mouseClick(sheet.save, CLICK)
    assert (folder / "bench-3.toml").read_text() == sheet.draft.text
    sheet.open_path(profile_path("ppk2"), own=True)
    assert sheet.draft.profile is not None
    assert sheet.draft.profile.title == "Power Profiler Kit II"
    sheet.beginning.setFocus()
    qtbot.keyClick(sheet.beginning, Qt.Key.Key_Down)
    assert sheet.beginning.currentText() == "bench-3 (your own)"
    assert sheet.draft.profile.title == "Bench 3"


OWN_NETWORK = 'title = "t"\n[plan]\nnetworks = ["mine:net"]\n'
JTOP = '[[source]]\nkind = "jtop"\npython = "/usr/bin/python3"\n'


def test_code_is_trusted_where_the_user_has_named_it() -> None:
    opened, with_more = Draft.of_text(OWN_NETWORK), Draft.of_text(OWN_NETWORK + JTOP)
    plain, typed = Draft.of_text('title = "t"\n'), Draft.of_text('title = "t"\n' + JTOP)
    assert opened.profile
    assert with_more.profile
    assert plain.profile
    assert typed.profile
    assert Origin().trusts(opened.profile)
    assert not Origin.elsewhere(opened).trusts(opened.profile)
    assert not Origin.elsewhere(opened).trusts(with_more.profile)
    assert Origin.elsewhere(opened).trusts(plain.profile)
    assert Origin.elsewhere(opened).trusts(typed.profile), "what was opened named other code"
    assert not Origin.elsewhere(Draft.of_text("[")).trusts(typed.profile), "it could not be read"


def test_limits_are_written_into_the_profile_and_read_back(qtbot: QtBot, sheet: NewSheet) -> None:
    part = sheet.part(RequirePart)
    assert "[require]" not in sheet.toml.editor.toPlainText()
    qtbot.keyClicks(part.fields["deadline_ms"], "33")
    qtbot.keyClicks(part.fields["max_miss_ratio"], "0.001")
    qtbot.keyClicks(part.fields["min_top1"], "70")
    found = profile_of(sheet).require
    assert (found.deadline_ms, found.max_miss_ratio, found.min_top1, found.p99_ms) == (33, 0.001, 70, None)
    sheet.begin('title = "It"\n[require]\np99_ms = 12.5\n', own=True)
    assert {name: field.text() for name, field in part.fields.items() if field.text()} == {"p99_ms": "12.5"}
    part.fields["p99_ms"].clear()
    part.fields["p99_ms"].textEdited.emit("")
    assert not profile_of(sheet).require


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p99_ms", "soon", "require.p99_ms: input should be a valid number"),
        ("min_top1", "100", "require.min_top1: input should be less than 100"),
        ("max_miss_ratio", "0.1", "max_miss_ratio needs deadline_ms"),
    ],
)
def test_a_limit_that_is_none_says_what_is_wrong(
    qtbot: QtBot, sheet: NewSheet, name: str, text: str, said: str
) -> None:
    qtbot.keyClicks(sheet.part(RequirePart).fields[name], text)
    assert said in sheet.draft.problem
    assert not sheet.start.isEnabled()


def test_a_back_end_and_the_images_of_int8(qtbot: QtBot, sheet: NewSheet) -> None:
    device = sheet.part(DevicePart)
    assert (device.back_end.currentText(), device.calibration.currentText()) == ("by the file", "no images")
    device.back_end.setFocus()
    for _ in range(2):
        qtbot.keyClick(device.back_end, Qt.Key.Key_Down)
    assert device.back_end.currentText() == "ONNX Runtime"
    qtbot.mouseClick(device.precisions["int8"], CLICK)
    device.calibration.setFocus()
    qtbot.keyClick(device.calibration, Qt.Key.Key_Down)
    inference = profile_of(sheet).inference
    assert (inference.back_end, inference.calibration) == ("onnxruntime", "demo")
    assert plan_of(sheet).precisions == ("fp32", "int8")


def test_back_ends_that_the_text_names_stay(qtbot: QtBot, sheet: NewSheet) -> None:
    device = sheet.part(DevicePart)
    type_text(sheet, "batch_sizes = [1]", 'batch_sizes = [1]\nback_ends = ["torch", "onnxruntime"]')
    qtbot.waitUntil(lambda: device.back_end.currentText() == "PyTorch + ONNX Runtime")
    qtbot.mouseClick(sheet.part(BatchesPart).buttons[4], CLICK)
    assert plan_of(sheet).back_ends == ("torch", "onnxruntime")
    device.back_end.setFocus()
    qtbot.keyClick(device.back_end, Qt.Key.Key_Home)
    assert (plan_of(sheet).back_ends, profile_of(sheet).inference.back_end) == ((), "auto")
