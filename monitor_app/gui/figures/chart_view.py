# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A chart on the screen, as it is written to files: with zoom, pan and hover; it announces what was clicked.

wheel                       zoom at the pointer                drag               pan
Shift+wheel                 pan in x                           Shift+drag         zoom to what is framed
Ctrl+wheel, wheel on axis   zoom the values, or that axis      Ctrl+drag, axis    pan the values, or that axis
double click                show everything                    middle click       the values fit themselves again
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from monitor_app.charts.budget import first_budget, has_budget
from monitor_app.charts.contents import without
from monitor_app.charts.layout import View, lay_out, moved, nearest
from monitor_app.charts.plot import rectangle
from monitor_app.charts.render import paint, paint_emphasis
from monitor_app.gui.figures.gestures import Gesture, axes_at, framed, panned, zoomed
from monitor_app.gui.figures.hover_card import HoverCard
from monitor_app.gui.keyboard import OWN_KEYS
from monitor_app.gui.plot.view_box import NOTCH, PAN_PER_NOTCH

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from monitor_app.charts.budget import Budget
    from monitor_app.charts.layout import Layout
    from monitor_app.charts.marks import Mark
    from monitor_app.charts.model import Chart
    from monitor_app.gui.theme import Theme

PICTURE_RATIO = 2.0
REST_MS = 150
"""After a movement the picture counts as resting, and names look for better places."""
MOST_UNIT_PX = 20.0
"""Height of the text on a large screen: more room is given to the values."""
GRIP_PX = 6.0
"""A budget line is under the pointer this far from it."""
_RING_PX = 2.5
"""From the edge of a mark to the ring around it while it is under the pointer."""


