# SPDX-License-Identifier: Apache-2.0
"""What marks, lines and areas mean, told outside the plot so that it covers nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt

from monitor_app.charts.canvas import SMALL
from monitor_app.charts.contents import SOLID, is_aside, origins_of, points_of, sizes_of
from monitor_app.charts.groups import groups_of
from monitor_app.charts.marks import MARK, radius_of
from monitor_app.charts.model import Origin
from monitor_app.charts.names import ended
from monitor_app.charts.sheet import LINE_HEIGHT
from monitor_app.charts.styles import FILL, bar_opacity, draw_mark, line_style, outline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor_app.charts.groups import Groups
    from monitor_app.charts.model import Chart, Line, Series
    from monitor_app.charts.sheet import ChartSheet

_SAMPLE = 2.0
"""Width of a sample of a mark or a line, in units."""
_ROW = 1.5
"""Height of a row of the legend, in units."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample, drawn at the middle of its place, and its words."""

    text: str
    colour: str
    draw: Callable[[QPointF], None]


@dataclass(frozen=True, slots=True)
class SizeLegend:
    """Balls of round sizes in a column."""

    title: str
    sizes: tuple[float, ...]
    largest_size: float
    largest_px: float


def entries(sheet: ChartSheet, chart: Chart) -> list[Entry]:
    """Compared groups, origins of points, rings, then lines."""
    groups = groups_of(chart)
    compared = len(groups.keys) > 1
    origins = [origin for origin in origins_of(chart) if not (compared and origin in SOLID)]
    found = [_origin_entry(sheet, chart, origin) for origin in origins]
    if compared:
        found = [_group_entry(sheet, groups, index, bars=chart.bars) for index in range(len(groups.keys))] + found
    aside = {groups.short(series): series for series, _ in points_of(chart) if is_aside(chart, series)}
    found += [_ring_entry(sheet, name, series) for name, series in aside.items()]
    return found + [_line_entry(sheet, line, index) for index, line in enumerate(chart.lines)]


def rows_of(sheet: ChartSheet, found: Sequence[Entry], width: float) -> list[list[Entry]]:
    """As many to a row as fit."""
    rows: list[list[Entry]] = []
    used = math.inf
    for entry in found:
        wide = _width(sheet, entry)
        if used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += wide
    return rows


def draw_rows(sheet: ChartSheet, rows: Sequence[Sequence[Entry]], left: float, top: float, width: float) -> float:
    """Returns the y below them."""
    unit = sheet.unit
    for k, row in enumerate(rows):
        x, y = left, top + (k + 0.5) * _ROW * unit
        for entry in row:
            entry.draw(QPointF(x + _SAMPLE / 2 * unit, y))
            text = sheet.elided(entry.text, width - (x - left) - (_SAMPLE + 0.4) * unit, SMALL)
            sheet.write(x + (_SAMPLE + 0.4) * unit, y, text, entry.colour, SMALL)
            x += _width(sheet, entry)
    return top + len(rows) * _ROW * unit


def unnamed(chart: Chart) -> list[tuple[str, str]]:
    """Name and colour of each network that nothing in the plot names."""
    if chart.bars:
        return []
    groups = groups_of(chart)
    named = {name for name, _ in ended(chart)} | {groups.short(s) for s, point in points_of(chart) if point.label}
    names = {groups.short(s): s.colour for s, _ in points_of(chart) if not is_aside(chart, s)}
    rest = [(name, colour) for name, colour in names.items() if name and name not in named]
    return rest if len(names) > 1 else []


def draw_names(sheet: ChartSheet, names: Sequence[tuple[str, str]], left: float, top: float, bottom: float) -> float:
    """A column of names with their colours, denser where there are many; returns the y below it."""
    unit = sheet.unit
    step = min(_ROW * unit, (bottom - top) / max(len(names), 1))
    for k, (name, colour) in enumerate(names):
        y = top + (k + 0.5) * step
        sheet.painter.setPen(sheet.pen(sheet.line_colour(colour), 1.5))
        sheet.painter.setBrush(sheet.colour(colour))
        draw_mark(sheet.painter, QPointF(left + 0.5 * unit, y), MARK * unit, 0)
        sheet.write(left + 1.3 * unit, y, name, sheet.palette.text, SMALL)
    return top + len(names) * step


def size_legend(chart: Chart, largest_px: float) -> SizeLegend | None:
    """Three round sizes from the largest down, or None where areas mean nothing."""
    sizes = sizes_of(chart)
    if not sizes:
        return None
    most = max(sizes)
    round_sizes = dict.fromkeys(_round(most / part) for part in (1, 4, 20))
    return SizeLegend(chart.size_title, tuple(round_sizes), most, largest_px)


def size_width(sheet: ChartSheet, legend: SizeLegend) -> float:
    """What its widest ball and number take, in pixels."""
    numbers = max(sheet.text_width(_size_text(size), SMALL) for size in legend.sizes)
    widest = 2 * radius_of(legend.sizes[0], legend.largest_size, legend.largest_px)
    title = min(sheet.text_width(_size_title(legend), SMALL) + 2, 11 * sheet.unit)
    return max(widest + 0.6 * sheet.unit + numbers, title)


