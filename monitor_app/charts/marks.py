# SPDX-License-Identifier: Apache-2.0
"""The values of a chart on a canvas: bubbles, bars, joined points, curves with bands, and how sure each value is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF

from monitor_app.charts.clipping import Box, Spot, clipped
from monitor_app.charts.contents import SOLID, drawable, groups_of, is_ring, is_under, place_of, points_of, sizes_of
from monitor_app.charts.labels import Bubble
from monitor_app.charts.plot import rectangle
from monitor_app.charts.symbols import FILL, bar_opacity, dash_of, draw_symbol, line_colour

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PySide6.QtGui import QColor, QPen

    from monitor_app.charts.canvas import Canvas, Style
    from monitor_app.charts.contents import Group
    from monitor_app.charts.model import Chart, Line, Point, Series
    from monitor_app.charts.plot import Plot

MARK = 0.34
"""Radius of a mark whose area means nothing, in units; smaller where a line joins marks."""
_JOINED_MARK, _RING = 0.26, 0.46
_LARGEST, _LARGEST_OF_WIDTH = 1.5, 0.03
"""Radius of the largest bubble, in units, and at most as a fraction of the width of the picture."""
_BARS = 0.72
"""Fraction of its place that a bar takes."""
_BAND_ALPHA = 34
_UNDER, _UNDER_ALPHA = 5.0, 105
"""Published lines under measured ones are wider than those, and pale, so that both are seen where they coincide."""
_UNDER_MARK = 0.44
_VALUE_SIZE = 0.75


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the canvas."""

    series: Series
    point: Point
    bubble: Bubble
    group: int
    """Which of the compared groups."""
    ring: bool
    """Around a mark of another series, which is seen through it."""
    intervals: tuple[QLineF, ...]
    """Error bars, cut at the edge of the plot."""
    bar: Box | None = None
    """From zero to the value, where the chart has bars; the bubble is a point in the middle of its end."""

    shape: int = 0
    """That of the group; of joined points, where nothing is compared, that of the network."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Joined points, a fit, a bound or a front on the canvas, cut at the edge of the plot."""

    of: Series | Line
    parts: tuple[tuple[Spot, ...], ...]
    colour: str
    thickness: float
    dash: Qt.PenStyle
    band: QPainterPath | None = None
    alpha: int = 255


@dataclass(frozen=True, slots=True)
class BarValue:
    """A number above a bar, centred on a place."""

    x: float
    y: float
    text: str


def largest_radius(style: Style) -> float:
    """Of the bubble with the largest size, in pixels; the same in the plot and in its legend."""
    return min(_LARGEST * style.unit, _LARGEST_OF_WIDTH * style.width)


def radius_of(size: float, largest_size: float, largest_px: float) -> float:
    """The area of a bubble is proportional to its size."""
    return largest_px * math.sqrt(size / largest_size)


# -- where they lie --------------------------------------------------------------------------------


def marks_of(plot: Plot, chart: Chart) -> tuple[Mark, ...]:
    """Marks in view in the order in which they are drawn, which hides none behind another.

    Bars keep the order of the chart; other marks of other origin come first, and large ones before small.
    """
    if chart.bars:
        return tuple(_bars_of(plot, chart))
    sizes = sizes_of(chart)
    most, largest = max(sizes, default=1.0), largest_radius(plot.style)
    groups, unit, found = groups_of(chart), plot.style.unit, []
    for series, point in points_of(chart):
        if not plot.holds(point):
            continue
        ring = is_ring(chart, series)
        under = series.joined and is_under(chart, series)
        radius = (_UNDER_MARK if under else _JOINED_MARK if series.joined else _RING if ring else MARK) * unit
        if point.size is not None and point.size > 0 and math.isfinite(point.size):
            radius = max(radius_of(point.size, most, largest), 0.1 * unit)
        bubble = Bubble(*plot.spot(point), radius)
        intervals = tuple(_intervals(plot, point, bubble))
        if ring:  # The point that it marks has the interval of y already.
            intervals = tuple(each for each in intervals if each.y1() == each.y2())
        group = place_of(groups, series, point)
        shape = group if len(groups) > 1 or not series.joined else series.shape
        found.append(Mark(series, point, bubble, group, ring, intervals, shape=shape))
    return tuple(sorted(found, key=lambda mark: (mark.ring, mark.series.origin in SOLID, -mark.bubble.radius)))


def curves_of(plot: Plot, chart: Chart) -> tuple[Curve, ...]:
    """The lines of the chart, then lines through the points of series in the order of x, those measured here last."""
    found = [_line(plot, line, index) for index, line in enumerate(chart.lines)]
    groups = groups_of(chart)
    for series in sorted(chart.series, key=lambda each: each.origin in SOLID):
        if series.joined:
            found += _joined(plot, chart, series, groups)
    return tuple(found)


