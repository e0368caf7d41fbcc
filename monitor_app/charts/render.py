# SPDX-License-Identifier: Apache-2.0
"""A chart on any device that a QPainter paints on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from monitor_app.charts.canvas import SMALL
from monitor_app.charts.clipping import Box
from monitor_app.charts.contents import has_values, is_simulated, room_x, room_y
from monitor_app.charts.frame import MARGIN, draw_footer, draw_header, draw_nothing, footer
from monitor_app.charts.legend import (
    draw_names,
    draw_rows,
    draw_sizes,
    entries,
    rows_of,
    size_legend,
    size_width,
    unnamed,
)
from monitor_app.charts.marks import draw_bars, draw_joined, draw_lines, draw_marks, largest_radius, marks_of
from monitor_app.charts.model import Scale
from monitor_app.charts.names import draw_ends, draw_labels, ends_width
from monitor_app.charts.palette import PALETTES
from monitor_app.charts.plot import Plot, draw_grid, draw_stamp, draw_x, draw_y, names_height
from monitor_app.charts.ruler import ruler
from monitor_app.charts.sheet import ChartSheet

if TYPE_CHECKING:
    from monitor_app.charts.legend import SizeLegend
    from monitor_app.charts.model import Chart
    from monitor_app.charts.palette import Theme


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the plot lies, and what stands to the right of it."""

    box: Box
    gutter: float
    """Width of what is on the right."""
    names: tuple[tuple[str, str], ...]
    sizes: SizeLegend | None


def paint_chart(
    painter: QPainter, chart: Chart, width: float, height: float, *, theme: Theme = "light", captions: bool = True
) -> None:
    """The chart into the rectangle from the origin, in the painter's own coordinates.

    ``captions`` False leaves out title, caption and what is missing, for a page that has them as text of its own.
    """
    sheet = ChartSheet(painter, PALETTES[theme], width, height)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, width, height), QColor(sheet.palette.ground))
    top = draw_header(sheet, chart) if captions else MARGIN * sheet.unit
    below = footer(sheet, chart)
    left = MARGIN * sheet.unit
    rows = rows_of(sheet, entries(sheet, chart), width - 2 * left)
    top = draw_rows(sheet, rows, left, top, width - 2 * left) + 0.6 * sheet.unit
    bottom = height - MARGIN * sheet.unit - (below.height if captions else 0.0)
    layout = _layout(sheet, chart, top, bottom)
    if has_values(chart):
        _draw_values(sheet, chart, layout, bottom)
    else:
        draw_nothing(sheet, chart, Box(left, top, width - left, bottom))
    if captions:
        draw_footer(sheet, below)


def _layout(sheet: ChartSheet, chart: Chart, top: float, bottom: float) -> _Layout:
    unit = sheet.unit
    names = tuple(unnamed(chart))
    left = (MARGIN + 1.6) * unit + _tick_width(sheet, chart) + 0.8 * unit
    sizes = size_legend(chart, largest_radius(sheet))
    gutter = max(
        ends_width(sheet, chart),
        max((sheet.text_width(name, SMALL) + 2.6 * unit for name, _ in names), default=0.0),
        size_width(sheet, sizes) + 1.5 * unit if sizes else 0.0,
    )
    right = sheet.width - MARGIN * unit - gutter
    floor = bottom - 1.5 * unit - names_height(sheet, chart.x, right - left)
    return _Layout(Box(left, top, right, max(floor, top + 4 * unit)), gutter, names, sizes)


def _tick_width(sheet: ChartSheet, chart: Chart) -> float:
    probe = ruler(
        chart.y.scale, room_y(chart), 1.0, 0.0, padding=0.05, most=_most(sheet), categories=chart.y.categories
    )
    return max((sheet.text_width(mark.text, SMALL) for mark in probe.marks), default=0.0)


def _most(sheet: ChartSheet) -> int:
    return max(int(sheet.height / sheet.unit / 4.5), 3)


def _draw_values(sheet: ChartSheet, chart: Chart, layout: _Layout, bottom: float) -> None:
    plot = _plot(sheet, chart, layout)
    if is_simulated(chart):
        draw_stamp(plot)
    draw_grid(plot)
    unlabelled = 0
    if chart.bars:
        draw_bars(plot, chart)
        draw_lines(plot, chart.lines)
    else:
        marks = marks_of(plot, chart)
        draw_lines(plot, chart.lines)
        draw_joined(plot, chart)
        draw_marks(plot, marks)
        draw_ends(plot, chart)
        unlabelled = draw_labels(plot, chart, marks)
    draw_x(plot, chart.x, bottom - 0.6 * sheet.unit)
    draw_y(plot, chart.y, (MARGIN + 0.6) * sheet.unit)
    _draw_gutter(sheet, layout)
    if unlabelled:
        words = "1 name has no room" if unlabelled == 1 else f"{unlabelled} names have no room"
        right = sheet.width - MARGIN * sheet.unit
        sheet.write(right, bottom - 0.6 * sheet.unit, words, sheet.palette.dim, SMALL, align=1.0)


def _plot(sheet: ChartSheet, chart: Chart, layout: _Layout) -> Plot:
    """Axes with room for the largest ball at either end."""
    box = layout.box
    reach = (largest_radius(sheet) if layout.sizes else 0.35 * sheet.unit) + 0.3 * sheet.unit
    wide, high = box.right - box.left, box.bottom - box.top
    few = 0.07 if chart.x.scale is Scale.LOG2 else 0.02
    x = ruler(
        chart.x.scale,
        room_x(chart),
        box.left,
        box.right,
        padding=min(max(reach / wide, few), 0.2),
        most=max(int(wide / (5 * sheet.unit)), 2),
        categories=chart.x.categories,
    )
    y = ruler(
        chart.y.scale,
        room_y(chart),
        box.bottom,
        box.top,
        padding=min(max(reach / high, 0.05), 0.2),
        most=_most(sheet),
        categories=chart.y.categories,
    )
    return Plot(sheet, box, x, y)


def _draw_gutter(sheet: ChartSheet, layout: _Layout) -> None:
    """Names that stand nowhere else, then sizes."""
    left = layout.box.right + 1.3 * sheet.unit
    y = layout.box.top
    if layout.names:
        y = draw_names(sheet, layout.names, left, y, layout.box.bottom) + sheet.unit
    if layout.sizes:
        draw_sizes(sheet, layout.sizes, left, y, layout.gutter - 1.3 * sheet.unit)
