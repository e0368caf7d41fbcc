# SPDX-License-Identifier: Apache-2.0
"""Behind the marks of a chart: grid and numbers, titles, and what a budget leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from monitor_app.charts.model import Scale
from monitor_app.charts.point_text import axis_title
from monitor_app.gui.figures.budget import more_is_better
from monitor_app.gui.figures.chart_layer import (
    CENTRE,
    LEFT,
    LEFT_PX,
    MIDDLE,
    RIGHT,
    TITLE_PX,
    TOP,
    TOP_PX,
    Layer,
    write,
)
from monitor_app.gui.theme import SMALL_PX, mixed, ui_font

if TYPE_CHECKING:
    from monitor_app.gui.figures.scales import Tick

VALUE_ROOM_PX, ACROSS_ROOM_PX = 44, 74
"""Least distance of numbers up and across."""
SLANT_DEG = 38.0
"""Of names that are longer than their places."""


class Backdrop(Layer):
    """Grid, numbers, titles, and what a budget leaves out."""

    def paint(self, painter: QPainter, *_: Any) -> None:
        view, theme = self.view, self.view.theme
        rect = view.area
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setFont(ui_font(SMALL_PX))
        if view.chart is None or view.reason:
            return
        self._paint_beyond(painter, rect)
        faint = QPen(mixed(theme.line, theme.ground, 0.5), 1)
        for tick in view.y_ticks:
            y = round(view.y_pixel(tick.at)) + 0.5
            painter.setPen(faint)
            if y < rect.bottom() - 2:
                painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            room = QRectF(rect.left() - LEFT_PX, y - 10, LEFT_PX - 9, 20)
            write(painter, room, RIGHT | MIDDLE, tick.text, theme.dim)
        self._paint_across(painter, rect, faint)
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        self._paint_titles(painter, rect)

    def _paint_across(self, painter: QPainter, rect: QRectF, faint: QPen) -> None:
        view, theme = self.view, self.view.theme
        named = view.chart is not None and view.chart.x.scale is Scale.CATEGORY
        for tick in view.x_ticks:
            x = round(view.x_pixel(tick.at)) + 0.5
            if not named:
                painter.setPen(faint)
                painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            if view.slanted:
                self._paint_slanted(painter, x, rect.bottom(), tick)
            else:
                write(painter, QRectF(x - 80, rect.bottom() + 7, 160, 18), CENTRE | TOP, tick.text, theme.dim)

    def _paint_slanted(self, painter: QPainter, x: float, bottom: float, tick: Tick) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.translate(x + 5, bottom + 12)
        painter.rotate(-SLANT_DEG)
        write(painter, QRectF(-200, -9, 200, 18), RIGHT | MIDDLE, tick.text, self.view.theme.dim)
        painter.restore()

    def _paint_titles(self, painter: QPainter, rect: QRectF) -> None:
        chart, theme = self.view.chart, self.view.theme
        if chart is None:
            return
        if chart.x.scale is not Scale.CATEGORY:
            room = QRectF(rect.left(), rect.bottom() + 7 + TITLE_PX, rect.width(), 18)
            write(painter, room, RIGHT | TOP, axis_title(chart.x), theme.text)
        # Upright above its axis: a title that need not be read sideways.
        write(
            painter, QRectF(rect.left() - LEFT_PX + 16, 0, rect.width(), TOP_PX + 6), LEFT | MIDDLE,
            axis_title(chart.y), theme.text,
        )  # fmt: skip

    def _paint_beyond(self, painter: QPainter, rect: QRectF) -> None:
        """What is beyond a budget lies in shade."""
        view = self.view
        if view.budget is None or view.chart is None:
            return
        shade = QColor(view.theme.span)
        x, y = view.budget_pixels
        x, y = min(max(x, rect.left()), rect.right()), min(max(y, rect.top()), rect.bottom())
        painter.fillRect(QRectF(QPointF(x, rect.top()), rect.bottomRight()), shade)
        if more_is_better(view.chart.y):
            painter.fillRect(QRectF(QPointF(rect.left(), y), rect.bottomRight()), shade)
        else:
            painter.fillRect(QRectF(rect.topLeft(), QPointF(rect.right(), y)), shade)
