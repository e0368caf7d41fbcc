# SPDX-License-Identifier: Apache-2.0
"""Where everything of a chart lies in a picture of a given size: computed once, then painted as often as needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor_app.charts.axis import ChartAxis, chart_axis, full_span
from monitor_app.charts.budget import place_budget
from monitor_app.charts.canvas import PRINT_UNIT, SMALL, Style, chart_style, need_application
from monitor_app.charts.clipping import Box
from monitor_app.charts.contents import SOLID, has_values, room_x, room_y
from monitor_app.charts.frame import MARGIN, footer, header
from monitor_app.charts.legend import (
    entries_of,
    names_width,
    place_entries,
    size_legend,
    size_width,
    sizes_row_height,
    unnamed,
)
from monitor_app.charts.marks import bar_values, curves_of, largest_radius, marks_of
from monitor_app.charts.model import Scale
from monitor_app.charts.names import ends_width, moved_names, names_at_ends, names_beside
from monitor_app.charts.plot import Plot, names_height

if TYPE_CHECKING:
    from monitor_app.charts.axis import Span
    from monitor_app.charts.budget import Budget, BudgetLines
    from monitor_app.charts.frame import Footer, Header
    from monitor_app.charts.legend import PlacedEntry, SizeLegend
    from monitor_app.charts.marks import BarValue, Curve, Mark
    from monitor_app.charts.model import Axis, Chart
    from monitor_app.charts.names import NameAtEnd, NameBeside
    from monitor_app.charts.palette import Palette

NEAR = 0.7
"""A mark is found from this far beyond its edge, in units."""
OVER = 0.2
"""A published value counts as this much farther away, in units: what was measured here may coincide with it."""
_TICK_ROOM = 2.2
"""Least width of the numbers along the y axis, in units: a zoom rarely changes it, so the plot stays where it is."""


@dataclass(frozen=True, slots=True)
class View:
    """What of a chart is looked at: spans in straight values, None for all of it, and a budget."""

    x: Span | None = None
    y: Span | None = None
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A chart of which every place is known. Painting it measures and decides nothing."""

    chart: Chart
    style: Style
    header: Header | None
    footer: Footer | None
    """Both are None in a page that has the words as text of its own."""
    entries: tuple[PlacedEntry, ...]
    room: Box
    """Of the plot with its axes."""
    listed: tuple[tuple[str, str], ...]
    """Name and colour of networks that are named in a column beside the plot."""
    sizes: SizeLegend | None
    sizes_y: float | None
    """Of the sizes in a row over the plot; None where they stand beside it."""
    gutter: float
    """Width of what is on the right of the plot."""
    empty: bool
    """There are no values; the reason is written in the plot."""
    whole: View
    """All of the chart: both spans are given."""
    plot: Plot
    marks: tuple[Mark, ...] = ()
    curves: tuple[Curve, ...] = ()
    bar_values: tuple[BarValue, ...] = ()
    names: tuple[NameBeside, ...] = ()
    ends: tuple[NameAtEnd, ...] = ()
    budget: BudgetLines | None = None

    @property
    def box(self) -> Box:
        """Of the plot."""
        return self.plot.box


def lay_out(
    chart: Chart,
    size: tuple[float, float],
    palette: Palette,
    *,
    captions: bool = True,
    view: View = View(),
    most_unit: float = math.inf,
    for_print: bool = False,
) -> Layout:
    """The layout of a picture.

    Args:
        chart: what is drawn.
        size: width and height in pixels.
        palette: its colours.
        captions: False leaves out title, caption and what is missing.
        view: what of the chart is looked at.
        most_unit: height of the body text in pixels that a large picture does not exceed.
        for_print: text of 7 points whatever the size, and no equations: title, caption and equations are for the text
            around the picture.
    """
    need_application()
    style = Style(palette, *size, PRINT_UNIT) if for_print else chart_style(palette, *size, most_unit)
    captions = captions and not for_print
    found = _viewed(_framed(chart, style, captions, for_print, unnamed(chart)), view)
    crowded_out = _crowded_out(found)
    if not crowded_out:
        return found
    return _viewed(_framed(chart, style, captions, for_print, found.listed + crowded_out), view)


def moved(layout: Layout, view: View) -> Layout:
    """The same picture with another view, for one that moves: names keep their places beside their marks.

    To look for places takes longer than everything else.
    """
    return _viewed(layout, view, moving=True)


def only(layout: Layout, word: str) -> Layout:
    """The same with nothing but the values of one network, group or line."""
    marks = tuple(mark for mark in layout.marks if word in mark.series.words)
    points = {mark.bubble.x for mark in marks}
    return replace(
        layout,
        marks=marks,
        curves=tuple(curve for curve in layout.curves if word in curve.of.words),
        bar_values=tuple(value for value in layout.bar_values if value.x in points),
        names=tuple(name for name in layout.names if word in name.mark.series.words),
        ends=tuple(end for end in layout.ends if word in end.series.words),
    )


def nearest(layout: Layout, x: float, y: float) -> Mark | None:
    """The mark under a place in pixels; of several that with the nearest centre: a small bubble before a large.

    What was measured here comes before a published value in the same place: it leads to its trace.
    """
    reach = NEAR * layout.style.unit
    best: tuple[float, Mark] | None = None
    for mark in reversed(layout.marks):
        far = _distance(mark, x, y, reach)
        if far is not None and mark.series.origin not in SOLID:
            far += OVER * layout.style.unit
        if far is not None and (best is None or far < best[0]):
            best = far, mark
    return best[1] if best else None