def bar_values(plot: Plot, chart: Chart, marks: Sequence[Mark]) -> tuple[BarValue, ...]:
    """Numbers above bars that are wide enough for them, over all that stands at the same place."""
    style, found = plot.style, []
    beside: dict[float, float] = {}
    for mark in marks:
        if mark.bar is not None and mark.series.origin not in SOLID:
            beside[mark.point.x.value] = min(mark.bar.top, beside.get(mark.point.x.value, math.inf))
    for mark in marks:
        if mark.bar is None or mark.series.origin not in SOLID:
            continue
        text = value_text(plot, mark.point.y.value)
        ends = [interval.y2() for interval in mark.intervals]
        highest = min([mark.bar.top, *ends, beside.get(mark.point.x.value, math.inf)])
        if style.text_width(text, _VALUE_SIZE) < (mark.bar.right - mark.bar.left) / 0.92:
            found.append(BarValue(mark.bubble.x, highest - 0.7 * style.unit, text))
    return tuple(found)


def value_text(plot: Plot, value: float) -> str:
    """To a hundredth of what lies between two ticks of the axis, but not to more than four digits."""
    steps = [after.value - tick.value for tick, after in pairwise(plot.y.ticks)]
    if not steps or value == 0:
        return f"{value:.3g}"
    places = max(0, min(2 - math.floor(math.log10(min(steps))), 3 - math.floor(math.log10(abs(value)))))
    return f"{value:,.{places}f}"


def pieces(curve: Curve, unit: float) -> Iterator[QLineF]:
    """A curve in pieces about as long as a letter is high."""
    for part in curve.parts:
        for start, end in pairwise(part):
            whole = QLineF(*start, *end)
            count = max(math.ceil(whole.length() / unit), 1)
            for k in range(count):
                yield QLineF(whole.pointAt(k / count), whole.pointAt((k + 1) / count))


def _bars_of(plot: Plot, chart: Chart) -> Iterator[Mark]:
    """Bars from zero, those of compared groups side by side; a bar of other origin is a dashed outline around."""
    groups, unit = groups_of(chart), plot.style.unit
    count = max(len(groups), 1)
    whole = _BARS * (plot.x.place(1.0) - plot.x.place(0.0))
    zero = plot.y.inside(0.0)
    for series, point in points_of(chart):
        own = series.origin in SOLID
        width = whole / count if own else whole + 0.24 * unit
        group = place_of(groups, series, point)
        middle = plot.x.place(point.x.value) + ((group - (count - 1) / 2) * width if own else 0.0)
        left, right = max(middle - 0.46 * width, plot.box.left), min(middle + 0.46 * width, plot.box.right)
        if left >= right:
            continue
        end = plot.y.inside(point.y.value)
        bar = Box(left, min(end, zero), right, max(end, zero))
        low, high = plot.y.inside(point.y.low), plot.y.inside(point.y.high)
        shows = own and low - high > 1 and plot.box.left <= middle <= plot.box.right
        intervals = (QLineF(middle, low, middle, high),) if shows else ()
        yield Mark(series, point, Bubble(middle, end, 0.0), group, False, intervals, bar)


def _intervals(plot: Plot, point: Point, bubble: Bubble) -> Iterator[QLineF]:
    """Intervals that can be seen: beyond the mark, or through it where it is a bubble that stands for a size."""
    least = 1.0 if point.size is not None else bubble.radius
    low, high = plot.x.inside(point.x.low), plot.x.inside(point.x.high)
    if bubble.x - low > least or high - bubble.x > least:
        yield QLineF(low, bubble.y, high, bubble.y)
    low, high = plot.y.inside(point.y.low), plot.y.inside(point.y.high)
    if low - bubble.y > least or bubble.y - high > least:
        yield QLineF(bubble.x, low, bubble.x, high)


def _line(plot: Plot, line: Line, index: int) -> Curve:
    colour = line_colour(plot.style.palette, index)
    spots = [Spot(plot.x.place(x), plot.y.place(y)) for x, y in zip(line.x, line.y, strict=True)]
    band = _band(plot, line) if line.low and line.high else None
    return Curve(line, _cut(plot, spots), colour, 1.8, dash_of(line.origin), band)


def _joined(plot: Plot, chart: Chart, series: Series, groups: Sequence[Group]) -> Iterator[Curve]:
    points = sorted((p for p in series.points if drawable(chart, p)), key=lambda p: (p.campaign, p.x.value))
    first = series.origin in SOLID and points and place_of(groups, series, points[0]) == 0
    colour, dash = plot.style.line_colour(series.colour), dash_of(series.origin)
    under = is_under(chart, series)
    thickness, alpha = (_UNDER, _UNDER_ALPHA) if under else (2.2 if first else 1.5, 255)
    for campaign in sorted({point.campaign for point in points}):
        spots = [plot.spot(p) for p in points if p.campaign == campaign]
        yield Curve(series, _cut(plot, spots), colour, thickness, dash, alpha=alpha)


