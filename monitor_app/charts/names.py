# SPDX-License-Identifier: Apache-2.0
"""The names of networks beside what belongs to them: at points, and at the ends of joined lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.canvas import SMALL
from monitor_app.charts.clipping import Box
from monitor_app.charts.contents import SOLID, drawable
from monitor_app.charts.groups import groups_of
from monitor_app.charts.labels import Ball, Wanted, place_labels, spread
from monitor_app.charts.marks import error_bars, pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.charts.clipping import Spot
    from monitor_app.charts.marks import Mark
    from monitor_app.charts.model import Chart, Series
    from monitor_app.charts.plot import Plot
    from monitor_app.charts.sheet import ChartSheet

_END_GAP = 1.25
"""From one name at a line's end to the next, in units; less where there is no room."""
_LEADER = 1.5
"""Width of the strip in which lines lead to their names, in units."""


def ended(chart: Chart) -> list[tuple[str, Series]]:
    """Joined series with a name at their end: one of each network, the first that was measured if any was."""
    groups = groups_of(chart)
    joined = [series for series in chart.series if series.joined and any(drawable(chart, p) for p in series.points)]
    found: dict[str, Series] = {}
    for series in sorted(joined, key=lambda each: each.origin not in SOLID):
        found.setdefault(groups.short(series), series)
    return list(found.items())


def ends_width(sheet: ChartSheet, chart: Chart) -> float:
    """What the names at ends take on the right of the plot, in pixels."""
    widths = [sheet.text_width(name, SMALL) for name, _ in ended(chart)]
    return max(widths) + (_LEADER + 0.5) * sheet.unit if widths else 0.0


def draw_ends(plot: Plot, chart: Chart) -> None:
    """Names in a column on the right, each led to from the last point of its line."""
    sheet, box = plot.sheet, plot.box
    unit = sheet.unit
    series = ended(chart)
    lasts = [_last(plot, chart, each) for _, each in series]
    places = spread([last.y for last in lasts], _END_GAP * unit, box.top, box.bottom)
    for (name, each), last, y in zip(series, lasts, places, strict=True):
        sheet.painter.setPen(sheet.styled(sheet.line_colour(each.colour), 1.0, Qt.PenStyle.DotLine, alpha=190))
        sheet.painter.setBrush(Qt.BrushStyle.NoBrush)
        path = [last, (box.right + 0.2 * unit, last.y), (box.right + _LEADER * unit, y)]
        sheet.painter.drawPolyline(QPolygonF([QPointF(*spot) for spot in path]))
        sheet.write(box.right + (_LEADER + 0.25) * unit, y, name, sheet.text_colour(each.colour), SMALL)


def draw_labels(plot: Plot, chart: Chart, marks: Sequence[Mark]) -> int:
    """Names beside points that have one, where they fit and off the lines; returns how many did not."""
    sheet, groups = plot.sheet, groups_of(chart)
    labelled = [mark for mark in marks if mark.point.label and not mark.series.joined and not mark.ring]
    named = [mark for mark in labelled if mark.series.origin in SOLID] or labelled
    texts = [groups.label(mark.point) for mark in named]
    height = 1.1 * SMALL * sheet.unit
    wanted = [
        Wanted(mark.ball, sheet.text_width(text, SMALL), height, mark.group)
        for mark, text in zip(named, texts, strict=True)
    ]
    bars = [_thick(bar) for mark in marks for bar in error_bars(plot, mark.point, mark.ball)]
    bars += [_thick(piece) for line in chart.lines for piece in pieces(plot, line)]
    bounds = Box(plot.box.left + 2, plot.box.top + 2, plot.box.right + 0.5 * sheet.unit, plot.box.bottom - 2)
    places = place_labels(wanted, [mark.ball for mark in marks], bars, bounds)
    for mark, text, label in zip(named, texts, places, strict=True):
        if label is None:
            continue
        box = label.box
        if label.apart:
            sheet.painter.setPen(sheet.pen(sheet.line_colour(mark.series.colour), 0.8, alpha=170))
            sheet.painter.drawLine(_leader(mark.ball, box))
        sheet.write(box.left, (box.top + box.bottom) / 2, text, sheet.text_colour(mark.series.colour), SMALL)
    return sum(label is None for label in places)


def _last(plot: Plot, chart: Chart, series: Series) -> Spot:
    point = max((p for p in series.points if drawable(chart, p)), key=lambda p: p.x.value)
    return plot.spot(point.x, point.y)


def _thick(bar: QLineF) -> Box:
    return Box(
        min(bar.x1(), bar.x2()) - 1,
        min(bar.y1(), bar.y2()) - 1,
        max(bar.x1(), bar.x2()) + 1,
        max(bar.y1(), bar.y2()) + 1,
    )


def _leader(ball: Ball, box: Box) -> QLineF:
    """From the edge of the mark to the nearest point of the name."""
    line = QLineF(ball.x, ball.y, min(max(ball.x, box.left), box.right), min(max(ball.y, box.top), box.bottom))
    if line.length() > 0:
        line.setP1(line.pointAt(min(ball.radius / line.length(), 1.0)))
    return line
