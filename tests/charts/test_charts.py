# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtGui import QColor, QImage, QPainter

from monitor_app.analysis.figures import FIGURES, Options
from monitor_app.charts.canvas import plain
from monitor_app.charts.clipping import Box, Spot, clipped
from monitor_app.charts.contents import without
from monitor_app.charts.files import chart_svg, draw_chart, draw_print
from monitor_app.charts.labels import Bubble, Wanted, place_labels, spread
from monitor_app.charts.layout import Layout, View, lay_out, moved, nearest
from monitor_app.charts.model import Axis, Chart, Line, Origin, Point, Scale, Series
from monitor_app.charts.palette import PALETTES, contrast_of, legible
from monitor_app.charts.render import paint
from monitor_app.core.errors import ExportError
from monitor_app.core.estimate import Estimate
from monitor_app.gui.figures.chart_legend import legend_of
from tests.analysis.campaigns import NAMES, campaign, published_campaign, published_times

if TYPE_CHECKING:
    from pathlib import Path

# A QGuiApplication made by the drawing itself would be in the way of every later test with widgets.
pytestmark = pytest.mark.usefixtures("qapp")

SVG = "{http://www.w3.org/2000/svg}"
RED, BLUE = "#de2d26", "#08519c"
NETWORKS = [f"Net-{k}" for k in range(14)]
BATCHES = (1, 2, 4, 8, 16, 32, 64)


def exact(value: float) -> Estimate:
    return Estimate(value, value, value)


def point(x: float, y: float, label: str = "", size: float | None = None, campaign: int = 0) -> Point:
    return Point(exact(x), exact(y), size, label, None, campaign)


def chart(*series: Series, x: Scale = Scale.LINEAR, y: Scale = Scale.LINEAR, **others: object) -> Chart:
    return Chart("key", None, "Title", Axis("across", "ms", x), Axis("up", "W", y), series, **others)  # type: ignore[arg-type]


def series(*points: Point, origin: Origin = Origin.MEASURED, name: str = "Net", **others: object) -> Series:
    return Series(name, RED, points, origin, **others)  # type: ignore[arg-type]


def campaign_chart(**others: object) -> Chart:
    """14 networks at 7 batch sizes, the last of which do not fit for half of them."""
    lines = [
        Series(
            name,
            f"#{40 + 12 * k:02x}{200 - 12 * k:02x}80",
            tuple(point(b, 200 / (k + 1) / b**0.1) for b in (BATCHES if k > 6 else BATCHES[:5])),
            Origin.MEASURED,
            joined=True,
        )
        for k, name in enumerate(NETWORKS)
    ]
    return chart(*lines, x=Scale.LOG2, y=Scale.LOG, **others)


