# SPDX-License-Identifier: Apache-2.0
"""The names of networks beside what belongs to them: at points, and at the ends of joined lines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.canvas import SMALL
from monitor_app.charts.clipping import Box, Spot
from monitor_app.charts.contents import SOLID, drawable, is_ring
from monitor_app.charts.labels import Wanted, place_labels, spread
from monitor_app.charts.marks import pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor_app.charts.canvas import Canvas, Style
    from monitor_app.charts.labels import Bubble
    from monitor_app.charts.marks import Curve, Mark
    from monitor_app.charts.model import Chart, Point, Series
    from monitor_app.charts.plot import Plot

_END_GAP = 1.25
"""From one name at a line's end to the next, in units; less where there is no room."""
_LEADER = 1.5
"""Width of the strip in which lines lead to their names, in units."""


@dataclass(frozen=True, slots=True)
class NameBeside:
    """A name with its place, and whether a line leads from its mark to it."""

    text: str
    mark: Mark
    box: Box
    apart: bool


@dataclass(frozen=True, slots=True)
class NameAtEnd:
    """A name in the column at the right, with the line that leads to it from the end of a curve."""

    text: str
    series: Series
    path: tuple[Spot, ...]
    at: Spot


def written_name(series: Series, point: Point) -> str:
    """What stands beside a mark."""
    return point.short or point.label or series.network


def has_name_beside(chart: Chart, series: Series) -> bool:
    """A network is named at what was measured of it, and at the published values only where nothing was."""
    own = {each.network for each in chart.series if each.origin in SOLID and each.points}
    named = series.origin in SOLID or series.network not in own
    return named and not (chart.bars or series.joined or is_ring(chart, series))


def names_beside(
    plot: Plot, chart: Chart, marks: Sequence[Mark], curves: Sequence[Curve], taken: Sequence[Box]
) -> tuple[NameBeside, ...]:
    """Names where they fit, off the lines and off what is taken."""
    style, box = plot.style, plot.box
    named = [mark for mark in marks if mark.point.label and has_name_beside(chart, mark.series)]
    if not named:
        return ()
    own: dict[str, set[int]] = {}
    for k, mark in enumerate(marks):
        own.setdefault(mark.series.network, set()).add(k)
    texts = [written_name(mark.series, mark.point) for mark in named]
    wanted = [
        Wanted(
            mark.bubble,
            style.text_width(text, SMALL),
            1.1 * SMALL * style.unit,
            mark.group,
            frozenset(own[mark.series.network]),
            near=mark.group > 0,
        )
        for mark, text in zip(named, texts, strict=True)
    ]
    bars = [_thick(interval) for mark in marks for interval in mark.intervals]
    lines = [_thick(piece) for curve in curves for piece in pieces(curve, style.unit)]
    bounds = Box(box.left + 2, box.top + 2, box.right + 0.5 * style.unit, box.bottom - 2)
    labels = place_labels(wanted, [mark.bubble for mark in marks], bars, lines, bounds, taken)
    return tuple(
        NameBeside(text, mark, label.box, label.apart)
        for mark, text, label in zip(named, texts, labels, strict=True)
        if label is not None
    )


def moved_names(
    before: Sequence[NameBeside], marks: Mapping[tuple[str, Point], Mark], box: Box
) -> tuple[NameBeside, ...]:
    """Names at the same places beside marks that have moved; those that would leave the plot are left out."""
    found = []
    for name in before:
        mark = marks.get((name.mark.series.name, name.mark.point))
        if mark is None:
            continue
        moved = _shifted(name.box, mark.bubble, name.mark.bubble)
        if box.left <= moved.left and moved.right <= box.right and box.top <= moved.top and moved.bottom <= box.bottom:
            found.append(replace(name, mark=mark, box=moved))
    return tuple(found)


def ended(chart: Chart) -> list[Series]:
    """Joined series with a name at their end: one of each network, the first that was measured if any was."""
    joined = [series for series in chart.series if series.joined and any(drawable(chart, p) for p in series.points)]
    found: dict[str, Series] = {}
    for series in sorted(joined, key=lambda each: each.origin not in SOLID):
        found.setdefault(series.network, series)
    return list(found.values())


def ends_width(style: Style, chart: Chart) -> float:
    """What the names at ends take on the right of the plot, in pixels."""
    widths = [style.text_width(series.network, SMALL) for series in ended(chart)]
    return max(widths) + (_LEADER + 0.5) * style.unit if widths else 0.0


def names_at_ends(plot: Plot, chart: Chart, curves: Sequence[Curve]) -> tuple[NameAtEnd, ...]:
    """Names in a column on the right, each led to from where its line is last seen."""
    box, unit = plot.box, plot.style.unit
    lasts = [(series, last) for series in ended(chart) if (last := _last(curves, series)) is not None]
    places = spread([last.y for _, last in lasts], _END_GAP * unit, box.top, box.bottom)
    return tuple(
        NameAtEnd(
            series.network,
            series,
            (last, Spot(box.right + 0.2 * unit, last.y), Spot(box.right + _LEADER * unit, y)),
            Spot(box.right + (_LEADER + 0.25) * unit, y),
        )
        for (series, last), y in zip(lasts, places, strict=True)
    )


def draw_name_beside(canvas: Canvas, name: NameBeside) -> None:
    """With the line that leads to it, where it stands apart."""
    box, colour = name.box, name.mark.series.colour
    if name.apart:
        canvas.painter.setPen(canvas.pen(canvas.line_colour(colour), 0.8, alpha=170))
        canvas.painter.drawLine(_leader(name.mark.bubble, box))
    canvas.write(box.left, (box.top + box.bottom) / 2, name.text, canvas.text_colour(colour), SMALL)


def draw_name_at_end(canvas: Canvas, name: NameAtEnd) -> None:
    """With the line that leads to it."""
    colour = name.series.colour
    canvas.painter.setPen(canvas.dashed_pen(canvas.line_colour(colour), 1.0, Qt.PenStyle.DotLine, alpha=190))
    canvas.painter.setBrush(Qt.BrushStyle.NoBrush)
    canvas.painter.drawPolyline(QPolygonF([QPointF(*spot) for spot in name.path]))
    canvas.write(name.at.x, name.at.y, name.text, canvas.text_colour(colour), SMALL)


def _last(curves: Sequence[Curve], series: Series) -> Spot | None:
    spots = [curve.parts[-1][-1] for curve in curves if curve.of is series and curve.parts]
    return max(spots, key=lambda spot: spot.x, default=None)


def _shifted(box: Box, new: Bubble, old: Bubble) -> Box:
    dx, dy = new.x - old.x, new.y - old.y
    return Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)


def _thick(line: QLineF) -> Box:
    return Box(
        min(line.x1(), line.x2()) - 1,
        min(line.y1(), line.y2()) - 1,
        max(line.x1(), line.x2()) + 1,
        max(line.y1(), line.y2()) + 1,
    )


def _leader(bubble: Bubble, box: Box) -> QLineF:
    """From the edge of the mark to the nearest point of the name."""
    end = QPointF(min(max(bubble.x, box.left), box.right), min(max(bubble.y, box.top), box.bottom))
    line = QLineF(QPointF(bubble.x, bubble.y), end)
    if line.length() > 0:
        line.setP1(line.pointAt(min(bubble.radius / line.length(), 1.0)))
    return line