def _cut(plot: Plot, spots: Sequence[Spot]) -> tuple[tuple[Spot, ...], ...]:
    return tuple(tuple(part) for part in clipped(spots, plot.box))


def _band(plot: Plot, line: Line) -> QPainterPath:
    ends = zip(line.x, line.low, line.high, strict=True)
    edges = [(plot.x.place(x), plot.y.inside(low), plot.y.inside(high)) for x, low, high in ends]
    edges = [edge for edge in edges if all(map(math.isfinite, edge))]
    outline = [QPointF(x, low) for x, low, _ in edges] + [QPointF(x, high) for x, _, high in reversed(edges)]
    area, frame = QPainterPath(), QPainterPath()
    area.addPolygon(QPolygonF(outline))
    frame.addRect(rectangle(plot.box))
    return area.intersected(frame)


# -- how they are drawn ----------------------------------------------------------------------------


def draw_mark(canvas: Canvas, mark: Mark) -> None:
    """With its error bars under it; a bubble with a size shows its middle too."""
    if mark.bar is not None:
        _draw_bar(canvas, mark, mark.bar)
        return
    painter, bubble, origin = canvas.painter, mark.bubble, mark.series.origin
    colour = canvas.palette.text if mark.ring else canvas.line_colour(mark.series.colour)
    thickness = 1.0 if mark.series.joined else 1.6
    _draw_intervals(canvas, mark, canvas.pen(colour, thickness, alpha=255 if origin in SOLID else 150))
    centre = QPointF(bubble.x, bubble.y)
    painter.setPen(canvas.dashed_pen(colour, 1.5, dash_of(origin)))
    painter.setBrush(_fill(canvas, mark))
    draw_symbol(painter, centre, bubble.radius, mark.shape)
    if mark.point.size is not None and bubble.radius > 0.3 * canvas.unit:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(canvas.colour(canvas.palette.dim))
        painter.drawEllipse(centre, 0.1 * canvas.unit, 0.1 * canvas.unit)


def draw_band(canvas: Canvas, curve: Curve) -> None:
    """In which a fitted line itself lies."""
    if curve.band is not None:
        canvas.painter.setPen(Qt.PenStyle.NoPen)
        canvas.painter.setBrush(canvas.colour(curve.colour, _BAND_ALPHA))
        canvas.painter.drawPath(curve.band)


def draw_curve(canvas: Canvas, curve: Curve) -> None:
    """Without its band."""
    canvas.painter.setPen(canvas.dashed_pen(curve.colour, curve.thickness, curve.dash, curve.alpha))
    canvas.painter.setBrush(Qt.BrushStyle.NoBrush)
    for part in curve.parts:
        canvas.painter.drawPolyline(QPolygonF([QPointF(*spot) for spot in part]))


def draw_bar_value(canvas: Canvas, value: BarValue) -> None:
    """Above its bar."""
    canvas.write(value.x, value.y, value.text, canvas.palette.text, _VALUE_SIZE, align=0.5)


def _draw_bar(canvas: Canvas, mark: Mark, bar: Box) -> None:
    own = mark.series.origin in SOLID
    colour = canvas.line_colour(mark.series.colour)
    pen = canvas.dashed_pen(colour if own else canvas.palette.text, 1.3, dash_of(mark.series.origin))
    canvas.painter.setPen(pen)
    canvas.painter.setBrush(canvas.colour(colour, bar_opacity(mark.group)) if own else Qt.BrushStyle.NoBrush)
    canvas.painter.drawRect(QRectF(QPointF(bar.left, bar.top), QPointF(bar.right, bar.bottom)))
    _draw_intervals(canvas, mark, canvas.pen(canvas.palette.text, 1.6))


def _draw_intervals(canvas: Canvas, mark: Mark, pen: QPen) -> None:
    """Each with a cap at either end."""
    if not mark.intervals:
        return
    half, strokes = 0.16 * canvas.unit, []
    for interval in mark.intervals:
        reach = QPointF(half, 0.0) if interval.x1() == interval.x2() else QPointF(0.0, half)
        strokes += [interval, *(QLineF(end - reach, end + reach) for end in (interval.p1(), interval.p2()))]
    canvas.painter.setPen(pen)
    canvas.painter.drawLines(strokes)


def _fill(canvas: Canvas, mark: Mark) -> QColor:
    """Hollow is clear in a bubble, which may lie over others, and covers the line in a small mark."""
    has_size = mark.point.size is not None
    if mark.series.origin in SOLID and not mark.ring:
        return canvas.colour(canvas.line_colour(mark.series.colour), FILL if has_size else 255)
    return canvas.colour(canvas.palette.ground, 0 if has_size or mark.ring else 255)