class Drawn:
    """What an SVG file shows, read without the code that drew it."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        self.texts: list[tuple[str, float, float, float]] = []
        """Text, x, y, and angle in degrees."""
        self.circles: list[tuple[float, float, float]] = []
        self.lines: list[list[tuple[float, float]]] = []
        self._read(self.root, np.eye(3))

    def _read(self, element: ElementTree.Element, outer: np.ndarray) -> None:
        own = outer
        found = re.match(r"matrix\((.*)\)", element.get("transform", ""))
        if found:
            a, b, c, d, e, f = (float(part) for part in found[1].split(","))
            own = outer @ np.array([[a, c, e], [b, d, f], [0, 0, 1]])
        if element.tag == f"{SVG}text":
            x, y, _ = own @ (float(element.get("x", 0)), float(element.get("y", 0)), 1)
            self.texts.append((element.text or "", x, y, math.degrees(math.atan2(own[1, 0], own[0, 0]))))
        if element.tag == f"{SVG}circle":
            self.circles.append((float(element.get("cx", 0)), float(element.get("cy", 0)), float(element.get("r", 0))))
        if element.tag == f"{SVG}polyline":
            pairs = element.get("points", "").split()
            self.lines.append([(float(p.split(",")[0]), float(p.split(",")[1])) for p in pairs])
        for child in element:
            self._read(child, own)

    @property
    def words(self) -> list[str]:
        return [text for text, *_ in self.texts]

    @property
    def all_text(self) -> str:
        return " ".join(self.words)

    def across(self) -> dict[float, float]:
        """x of the grid line over each number written under the plot."""
        lowest = max(y for text, _, y, _ in self.texts if re.fullmatch(r"[\d.,]+", text))
        marks = {
            float(t.replace(",", "")): x for t, x, y, _ in self.texts if re.fullmatch(r"[\d.,]+", t) and y == lowest
        }
        grid = (line for line in self.lines if len(line) == 2 and abs(line[0][1] - line[1][1]) > 100)
        upright = sorted({start[0] for start, end in grid if start[0] == end[0]})
        return {value: min(upright, key=lambda u, x=x: abs(u - x) if u >= x - 1 else 1e9) for value, x in marks.items()}


def place(known: dict[float, float], value: float, *, logarithmic: bool = False) -> float:
    """Where a value must lie, by the outermost marks of an axis."""
    change = math.log if logarithmic else float
    first, last = min(known), max(known)
    share = (change(value) - change(first)) / (change(last) - change(first))
    return known[first] + share * (known[last] - known[first])


def biggest(drawn: Drawn, count: int) -> list[tuple[float, float, float]]:
    return sorted(drawn.circles, key=lambda circle: -circle[2])[:count]


def test_points_lie_where_the_axis_says() -> None:
    drawn = Drawn(chart_svg(chart(series(point(10, 5, size=9.0), point(35, 5, size=4.0), point(90, 5, size=1.0)))))
    known = drawn.across()
    assert len(known) >= 4
    xs = [x for x, _, _ in biggest(without_legend(drawn), 3)]
    assert xs == pytest.approx([place(known, value) for value in (10, 35, 90)], abs=1.5)


def without_legend(drawn: Drawn) -> Drawn:
    """Without the bubbles to the right of the plot, which are the legend of sizes."""
    right = max(line[1][0] for line in drawn.lines if len(line) == 2 and line[0][1] == line[1][1])
    drawn.circles = [circle for circle in drawn.circles if circle[0] <= right and circle[1] > 90]
    return drawn


@pytest.mark.parametrize(("scale", "values"), [(Scale.LOG, (1.0, 30.0, 1000.0)), (Scale.LOG2, (1.0, 4.0, 64.0))])
def test_equal_ratios_are_equal_distances(scale: Scale, values: tuple[float, ...]) -> None:
    points = (point(v, 5, size=s) for v, s in zip(values, (9.0, 4.0, 1.0), strict=True))
    drawn = Drawn(chart_svg(chart(series(*points), x=scale)))
    known = drawn.across()
    xs = [x for x, _, _ in biggest(without_legend(drawn), 3)]
    assert xs == pytest.approx([place(known, value, logarithmic=True) for value in values], abs=1.5)


def test_the_area_of_a_bubble_is_its_size_and_the_legend_says_so() -> None:
    made = chart(
        series(point(1, 1, size=100.0), point(2, 2, size=25.0), point(3, 3, size=4.0)), size_title="weight (g)"
    )
    drawn = Drawn(chart_svg(made))
    legend = {text: y for text, _, y, _ in drawn.texts if text in {"100", "20", "5"}}
    assert set(legend) == {"100", "20", "5"}
    assert "area: weight (g)" in drawn.words
    radii = [r for _, _, r in biggest(without_legend(Drawn(chart_svg(made))), 3)]
    assert [(r / radii[0]) ** 2 for r in radii] == pytest.approx([1, 0.25, 0.04], abs=0.005)
    inside = set(without_legend(Drawn(chart_svg(made))).circles)
    shown = sorted((c for c in drawn.circles if c not in inside and c[1] > 90), key=lambda c: -c[2])
    assert [(c[2] / radii[0]) ** 2 for c in shown] == pytest.approx([1, 0.2, 0.05], abs=0.005)


def test_error_bars_end_at_the_ends_of_the_interval() -> None:
    sure = Point(Estimate(50.0, 30.0, 60.0), exact(5.0))
    drawn = Drawn(chart_svg(chart(series(sure, point(0, 0), point(100, 10)))))
    known = drawn.across()
    ends = (place(known, 30), place(known, 60))
    assert any(
        len(line) == 2 and (line[0][0], line[1][0]) == pytest.approx(ends, abs=1.5) and line[0][1] == line[1][1]
        for line in drawn.lines
    )


def test_an_interval_without_an_end_reaches_the_edge_and_no_further() -> None:
    endless = Point(exact(50.0), Estimate(5.0, -math.inf, math.inf))
    drawn = Drawn(chart_svg(chart(series(endless, point(0, 0), point(100, 10)))))
    assert all(math.isfinite(number) for line in drawn.lines for spot in line for number in spot)
    assert all(-1 <= y <= 1001 for line in drawn.lines for _, y in line)


def test_lines_and_bands_stay_within_the_plot() -> None:
    xs = tuple(np.linspace(0.01, 100, 400))
    bound = Line("bound", xs, tuple(80 - 500 / x for x in xs), low=tuple(70 - 500 / x for x in xs), high=(90.0,) * 400)
    drawn = Drawn(chart_svg(chart(series(point(10, 50), point(90, 75)), lines=(bound,))))
    across = [
        line for line in drawn.lines if len(line) == 2 and line[0][1] == line[1][1] and line[1][0] - line[0][0] > 500
    ]
    left, right = across[0][0][0], across[0][1][0]
    curve = max(drawn.lines, key=len)
    assert len(curve) > 100
    bottom = max(y for line in across for _, y in line)
    assert all(left - 0.1 <= x <= right + 0.1 and y <= bottom + 0.1 for x, y in curve)


def test_every_network_is_named_once_at_the_end_of_its_line_and_no_name_covers_another() -> None:
    drawn = Drawn(chart_svg(campaign_chart()))
    names = [(text, x, y) for text, x, y, _ in drawn.texts if text in NETWORKS]
    assert sorted(text for text, *_ in names) == sorted(NETWORKS)
    assert len({x for _, x, _ in names}) == 1
    ys = sorted(y for *_, y in names)
    assert min(np.diff(ys)) > 20
    assert [text for text, *_ in sorted(names, key=lambda each: each[2])] == NETWORKS, "slowest first, as the lines end"


def test_compared_sessions_differ_by_shape_and_each_network_is_named_once() -> None:
    made = chart(
        Series("Net-1", RED, (point(1, 1), point(2, 2)), Origin.SIMULATED, True, "Nano"),
        Series("Net-1", RED, (point(1, 3, campaign=1), point(2, 4, campaign=1)), Origin.MEASURED, True, "Orin"),
        Series("Net-1", RED, (point(1, 5, campaign=2), point(2, 6, campaign=2)), Origin.DIGITISED, True, "paper"),
    )
    drawn = Drawn(chart_svg(made))
    assert drawn.words.count("Net-1") == 1
    assert {"Nano, SIMULATED", "Orin, measured", Origin.DIGITISED.value} <= set(drawn.words)
    rectangles = [r for r in drawn.root.iter(f"{SVG}rect") if float(r.get("width", 0)) < 30]
    assert len(rectangles) == 3, "two squares of the second session, and one in the legend"


def test_marks_on_lines_have_the_shape_of_their_network_where_nothing_is_compared() -> None:
    points = (point(1, 1), point(2, 2))
    disc = Series("Round", RED, points, Origin.MEASURED, joined=True)
    made = chart(disc, replace(disc, network="Square", shape=1))
    rectangles = [r for r in Drawn(chart_svg(made)).root.iter(f"{SVG}rect") if float(r.get("width", 0)) < 30]
    assert len(rectangles) == 2
    bubbles = chart(replace(made.series[1], joined=False))
    assert not [r for r in Drawn(chart_svg(bubbles)).root.iter(f"{SVG}rect") if float(r.get("width", 0)) < 30]


def test_a_name_in_brackets_alone_is_no_session() -> None:
    made = chart(series(point(1, 1, "Net (real)"), name="Net (real)"), series(point(2, 2, "Other"), name="Other"))
    assert {"Net (real)", "Other"} <= set(Drawn(chart_svg(made)).words)


def test_what_all_labels_share_is_left_to_the_title() -> None:
    alike = chart(series(replace(point(1, 1, "A b16"), short="A"), replace(point(5, 5, "B b16"), short="B")))
    assert {"A", "B"} <= set(Drawn(chart_svg(alike)).words)
    unlike = chart(series(point(1, 1, "A b1"), point(5, 5, "A b16")))
    assert {"A b1", "A b16"} <= set(Drawn(chart_svg(unlike)).words)


PAPERS = {key: figure([published_campaign()], Options()) for key, figure in FIGURES.items()}


@pytest.mark.parametrize("for_print", [False, True])
@pytest.mark.parametrize("key", list(FIGURES))
def test_every_network_of_a_figure_is_named_in_the_picture(key: str, for_print: bool) -> None:
    made = PAPERS[key]
    size = (850, 600) if for_print else (1280, 800)
    layout = lay_out(made, size, PALETTES["light"], for_print=for_print)
    networks = {mark.series.network for mark in layout.marks if not mark.ring}
    named = {name.text for name in layout.names} | {end.text for end in layout.ends}
    assert made.bars or networks <= named
    assert layout.listed == ()


@pytest.mark.parametrize("for_print", [False, True])
@pytest.mark.parametrize("key", [key for key in FIGURES if "-b1" in key])
def test_a_name_nearer_to_another_bubble_has_a_line_to_its_own(key: str, for_print: bool) -> None:
    size = (850, 600) if for_print else (1280, 800)
    layout = lay_out(PAPERS[key], size, PALETTES["light"], for_print=for_print)
    for name in layout.names:
        reached = {mark.series.network: _apart(name.box, mark.bubble) for mark in layout.marks}
        nearest_one = min(reached, key=reached.__getitem__)
        assert name.apart or nearest_one == name.mark.series.network, (name.text, nearest_one)


CROWDED = [key for key in FIGURES if key.startswith(("operations-time", "operations-power"))]
MEASURED = {
    (key, percent): FIGURES[key](
        [campaign(power=lambda name, _: 11.8 + 0.35 * (sum(map(ord, name)) % 5 - 2), width=percent / 100, noise=0.01)],
        Options(),
    )
    for key in CROWDED
    for percent in (1, 3)
}
"""Networks that differ in power by about as much as the paper's, with error bars of this many percent."""