def _distance(mark: Mark, x: float, y: float, reach: float) -> float | None:
    dx, dy = x - mark.bubble.x, y - mark.bubble.y
    if mark.bar is not None:
        inside = mark.bar.left <= x <= mark.bar.right and mark.bar.top - reach <= y <= mark.bar.bottom + reach
        # A bar of other origin is an outline around those measured here.
        return abs(dx) + (0.0 if mark.series.origin in SOLID else reach) if inside else None
    far = float((dx * dx + dy * dy) ** 0.5)
    return far if far - mark.bubble.radius <= reach else None


def _crowded_out(layout: Layout) -> tuple[tuple[str, str], ...]:
    """Networks that have marks in view and no name anywhere."""
    named = {name.mark.series.network for name in layout.names} | {name for name, _ in layout.listed}
    named |= {name.text for name in layout.ends}
    if layout.chart.bars or not layout.names:
        return ()
    rest = {m.series.network: m.series.colour for m in layout.marks if m.point.label and not m.ring}
    return tuple((name, colour) for name, colour in rest.items() if name not in named)


def _framed(chart: Chart, style: Style, captions: bool, terse: bool, listed: tuple[tuple[str, str], ...]) -> Layout:
    """What stands around the plot, for all of the chart; the plot is empty."""
    margin = MARGIN * style.unit
    head, foot = (header(style, chart), footer(style, chart)) if captions else (None, None)
    entries, top = place_entries(style, entries_of(style, chart, terse=terse), head.bottom if head else margin, margin)
    sizes = size_legend(style, chart)
    beside = sizes if not terse else None
    gutter = max(
        ends_width(style, chart),
        names_width(style, listed),
        size_width(style, beside) + 1.5 * style.unit if beside else 0.0,
    )
    sizes_y = None
    if sizes is not None and terse:
        half = sizes_row_height(sizes) / 2
        sizes_y, top = top + half, top + 2 * half
    bottom = style.height - margin - (foot.height if foot else 0.0)
    ends = Box(margin, top + 0.6 * style.unit, style.width - margin - gutter, bottom)
    whole = _whole(style, chart, _box(style, chart, ends, full_span(chart.y.scale, room_y(chart), 0.05)), sizes)
    return Layout(
        chart=chart,
        style=style,
        header=head,
        footer=foot,
        entries=tuple(entries),
        room=ends,
        listed=listed,
        sizes=sizes,
        sizes_y=sizes_y,
        gutter=gutter,
        empty=not has_values(chart),
        whole=whole,
        plot=_plot(style, chart, ends, whole, View()),
    )


def _viewed(layout: Layout, view: View, *, moving: bool = False) -> Layout:
    """The same with the values in view."""
    chart = layout.chart
    plot = _plot(layout.style, chart, layout.room, layout.whole, view)
    marks, curves = marks_of(plot, chart), curves_of(plot, chart)
    budget = place_budget(plot, chart, view.budget) if view.budget is not None else None
    if moving:
        names = moved_names(layout.names, {(m.series.name, m.point): m for m in marks}, plot.box)
    else:
        lines = [curve for curve in curves if curve.of in chart.lines]
        names = names_beside(plot, chart, marks, lines, [tag for tag, _ in budget.tags] if budget else [])
    return replace(
        layout,
        plot=plot,
        marks=marks,
        curves=curves,
        budget=budget,
        names=names,
        ends=names_at_ends(plot, chart, curves),
        bar_values=bar_values(plot, chart, marks) if chart.bars else (),
    )


def _box(style: Style, chart: Chart, room: Box, y: Span) -> Box:
    """Of the plot: the numbers along y take room from x, and the names along x from y."""
    probe = _axis(chart.y, y, (1.0, 0.0), _most_y(style))
    numbers = max([_TICK_ROOM * style.unit, *(style.text_width(tick.text, SMALL) for tick in probe.ticks)])
    left = room.left + 2.4 * style.unit + numbers
    floor = room.bottom - 1.5 * style.unit - names_height(style, chart.x, room.right - left)
    return Box(left, room.top, room.right, max(floor, room.top + 4 * style.unit))


def _whole(style: Style, chart: Chart, box: Box, sizes: SizeLegend | None) -> View:
    """All of the chart, with room for the largest bubble at the ends of both axes."""
    reach = (largest_radius(style) if sizes else 0.35 * style.unit) + 0.3 * style.unit
    few = 0.07 if chart.x.scale is Scale.LOG2 else 0.02
    x = min(max(reach / (box.right - box.left), few), 0.2)
    y = min(max(reach / (box.bottom - box.top), 0.05), 0.2)
    return View(
        full_span(chart.x.scale, room_x(chart), x, chart.x.categories),
        full_span(chart.y.scale, room_y(chart), y, chart.y.categories),
    )


def _plot(style: Style, chart: Chart, room: Box, whole: View, view: View) -> Plot:
    x, y = view.x or whole.x, view.y or whole.y
    assert x is not None
    assert y is not None
    box = _box(style, chart, room, y)
    most_x = max(int((box.right - box.left) / (5 * style.unit)), 2)
    return Plot(
        style,
        box,
        _axis(chart.x, x, (box.left, box.right), most_x),
        _axis(chart.y, y, (box.bottom, box.top), _most_y(style)),
        room.left + 0.6 * style.unit,
        room.bottom - 0.6 * style.unit,
    )


def _most_y(style: Style) -> int:
    return max(int(style.height / style.unit / 4.5), 3)


def _axis(axis: Axis, span: Span, ends: tuple[float, float], most: int) -> ChartAxis:
    return chart_axis(axis.scale, span, *ends, most=most, categories=axis.categories)