def draw_sizes(sheet: ChartSheet, legend: SizeLegend, left: float, top: float, width: float) -> float:
    """Balls one below the other under what they stand for; returns the y below them."""
    unit, painter = sheet.unit, sheet.painter
    y = top
    for line in sheet.wrapped(_size_title(legend), width, SMALL):
        sheet.write(left, y + 0.7 * unit, line, sheet.palette.dim, SMALL)
        y += LINE_HEIGHT * SMALL * unit
    y += 0.4 * unit
    widest = radius_of(legend.sizes[0], legend.largest_size, legend.largest_px)
    for size in legend.sizes:
        radius = radius_of(size, legend.largest_size, legend.largest_px)
        half = max(radius, 0.65 * unit)
        painter.setPen(sheet.pen(sheet.palette.dim, 1.2))
        painter.setBrush(sheet.colour(sheet.palette.dim, FILL // 3))
        painter.drawEllipse(QPointF(left + widest, y + half), radius, radius)
        sheet.write(left + 2 * widest + 0.6 * unit, y + half, _size_text(size), sheet.palette.text, SMALL)
        y += 2 * half + 0.3 * unit
    return y


def _round(size: float) -> float:
    """1, 2 or 5 times a power of ten, at most the size."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(factor * power for factor in (5.0, 2.0, 1.0) if factor * power <= size * (1 + 1e-9))


def _size_title(legend: SizeLegend) -> str:
    return f"area: {legend.title}"


def _size_text(size: float) -> str:
    return f"{size:,.0f}" if size >= 1000 else f"{size:g}"


def _width(sheet: ChartSheet, entry: Entry) -> float:
    return sheet.text_width(entry.text, SMALL) + (_SAMPLE + 1.9) * sheet.unit


def _origin_entry(sheet: ChartSheet, chart: Chart, origin: Origin) -> Entry:
    joined = any(series.joined for series in chart.series if series.origin is origin)
    ink = sheet.palette.dim
    solid = origin in SOLID

    def draw(at: QPointF) -> None:
        painter, unit = sheet.painter, sheet.unit
        painter.setPen(sheet.styled(ink, 1.6, outline(origin)))
        if joined:
            painter.drawLine(QLineF(at.x() - unit, at.y(), at.x() + unit, at.y()))
        painter.setBrush(sheet.colour(ink if solid else sheet.palette.ground))
        if chart.bars:
            painter.drawRect(_swatch(sheet, at))
        else:
            draw_mark(painter, at, (1 if solid or joined else 1.4) * MARK * unit, 0)

    return Entry(origin.value, sheet.palette.alarm if origin is Origin.SIMULATED else sheet.palette.text, draw)


def _group_entry(sheet: ChartSheet, groups: Groups, index: int, *, bars: bool) -> Entry:
    def draw(at: QPointF) -> None:
        sheet.painter.setPen(sheet.pen(sheet.palette.dim, 1.5))
        sheet.painter.setBrush(sheet.colour(sheet.palette.dim, bar_opacity(index)))
        if bars:
            sheet.painter.drawRect(_swatch(sheet, at))
        else:
            draw_mark(sheet.painter, at, MARK * sheet.unit, index)

    alarm = groups.keys[index] in groups.simulated
    return Entry(groups.name(index), sheet.palette.alarm if alarm else sheet.palette.text, draw)


def _ring_entry(sheet: ChartSheet, name: str, series: Series) -> Entry:
    def draw(at: QPointF) -> None:
        sheet.painter.setPen(sheet.pen(sheet.line_colour(series.colour), 1.5))
        sheet.painter.setBrush(Qt.BrushStyle.NoBrush)
        draw_mark(sheet.painter, at, 1.3 * MARK * sheet.unit, 0)

    return Entry(name, sheet.palette.text, draw)


def _swatch(sheet: ChartSheet, at: QPointF) -> QRectF:
    return QRectF(at.x() - 0.7 * sheet.unit, at.y() - 0.4 * sheet.unit, 1.4 * sheet.unit, 0.8 * sheet.unit)


def _line_entry(sheet: ChartSheet, line: Line, index: int) -> Entry:
    colour, dashes = line_style(sheet, index)

    def draw(at: QPointF) -> None:
        unit = sheet.unit
        if line.low and line.high:
            sheet.painter.fillRect(
                QRectF(at.x() - unit, at.y() - 0.45 * unit, 2 * unit, 0.9 * unit), sheet.colour(colour, 40)
            )
        sheet.painter.setPen(sheet.styled(colour, 1.8, dashes))
        sheet.painter.drawLine(QLineF(at.x() - unit, at.y(), at.x() + unit, at.y()))

    equation = f": {line.text}" if line.text else ""
    return Entry(f"{line.name}{equation} ({line.origin.value})", sheet.palette.text, draw)