@pytest.mark.parametrize("size", [(1600, 1000), (860, 640), (850, 600)])
@pytest.mark.parametrize(("key", "percent"), list(MEASURED))
def test_no_error_bar_strikes_a_name_through_in_a_crowd(key: str, percent: int, size: tuple[int, int]) -> None:
    layout = lay_out(MEASURED[key, percent], size, PALETTES["light"], for_print=size == (850, 600))
    assert {name.text for name in layout.names} == set(NAMES)
    bars = [(mark.series.network, bar) for mark in layout.marks for bar in mark.intervals]
    assert bars
    for name in layout.names:
        struck = [
            network for network, bar in bars if clipped([Spot(bar.x1(), bar.y1()), Spot(bar.x2(), bar.y2())], name.box)
        ]
        assert not struck, (name.text, struck)
        own = _apart(name.box, name.mark.bubble)
        others = [_apart(name.box, m.bubble) for m in layout.marks if m.series.network != name.text]
        assert own < min(others) or (name.apart and own > 1), name.text


@pytest.mark.parametrize("key", CROWDED)
def test_no_leading_line_runs_through_a_name(key: str) -> None:
    layout = lay_out(MEASURED[key, 1], (1600, 1000), PALETTES["light"])
    for name in layout.names:
        box, bubble = name.box, name.mark.bubble
        end = Spot(min(max(bubble.x, box.left), box.right), min(max(bubble.y, box.top), box.bottom))
        for other in layout.names:
            crosses = name.apart and other is not name and clipped([Spot(bubble.x, bubble.y), end], other.box)
            assert not crosses, (name.text, other.text)


