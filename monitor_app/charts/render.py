# SPDX-License-Identifier: Apache-2.0
"""A laid-out chart on any device that a QPainter paints on: the window, a picture, a drawing, a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from monitor_app.charts.budget import draw_budget, draw_shade
from monitor_app.charts.canvas import Canvas
from monitor_app.charts.contents import is_simulated
from monitor_app.charts.frame import MARGIN, draw_footer, draw_header, draw_nothing
from monitor_app.charts.layout import lay_out, only
from monitor_app.charts.legend import draw_entry, draw_names, draw_sizes, draw_sizes_row
from monitor_app.charts.marks import draw_band, draw_bar_value, draw_curve, draw_mark
from monitor_app.charts.names import draw_name_at_end, draw_name_beside
from monitor_app.charts.palette import PALETTES
from monitor_app.charts.plot import draw_grid, draw_stamp, draw_x, draw_y

if TYPE_CHECKING:
    from monitor_app.charts.layout import Layout
    from monitor_app.charts.model import Chart
    from monitor_app.charts.palette import Theme

_VEIL_ALPHA = 205
"""Opacity of the ground over everything else while one network, group or line is looked at, of 255."""


def paint(layout: Layout, painter: QPainter) -> None:
    """The picture into the rectangle from the origin, in the painter's own coordinates."""
    canvas = _canvas(layout, painter)
    painter.fillRect(QRectF(0, 0, canvas.width, canvas.height), QColor(canvas.palette.ground))
    if layout.header is not None:
        draw_header(canvas, layout.header)
    for entry in layout.entries:
        draw_entry(canvas, entry)
    if layout.empty:
        draw_nothing(canvas, layout.chart, layout.box)
    else:
        _paint_ground(canvas, layout)
        _paint_values(canvas, layout)
        draw_x(canvas, layout.plot, layout.chart.x)
        draw_y(canvas, layout.plot, layout.chart.y)
        _paint_gutter(canvas, layout)
        _paint_budget(canvas, layout)
    if layout.footer is not None:
        draw_footer(canvas, layout.footer)


def paint_emphasis(layout: Layout, painter: QPainter, word: str) -> None:
    """Over the picture: all values step back but those of one network, group or line. Much quicker than the picture."""
    canvas = _canvas(layout, painter)
    right = canvas.width if layout.ends else layout.box.right + canvas.unit
    veil = QRectF(QPointF(layout.box.left, layout.box.top), QPointF(right, layout.box.bottom - 1))
    painter.fillRect(veil, canvas.colour(canvas.palette.ground, _VEIL_ALPHA))
    _paint_ground(canvas, layout)
    _paint_values(canvas, only(layout, word))
    _paint_budget(canvas, layout)


def paint_chart(
    painter: QPainter, chart: Chart, width: float, height: float, *, theme: Theme = "light", captions: bool = True
) -> None:
    """Lay out and paint at once.

    ``captions`` False leaves out title, caption and what is missing, for a page that has them as text of its own.
    """
    paint(lay_out(chart, (width, height), PALETTES[theme], captions=captions), painter)


def _canvas(layout: Layout, painter: QPainter) -> Canvas:
    style = layout.style
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    return Canvas(style.palette, style.width, style.height, style.unit, painter)


def _paint_ground(canvas: Canvas, layout: Layout) -> None:
    if layout.budget is not None:
        draw_shade(canvas, layout.budget)
    if is_simulated(layout.chart):
        draw_stamp(canvas, layout.box)
    draw_grid(canvas, layout.plot)


def _paint_values(canvas: Canvas, layout: Layout) -> None:
    """Bars under lines, and lines under marks."""
    bars = [mark for mark in layout.marks if mark.bar is not None]
    for mark in bars:
        draw_mark(canvas, mark)
    for value in layout.bar_values:
        draw_bar_value(canvas, value)
    for curve in layout.curves:
        draw_band(canvas, curve)
        draw_curve(canvas, curve)
    for mark in layout.marks if not bars else ():
        draw_mark(canvas, mark)
    for end in layout.ends:
        draw_name_at_end(canvas, end)
    for name in layout.names:
        draw_name_beside(canvas, name)


def _paint_budget(canvas: Canvas, layout: Layout) -> None:
    if layout.budget is not None:
        draw_budget(canvas, layout.budget, layout.box)


def _paint_gutter(canvas: Canvas, layout: Layout) -> None:
    """Names that stand nowhere else, then sizes."""
    left = layout.box.right + 1.3 * canvas.unit
    y = layout.box.top
    if layout.listed:
        y = draw_names(canvas, layout.listed, left, y, layout.box.bottom) + canvas.unit
    if layout.sizes is not None and layout.sizes_y is not None:
        draw_sizes_row(canvas, layout.sizes, MARGIN * canvas.unit, layout.sizes_y)
    elif layout.sizes is not None:
        draw_sizes(canvas, layout.sizes, left, y, layout.gutter - 1.3 * canvas.unit)
