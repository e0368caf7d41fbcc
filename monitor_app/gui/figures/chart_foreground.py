# SPDX-License-Identifier: Apache-2.0
"""Before the marks of a chart: names, the key of areas, budgets, and the point under the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from monitor_app.charts.clipping import Box
from monitor_app.charts.labels import Ball
from monitor_app.charts.point_text import size_name
from monitor_app.gui.figures.budget import budget_words
from monitor_app.gui.figures.chart_layer import LEFT, MIDDLE, RIGHT, RIGHT_PX, Layer, write
from monitor_app.gui.figures.marks import line_look
from monitor_app.gui.figures.names import Name, NamePlaces, meet
from monitor_app.gui.figures.placing import PAPER, among_lines, diameter_px, largest_size
from monitor_app.gui.figures.scales import coordinates, power_text
from monitor_app.gui.plot.value_range import round_step
from monitor_app.gui.theme import BODY_PX, SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor_app.charts.model import Line
    from monitor_app.gui.figures.chart_view import ChartView

LABEL_PX = 15
RIM = tuple(QPointF(x, y) for x in (-1.5, 1.5) for y in (-1.0, 1.0))
"""Painted four times beside itself a name gets a rim, ten times as fast as with a broad pen."""
SIZES = (0.1, 0.4, 1.0)
"""Shares of the largest that the key of areas shows."""


class Foreground(Layer):
    """Names of balls and lines, key of areas, budgets, the point under the pointer, and why a chart is empty."""

    def __init__(self, view: ChartView, z: float) -> None:
        super().__init__(view, z)
        self._places = NamePlaces()

    def paint(self, painter: QPainter, *_: Any) -> None:
        view = self.view
        if view.chart is None:
            return
        painter.setFont(ui_font(SMALL_PX))
        if view.reason:
            self._paint_reason(painter)
            return
        taken = [*self._paint_key(painter), *self._paint_budgets(painter)]
        self._paint_lines(painter, taken)
        self._paint_names(painter, taken)
        self._paint_ring(painter)
        if view.frame is not None:
            painter.setPen(QPen(QColor(view.theme.dim), 1, Qt.PenStyle.DashLine))
            painter.drawRect(view.frame)

    def _paint_reason(self, painter: QPainter) -> None:
        painter.setFont(ui_font(BODY_PX + 1))
        room = QRectF(self.view.sceneRect()).adjusted(80, 20, -80, -20)
        words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.setPen(QColor(self.view.theme.dim))
        painter.drawText(room, words, self.view.reason)

    # -- names -----------------------------------------------------------------------------------

    def _paint_names(self, painter: QPainter, taken: list[Box]) -> None:
        view, metrics, rect = self.view, QFontMetricsF(painter.font()), self.view.area
        balls, names = [], []
        for each in view.placed:
            colour = view.theme.dim if each.of_paper else view.theme.text
            for k, text in enumerate(view.names_of(each)):
                at = view.pixel_of(each, k)
                ball = Ball(at.x(), at.y(), each.size_px[k] / 2)
                if rect.adjusted(-2, -2, 2, 2).contains(at):
                    balls.append(ball)
                if text:
                    names.append(Name(text, colour, ball, metrics.horizontalAdvance(text), metrics.height()))
        room = Box(rect.left() + 2, rect.top() - 4, rect.right() + RIGHT_PX - 2, rect.bottom() - 2)
        for name, label in self._places.find(names, balls, taken, room, moving=view.moving):
            if not rect.adjusted(-2, -2, 2, 2).contains(QPointF(name.ball.x, name.ball.y)):
                continue
            if label.apart:
                painter.setPen(QPen(QColor(view.theme.line), 1))
                painter.drawLine(_leader(name.ball, label.box))
            self._paint_name(painter, QPointF(label.box.left, label.box.top + metrics.ascent()), name)

    def _paint_name(self, painter: QPainter, baseline: QPointF, name: Name) -> None:
        """With a rim of the ground around its letters, for lines run under it."""
        painter.setPen(QColor(self.view.ground_at(baseline)))
        for aside in RIM:
            painter.drawText(baseline + aside, name.text)
        painter.setPen(QColor(name.colour))
        painter.drawText(baseline, name.text)

    def _paint_lines(self, painter: QPainter, taken: list[Box]) -> None:
        """Equations along their lines, where there is room; below the chart they stand in any case."""
        view, metrics, rect = self.view, QFontMetricsF(painter.font()), self.view.area
        if view.chart is None or view.budget is not None or among_lines(view.chart):
            return
        bodies = [_body(view.pixel_of(each, k), each.size_px[k]) for each in view.placed for k in range(len(each.x))]
        bounds = Box(rect.left() + 4, rect.top() + 2, rect.right() - 2, rect.bottom() - 2)
        for line in view.chart.lines:
            text = f"paper: {line.text}" if line.origin in PAPER else line.text
            width = metrics.horizontalAdvance(text)
            room = (box for box in self._beside(line, width) if _inside(box, bounds))
            free = next((box for box in room if not any(meet(box, other) for other in (*taken, *bodies))), None)
            if line.text and free is not None:
                taken.append(free)
                area = QRectF(free.left, free.top, width + 2, LABEL_PX)
                painter.fillRect(area, QColor(view.theme.ground))
                write(painter, area, LEFT | MIDDLE, text, line_look(line, view.theme)[1].name())

    def _beside(self, line: Line, width: float) -> Iterator[Box]:
        """Places for a text of this width along a line: above it and below, from its right end on."""
        view, rect = self.view, self.view.area
        assert view.chart is not None
        x, y = coordinates(view.chart.x.scale, line.x), coordinates(view.chart.y.scale, line.y)
        for a, b in zip(x[::-1].tolist(), y[::-1].tolist(), strict=True):
            at = QPointF(view.x_pixel(a), view.y_pixel(b))
            if rect.contains(at):
                for left in (at.x() - width - 6, at.x() + 8):
                    for top in (at.y() - LABEL_PX - 4, at.y() + 4):
                        yield Box(left, top, left + width, top + LABEL_PX)

    # -- key of areas ----------------------------------------------------------------------------

    def _paint_key(self, painter: QPainter) -> list[Box]:
        """Three circles with what their areas stand for, above the marks at the right."""
        view, chart = self.view, self.view.chart
        if chart is None or not chart.size_title or (largest := largest_size(chart)) <= 0:
            return []
        metrics, theme = QFontMetricsF(painter.font()), view.theme
        name, unit = size_name(chart.size_title)
        x, y = view.area.right(), view.area.top() - 2
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        parts: list[tuple[float, str]] = []
        for share in reversed(SIZES):
            value = round_step(0.5 * share * largest)
            parts.append((diameter_px(value, largest), f"{power_text(value)} {unit}".strip()))
        for diameter, text in dict(parts).items():
            x -= metrics.horizontalAdvance(text)
            write(painter, QRectF(x, y - 16, 200, 16), LEFT | MIDDLE, text, theme.dim)
            x -= diameter + 5
            painter.setPen(QPen(QColor(theme.dim), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x + diameter / 2, y - 8), diameter / 2, diameter / 2)
            x -= 12
        write(painter, QRectF(x - 300, y - 16, 300, 16), RIGHT | MIDDLE, f"area: {name}", theme.dim)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        tallest = max(diameter for diameter, _ in parts) / 2
        return [Box(x - 120, y - 8 - tallest, view.area.right(), y - 8 + tallest)]

    # -- budgets ---------------------------------------------------------------------------------

    def _paint_budgets(self, painter: QPainter) -> list[Box]:
        view = self.view
        if view.budget is None or view.chart is None:
            return []
        rect, theme, metrics = view.area, view.theme, QFontMetricsF(painter.font())
        x, y = (round(at) + 0.5 for at in view.budget_pixels)
        across, up = budget_words(view.chart, view.budget)
        taken = []
        pen, held = QPen(QColor(theme.text), 1), QColor(theme.text)
        if rect.left() <= x <= rect.right():
            painter.setPen(pen)
            painter.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
            painter.fillRect(QRectF(x - 3, rect.top() - 1, 7, 12), held)
            width = metrics.horizontalAdvance(across)
            left = min(max(x - width / 2, rect.left() + 8), rect.right() - width - 8)
            taken.append(self._paint_tag(painter, left, rect.top() + 14, width, across))
        if rect.top() <= y <= rect.bottom():
            painter.setPen(pen)
            painter.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))
            painter.fillRect(QRectF(rect.right() - 11, y - 3.5, 12, 7), held)
            width = metrics.horizontalAdvance(up)
            above = y - 22 if y - 22 > rect.top() + 24 else y + 5
            taken.append(self._paint_tag(painter, rect.right() - 20 - width, above, width, up))
        return taken

    def _paint_tag(self, painter: QPainter, left: float, top: float, width: float, text: str) -> Box:
        area = QRectF(left - 5, top, width + 10, 18)
        painter.fillRect(area, QColor(self.view.theme.raised))
        write(painter, area, Qt.AlignmentFlag.AlignCenter, text, self.view.theme.text)
        return Box(area.left() - 2, area.top() - 2, area.right() + 2, area.bottom() + 2)

    # -- pointer ---------------------------------------------------------------------------------

    def _paint_ring(self, painter: QPainter) -> None:
        view = self.view
        if view.under is None:
            return
        placed, k = view.under
        at = QPointF(view.x_pixel(placed.x[k]), view.y_pixel(placed.y[k]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(QColor(view.theme.text), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = 5.0 if view.chart is not None and view.chart.bars else placed.size_px[k] / 2 + 2.5
        painter.drawEllipse(at, radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _body(at: QPointF, size_px: float) -> Box:
    return Box(at.x() - size_px / 2, at.y() - size_px / 2, at.x() + size_px / 2, at.y() + size_px / 2)


def _inside(one: Box, other: Box) -> bool:
    return one.left >= other.left and one.right <= other.right and one.top >= other.top and one.bottom <= other.bottom


def _leader(ball: Ball, box: Box) -> QLineF:
    """From the rim of a ball to its name."""
    nearest = QPointF(min(max(ball.x, box.left), box.right), min(max(ball.y, box.top), box.bottom))
    line = QLineF(QPointF(ball.x, ball.y), nearest)
    if line.length() > ball.radius:
        line.setP1(line.pointAt(ball.radius / line.length()))
    return line