def _apart(box: Box, bubble: Bubble) -> float:
    x = min(max(bubble.x, box.left), box.right) - bubble.x
    y = min(max(bubble.y, box.top), box.bottom) - bubble.y
    return math.hypot(x, y) - bubble.radius


def test_the_papers_power_lies_within_the_axes() -> None:
    exactly = campaign(power=lambda _name, _batch: 11.8, width=0.001)
    for key, along_x in (("operations-power-b1", True), ("operations-power-b16", True), ("power-batch", False)):
        layout = lay_out(FIGURES[key]([exactly], Options()), (1280, 800), PALETTES["light"])
        axis = layout.plot.x if along_x else layout.plot.y
        assert axis.holds(11.1)
        assert axis.holds(12.5)


def test_no_legend_lists_networks_or_is_cut() -> None:
    for made in PAPERS.values():
        layout = lay_out(made, (1280, 800), PALETTES["light"])
        for placed in layout.entries:
            assert " ".join(placed.lines) == placed.entry.text
            assert not any(name in placed.entry.text for name in NAMES)
        assert layout.footer is not None
        assert "…" not in " ".join(text for text, _ in layout.footer.lines)


def test_published_lines_are_seen_under_measured_ones_that_coincide_with_them() -> None:
    layout = lay_out(PAPERS["time-batch"], (1280, 800), PALETTES["light"])
    own = {c.of.network: c for c in layout.curves if isinstance(c.of, Series) and c.of.origin is Origin.MEASURED}
    published = {c.of.network: c for c in layout.curves if isinstance(c.of, Series) and c.of.origin is Origin.DIGITISED}
    assert set(own) == set(published) == set(NAMES)
    for name, curve in published.items():
        assert curve.thickness > 2 * own[name].thickness
        assert layout.curves.index(curve) < layout.curves.index(own[name])


def test_the_region_above_a_bound_fills_the_plot_to_its_edges() -> None:
    layout = lay_out(PAPERS["top1-throughput-b16"], (1280, 800), PALETTES["light"])
    [band] = [curve.band for curve in layout.curves if curve.band is not None]
    area, box = band.boundingRect(), layout.box
    assert (area.left(), area.top(), area.right()) == pytest.approx((box.left, box.top, box.right), abs=1)


