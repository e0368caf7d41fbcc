# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A chart on the screen: it can be moved and asked; it says what was clicked and changes nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QGraphicsScene, QGraphicsView

from monitor_app.charts.model import Scale
from monitor_app.gui.figures.budget import Budget, first_budget, has_budget, more_is_better
from monitor_app.gui.figures.chart_backdrop import ACROSS_ROOM_PX, SLANT_DEG, VALUE_ROOM_PX, Backdrop
from monitor_app.gui.figures.chart_box import ChartBox
from monitor_app.gui.figures.chart_foreground import Foreground
from monitor_app.gui.figures.chart_layer import BOTTOM_PX, LEFT_PX, RIGHT_PX, TOP_PX
from monitor_app.gui.figures.groups import base_of, group_of, whose_of, without
from monitor_app.gui.figures.hover_card import HoverCard
from monitor_app.gui.figures.marks import FADED, line_items, series_items
from monitor_app.gui.figures.placing import is_mark, place, ranges
from monitor_app.gui.figures.pointing import Screen, nearest
from monitor_app.gui.figures.scales import coordinate, ticks, value_at
from monitor_app.gui.theme import SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QResizeEvent

    from monitor_app.charts.model import Chart
    from monitor_app.gui.figures.placing import Placed
    from monitor_app.gui.figures.scales import Tick
    from monitor_app.gui.theme import Theme

REST_MS = 150
"""After a movement the picture counts as resting."""
GRIP_PX = 6.0
"""A budget line is under the pointer this far from it."""


