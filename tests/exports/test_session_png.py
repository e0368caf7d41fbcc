# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from monitor_app.charts.palette import PALETTES
from monitor_app.core.errors import ExportError
from monitor_app.exports import session_png as picture
from monitor_app.exports.session_png import write_png

from .conftest import Recipe, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from monitor_app.charts.palette import Theme
    from monitor_app.session.reader import SessionReader

    Make = Callable[[Recipe], SessionReader]

# A QGuiApplication made by the picture itself would be in the way of every later test with widgets.
pytestmark = pytest.mark.usefixtures("qapp")

UNIT = 20
"""Height of the body text of a picture of 1600 by 1000."""


def pixels(path: Path) -> np.ndarray:
    """Array (height, width, 3)."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def drawn(reader: SessionReader, folder: Path, **how: object) -> np.ndarray:
    write_png(reader, folder / "out.png", **how)  # type: ignore[arg-type]
    return pixels(folder / "out.png")


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


def of_colour(image: np.ndarray, colour: str, tolerance: int = 12) -> np.ndarray:
    """Where the picture has a colour, as an array (height, width) of bool."""
    return np.abs(image - rgb(colour)).max(axis=2) <= tolerance


def amber(image: np.ndarray, theme: Theme = "light") -> np.ndarray:
    """Where the line of the mean or the envelope under it was painted, on any ground."""
    direction = rgb(PALETTES[theme].power) - rgb(PALETTES[theme].ground)
    ahead = (image - rgb(PALETTES[theme].ground)) @ direction / (direction @ direction)
    aside = np.abs(image - rgb(PALETTES[theme].ground) - ahead[..., None] * direction).max(axis=2)
    return (ahead > 0.35) & (aside < 40) & (image[..., 0] - image[..., 2] > 60)


@pytest.mark.parametrize("size", [(1600, 1000), (1000, 700)])
def test_it_has_the_size_that_was_asked_for(make: Make, tmp_path: Path, size: tuple[int, int]) -> None:
    image = drawn(make(Recipe()), tmp_path, width=size[0], height=size[1])
    assert image.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_ground_is_that_of_the_theme(make: Make, tmp_path: Path, theme: Theme) -> None:
    image = drawn(make(Recipe()), tmp_path, theme=theme)
    assert of_colour(image, PALETTES[theme].ground, 0).mean() > 0.4


def test_the_trace_is_high_while_at_work_and_low_while_idle(make: Make, tmp_path: Path) -> None:
    """Idle for 1 s at 2 W, at work for 2 s at 12 W, idle for 1 s: heights on the picture have that ratio."""
    image = drawn(make(Recipe()), tmp_path)
    left, right = round(6.4 * UNIT), round(1600 - 9.6 * UNIT)
    trace = amber(image)
    # Text is amber too, but stands outside the plot.
    rows = [np.flatnonzero(trace[:, round(left + share * (right - left))]) for share in (0.15, 0.5, 0.9)]
    assert all(len(each) for each in rows)
    before, working, after = (float(np.median(each)) for each in rows)
    axis_y = zero_line(image, left, right)
    assert before == pytest.approx(after, abs=2)
    assert (axis_y - working) / (axis_y - before) == pytest.approx(12 / 2, rel=0.06)


def zero_line(image: np.ndarray, left: int, right: int) -> int:
    """Row of the first axis from the top, the foot of the power pane."""
    across = of_colour(image[:, left + 5 : right - 5], PALETTES["light"].dim, 90).mean(axis=1)
    dark = np.flatnonzero(across > 0.95)
    return int(dark[0])


def test_a_hole_is_empty_but_for_the_mark_of_a_loss(make: Make, tmp_path: Path) -> None:
    left, right = round(6.4 * UNIT), round(1600 - 9.6 * UNIT)
    at = slice(round(left + 0.515 * (right - left)), round(left + 0.585 * (right - left)))
    whole = drawn(make(Recipe()), tmp_path)
    # 2.05 s to 2.35 s of 4 s
    holed = drawn(make(Recipe(lost_blocks=tuple(range(41, 47)))), tmp_path)
    foot = zero_line(whole, left, right)
    assert amber(whole[:foot, at]).any(axis=0).all()
    assert not amber(holed[:foot, at]).any()
    red = PALETTES["light"].alarm
    assert of_colour(holed[foot - 5 : foot, at], red).any(axis=0).all()
    assert not of_colour(whole[: foot + 5, :right], red).any()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1600, 1000), (1000, 700)])
def test_simulated_stands_at_the_top_right_only_when_it_is(
    make: Make, tmp_path: Path, theme: Theme, size: tuple[int, int]
) -> None:
    corner = (slice(0, size[1] // 8), slice(size[0] * 3 // 4, size[0]))
    width, height = size
    marked = drawn(make(Recipe(simulated=True)), tmp_path, width=width, height=height, theme=theme)
    plain = drawn(make(Recipe(simulated=False)), tmp_path, width=width, height=height, theme=theme)
    red = of_colour(marked[corner], PALETTES[theme].alarm)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert columns[-1] - columns[0] > 0.1 * size[0]
    assert rows[-1] - rows[0] > 0.03 * size[1]
    # The word is cut out of the badge in the colour of the ground.
    inside = marked[corner][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert 0.08 < of_colour(inside, PALETTES[theme].ground).mean() < 0.5
    assert not of_colour(plain, PALETTES[theme].alarm).any()


def test_one_colour_a_quantity(make: Make, tmp_path: Path) -> None:
    image = drawn(make(Recipe()), tmp_path)
    violet = np.flatnonzero(of_colour(image, PALETTES["light"].latency, 30).any(axis=1))
    green = np.flatnonzero(of_colour(image, PALETTES["light"].accuracy, 30).any(axis=1))
    power = np.flatnonzero(of_colour(image, PALETTES["light"].power, 30).any(axis=1))
    assert power[-1] < violet[0] < violet[-1] < green[0]


def test_accuracy_that_was_not_measured_is_a_sentence_and_no_curve(make: Make, tmp_path: Path) -> None:
    image = drawn(make(Recipe(with_accuracy=False)), tmp_path)
    assert not of_colour(image, PALETTES["light"].accuracy, 30).any()
    assert of_colour(image[720:880, 600:1100], PALETTES["light"].dim, 30).sum() > 200


def test_the_title_and_the_footer_are_there(make: Make, tmp_path: Path) -> None:
    titled = drawn(make(Recipe(title="A title")), tmp_path)
    other = drawn(make(Recipe(title="Another title")), tmp_path)
    changed = np.flatnonzero((titled != other).any(axis=2).any(axis=1))
    assert 0 < changed[0] < changed[-1] < 80
    assert of_colour(titled[:80], PALETTES["light"].text, 30).sum() > 300
    assert of_colour(titled[960:], PALETTES["light"].dim, 40).sum() > 300


@pytest.mark.parametrize("size", [(1600, 1000), (1000, 700)])
def test_no_word_is_written_over_another(
    make: Make, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes: list[tuple[str, float, float, float, float]] = []
    write_text = picture.Canvas.write

    def recorded(
        sheet: picture.Canvas, x: float, y: float, text: str, colour: str, size: float = 1.0, **how: float
    ) -> None:
        width, half = sheet.text_width(text, size, bold=bool(how.get("bold"))), 0.4 * size * sheet.unit
        at = sheet.painter.transform().map(x, y)
        if sheet.painter.transform().m11() == 1.0:
            left = at[0] - how.get("align", 0.0) * width
            boxes.append((text, left, at[1] - half, left + width, at[1] + half))
        write_text(sheet, x, y, text, colour, size, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(picture.Canvas, "write", recorded)
    title = "A very long title of a session that says far more than anybody wants to read above a figure " * 3
    for recipe in (Recipe(simulated=True, runs=12, title=title, lost_blocks=(5,)), Recipe(runs=2), Recipe(runs=0)):
        boxes.clear()
        drawn(make(recipe), tmp_path, width=size[0], height=size[1])
        assert len(boxes) > 15
        for k, one in enumerate(boxes):
            assert 0 <= one[1] < one[3] <= size[0], one
            assert 0 <= one[2] < one[4] <= size[1], one
            for other in boxes[:k]:
                apart = one[1] >= other[3] or other[1] >= one[3] or one[2] >= other[4] or other[2] >= one[4]
                assert apart, (one, other)


def test_a_number_is_whole_or_absent(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(picture.Canvas, "write", lambda sheet, x, y, text, *rest, **how: written.append(text))
    reader = make(Recipe(runs=12))
    numbers = set()
    for width in range(600, 1700, 100):
        drawn(reader, tmp_path, width=width)
        numbers |= {text for text in written if text.startswith(("16", "1…", "9 of", "9/", "9…"))}
    assert {"16 ms", "9 of 12"} <= numbers <= {"16 ms", "16", "9 of 12", "9/12"}
    assert not {text for text in written if text.endswith("…")} - {"Netwo…", "Networ…", "Network…", "Network-…"}


def test_a_part_is_drawn_from_edge_to_edge(make: Make, tmp_path: Path) -> None:
    """At work throughout: no part of the trace is at idle."""
    image = drawn(make(Recipe()), tmp_path, start_s=1.5, end_s=2.5)
    left, right = round(6.4 * UNIT), round(1600 - 9.6 * UNIT)
    foot = zero_line(image, left, right)
    trace = amber(image[:foot, left + 2 : right - 2])
    assert trace.any(axis=0).all()
    lowest = np.flatnonzero(trace.any(axis=1))[-1]
    assert lowest < foot / 2


@pytest.mark.parametrize(
    ("how", "sentence"),
    [({"width": 10}, "10 x 1000 pixels"), ({"start_s": 9.0}, "lasts 4.000 s"), ({"height": 10**6}, "cannot be drawn")],
)
def test_what_cannot_be_drawn_is_refused(make: Make, tmp_path: Path, how: dict[str, float], sentence: str) -> None:
    with pytest.raises(ExportError, match=sentence):
        write_png(make(Recipe()), tmp_path / "out.png", **how)  # type: ignore[arg-type]
    assert list(tmp_path.glob("*.p*")) == list(tmp_path.glob("*.plm*"))


def test_it_needs_neither_a_display_nor_an_application(tmp_path: Path) -> None:
    write(tmp_path / "session.plm", Recipe(simulated=True))
    code = (
        "from pathlib import Path\n"
        "from monitor_app.exports.session_png import write_png\n"
        "from monitor_app.session.reader import SessionReader\n"
        "with SessionReader(Path('session.plm')) as reader:\n"
        "    write_png(reader, Path('out.png'))\n"
        "    write_png(reader, Path('again.png'))\n"
    )
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    assert of_colour(pixels(tmp_path / "out.png")[:120, 1200:], PALETTES["light"].alarm).sum() > 2000