def test_a_band_lies_within_the_axis_where_it_is_narrow() -> None:
    line = Line("Fit", (0.0, 10.0), (1.0, 9.0), low=(0.0, 8.0), high=(2.0, 10.0))
    made = laid_out(chart(series(point(0, 1), point(10, 9)), lines=(line,)))
    assert made.plot.y.holds(10.0)
    assert made.plot.y.holds(0.0)


def test_the_sizes_of_the_legend_span_those_of_the_bubbles() -> None:
    sizes = (5.0, 12.0, 60.0, 155.0)
    made = laid_out(chart(series(*(point(k, k, size=size) for k, size in enumerate(sizes))), size_title="weight"))
    assert made.sizes is not None
    assert made.sizes.sizes == (150.0, 30.0, 5.0)


def test_a_print_has_black_text_of_seven_points_and_no_title(tmp_path: Path) -> None:
    made = PAPERS["operations-time-b16"]
    draw_print(made, tmp_path / "a.svg", width=850, height=600)
    drawn = Drawn((tmp_path / "a.svg").read_text(encoding="utf-8"))
    assert made.title not in drawn.all_text
    assert made.caption not in drawn.all_text
    assert "Fit (paper)" in drawn.words
    sizes = {float(e.get("font-size", "0").removesuffix("px")) for e in drawn.root.iter(f"{SVG}text")}
    assert min(sizes) >= 0.8 * 7 / 72 * 254


def test_what_the_figures_of_one_batch_size_share_is_left_to_the_title() -> None:
    made = FIGURES["operations-time-b16"]([campaign()], Options())
    words = set(Drawn(chart_svg(made)).words)
    assert {"ResNet-50", "VGG-19"} <= words
    assert "ResNet-50 b16" not in words


def test_a_network_that_only_the_paper_has_is_named_as_well() -> None:
    few = {name: times for name, times in published_times().items() if name in {"AlexNet", "VGG-16"}}
    made = FIGURES["operations-time-b1"]([campaign(few)], Options())
    assert set(NAMES) <= set(Drawn(chart_svg(made)).words)


def test_a_hidden_line_leaves_the_others_their_colours() -> None:
    lines = tuple(Line(f"L{k}", (0.0, 9.0), (float(k), 9.0)) for k in range(3))
    whole = chart(series(point(1, 1), point(9, 9)), lines=lines)
    seen = {curve.of.name: curve.colour for curve in laid_out(whole).curves}
    left = {curve.of.name: curve.colour for curve in laid_out(without(whole, {"L1"})).curves if curve.parts}
    assert left == {name: seen[name] for name in ("L0", "L2")}
    assert "L1" not in Drawn(chart_svg(without(whole, {"L1"}))).all_text


def laid_out(made: Chart, **view: object) -> Layout:
    return lay_out(made, (800, 500), PALETTES["light"], view=View(**view))  # type: ignore[arg-type]


def test_a_picture_that_moves_takes_the_names_along() -> None:
    rest = laid_out(FIGURES["operations-time-b16"]([campaign()], Options()))
    assert rest.whole.x is not None
    low, high = rest.whole.x
    gone = moved(rest, View(x=(low - 2, high - 2)))
    kept = {name.text: name for name in gone.names}
    assert len(kept) > 5
    for name in rest.names:
        if name.text in kept:
            new = kept[name.text]
            assert new.box.left - new.mark.bubble.x == pytest.approx(name.box.left - name.mark.bubble.x)
            assert new.box.top - new.mark.bubble.y == pytest.approx(name.box.top - name.mark.bubble.y)
    assert gone.entries == rest.entries


def test_nothing_is_drawn_beyond_the_plot_when_a_part_is_looked_at() -> None:
    made = laid_out(campaign_chart(), x=(1.0, 3.0), y=(1.0, 1.5))
    box = made.box
    assert made.marks
    for mark in made.marks:
        assert box.left - 1 <= mark.bubble.x <= box.right + 1
        assert box.top - 1 <= mark.bubble.y <= box.bottom + 1
    assert all(box.left - 0.1 <= s.x <= box.right + 0.1 for c in made.curves for part in c.parts for s in part)


def test_the_small_bubble_is_found_before_the_large_one_under_it() -> None:
    made = laid_out(chart(series(point(5, 5, "large", 100.0), point(5.05, 5, "small", 1.0), point(0, 0), point(9, 9))))
    small = next(mark for mark in made.marks if mark.point.label == "small")
    found = nearest(made, small.bubble.x, small.bubble.y)
    assert found is not None
    assert found.point.label == "small"
    assert nearest(made, made.box.right - 5, made.box.bottom - 5) is None


