# SPDX-License-Identifier: Apache-2.0
"""A laid-out chart on any device that a QPainter paints on: the window, a picture, a drawing, a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from monitor_app.charts.budget_lines import draw_budget, draw_shade
from monitor_app.charts.canvas import Canvas
from monitor_app.charts.contents import is_simulated
from monitor_app.charts.frame import draw_footer, draw_header, draw_nothing
from monitor_app.charts.layout import lay_out
from monitor_app.charts.legend import draw_entry, draw_names, draw_sizes
from monitor_app.charts.marks import draw_band, draw_bar_value, draw_curve, draw_mark
from monitor_app.charts.names import draw_name_at_end, draw_name_beside
from monitor_app.charts.palette import PALETTES
from monitor_app.charts.plot import draw_grid, draw_stamp, draw_x, draw_y

if TYPE_CHECKING:
    from monitor_app.charts.layout import Layout
    from monitor_app.charts.model import Chart, Line, Series
    from monitor_app.charts.palette import Theme

_FADED = 0.2
"""How much is left of everything else while one network or group is looked at."""


def paint(layout: Layout, painter: QPainter, *, highlight: str = "") -> None:
    """The picture into the rectangle from the origin, in the painter's own coordinates.

    ``highlight``: a network, a group or a line of which everything else steps back.
    """
    style = layout.style
    canvas = Canvas(style.palette, style.width, style.height, style.unit, painter)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.fillRect(QRectF(0, 0, style.width, style.height), QColor(style.palette.ground))
    if layout.header is not None:
        draw_header(canvas, layout.header)
    for entry in layout.entries:
        draw_entry(canvas, entry)
    if layout.empty:
        draw_nothing(canvas, layout.chart, layout.box)
    else:
        _paint_plot(canvas, layout, highlight)
    if layout.footer is not None:
        draw_footer(canvas, layout.footer)


def paint_chart(
    painter: QPainter, chart: Chart, width: float, height: float, *, theme: Theme = "light", captions: bool = True
) -> None:
    """Lay out and paint at once.

    ``captions`` False leaves out title, caption and what is missing, for a page that has them as text of its own.
    """
    paint(lay_out(chart, (width, height), PALETTES[theme], captions=captions), painter)


def _paint_plot(canvas: Canvas, layout: Layout, highlight: str) -> None:
    chart, plot = layout.chart, layout.plot
    if layout.budget is not None:
        draw_shade(canvas, layout.budget)
    if is_simulated(chart):
        draw_stamp(canvas, plot.box)
    draw_grid(canvas, plot)
    _paint_values(canvas, layout, highlight)
    canvas.painter.setOpacity(1.0)
    draw_x(canvas, plot, chart.x)
    draw_y(canvas, plot, chart.y)
    _paint_gutter(canvas, layout)
    if layout.budget is not None:
        draw_budget(canvas, layout.budget, plot.box)


def _paint_values(canvas: Canvas, layout: Layout, highlight: str) -> None:
    """Bars under lines, and lines under marks."""

    def show(of: Series | Line) -> None:
        canvas.painter.setOpacity(1.0 if not highlight or highlight in of.words else _FADED)

    if layout.chart.bars:
        for mark in layout.marks:
            show(mark.series)
            draw_mark(canvas, mark)
        canvas.painter.setOpacity(1.0)
        for value in layout.bar_values:
            draw_bar_value(canvas, value)
    for curve in layout.curves:
        show(curve.of)
        draw_band(canvas, curve)
        draw_curve(canvas, curve)
    if not layout.chart.bars:
        for mark in layout.marks:
            show(mark.series)
            draw_mark(canvas, mark)
    for end in layout.ends:
        show(end.series)
        draw_name_at_end(canvas, end)
    for name in layout.names:
        show(name.mark.series)
        draw_name_beside(canvas, name)


def _paint_gutter(canvas: Canvas, layout: Layout) -> None:
    """Names that stand nowhere else, then sizes."""
    left = layout.box.right + 1.3 * canvas.unit
    y = layout.box.top
    if layout.listed:
        y = draw_names(canvas, layout.listed, left, y, layout.box.bottom) + canvas.unit
    if layout.sizes is not None:
        draw_sizes(canvas, layout.sizes, left, y, layout.gutter - 1.3 * canvas.unit)
