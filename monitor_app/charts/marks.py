# SPDX-License-Identifier: Apache-2.0
"""The values of a chart on paper: balls, bars, joined points, curves with bands, and how sure each value is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF

from monitor_app.charts.clipping import Spot, clipped
from monitor_app.charts.contents import SOLID, drawable, is_aside, points_of, sizes_of
from monitor_app.charts.groups import groups_of
from monitor_app.charts.labels import Ball
from monitor_app.charts.plot import rectangle
from monitor_app.charts.styles import FILL, bar_opacity, draw_mark, line_style, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PySide6.QtGui import QColor, QPen

    from monitor_app.charts.model import Chart, Line, Point, Series
    from monitor_app.charts.plot import Plot
    from monitor_app.charts.sheet import ChartSheet

MARK = 0.34
"""Radius of a mark whose area means nothing, in units; smaller where a line joins marks."""
_JOINED_MARK, _RING = 0.26, 0.46
_LARGEST = 1.5
"""Radius of the largest ball, in units."""
_BAND_ALPHA = 34
_VALUE_SIZE = 0.75


def largest_radius(sheet: ChartSheet) -> float:
    """Of the ball with the largest size, in pixels; the same in the plot and in its legend."""
    return _LARGEST * sheet.unit


def radius_of(size: float, largest_size: float, largest_px: float) -> float:
    """The area of a ball is proportional to its size."""
    return largest_px * math.sqrt(size / largest_size)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on paper."""

    series: Series
    point: Point
    ball: Ball
    group: int
    """Which of the compared groups, for its shape."""
    ring: bool
    """Around a mark of another series, which is seen through it."""


def marks_of(plot: Plot, chart: Chart) -> list[Mark]:
    """Marks on paper, those of other origin first and large ones before small, so that none hides behind another."""
    sizes = sizes_of(chart)
    most, largest = max(sizes, default=1.0), largest_radius(plot.sheet)
    groups, found = groups_of(chart), []
    for series, point in points_of(chart):
        ring = is_aside(chart, series)
        radius = (_JOINED_MARK if series.joined else _RING if ring else MARK) * plot.sheet.unit
        if point.size is not None and point.size > 0 and math.isfinite(point.size):
            radius = max(radius_of(point.size, most, largest), 0.1 * plot.sheet.unit)
        ball = Ball(*plot.spot(point.x, point.y), radius)
        found.append(Mark(series, point, ball, groups.shape(series, point), ring))
    return sorted(found, key=lambda mark: (mark.ring, mark.series.origin in SOLID, -mark.ball.radius))


def draw_marks(plot: Plot, marks: Sequence[Mark]) -> None:
    """Each with its error bars under it; a ball with a size shows its middle too."""
    sheet, painter = plot.sheet, plot.sheet.painter
    for mark in marks:
        series, point, ball = mark.series, mark.point, mark.ball
        colour = sheet.line_colour(series.colour)
        painter.setPen(sheet.pen(colour, 1.0 if series.joined else 1.6, alpha=255 if series.origin in SOLID else 150))
        for bar in error_bars(plot, point, ball):
            _draw_interval(plot, bar)
        centre = QPointF(ball.x, ball.y)
        painter.setPen(sheet.styled(colour, 1.5, outline(series.origin)))
        painter.setBrush(_fill(sheet, mark))
        draw_mark(painter, centre, ball.radius, mark.group)
        if point.size is not None and ball.radius > 0.3 * sheet.unit:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(sheet.colour(sheet.palette.dim))
            painter.drawEllipse(centre, 0.1 * sheet.unit, 0.1 * sheet.unit)


def error_bars(plot: Plot, point: Point, ball: Ball) -> Iterator[QLineF]:
    """Intervals that reach beyond the mark, cut at the edge of the plot."""
    low, high = plot.x.inside(point.x.low), plot.x.inside(point.x.high)
    if ball.x - low > 1 or high - ball.x > 1:
        yield QLineF(low, ball.y, high, ball.y)
    low, high = plot.y.inside(point.y.low), plot.y.inside(point.y.high)
    if low - ball.y > 1 or ball.y - high > 1:
        yield QLineF(ball.x, low, ball.x, high)


def draw_joined(plot: Plot, chart: Chart) -> None:
    """Lines through the points of a series, in the order of x."""
    sheet, groups = plot.sheet, groups_of(chart)
    for series in sorted(chart.series, key=lambda each: each.origin in SOLID):
        if not series.joined:
            continue
        points = sorted((p for p in series.points if drawable(chart, p)), key=lambda p: (p.campaign, p.x.value))
        first = series.origin in SOLID and points and groups.shape(series, points[0]) == 0
        pen = sheet.styled(sheet.line_colour(series.colour), 2.2 if first else 1.5, outline(series.origin))
        for campaign in sorted({point.campaign for point in points}):
            spots = [plot.spot(p.x, p.y) for p in points if p.campaign == campaign]
            _draw_curve(plot, spots, pen)


def draw_lines(plot: Plot, lines: Sequence[Line]) -> None:
    """Curves, each over its band."""
    sheet = plot.sheet
    for index, line in enumerate(lines):
        colour, dashes = line_style(sheet, index)
        if line.low and line.high:
            _draw_band(plot, line, colour)
        spots = [Spot(plot.x.place(x), plot.y.place(y)) for x, y in zip(line.x, line.y, strict=True)]
        _draw_curve(plot, spots, sheet.styled(colour, 1.8, dashes))