@pytest.mark.parametrize("first", [Origin.SIMULATED, Origin.DIGITISED])
def test_what_was_measured_is_found_before_the_published_value_in_its_place(first: Origin) -> None:
    second = Origin.DIGITISED if first is Origin.SIMULATED else Origin.SIMULATED
    made = laid_out(chart(series(point(5, 5), origin=first), series(point(5.01, 5), point(9, 9), origin=second)))
    for mark in [mark for mark in made.marks if mark.point.x.value < 6]:
        found = nearest(made, mark.bubble.x, mark.bubble.y)
        assert found is not None
        assert found.series.origin is Origin.SIMULATED
    apart = laid_out(chart(series(point(5, 5), origin=first), series(point(6, 5), origin=second)))
    for mark in apart.marks:
        assert nearest(apart, mark.bubble.x, mark.bubble.y) == mark


def test_category_names_are_slanted_where_they_have_no_room_and_level_where_they_have() -> None:
    for count, slanted in ((3, False), (14, True)):
        names = tuple(f"Inception-v{k}" for k in range(count))
        bars = [Series(n, BLUE, (point(k, 50 + k),), Origin.MEASURED) for k, n in enumerate(names)]
        made = Chart(
            "k", 1, "T", Axis("network", "", Scale.CATEGORY, names), Axis("top-1", "%"), tuple(bars), bars=True
        )
        angles = [angle for text, _, _, angle in Drawn(chart_svg(made)).texts if text in names]
        assert len(angles) == count
        assert all((abs(angle) > 30) is slanted for angle in angles)


def test_bars_stand_on_zero_and_are_as_high_as_their_values() -> None:
    names = ("a", "b")
    bars = [Series(n, BLUE, (point(k, 40 * (k + 1)),), Origin.MEASURED) for k, n in enumerate(names)]
    made = Chart("k", 1, "T", Axis("n", "", Scale.CATEGORY, names), Axis("top-1", "%"), tuple(bars), bars=True)
    rectangles = list(Drawn(chart_svg(made)).root.iter(f"{SVG}rect"))
    heights = sorted(float(r.get("height", 0)) for r in rectangles)[-3:-1]
    assert heights[1] == pytest.approx(2 * heights[0], abs=1)
    assert heights[0] > 100


@pytest.mark.parametrize("origin", list(Origin))
def test_the_origin_of_every_point_and_line_is_written(origin: Origin) -> None:
    assert origin.value in Drawn(chart_svg(chart(series(point(1, 1), origin=origin)))).all_text
    line = Line("a line", (0.0, 2.0), (0.0, 2.0), origin, text="y = x")
    text = Drawn(chart_svg(chart(series(point(1, 1)), lines=(line,)))).all_text
    assert f"a line: y = x ({origin.value})" in text


def test_missing_notes_stand_under_the_plot_or_are_counted() -> None:
    few = Drawn(chart_svg(chart(series(point(1, 1)), missing=("A is missing.", "B is too.")), captions=True))
    assert "Not shown: A is missing. B is too." in few.all_text
    notes = tuple(f"Network {k} at batch 64 does not fit in the memory of this board." for k in range(40))
    many = Drawn(chart_svg(chart(series(point(1, 1)), missing=notes, caption="Caption."), captions=True))
    counted = many.all_text.count("does not fit")
    assert f"And {40 - counted} more." in many.all_text
    assert "Caption." in many.all_text


def test_points_that_a_scale_has_no_place_for_are_counted() -> None:
    made = chart(series(point(1, 1), point(0, 1), point(-3, 1), point(math.nan, 1), point(10, 2)), x=Scale.LOG)
    assert "3 points lie outside the range of these scales." in Drawn(chart_svg(made, captions=True)).all_text


def test_an_empty_chart_says_why_in_its_middle() -> None:
    drawn = Drawn(chart_svg(chart(missing=("Memory was not measured.",)), captions=True))
    [(_, x, y, _)] = [each for each in drawn.texts if each[0] == "Memory was not measured."]
    assert 400 < x < 1000
    assert 400 < y < 600
    assert "There are no values to draw." in Drawn(chart_svg(chart())).words


def test_text_of_strangers_is_text() -> None:
    nasty = '<script>alert(1)</script> & "x" ]]> \x00\x1b[31m \ud800 \u202e \u2028 end'
    made = chart(
        series(point(1, 1, nasty), name=nasty),
        caption=nasty,
        missing=(nasty,),
        lines=(Line(nasty, (0.0, 1.0), (0.0, 1.0), text=nasty),),
        size_title=nasty,
    )
    svg = chart_svg(replace(made, title=nasty), captions=True)
    root = ElementTree.fromstring(svg.encode("utf-8"))
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>alert(1)</script>" in (root.findtext(f"{SVG}title") or "")


