# SPDX-License-Identifier: Apache-2.0
"""Pictures of a session: from a window they are what its panes show, and without a window they are drawn alike."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from monitor_app.charts.palette import PALETTES
from monitor_app.core.errors import ExportError
from monitor_app.core.markers import Marker
from monitor_app.gui.plot.picture import HEADER_PX, RATIO, SIDE_PX, picture_of, session_picture
from monitor_app.gui.session.caption import caption_of
from monitor_app.gui.theme import LIGHT
from monitor_app.session.marker_store import store_markers
from monitor_app.session.reader import SessionReader
from tests.exports.conftest import Recipe, make, write
from tests.gui.conftest import at, frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.charts.palette import Theme
    from monitor_app.gui.main_window import MainWindow

    Make = Callable[[Recipe], SessionReader]
    Draw = Callable[..., np.ndarray]
    Opener = Callable[..., MainWindow]

__all__ = ["make"]

# An application made by the picture itself would be in the way of every later test.
pytestmark = pytest.mark.usefixtures("qapp")

MOST_DIFFERENT = 0.01


def pixels(image: QImage) -> np.ndarray:
    """Array (height, width, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return flat[:, : image.width(), 2::-1].astype(np.int16)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """Draws a session of a recipe; the same one only once."""
    made: dict[str, np.ndarray] = {}

    def draw(recipe: Recipe, **how: object) -> np.ndarray:
        key = f"{recipe} {how}"
        if key not in made:
            path = tmp_path_factory.mktemp("drawn") / "session.plm"
            write(path, recipe)
            with SessionReader(path) as reader:
                made[key] = pixels(session_picture(reader, **how))  # type: ignore[arg-type]
            made[key].flags.writeable = False
        return made[key]

    return draw


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


def of_colour(image: np.ndarray, colour: str, tolerance: int = 12) -> np.ndarray:
    """Where the picture has a colour, as an array (height, width) of bool."""
    return np.abs(image - rgb(colour)).max(axis=2) <= tolerance


def amber(image: np.ndarray, theme: Theme = "light") -> np.ndarray:
    """Where the line of the mean or the columns behind it were painted, on any ground."""
    direction = rgb(PALETTES[theme].power) - rgb(PALETTES[theme].ground)
    ahead = (image - rgb(PALETTES[theme].ground)) @ direction / (direction @ direction)
    aside = np.abs(image - rgb(PALETTES[theme].ground) - ahead[..., None] * direction).max(axis=2)
    return (ahead > 0.35) & (aside < 40) & (image[..., 0] - image[..., 2] > 60)


# -- from a window -------------------------------------------------------------------------------


@pytest.fixture
def adjusted(open_window: Opener, session: Path) -> MainWindow:
    """A window with signals, time, y range, selection and a mark other than those it begins with."""
    with closing(sqlite3.connect(session)) as db, db:
        db.execute("INSERT INTO mark (host_ns, kind, text) VALUES (?, 'user', 'fan on')", (at(13.0),))
    window = open_window(None, session)
    window.signals.show_quantity("A")
    window.signals.toggle_quantity("W")
    window.navigation.show_between(8.0, 16.0)
    frames(window, 3)
    window.parts.stack.trace.box.y_zoom_asked.emit(0.5, 0.6)
    window.markers.lay(10.5, 12.5)
    frames(window, 3)
    return window


def live_panes(window: MainWindow, ratio: float) -> np.ndarray:
    """What the panes show on a screen with this many pixels for each of the window."""
    viewport = window.parts.stack.viewport()
    image = QImage(viewport.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    viewport.render(image)
    return pixels(image)


def panes_in(picture: np.ndarray, window: MainWindow, ratio: float) -> np.ndarray:
    left, top = round(SIDE_PX * ratio), round(HEADER_PX * ratio)
    size = window.parts.stack.viewport().size() * ratio
    return picture[top : top + size.height(), left : left + size.width()]


def different(one: np.ndarray, other: np.ndarray) -> float:
    """Fraction of the pixels that differ visibly."""
    assert one.shape == other.shape
    return float((np.abs(one - other).max(axis=2) > 8).mean())


def test_what_is_on_the_screen_is_what_is_exported(
    qtbot: QtBot, adjusted: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, height = tmp_path / "view.png", adjusted.parts.stack.height()
    monkeypatch.setattr("monitor_app.gui.session.exporting.ask_target", lambda *_: target)
    qtbot.keyClick(adjusted, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: str(target) in adjusted.parts.message_bar.text)
    written = pixels(QImage(str(target)))
    # The message takes some of the height of the panes; without it they are as they were.
    adjusted.parts.message_bar.dismiss()
    qtbot.waitUntil(lambda: adjusted.parts.stack.height() == height)
    live = live_panes(adjusted, RATIO)
    assert different(panes_in(written, adjusted, RATIO), live) < MOST_DIFFERENT
    # It is no empty picture, and it changes with what is shown.
    adjusted.markers.deactivate()
    assert different(panes_in(written, adjusted, RATIO), live_panes(adjusted, RATIO)) > MOST_DIFFERENT


def test_a_picture_of_the_size_of_the_screen_is_the_screen(adjusted: MainWindow) -> None:
    recording, stack = adjusted.recording, adjusted.parts.stack
    assert recording is not None
    picture = picture_of(stack, caption_of(recording, None, (8.0, 16.0), None), ratio=1.0)
    grab = pixels(stack.viewport().grab().toImage())
    assert different(panes_in(pixels(picture), adjusted, 1.0), grab) < MOST_DIFFERENT


def test_without_a_window_the_markers_are_in_the_picture_as_well(session: Path) -> None:
    blue = 1
    store_markers(session, [Marker(1, at(4.0), at(7.0), "full load", blue), Marker(2, at(12.0), None, "", blue)])
    with SessionReader(session) as reader:
        picture = pixels(session_picture(reader, size=QSize(1600, 1000)))
    edges = of_colour(picture, LIGHT.markers[blue]).sum(axis=0) > 300
    lines = np.flatnonzero(np.diff(edges.astype(int)) > 0)
    assert len(lines) == 3, "two edges of the pair, and the single one"
    assert lines[2] - lines[0] == pytest.approx((12.0 - 4.0) / (7.0 - 4.0) * (lines[1] - lines[0]), rel=0.02)


def test_the_cursor_is_not_in_the_picture(adjusted: MainWindow) -> None:
    recording, stack = adjusted.recording, adjusted.parts.stack
    assert recording is not None
    caption = caption_of(recording, None, (8.0, 16.0), None)
    before = pixels(picture_of(stack, caption))
    stack._move_cursor(stack.trace.rect.center())
    assert stack.cursor_values is not None
    assert (pixels(picture_of(stack, caption)) == before).all()
    assert stack.cursor_values is not None


def test_the_window_is_not_held_up_while_the_picture_is_written(
    qtbot: QtBot, adjusted: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is encoded and written by a thread; the window closes only when that has ended."""
    target = tmp_path / "view.png"
    monkeypatch.setattr("monitor_app.gui.session.exporting.ask_target", lambda *_: target)
    adjusted.output.export_picture()
    assert adjusted.parts.message_bar.text == ""
    adjusted.close()
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_is_not_there_is_one_sentence(
    qtbot: QtBot, adjusted: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "no" / "view.png"
    monkeypatch.setattr("monitor_app.gui.session.exporting.ask_target", lambda *_: target)
    adjusted.output.export_picture()
    qtbot.waitUntil(lambda: "There is no folder" in adjusted.parts.message_bar.text)
    assert not target.parent.exists()


# -- without a window ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1600, 1000), (1000, 700)])
def test_it_has_the_size_that_was_asked_for(drawn: Draw, size: tuple[int, int]) -> None:
    assert drawn(Recipe(), size=QSize(*size)).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_ground_is_that_of_the_theme(drawn: Draw, theme: Theme) -> None:
    image = drawn(Recipe(), theme=theme)
    assert of_colour(image, PALETTES[theme].ground, 0).mean() > 0.4


def plot_area(image: np.ndarray) -> tuple[int, int, int, int]:
    """Left and right of the data, and top and foot of the first pane."""
    ground = of_colour(image, PALETTES["light"].line, 2)
    foot = int(np.flatnonzero(ground.mean(axis=1) > 0.6)[0])
    across = np.flatnonzero(ground[foot])
    return int(across[0]), int(across[-1]) + 1, round(RATIO * HEADER_PX), foot


def test_the_trace_is_high_while_at_work_and_low_while_idle(drawn: Draw) -> None:
    """Idle for 1 s at 2 W, at work for 2 s at 12 W, idle for 1 s: heights in the picture have that ratio."""
    image = drawn(Recipe())
    left, right, top, foot = plot_area(image)
    trace = amber(image[top:foot, left:right])
    parts = [trace[:, round(at * (right - left)) :][:, :80] for at in (0.1, 0.6, 0.85)]
    before, working, after = (float(foot - top - np.nonzero(part)[0].mean()) for part in parts)
    assert before == pytest.approx(after, abs=3)
    assert working / before == pytest.approx(12 / 2, rel=0.06)


def test_a_gap_is_empty_but_for_the_mark_of_a_loss(drawn: Draw) -> None:
    whole = drawn(Recipe())
    # 2.05 s to 2.35 s of 4 s
    lossy = drawn(Recipe(lost_blocks=tuple(range(41, 47))))
    left, right, top, foot = plot_area(whole)
    at = slice(round(left + 0.515 * (right - left)), round(left + 0.585 * (right - left)))
    red = PALETTES["light"].alarm
    assert amber(whole[top:foot, at]).any(axis=0).all()
    foot = plot_area(lossy)[3]  # the longer footer takes a line
    assert not amber(lossy[top : foot - 14, at]).any()
    assert of_colour(lossy[foot - 10 : foot, at], red).any(axis=0).all()
    assert not of_colour(whole, red).any()


@pytest.mark.parametrize(("theme", "size"), [("light", (1600, 1000)), ("dark", (1000, 700))])
def test_simulated_stands_at_the_top_right_only_when_it_is(drawn: Draw, theme: Theme, size: tuple[int, int]) -> None:
    corner = (slice(0, size[1] // 7), slice(size[0] * 5 // 8, size[0]))
    marked = drawn(Recipe(simulated=True), size=QSize(*size), theme=theme)
    plain = drawn(Recipe(simulated=False), size=QSize(*size), theme=theme)
    red = of_colour(marked[corner], PALETTES[theme].alarm)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert columns[-1] - columns[0] > 0.1 * size[0]
    assert rows[-1] - rows[0] > 0.03 * size[1]
    assert not of_colour(plain, PALETTES[theme].alarm).any()


def test_one_colour_a_quantity(drawn: Draw) -> None:
    image = drawn(Recipe())
    violet = np.flatnonzero(of_colour(image, PALETTES["light"].latency, 30).any(axis=1))
    green = np.flatnonzero(of_colour(image, PALETTES["light"].accuracy, 30).any(axis=1))
    power = np.flatnonzero(of_colour(image, PALETTES["light"].power, 30).any(axis=1))
    assert power[-1] < violet[0] < violet[-1] < green[0]


def test_accuracy_that_was_not_measured_is_a_sentence_and_no_curve(drawn: Draw) -> None:
    measured, image = drawn(Recipe()), drawn(Recipe(with_accuracy=False))
    assert of_colour(measured, PALETTES["light"].accuracy, 30).any()
    assert not of_colour(image, PALETTES["light"].accuracy, 30).any()
    left, right, _, _ = plot_area(image)
    lowest_pane = (slice(800, 900), slice((left + right) // 2, right))
    assert of_colour(image[lowest_pane], PALETTES["light"].dim, 30).sum() > 200
    assert of_colour(measured[lowest_pane], PALETTES["light"].dim, 30).sum() < 100


def test_title_file_and_footer_are_there(drawn: Draw) -> None:
    titled = drawn(Recipe(title="A title"))
    other = drawn(Recipe(title="Another title"))
    changed = np.flatnonzero((titled != other).any(axis=2).any(axis=1))
    assert 0 < changed[0] < changed[-1] < RATIO * HEADER_PX
    assert of_colour(titled[:80], PALETTES["light"].text, 30).sum() > 300
    assert of_colour(titled[940:], PALETTES["light"].dim, 40).sum() > 300


def test_the_caption_says_what_it_is_and_whether_to_trust_it(make: Make) -> None:
    from monitor_app.gui.session.recording import Recording

    recording = Recording(make(Recipe(title="Bench", simulated=True, lost_blocks=(41,))))
    recording.advance()
    recording.update_rows()
    caption = caption_of(recording, recording.power, (0.0, 4.0), 64)
    assert caption.title == "Bench"
    assert caption.subtitle.startswith("session-0.plm  ·  Model S (S-17)  ·  started 2023-11-14 ")
    assert caption.simulated
    assert [note.text for note in caption.notes] == [
        "mean and min … max of 64 samples a column", "10.000 kSa/s", "500 samples lost", "clock ± 0.15 ms",
        "coverage 98.75 %", "monitor-app 9.8.7",
    ]  # fmt: skip
    assert [note.alarm for note in caption.notes].index(True) == 2


def test_a_part_is_drawn_from_edge_to_edge(drawn: Draw) -> None:
    """At work throughout: no part of the trace is at idle, whose level is not in the pane."""
    image = drawn(Recipe(), start_s=1.5, end_s=2.5)
    left, right, top, foot = plot_area(image)
    trace = amber(image[top:foot, left + 3 : right - 3])
    assert trace.any(axis=0).all()
    assert of_colour(image[top:foot, right + 20 :], PALETTES["light"].dim, 30).sum() < 200, "full, and no idle"


def test_signals_are_those_that_were_asked_for(make: Make) -> None:
    reader = make(Recipe())
    current = [signal for signal in reader.signals() if signal.name == "current"]
    image = pixels(session_picture(reader, signals=current))
    _left, _right, top, foot = plot_area(image)
    assert of_colour(image[top:foot], "#0b78a6", 4).sum() > 500
    assert not amber(image[top:foot]).any()


def test_signals_without_room_are_refused(make: Make) -> None:
    reader = make(Recipe(second_source=True))
    (signal,) = (each for each in reader.signals() if each.name == "current")
    copies = [signal.__class__(**{**fields(signal), "id": k}) for k in range(1, 9)]
    with pytest.raises(ExportError, match="6 signals of each: leave out current"):
        session_picture(reader, signals=copies)


def fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"size": QSize(10, 1000)}, "10 x 1000 pixels"), ({"start_s": 9.0}, "lasts 4.000 s"),
        ({"size": QSize(1600, 10**6)}, "cannot be drawn"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(make: Make, how: dict[str, object], sentence: str) -> None:
    with pytest.raises(ExportError, match=sentence):
        session_picture(make(Recipe()), **how)  # type: ignore[arg-type]


def test_it_needs_neither_a_display_nor_an_application(tmp_path: Path) -> None:
    write(tmp_path / "session.plm", Recipe(simulated=True))
    export = ["export", "session.plm", "--format", "png", "-o"]
    twice = f"from monitor_app.cli import main; main([*{export}, 'out.png']); main([*{export}, 'again.png'])"
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", twice], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    image = pixels(QImage(str(tmp_path / "out.png")))
    assert of_colour(image[:120, 1200:], PALETTES["light"].alarm).sum() > 2000