class ChartView(QWidget):
    """Shows one chart, or says why it is empty."""

    chosen = Signal(object)
    """(Point that was clicked)"""
    pointed = Signal(str)
    """(network under the pointer, or empty)"""
    resized = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setMinimumSize(560, 400)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty(OWN_KEYS, ["Left", "Right", "Return", "Enter"])
        self.setAccessibleName("figure")
        self.setAccessibleDescription("Left and Right choose a point, Return shows the trace it came from.")
        self.theme = theme
        self.chart: Chart | None = None
        """As it is shown: without what is hidden."""
        self.view = View()
        self.under: Mark | None = None
        self._layout: Layout | None = None
        self._budgets: dict[str, Budget] = {}
        self._with_budget = False
        self._highlight = ""
        self._picture: tuple[Layout, QImage] | None = None
        self._gesture: Gesture | None = None
        self.card = HoverCard(self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._settle)
        self.set_theme(theme)

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def laid_out(self) -> Layout | None:
        """Where everything lies."""
        if self._layout is None and self.chart is not None:
            size = float(self.width()), float(self.height())
            self._layout = lay_out(self.chart, size, self.theme.palette, view=self.view, most_unit=MOST_UNIT_PX)
        return self._layout

    def picture(self) -> QImage | None:
        """What is shown, without what follows the pointer, with twice the pixels; None without a chart."""
        layout = self.laid_out
        return None if layout is None else self._painted(layout, PICTURE_RATIO)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.card.set_theme(theme)
        self._settle()

    def show_chart(self, chart: Chart | None, hidden: Collection[str] = (), *, keeps_view: bool = False) -> None:
        """Another chart, or the same with other values; ``hidden``: networks, groups and titles of lines."""
        same = self.chart is not None and chart is not None and chart.key == self.chart.key
        self.chart = without(chart, hidden) if chart is not None else None
        spans = self.view if same and keeps_view else View()
        self.view = replace(spans, budget=self._budget_of(self.chart))
        self._point_at(None)
        self._highlight = ""
        self._settle()

    def show_budget(self, on: bool) -> None:
        """With lines that can be dragged on charts that have a front, or without."""
        self._with_budget = on
        self.view = replace(self.view, budget=self._budget_of(self.chart))
        self._settle()

    def show_all(self) -> None:
        """The whole chart."""
        self._look_at(View(budget=self.view.budget))

    def highlight(self, word: str) -> None:
        """Let all but this network, group or line step back; an empty word brings them forward again."""
        self._highlight = word
        self.update()

    def _budget_of(self, chart: Chart | None) -> Budget | None:
        if chart is None or not self._with_budget or not has_budget(chart):
            return None
        return self._budgets.setdefault(chart.key, first_budget(chart))

    def _look_at(self, view: View) -> None:
        """Move: names go with their marks until the picture rests."""
        self.view = view
        if self.chart is None or self.laid_out is None:
            return
        self._layout = moved(self.laid_out, view)
        self._rest.start()
        self._move_card()
        self.update()

    def _settle(self) -> None:
        """Look for the best places of all names."""
        self._rest.stop()
        self._layout = None
        self._move_card()
        self.update()

    # -- painting --------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        layout = self.laid_out
        if layout is None:
            painter.fillRect(self.rect(), QColor(self.theme.ground))
            return
        painter.drawImage(QPointF(0, 0), self._picture_of(layout))
        if self._highlight:
            paint_emphasis(layout, painter, self._highlight)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._gesture is not None and self._gesture.frame is not None:
            painter.setPen(QPen(QColor(self.theme.dim), 1, Qt.PenStyle.DashLine))
            painter.drawRect(self._gesture.frame)
        under = self._mark_under(layout)
        if under is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self.theme.text), 1.5))
            radius = max(under.bubble.radius, _RING_PX) + _RING_PX
            painter.drawEllipse(QPointF(under.bubble.x, under.bubble.y), radius, radius)

    def _picture_of(self, layout: Layout) -> QImage:
        """Painted anew only where something has changed: what follows the pointer lies over it."""
        ratio = self.devicePixelRatioF()
        if self._picture is not None and self._picture[0] is layout and self._picture[1].devicePixelRatio() == ratio:
            return self._picture[1]
        self._picture = layout, self._painted(layout, ratio)
        return self._picture[1]

    def _painted(self, layout: Layout, ratio: float) -> QImage:
        image = QImage(QSize(round(self.width() * ratio), round(self.height() * ratio)), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        painter = QPainter(image)
        paint(layout, painter)
        painter.end()
        return image

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()
        self.resized.emit()

    # -- pointer ---------------------------------------------------------------------------------

    def mark_near(self, at: QPointF) -> Mark | None:
        """The mark under a place; of several the nearest, and the smaller bubble before the larger."""
        layout = self.laid_out
        if layout is None or not rectangle(layout.box).adjusted(-4, -4, 4, 4).contains(at):
            return None
        return nearest(layout, at.x(), at.y())

    def _mark_under(self, layout: Layout) -> Mark | None:
        """Where the mark that is pointed at lies by now."""
        under = self.under
        if under is None:
            return None
        same = (m for m in layout.marks if m.point == under.point and m.series.name == under.series.name)
        return next(same, None)

    def _hover(self, at: QPointF) -> None:
        mark = self.mark_near(at)
        self._point_at(mark)
        grip = self._grip(at) if mark is None else ""
        if grip:
            shape = Qt.CursorShape.SplitHCursor if grip == "x" else Qt.CursorShape.SplitVCursor
        elif mark is not None and mark.point.run_id is not None:
            shape = Qt.CursorShape.PointingHandCursor
        else:
            shape = Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def _point_at(self, mark: Mark | None) -> None:
        if mark == self.under:
            return
        self.under = mark
        network = mark.series.network if mark is not None else ""
        self.highlight(network)
        self.pointed.emit(network)
        if mark is None or self.chart is None:
            self.card.hide()
        else:
            self.card.show_point(self.chart, mark.series, mark.point)
            self._move_card()

    def _move_card(self) -> None:
        if self.under is None:
            return  # nothing is laid out until it is painted, which a window that gets its size does several times
        mark = self._mark_under(self.laid_out) if self.laid_out is not None else None
        if mark is not None:
            self.card.move_beside(QPointF(mark.bubble.x, mark.bubble.y), max(mark.bubble.radius, 6.0))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(None)

    # -- keys ------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if by is not None:
            self._step(by)
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.under is not None:
            self.chosen.emit(self.under.point)
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        """Point at the next mark to the right, or to the left."""
        layout = self.laid_out
        marks = sorted(layout.marks, key=lambda mark: (mark.bubble.x, mark.bubble.y)) if layout is not None else []
        if layout is None or not marks:
            return
        now = self._mark_under(layout)
        k = marks.index(now) + by if now is not None else 0 if by > 0 else len(marks) - 1
        self._point_at(marks[min(max(k, 0), len(marks) - 1)])

    # -- mouse -----------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        layout, turned = self.laid_out, event.angleDelta()
        if layout is not None:
            at, keys = event.position(), event.modifiers()
            if turned.x() or keys & Qt.KeyboardModifier.ShiftModifier:
                notches = (turned.x() or turned.y()) / NOTCH
                self._look_at(panned(layout, self.view, QPointF(notches * PAN_PER_NOTCH, 0.0)))
            else:
                axes = axes_at(layout, at, values_only=bool(keys & Qt.KeyboardModifier.ControlModifier))
                self._look_at(zoomed(layout, self.view, at, turned.y() / NOTCH, axes))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton} and self.laid_out is not None:
            self._gesture = Gesture(event.position(), self._grip(event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        layout, gesture, at = self.laid_out, self._gesture, event.position()
        if gesture is None or layout is None:
            self._hover(at)
            return
        moved = gesture.follow(at)
        if not gesture.moved:
            return
        keys = event.modifiers()
        axes = axes_at(layout, gesture.start, values_only=bool(keys & Qt.KeyboardModifier.ControlModifier))
        if gesture.grip:
            self._drag_budget(layout, gesture.grip, at)
        elif keys & Qt.KeyboardModifier.ShiftModifier and axes == (True, True):
            gesture.frame = QRectF(gesture.start, at).normalized()
            self.update()
        else:
            shift = QPointF(moved.x() * axes[0] / _width(layout), moved.y() * axes[1] / _height(layout))
            self._look_at(panned(layout, self.view, shift))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        layout, gesture = self.laid_out, self._gesture
        self._gesture = None
        if layout is None or gesture is None:
            return
        if gesture.frame is not None:
            self._look_at(framed(layout, self.view, gesture.frame))
        elif not gesture.moved and event.button() == Qt.MouseButton.MiddleButton:
            self._look_at(replace(self.view, y=None))
        elif not gesture.moved:
            mark = self.mark_near(event.position())
            if mark is not None:
                self.chosen.emit(mark.point)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.show_all()

    # -- budgets ---------------------------------------------------------------------------------

    def _grip(self, at: QPointF) -> str:
        """The budget line under a place: x, y or none."""
        lines = self.laid_out.budget if self.laid_out is not None else None
        if self.laid_out is None or lines is None:
            return ""
        if not rectangle(self.laid_out.box).adjusted(-6, -6, 6, 6).contains(at):
            return ""
        return "x" if abs(at.x() - lines.x) <= GRIP_PX else "y" if abs(at.y() - lines.y) <= GRIP_PX else ""

    def _drag_budget(self, layout: Layout, line: str, at: QPointF) -> None:
        if self.view.budget is None or self.chart is None:
            return
        box, plot = layout.box, layout.plot
        if line == "x":
            budget = replace(self.view.budget, x=plot.x.value(min(max(at.x(), box.left), box.right)))
        else:
            budget = replace(self.view.budget, y=plot.y.value(min(max(at.y(), box.top), box.bottom)))
        self._budgets[self.chart.key] = budget
        self._point_at(None)
        self._look_at(replace(self.view, budget=budget))


def _width(layout: Layout) -> float:
    return layout.box.right - layout.box.left


def _height(layout: Layout) -> float:
    return layout.box.bottom - layout.box.top