@given(st.text())
def test_plain_text_can_be_seen_and_written(text: str) -> None:
    assert len(plain(text)) == len(text)
    assert plain(text).isprintable()
    plain(text).encode("utf-8")


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_stamp_of_a_simulation_is_in_the_plot_itself(tmp_path: Path) -> None:
    made = chart(series(point(1, 1), point(9, 9)))
    draw_chart(made, tmp_path / "real.png")
    draw_chart(replace(made, simulated=True), tmp_path / "simulated.png")
    draw_chart(chart(series(point(1, 1), point(9, 9), origin=Origin.SIMULATED)), tmp_path / "by-origin.png")
    alarm = np.array([int(PALETTES["light"].alarm[k : k + 2], 16) for k in (1, 3, 5)])
    for name in ("simulated.png", "by-origin.png"):
        image = pixels(tmp_path / name)
        towards = image[..., 0] - image[..., 2]
        for part in np.array_split(towards[200:800, 200:1500], 4, axis=1):
            assert (part > 8).mean() > 0.02, "a quarter of the plot without a letter of the stamp"
        assert (np.abs(image[:120, 1100:] - alarm).max(axis=2) < 12).sum() > 2000, "nor the badge in the head"
    real = pixels(tmp_path / "real.png")
    assert ((real[..., 0] - real[..., 2] > 8) & (real[..., 0] - real[..., 1] < 60)).sum() < 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_ground_is_that_of_the_theme(tmp_path: Path, theme: str) -> None:
    draw_chart(campaign_chart(), tmp_path / "out.png", theme=theme)  # type: ignore[arg-type]
    ground = PALETTES[theme].ground  # type: ignore[index]
    assert tuple(pixels(tmp_path / "out.png")[3, 3]) == tuple(int(ground[k : k + 2], 16) for k in (1, 3, 5))