class ChartView(pg.GraphicsLayoutWidget):
    """Shows one chart, or says why it is empty."""

    chosen = Signal(object)
    """(Point that was clicked)"""
    pointed = Signal(str)
    """(network under the pointer, or empty)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setMinimumSize(320, 240)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        # Marks come and go with every chart: to index their places costs more than it saves.
        self.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.theme = theme
        self.chart: Chart | None = None
        """As it is shown: without what is hidden."""
        self.placed: tuple[Placed, ...] = ()
        self.reason = ""
        """Why there is nothing to be seen."""
        self.budget: Budget | None = None
        self.under: tuple[Placed, int] | None = None
        self.frame: QRectF | None = None
        self.x_ticks: tuple[Tick, ...] = ()
        self.y_ticks: tuple[Tick, ...] = ()
        self.slanted = False
        self._whose: tuple[str, ...] = ()
        self._own_names: set[str] = set()
        """Networks that were measured."""
        self._items: dict[str, list[pg.GraphicsObject]] = {}
        self._budgets: dict[str, Budget] = {}
        self.box = ChartBox(self._grip)
        axes = {side: _Room(side) for side in ("left", "bottom")}
        self.plot = pg.PlotItem(viewBox=self.box, axisItems=axes, enableMenu=False)
        self.plot.hideButtons()
        self.plot.setContentsMargins(0, 0, 0, 0)
        self.ci.layout.setContentsMargins(0, TOP_PX + 14, RIGHT_PX, 0)
        self.ci.addItem(self.plot, 0, 0)
        self._axes = axes
        self._layers = (Backdrop(self, -1000), Foreground(self, 1000))
        for layer in self._layers:
            self.scene().addItem(layer)
        self.card = HoverCard(self)
        self.scene().sigMouseMoved.connect(self._move_pointer)
        self.box.clicked.connect(self._click)
        self.box.dragged.connect(self._drag_budget)
        self.box.framed.connect(self._show_frame)
        self.box.moved.connect(self._move)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self.viewport().update)
        self.set_theme(theme)

    @property
    def moving(self) -> bool:
        """The picture has moved just now and may move on."""
        return self._rest.isActive()

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setBackground(QColor(theme.ground))
        self.card.set_theme(theme)
        self._draw()

    def show_chart(self, chart: Chart | None, hidden: Collection[str] = (), *, keeps_view: bool = False) -> None:
        """Another chart, or the same with other values; ``hidden``: networks, sessions and lines."""
        same = self.chart is not None and chart is not None and chart.key == self.chart.key
        self.reason = _why_empty(chart)
        self._whose = whose_of(chart) if chart is not None else ()
        self.chart = without(chart, hidden) if chart is not None else None
        self.budget = None
        if chart is not None and not self.reason and has_budget(chart):
            self.budget = self._budgets.setdefault(chart.key, first_budget(chart))
        self._point_at(None)
        self._draw()
        if chart is not None and not (same and keeps_view):
            self.box.fit(*ranges(chart, place(chart)))
        self._rest.stop()
        self._lay_out()

    def highlight(self, name: str) -> None:
        """Let all but this network, or all but this session, step back; an empty name brings them forward again."""
        for each, items in self._items.items():
            stays = not name or name in {base_of(each, self._whose), group_of(each, self._whose)}
            for item in items:
                item.setOpacity(1.0 if stays else FADED)
        self.viewport().update()

    def _draw(self) -> None:
        # ViewBox.clear would leave behind in the scene what was added without bounds.
        for item in (each for items in self._items.values() for each in items):
            self.box.removeItem(item)
        self._items, self.placed = {}, ()
        if self.chart is None or self.reason:
            return
        self.placed = place(self.chart)
        self._own_names = {base_of(p.series.name, self._whose) for p in self.placed if not p.of_paper}
        for line in self.chart.lines:
            self._items.setdefault(line.name, []).extend(line_items(self.chart, line, self.theme))
        for each in sorted(self.placed, key=lambda each: not each.of_paper):
            self._items.setdefault(each.series.name, []).extend(series_items(self.chart, each, self.theme))
        for items in self._items.values():
            for item in items:
                self.box.addItem(item, ignoreBounds=True)

    # -- pixels ----------------------------------------------------------------------------------

    @property
    def area(self) -> QRectF:
        """Where the marks are, in pixels of the scene."""
        return QRectF(self.box.sceneBoundingRect())

    @property
    def screen_of_coordinates(self) -> Screen:
        """Where coordinates lie."""
        (x_low, x_high), (y_low, y_high) = self.box.viewRange()
        area = self.area
        across, up = area.width() / (x_high - x_low), area.height() / (y_high - y_low)
        return Screen(area.left(), area.bottom(), x_low, y_low, across, up)

    def x_pixel(self, at: float) -> float:
        return float(self.screen_of_coordinates.across(np.float64(at)))

    def y_pixel(self, at: float) -> float:
        return float(self.screen_of_coordinates.down(np.float64(at)))

    def pixel_of(self, placed: Placed, k: int) -> QPointF:
        """Where a point is."""
        return QPointF(self.x_pixel(placed.x[k]), self.y_pixel(placed.y[k]))

    @property
    def budget_pixels(self) -> tuple[float, float]:
        """Where the lines of the budget are; far away without one."""
        if self.budget is None or self.chart is None:
            return -1e9, -1e9
        x, y = coordinate(self.chart.x.scale, self.budget.x), coordinate(self.chart.y.scale, self.budget.y)
        return self.x_pixel(x), self.y_pixel(y)

    def ground_at(self, at: QPointF) -> str:
        """The colour behind the marks: what is beyond a budget lies in shade."""
        if self.budget is None or self.chart is None:
            return self.theme.ground
        x, y = self.budget_pixels
        beyond = at.x() > x or (at.y() > y if more_is_better(self.chart.y) else at.y() < y)
        return self.theme.span if beyond else self.theme.ground

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "box"):
            self._lay_out()

    def _move(self) -> None:
        self._rest.start()
        self._lay_out()

    def _lay_out(self) -> None:
        """Numbers of the axes for what is in view, and room for them."""
        if self.chart is None:
            return
        (x_low, x_high), (y_low, y_high) = self.box.viewRange()
        self._axes["left"].setWidth(LEFT_PX)
        self._axes["bottom"].setHeight(self._foot_px())
        self.plot.layout.activate()
        rect = self.area
        self.x_ticks = ticks(self.chart.x, x_low, x_high, rect.width(), ACROSS_ROOM_PX)
        self.y_ticks = ticks(self.chart.y, y_low, y_high, rect.height(), VALUE_ROOM_PX)
        self._move_card()
        self.viewport().update()

    def _foot_px(self) -> float:
        """Names that are longer than their places stand slanted."""
        assert self.chart is not None
        names = self.chart.x.categories if self.chart.x.scale is Scale.CATEGORY else ()
        metrics = QFontMetricsF(ui_font(SMALL_PX))
        longest = max((metrics.horizontalAdvance(name) for name in names), default=0.0)
        x_low, x_high = self.box.viewRange()[0]
        each_px = (self.width() - LEFT_PX - RIGHT_PX) / max(x_high - x_low, 1e-9)
        self.slanted = bool(names) and longest > each_px - 8
        if not names:
            return float(BOTTOM_PX)
        return 26.0 if not self.slanted else 24.0 + longest * float(np.sin(np.radians(SLANT_DEG)))

    # -- names -----------------------------------------------------------------------------------

    def names_of(self, placed: Placed) -> list[str]:
        """What stands beside each ball; nothing where the legend has to do."""
        assert self.chart is not None
        nameless = [""] * len(placed.points)
        if self.chart.bars or placed.series.joined or is_mark(self.chart, placed.series):
            return nameless
        base = base_of(placed.series.name, self._whose)
        if placed.of_paper and base in self._own_names:
            return nameless
        return [base] if len(placed.points) == 1 else [point.label for point in placed.points]

    # -- pointer ---------------------------------------------------------------------------------

    def point_near(self, at: QPointF) -> tuple[Placed, int] | None:
        """The point under a place of the scene; of several the nearest, and the smaller ball before the larger."""
        if self.chart is None or not self.area.adjusted(-4, -4, 4, 4).contains(at):
            return None
        return nearest(self.chart, self.placed, self.screen_of_coordinates, at.x(), at.y())

    def _move_pointer(self, at: QPointF) -> None:
        under = self.point_near(at)
        self._point_at(under)
        gripped = self._grip(at) if under is None else None
        shapes = {"x": Qt.CursorShape.SplitHCursor, "y": Qt.CursorShape.SplitVCursor}
        if gripped is not None:
            shape = shapes[str(gripped)]
        elif under is not None and under[0].points[under[1]].run_id is not None:
            shape = Qt.CursorShape.PointingHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        self.viewport().setCursor(shape)

    def _point_at(self, under: tuple[Placed, int] | None) -> None:
        if under is self.under or (
            under is not None and self.under is not None and under[0] is self.under[0] and under[1] == self.under[1]
        ):
            return
        self.under = under
        name = base_of(under[0].series.name, self._whose) if under is not None else ""
        self.highlight(name)
        self.pointed.emit(name)
        if under is None or self.chart is None:
            self.card.hide()
        else:
            self.card.show_point(self.chart, under[0].series, under[0].points[under[1]])
            self._move_card()
        self.viewport().update()

    def _move_card(self) -> None:
        if self.under is not None:
            placed, k = self.under
            radius = 6.0 if self.chart is not None and self.chart.bars else placed.size_px[k] / 2
            self.card.move_beside(self.pixel_of(placed, k), radius)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(None)

    def _click(self, at: QPointF) -> None:
        found = self.point_near(at)
        if found is not None:
            self.chosen.emit(found[0].points[found[1]])

    def _show_frame(self, frame: QRectF | None) -> None:
        self.frame = frame
        self.viewport().update()

    # -- budgets ---------------------------------------------------------------------------------

    def _grip(self, at: QPointF) -> object:
        """The budget line under a place: x, y or none."""
        if self.budget is None or not self.area.adjusted(-6, -6, 6, 6).contains(at):
            return None
        x, y = self.budget_pixels
        return "x" if abs(at.x() - x) <= GRIP_PX else "y" if abs(at.y() - y) <= GRIP_PX else None

    def _drag_budget(self, line: str, at: QPointF) -> None:
        if self.budget is None or self.chart is None:
            return
        rect = self.area
        inside = QPointF(min(max(at.x(), rect.left()), rect.right()), min(max(at.y(), rect.top()), rect.bottom()))
        place_there = self.box.mapSceneToView(inside)
        if line == "x":
            self.budget = replace(self.budget, x=value_at(self.chart.x.scale, place_there.x()))
        else:
            self.budget = replace(self.budget, y=value_at(self.chart.y.scale, place_there.y()))
        self._budgets[self.chart.key] = self.budget
        self._rest.start()
        self._point_at(None)
        self.viewport().update()


class _Room(pg.AxisItem):
    """Room beside the marks, with nothing of its own to paint; the wheel over it zooms its axis alone."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.setStyle(tickLength=0, autoExpandTextSpace=False)

    def paint(self, *_: object) -> None:
        pass

    def linkedViewChanged(self, *_: object) -> None:
        pass


def _why_empty(chart: Chart | None) -> str:
    """What an empty chart says."""
    if chart is None or any(series.points for series in chart.series) or any(line.x for line in chart.lines):
        return ""
    return "\n\n".join(chart.missing) or "There is nothing in this session that this figure could show."
