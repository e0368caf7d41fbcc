# SPDX-License-Identifier: Apache-2.0
"""A chart on the screen and in a file of the same size is the same picture, with the same words."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QImage

from monitor_app.analysis.figures import FIGURES, Options
from monitor_app.charts.contents import notes_of
from monitor_app.charts.files import chart_svg, draw_chart, draw_layout
from monitor_app.charts.layout import View
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.core.estimate import Estimate
from monitor_app.gui.figures.chart_view import ChartView
from monitor_app.gui.theme import DARK, LIGHT
from tests.analysis.campaigns import NAMES, campaign

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from monitor_app.analysis.campaign.cells import Campaign
    from monitor_app.charts.layout import Layout
    from monitor_app.gui.theme import Theme

WIDTH, HEIGHT = 860, 640
MOST_DIFFERENT = 0.01
SVG = "{http://www.w3.org/2000/svg}"


def alone() -> Chart:
    return chart_of("top1-time-b1", alone=True)


@cache
def chart_of(key: str, *, alone: bool = False) -> Chart:
    """A figure of one session beside the paper, or of one that is compared with a simulated one."""
    if key == "meter-rate":
        return meter_rate()
    return FIGURES[key](list(two_campaigns()[: 1 if alone else 2]), Options())


@cache
def two_campaigns() -> tuple[Campaign, Campaign]:
    first = campaign(noise=0.1, width=0.05, title="Nano")
    return first, campaign(noise=0.1, width=0.05, seed=3, title="Orin", times_simulated=True)


def meter_rate() -> Chart:
    """Made from the trace of a session, so only its shape is repeated here."""
    points = tuple(
        Point(Estimate(rate, rate, rate), Estimate(30 / rate**0.5, 20 / rate**0.5, 45 / rate**0.5), label=f"{rate}/s")
        for rate in (1.0, 10.0, 100.0, 1000.0)
    )
    limit = Line("5 %", (1.0, 1000.0), (5.0, 5.0), Origin.GIVEN)
    return Chart(
        "meter-rate", None, "What a slow meter misses", Axis("Values a second", "1/s", Scale.LOG),
        Axis("Error of the net energy", "%", Scale.LOG),
        (Series("Energy of a batch", "#c2410c", points, Origin.MEASURED, joined=True),), (limit,),
    )  # fmt: skip


def shown(qtbot: QtBot, chart: Chart, theme: Theme) -> ChartView:
    view = ChartView(theme)
    qtbot.addWidget(view)
    view.resize(WIDTH, HEIGHT)
    view.show_chart(chart)
    return view


def grabbed(view: ChartView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(np.int16)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(np.int16)


def different(one: np.ndarray, other: np.ndarray) -> float:
    """Fraction of the pixels."""
    assert one.shape == other.shape
    return float((np.abs(one - other).max(axis=2) > 8).mean())


@pytest.mark.parametrize(
    ("key", "theme"),
    # A figure in both themes, the others in turn: what is drawn does not depend on the colours.
    [("power-batch", DARK), ("power-batch", LIGHT), *zip([*FIGURES, "meter-rate"], itertools.cycle((LIGHT, DARK)))],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_screen_shows_what_the_file_has(qtbot: QtBot, tmp_path: Path, key: str, theme: Theme) -> None:
    chart = chart_of(key)
    view = shown(qtbot, chart, theme)
    draw_chart(chart, tmp_path / "it.png", theme=theme.name, width=WIDTH, height=HEIGHT)  # type: ignore[arg-type]
    picture = grabbed(view)
    assert different(picture, read(tmp_path / "it.png")) < MOST_DIFFERENT
    colours = picture[::3, ::3].astype(int) @ np.array([65536, 256, 1])
    assert len(np.unique(colours)) > 20, "a picture, not a ground"


def test_two_charts_differ_by_more_than_that(qtbot: QtBot) -> None:
    one, other = (grabbed(shown(qtbot, chart_of(key), DARK)) for key in ("top1-time-b1", "top1-time-b16"))
    assert different(one, other) > 2 * MOST_DIFFERENT


def test_a_part_with_a_budget_is_saved_as_it_is_seen(qtbot: QtBot, tmp_path: Path) -> None:
    view = shown(qtbot, alone(), DARK)
    view.show_budget(on=True)
    layout = view.laid_out
    assert layout is not None
    assert layout.whole.x is not None
    low, high = layout.whole.x
    view._look_at(View(x=(low + 0.2 * (high - low), high), budget=view.view.budget))
    view._settle()
    assert view.laid_out is not None
    draw_layout(view.laid_out, tmp_path / "part.png")
    assert different(grabbed(view), read(tmp_path / "part.png")) < MOST_DIFFERENT
    draw_layout(layout, tmp_path / "all.png")
    assert different(grabbed(view), read(tmp_path / "all.png")) > MOST_DIFFERENT
    draw_layout(layout, tmp_path / "large.png", enlarged=2.0)
    assert read(tmp_path / "large.png").shape == (2 * HEIGHT, 2 * WIDTH, 3)


@pytest.mark.parametrize("key", list(FIGURES))
def test_no_name_is_dropped_of_compared_sessions(qtbot: QtBot, key: str) -> None:
    chart = chart_of(key)
    layout = shown(qtbot, chart, DARK).laid_out
    assert layout is not None
    every_name_is_there(chart, layout)


def every_name_is_there(chart: Chart, layout: Layout) -> None:
    there = {s.network for s in chart.series if s.points and s.network in NAMES}
    assert there or notes_of(chart)
    texts = [element.text or "" for element in ElementTree.fromstring(chart_svg(chart)).iter(f"{SVG}text")]
    assert there <= set(texts), "each network is named"
    words = {name.text for name in layout.names} | {name.text for name in layout.ends}
    words |= {name for name, _ in layout.listed} | set(chart.x.categories)
    assert there <= words


@pytest.mark.parametrize("key", list(FIGURES))
def test_no_name_is_dropped_and_no_two_words_lie_over_each_other(qtbot: QtBot, key: str) -> None:
    chart = chart_of(key, alone=True)
    layout = shown(qtbot, chart, DARK).laid_out
    assert layout is not None
    every_name_is_there(chart, layout)
    boxes = [name.box for name in layout.names]
    for k, one in enumerate(boxes):
        assert layout.box.left <= one.left
        assert one.right <= layout.style.width
        for other in boxes[k + 1 :]:
            apart = one.right <= other.left or other.right <= one.left
            assert apart or one.bottom <= other.top or other.bottom <= one.top
    for entry in layout.entries:
        end = entry.x + 1.4 * layout.style.unit + max(layout.style.text_width(line, 0.85) for line in entry.lines)
        assert end <= layout.style.width
        assert "…" not in "".join(entry.lines)


def test_what_is_hidden_is_not_in_the_picture(qtbot: QtBot) -> None:
    view = shown(qtbot, alone(), DARK)
    view.show_chart(alone(), {"VGG-16"})
    assert view.laid_out is not None
    assert "VGG-16" not in {mark.series.network for mark in view.laid_out.marks}
    hidden = replace(alone(), series=tuple(s for s in alone().series if s.network != "VGG-16"))
    assert {m.series.name for m in view.laid_out.marks} == {s.name for s in hidden.series if s.points}