def draw_bars(plot: Plot, chart: Chart) -> None:
    """Bars from zero, those of compared groups side by side; a bar of other origin is a dashed outline around."""
    sheet, painter = plot.sheet, plot.sheet.painter
    groups = groups_of(chart)
    count = max(len(groups.keys), 1)
    whole = 0.72 * (plot.x.place(1.0) - plot.x.place(0.0))
    beside = {p.x.value: plot.y.place(p.y.value) for series, p in points_of(chart) if series.origin not in SOLID}
    for series, point in points_of(chart):
        own = series.origin in SOLID
        width = whole / count if own else whole + 0.24 * sheet.unit
        group = groups.shape(series, point)
        shift = (group - (count - 1) / 2) * width if own else 0.0
        middle, top, zero = plot.x.place(point.x.value) + shift, plot.y.place(point.y.value), plot.y.inside(0.0)
        colour = sheet.line_colour(series.colour)
        painter.setPen(sheet.styled(colour if own else sheet.palette.text, 1.3, outline(series.origin)))
        painter.setBrush(sheet.colour(series.colour, bar_opacity(group)) if own else Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(QPointF(middle - 0.46 * width, top), QPointF(middle + 0.46 * width, zero)).normalized())
        if not own:
            continue
        highest = min(_draw_bar_interval(plot, point, middle), beside.get(point.x.value, math.inf))
        text = value_text(plot, point.y.value)
        if sheet.text_width(text, _VALUE_SIZE) < width:
            sheet.write(middle, highest - 0.7 * sheet.unit, text, sheet.palette.text, _VALUE_SIZE, align=0.5)


def value_text(plot: Plot, value: float) -> str:
    """To a hundredth of what lies between two marks of the axis, but not to more than four digits."""
    steps = [after.value - mark.value for mark, after in pairwise(plot.y.marks)]
    if not steps or value == 0:
        return f"{value:.3g}"
    places = max(0, min(2 - math.floor(math.log10(min(steps))), 3 - math.floor(math.log10(abs(value)))))
    return f"{value:,.{places}f}"


def pieces(plot: Plot, line: Line) -> Iterator[QLineF]:
    """The part of a curve that is seen, in pieces about as long as a letter is high."""
    spots = [Spot(plot.x.place(x), plot.y.place(y)) for x, y in zip(line.x, line.y, strict=True)]
    for part in clipped(spots, plot.box):
        for start, end in pairwise(part):
            whole = QLineF(*start, *end)
            count = max(math.ceil(whole.length() / plot.sheet.unit), 1)
            for k in range(count):
                yield QLineF(whole.pointAt(k / count), whole.pointAt((k + 1) / count))


def _draw_bar_interval(plot: Plot, point: Point, x: float) -> float:
    """Returns the y that nothing of the bar lies above."""
    sheet = plot.sheet
    low, high = plot.y.inside(point.y.low), plot.y.inside(point.y.high)
    top = min(plot.y.place(point.y.value), plot.y.inside(0.0))
    if low - high <= 1:
        return top
    sheet.painter.setPen(sheet.pen(sheet.palette.text, 1.6))
    _draw_interval(plot, QLineF(x, low, x, high))
    return min(high, top)


def _draw_interval(plot: Plot, bar: QLineF) -> None:
    """With a cap at either end."""
    painter, half = plot.sheet.painter, 0.16 * plot.sheet.unit
    painter.drawLine(bar)
    upright = bar.x1() == bar.x2()
    for end in (bar.p1(), bar.p2()):
        reach = QPointF(half, 0.0) if upright else QPointF(0.0, half)
        painter.drawLine(QLineF(end - reach, end + reach))


def _draw_curve(plot: Plot, spots: Sequence[Spot], pen: QPen) -> None:
    painter = plot.sheet.painter
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for part in clipped(spots, plot.box):
        painter.drawPolyline(QPolygonF([QPointF(*spot) for spot in part]))


def _draw_band(plot: Plot, line: Line, colour: str) -> None:
    ends = zip(line.x, line.low, line.high, strict=True)
    edges = [(plot.x.place(x), plot.y.inside(low), plot.y.inside(high)) for x, low, high in ends]
    edges = [edge for edge in edges if all(map(math.isfinite, edge))]
    outline_points = [QPointF(x, low) for x, low, _ in edges] + [QPointF(x, high) for x, _, high in reversed(edges)]
    area = QPainterPath()
    area.addPolygon(QPolygonF(outline_points))
    frame = QPainterPath()
    frame.addRect(rectangle(plot.box))
    painter = plot.sheet.painter
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(plot.sheet.colour(colour, _BAND_ALPHA))
    painter.drawPath(area.intersected(frame))


def _fill(sheet: ChartSheet, mark: Mark) -> QColor:
    """Hollow is clear in a ball, which may lie over others, and covers the line in a small mark."""
    has_size = mark.point.size is not None
    if mark.series.origin in SOLID and not mark.ring:
        return sheet.colour(mark.series.colour, FILL if has_size else 255)
    return sheet.colour(sheet.palette.ground, 0 if has_size or mark.ring else 255)