@pytest.mark.parametrize("theme", ["light", "dark"])
@given(colour=st.integers(0, 0xFFFFFF))
def test_every_colour_can_be_seen_on_every_ground(theme: str, colour: int) -> None:
    palette = PALETTES[theme]  # type: ignore[index]
    found = legible(f"#{colour:06x}", palette.ground, palette.text, 4.5)
    assert contrast_of(found, palette.ground) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast_of("#000000", "#ffffff") == pytest.approx(21)
    assert contrast_of("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert legible("#de2d26", "#ffffff", "#000000", 3.0) == "#de2d26", "a colour that stands out is left alone"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_bar_stands_out_from_the_ground_also_that_of_a_black_network(theme: str) -> None:
    """From the pixels: a network may be black in the paper, and the ground is nearly so in the dark theme."""
    palette = PALETTES[theme]  # type: ignore[index]
    layout = lay_out(FIGURES["top1"]([campaign()], Options()), (1280, 800), palette)
    image = QImage(1280, 800, QImage.Format.Format_RGB32)
    image.fill(QColor(palette.ground))
    painter = QPainter(image)
    paint(layout, painter)
    painter.end()
    bars = {mark.series.network: mark.bar for mark in layout.marks if mark.bar is not None and not mark.group}
    assert "ENet" in bars
    for network, bar in bars.items():
        # Beside its error bar, and above the axis.
        at = bar.left + 0.2 * (bar.right - bar.left), bar.bottom - 0.2 * (bar.bottom - bar.top)
        found = image.pixelColor(*map(round, at)).name()
        assert contrast_of(found, palette.ground) >= 3.0, (network, found)
    for key, figure in FIGURES.items():
        made = figure([campaign()], Options())
        samples = [entry.sample.colour for entry in legend_of(made, palette)]
        assert all(contrast_of(colour, palette.ground) >= 3.0 for colour in samples), key


def test_files_are_what_their_names_say(tmp_path: Path) -> None:
    for name in ("a.png", "a.svg", "a.pdf"):
        draw_chart(campaign_chart(), tmp_path / name, width=1200, height=800)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1200, 800)
        assert image.info["dpi"] == pytest.approx((254, 254), abs=0.1)
    root = ElementTree.fromstring((tmp_path / "a.svg").read_bytes())
    assert root.get("viewBox") == "0 0 1200 800"
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    [box] = re.findall(rb"/MediaBox \[([\d. ]+)\]", pdf)
    assert [float(part) for part in box.split()] == pytest.approx([0, 0, 1200 / 254 * 72, 800 / 254 * 72], abs=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.pdf", "a.png", "a.svg"]


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("out.gif", (1600, 1000), "choose one of these endings"),
        ("out", (1600, 1000), "choose one of these endings"),
        ("out.png", (100, 1000), "choose from 480 x 320"),
        ("out.svg", (1600, 20000), "choose from 480 x 320"),
        ("nowhere/out.png", (1600, 1000), "no folder"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(tmp_path: Path, name: str, size: tuple[int, int], words: str) -> None:
    with pytest.raises(ExportError, match=words):
        draw_chart(campaign_chart(), tmp_path / name, width=size[0], height=size[1])
    assert list(tmp_path.iterdir()) == []


def test_neither_a_display_nor_an_application_is_needed(tmp_path: Path) -> None:
    (tmp_path / "chart").write_bytes(pickle.dumps(campaign_chart()))
    code = (
        "import pickle\n"
        "from pathlib import Path\n"
        "from monitor_app.charts.files import draw_chart\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "draw_chart(pickle.loads((folder / 'chart').read_bytes()), folder / 'a.png')\n"
    )
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1600, 1000)


spots = st.builds(Spot, st.floats(-50, 150), st.floats(-50, 150))
BOUNDS = Box(0, 0, 100, 100)


@given(st.lists(spots, min_size=2, max_size=8))
def test_a_clipped_curve_is_the_curve_inside(curve: list[Spot]) -> None:
    parts = clipped(curve, BOUNDS)
    for spot in (spot for part in parts for spot in part):
        assert -1e-6 <= spot.x <= 100 + 1e-6
        assert -1e-6 <= spot.y <= 100 + 1e-6
    shares = np.linspace(0, 1, 21)
    for start, end in pairwise(curve):
        for share in shares:
            x, y = start.x + share * (end.x - start.x), start.y + share * (end.y - start.y)
            if 0.01 < x < 99.99 and 0.01 < y < 99.99:
                assert min(_distance(x, y, a, b) for part in parts for a, b in pairwise(part)) < 1e-6


def _distance(x: float, y: float, a: Spot, b: Spot) -> float:
    along = np.array([b.x - a.x, b.y - a.y])
    to = np.array([x - a.x, y - a.y])
    share = float(np.clip(to @ along / max(along @ along, 1e-300), 0, 1))
    return float(np.hypot(*(to - share * along)))


bubbles = st.builds(Bubble, st.floats(50, 950), st.floats(50, 550), st.floats(2, 40))


@given(st.lists(bubbles, min_size=1, max_size=25))
def test_names_cover_neither_each_other_nor_the_middle_of_a_mark(marks: list[Bubble]) -> None:
    bounds = Box(0, 0, 1000, 600)
    found = place_labels([Wanted(bubble, 90, 20) for bubble in marks], marks, [], [], bounds)
    boxes = [label.box for label in found if label]
    for k, one in enumerate(boxes):
        assert bounds.left <= one.left < one.right <= bounds.right
        assert bounds.top <= one.top < one.bottom <= bounds.bottom
        assert not any(one.left < b.x < one.right and one.top < b.y < one.bottom for b in marks)
        for other in boxes[k + 1 :]:
            apart = one.right <= other.left or other.right <= one.left
            assert apart or one.bottom <= other.top or other.bottom <= one.top


def test_a_lone_mark_has_its_name_beside_it() -> None:
    bubble = Bubble(500, 300, 10)
    [label] = place_labels([Wanted(bubble, 90, 20)], [bubble], [], [], Box(0, 0, 1000, 600))
    assert label is not None
    assert not label.apart
    assert 510 < label.box.left < 525
    assert (label.box.top + label.box.bottom) / 2 == pytest.approx(300)


def test_a_name_stays_on_a_dotted_line_and_leaves_an_error_bar() -> None:
    wanted, only_beside = Wanted(Bubble(500, 300, 10), 90, 20), Box(0, 285, 1000, 315)
    left, right = Box(450, 0, 452, 600), Box(548, 0, 550, 600)
    for bar, line in ((left, right), (right, left)):
        [label] = place_labels([wanted], [wanted.bubble], [bar], [line], only_beside)
        assert label is not None
        assert label.box.left < line.left < line.right < label.box.right


@given(st.lists(st.floats(0, 500), min_size=1, max_size=14))
def test_names_at_ends_keep_their_order_and_distance(places: list[float]) -> None:
    moved = spread(places, 25, 0, 500)
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= 25 - 1e-6).all()
    assert min(moved) >= -1e-6
    assert max(moved) <= 500 + 1e-6


def test_names_that_do_not_touch_stay_and_two_that_do_part_evenly() -> None:
    assert spread([10, 100, 300], 25, 0, 500) == [10, 100, 300]
    assert spread([200, 210], 25, 0, 500) == pytest.approx([192.5, 217.5])
    crowded = spread([5.0] * 30, 25, 0, 500)
    assert sorted(crowded)[0] >= -1e-6
    assert np.diff(sorted(crowded)) == pytest.approx(500 / 29)
