# SPDX-License-Identifier: Apache-2.0
"""What marks, lines and areas mean, written outside the plot so that it covers nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt

from monitor_app.charts.canvas import LINE_HEIGHT, SMALL
from monitor_app.charts.contents import SOLID, groups_of, is_ring, origins_of, points_of, sizes_of
from monitor_app.charts.marks import MARK, largest_radius, radius_of
from monitor_app.charts.model import FRONT, Origin
from monitor_app.charts.names import ended, has_name_beside
from monitor_app.charts.symbols import FILL, Sample, bar_opacity, dash_of, draw_sample, draw_symbol, line_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.charts.canvas import Canvas, Style
    from monitor_app.charts.contents import Group
    from monitor_app.charts.model import Chart, Line, Series
    from monitor_app.charts.palette import Palette

_SAMPLE = 2.0
"""Width of a sample of a mark or a line, in units."""
_ROW = 1.5
"""Height of a row of the legend, in units."""
_ROUND = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample and its words."""

    text: str
    colour: str
    sample: Sample


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry whose sample is centred on a place; its words are broken where one line has no room for them."""

    entry: Entry
    x: float
    y: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SizeLegend:
    """Bubbles of round sizes in a column, the largest first."""

    title: str
    sizes: tuple[float, ...]
    largest_size: float
    largest_px: float


# -- rows over the plot ----------------------------------------------------------------------------


def entries_of(style: Style, chart: Chart, *, terse: bool = False) -> list[Entry]:
    """Compared groups, origins of points, rings, then lines; ``terse``: lines without their equations."""
    groups = groups_of(chart)
    compared = len(groups) > 1
    origins = [origin for origin in origins_of(chart) if not (compared and origin in SOLID)]
    found = [_group_entry(style.palette, group, k, bars=chart.bars) for k, group in enumerate(groups) if compared]
    found += [_origin_entry(style.palette, chart, origin) for origin in origins]
    rings = {series.network: series for series, _ in points_of(chart) if is_ring(chart, series)}
    found += [Entry(name, style.palette.text, ring_sample(style, series)) for name, series in rings.items()]
    return found + [_line_entry(style.palette, line, k, terse=terse) for k, line in enumerate(chart.lines) if line.x]


def place_entries(style: Style, found: Sequence[Entry], top: float, margin: float) -> tuple[list[PlacedEntry], float]:
    """As many to a row as fit; and the y below them."""
    unit, right = style.unit, style.width - margin
    placed: list[PlacedEntry] = []
    x, y, bottom = math.inf, 0.0, top
    for entry in found:
        wide = style.text_width(entry.text, SMALL) + (_SAMPLE + 0.4) * unit
        if x + wide > right:
            x, y = margin, bottom + _ROW / 2 * unit
        lines = style.wrapped(entry.text, right - x - (_SAMPLE + 0.4) * unit, SMALL)
        placed.append(PlacedEntry(entry, x + _SAMPLE / 2 * unit, y, tuple(lines)))
        bottom = y + _ROW / 2 * unit + (len(lines) - 1) * LINE_HEIGHT * SMALL * unit
        x = x + wide + 1.5 * unit
    return placed, bottom


def draw_entry(canvas: Canvas, placed: PlacedEntry) -> None:
    """The sample and the words on its right."""
    draw_sample(canvas, placed.entry.sample, QPointF(placed.x, placed.y))
    x, step = placed.x + (_SAMPLE / 2 + 0.4) * canvas.unit, LINE_HEIGHT * SMALL * canvas.unit
    for k, line in enumerate(placed.lines):
        canvas.write(x, placed.y + k * step, line, placed.entry.colour, SMALL)


def line_words(line: Line) -> str:
    """Its name, its equation and its origin. The networks on a front are many, and named at their points."""
    equation = f": {line.text}" if line.text and line.title != FRONT else ""
    return f"{line.name}{equation} ({line.origin.value})"


def line_sample(palette: Palette, line: Line, index: int) -> Sample:
    """Of a line, by its place among the lines of the chart."""
    return Sample(line_colour(palette, index), dash_of(line.origin), line=True, band=bool(line.low and line.high))


def ring_sample(style: Style, series: Series) -> Sample:
    """Of points that mark points of others."""
    return Sample(style.line_colour(series.colour), radius=1.3 * MARK, see_through=True)


def _origin_entry(palette: Palette, chart: Chart, origin: Origin) -> Entry:
    joined = any(series.joined for series in chart.series if series.origin is origin)
    solid = origin in SOLID
    sample = Sample(
        palette.dim,
        dash_of(origin),
        line=joined,
        radius=(1 if solid or joined else 1.4) * MARK,
        bar=chart.bars,
        fill=255 if solid else 0,
    )
    return Entry(origin.value, palette.alarm if origin is Origin.SIMULATED else palette.text, sample)


def _group_entry(palette: Palette, group: Group, index: int, *, bars: bool) -> Entry:
    sample = Sample(palette.dim, radius=MARK, bar=bars, group=index, fill=bar_opacity(index))
    return Entry(group.title, palette.alarm if group.simulated else palette.text, sample)


def _line_entry(palette: Palette, line: Line, index: int, *, terse: bool) -> Entry:
    text = line.name if terse else line_words(line)
    return Entry(text, palette.text, line_sample(palette, line, index))


# -- beside the plot -------------------------------------------------------------------------------


def unnamed(chart: Chart) -> tuple[tuple[str, str], ...]:
    """Name and colour of each network that nothing in the plot names."""
    if chart.bars:
        return ()
    named = {series.network for series in ended(chart)}
    named |= {s.network for s, point in points_of(chart) if point.label and has_name_beside(chart, s)}
    names = {s.network: s.colour for s, _ in points_of(chart) if not is_ring(chart, s)}
    rest = tuple((name, colour) for name, colour in names.items() if name and name not in named)
    return rest if len(names) > 1 else ()


def names_width(style: Style, names: Sequence[tuple[str, str]]) -> float:
    """Of a column of names, in pixels."""
    return max((style.text_width(name, SMALL) + 2.6 * style.unit for name, _ in names), default=0.0)


def draw_names(canvas: Canvas, names: Sequence[tuple[str, str]], left: float, top: float, bottom: float) -> float:
    """A column of names with their colours, denser where there are many; returns the y below it."""
    unit = canvas.unit
    step = min(_ROW * unit, (bottom - top) / max(len(names), 1))
    for k, (name, colour) in enumerate(names):
        y = top + (k + 0.5) * step
        canvas.painter.setPen(canvas.pen(canvas.line_colour(colour), 1.5))
        canvas.painter.setBrush(canvas.colour(canvas.line_colour(colour)))
        draw_symbol(canvas.painter, QPointF(left + 0.5 * unit, y), MARK * unit, 0)
        canvas.write(left + 1.3 * unit, y, name, canvas.palette.text, SMALL)
    return top + len(names) * step


def size_legend(style: Style, chart: Chart) -> SizeLegend | None:
    """Round sizes near the largest, the middle and the smallest, or None where areas mean nothing."""
    sizes = sizes_of(chart)
    if not sizes:
        return None
    most = max(sizes)
    wanted = (most, math.sqrt(most * min(sizes)), min(sizes))
    round_sizes = sorted({_round(size, most) for size in wanted}, reverse=True)
    return SizeLegend(chart.size_title, tuple(round_sizes), most, largest_radius(style))


def size_width(style: Style, legend: SizeLegend) -> float:
    """What its widest bubble and number take, in pixels."""
    numbers = max(style.text_width(_size_text(size), SMALL) for size in legend.sizes)
    widest = 2 * radius_of(legend.sizes[0], legend.largest_size, legend.largest_px)
    title = min(style.text_width(_size_title(legend), SMALL) + 2, 11 * style.unit)
    return max(widest + 0.6 * style.unit + numbers, title)


def draw_sizes(canvas: Canvas, legend: SizeLegend, left: float, top: float, width: float) -> None:
    """Bubbles one below the other under what they stand for."""
    unit, painter = canvas.unit, canvas.painter
    y = top
    for line in canvas.wrapped(_size_title(legend), width, SMALL):
        canvas.write(left, y + 0.7 * unit, line, canvas.palette.dim, SMALL)
        y += LINE_HEIGHT * SMALL * unit
    y += 0.4 * unit
    widest = radius_of(legend.sizes[0], legend.largest_size, legend.largest_px)
    for size in legend.sizes:
        radius = radius_of(size, legend.largest_size, legend.largest_px)
        half = max(radius, 0.65 * unit)
        painter.setPen(canvas.dashed_pen(canvas.palette.dim, 1.2, Qt.PenStyle.SolidLine))
        painter.setBrush(canvas.colour(canvas.palette.dim, FILL // 3))
        painter.drawEllipse(QPointF(left + widest, y + half), radius, radius)
        canvas.write(left + 2 * widest + 0.6 * unit, y + half, _size_text(size), canvas.palette.text, SMALL)
        y += 2 * half + 0.3 * unit


def sizes_row_height(legend: SizeLegend) -> float:
    """Of `draw_sizes_row`, in pixels."""
    return 2 * radius_of(legend.sizes[0], legend.largest_size, legend.largest_px)


def draw_sizes_row(canvas: Canvas, legend: SizeLegend, left: float, y: float) -> None:
    """Bubbles one beside the other after what they stand for, centred on y."""
    unit, painter, title = canvas.unit, canvas.painter, _size_title(legend)
    canvas.write(left, y, title, canvas.palette.dim, SMALL)
    x = left + canvas.text_width(title, SMALL) + unit
    for size in legend.sizes:
        radius = radius_of(size, legend.largest_size, legend.largest_px)
        painter.setPen(canvas.dashed_pen(canvas.palette.dim, 1.2, Qt.PenStyle.SolidLine))
        painter.setBrush(canvas.colour(canvas.palette.dim, FILL // 3))
        painter.drawEllipse(QPointF(x + radius, y), radius, radius)
        x += 2 * radius + 0.4 * unit
        canvas.write(x, y, _size_text(size), canvas.palette.text, SMALL)
        x += canvas.text_width(_size_text(size), SMALL) + unit


def _round(size: float, most: float) -> float:
    """The nearest round number, in ratio, that is at most ``most``."""
    power = 10.0 ** math.floor(math.log10(size))
    near = (factor * power for factor in _ROUND if factor * power <= most * (1 + 1e-9))
    return min(near, key=lambda each: abs(math.log(each / size)))


def _size_title(legend: SizeLegend) -> str:
    return f"area: {legend.title}"


def _size_text(size: float) -> str:
    return f"{size:,.0f}" if size >= 1000 else f"{size:g}"
