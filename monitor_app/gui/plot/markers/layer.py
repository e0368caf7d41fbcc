# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The markers: their edges, banners and boxes, and what the mouse does on them, announced by signals."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QRegion

from monitor_app.charts.palette import contrast_of
from monitor_app.gui.plot.layer import Layer
from monitor_app.gui.plot.markers.layout import PAD_PX, Part, across_px, down_px, line_px, part_at, placed
from monitor_app.gui.plot.words import ascent_px, descent_px, draw_text
from monitor_app.gui.theme import SMALL_PX, mixed, ui_font

if TYPE_CHECKING:
    from PySide6.QtWidgets import QGraphicsSceneMouseEvent

    from monitor_app.gui.plot.markers.layout import PlacedBox, PlacedMarker
    from monitor_app.gui.plot.plot_state import PlotState, ShownMarker, StatBox
    from monitor_app.gui.theme import Theme

TINT = 24
"""Opacity of the active pair, of 255."""
CURSORS = {
    Part.START: Qt.CursorShape.SizeHorCursor, Part.END: Qt.CursorShape.SizeHorCursor,
    Part.WHOLE: Qt.CursorShape.SizeAllCursor, Part.INTEGRAL: Qt.CursorShape.PointingHandCursor,
}  # fmt: skip


class MarkerLayer(Layer, pg.GraphicsObject):
    """Boxes are painted once and kept as pixmaps: their dozens of numbers would take a good part of each frame."""

    dragged = Signal(int, float, float, bool)
    """(number, start and end in s, whether the drag has ended); the same time twice for a single marker"""
    clicked = Signal(int)
    edit_asked = Signal(int)
    unit_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(1.0)  # the mouse finds it before the panes
        self.setAcceptedMouseButtons(Qt.MouseButton.LeftButton)
        self.placed: tuple[PlacedMarker, ...] = ()
        self.kept_clear: tuple[QRectF, ...] = ()
        """Where words stand over the panes, which no edge crosses; from top to bottom."""
        self._grabbed: tuple[ShownMarker, Part] | None = None
        self._pixmaps: dict[tuple[object, ...], QPixmap] = {}

    def set_state(self, state: PlotState) -> None:
        if self._state is None or state.area != self._state.area:
            self.prepareGeometryChange()
        super().set_state(state)
        self.placed = placed(state) if state.markers else ()

    # -- painting --------------------------------------------------------------------------------

    def paint_state(self, painter: QPainter) -> None:
        if not self.placed:
            return
        self._paint_tint(painter)
        clear = [(words.left(), words.top(), words.right(), words.bottom()) for words in self.kept_clear]
        foot = self.state.panes[-1].rect.bottom()
        for each in self.placed:
            self._paint_edges(painter, each, foot, clear)
        kept, self._pixmaps = self._pixmaps, {}
        for each in self.placed:
            for box in each.boxes:
                self._paint_box(painter, each.marker, box, kept)
        for each in self.placed:
            _paint_banner(painter, self.state.theme, each)

    def _paint_tint(self, painter: QPainter) -> None:
        """Between the edges of the active pair, which is the last one."""
        each = self.placed[-1]
        if not each.marker.active or each.marker.end_s is None:
            return
        painter.save()
        free = QRegion(self.state.area.toAlignedRect())
        for words in self.kept_clear:
            free -= QRegion(words.toAlignedRect())
        painter.setClipRegion(free, Qt.ClipOperation.IntersectClip)
        rect = self.state.first.rect
        left = each.left if each.left is not None else rect.left()
        right = each.right if each.right is not None else rect.right()
        tint = QColor(each.marker.colour)
        tint.setAlpha(TINT)
        foot = self.state.panes[-1].rect.bottom()
        painter.fillRect(QRectF(left, rect.top(), right - left, foot - rect.top()), tint)
        painter.restore()

    def _paint_edges(
        self, painter: QPainter, each: PlacedMarker, foot: float, clear: list[tuple[float, float, float, float]]
    ) -> None:
        colour = _banner_colours(each.marker.colour, self.state.theme)[0]
        for x in (each.left, each.right):
            if x is not None:
                at, top = round(x), each.banner.top()
                for left, upper, right, lower in clear:
                    if left < at + 1 and at < right:
                        painter.fillRect(QRectF(at, top, 1, upper - top), colour)
                        top = lower
                painter.fillRect(QRectF(at, top, 1, foot - top), colour)

    def _paint_box(
        self, painter: QPainter, marker: ShownMarker, box: PlacedBox, kept: dict[tuple[object, ...], QPixmap]
    ) -> None:
        # Of a picture or a screen, where that of the device may be another: a widget can be painted into an image.
        theme, ratio = self.state.theme, painter.deviceTransform().m11()
        key = (box.box, box.down, box.rect.width(), box.rect.height(), marker.colour, theme.name, ratio)
        pixmap = kept.get(key)
        if pixmap is None:
            pixmap = _painted_box(box, theme, marker.colour, ratio)
        self._pixmaps[key] = pixmap
        painter.drawPixmap(box.rect.topLeft(), pixmap)

    # -- mouse -----------------------------------------------------------------------------------

    def boundingRect(self) -> QRectF:
        return QRectF(self._state.area) if self._state is not None else QRectF()

    def paint(self, *_: Any) -> None:
        """As an item of the scene it is there for the mouse alone."""

    def _part_at(self, at: QPointF) -> tuple[int, Part] | None:
        if not self.placed:
            return None
        panes = self.state.panes
        return part_at(self.placed, at, panes[0].rect.top(), panes[-1].rect.bottom())

    def hoverEvent(self, ev: Any) -> None:
        """Of pyqtgraph: the pointer shows what can be done with the marker under it."""
        found = None if ev.isExit() else self._part_at(ev.pos())
        if found is None:
            self.unsetCursor()
        else:
            self.setCursor(CURSORS[found[1]])

    def mouseDragEvent(self, ev: Any) -> None:
        if ev.isStart():
            self._grab(ev)
        if self._grabbed is None:
            ev.ignore()
            return
        ev.accept()
        marker, part = self._grabbed
        rect = self.state.first.rect
        by_s = (ev.pos().x() - ev.buttonDownPos().x()) * self.state.view.width_s / max(rect.width(), 1.0)
        start_s = marker.start_s + (by_s if part is not Part.END else 0.0)
        end_s = marker.last_s + (by_s if part is not Part.START else 0.0)
        self.dragged.emit(marker.number, min(start_s, end_s), max(start_s, end_s), ev.isFinish())
        if ev.isFinish():
            self._grabbed = None

    def _grab(self, ev: Any) -> None:
        self._grabbed = None
        plain = ev.button() == Qt.MouseButton.LeftButton and not ev.modifiers()
        found = self._part_at(ev.buttonDownPos()) if plain else None
        if found is not None and found[1] is not Part.INTEGRAL:
            number, part = found
            self._grabbed = next((m, part) for m in self.state.markers if m.number == number)

    def mouseClickEvent(self, ev: Any) -> None:
        found = self._part_at(ev.pos()) if ev.button() == Qt.MouseButton.LeftButton and not ev.double() else None
        if found is None:
            ev.ignore()
            return
        ev.accept()
        if found[1] is Part.INTEGRAL:
            self.unit_asked.emit()
        else:
            self.clicked.emit(found[0])

    def mouseDoubleClickEvent(self, ev: QGraphicsSceneMouseEvent) -> None:
        found = self._part_at(ev.pos())
        if found is None:
            ev.ignore()
            return
        ev.accept()
        if found[1] is Part.WHOLE:
            self.edit_asked.emit(found[0])


def _paint_banner(painter: QPainter, theme: Theme, each: PlacedMarker) -> None:
    marker, rect = each.marker, each.banner
    colour, faint, on_colour, text = _banner_colours(marker.colour, theme)
    painter.fillRect(rect, colour if marker.active else faint)
    if not marker.active:
        painter.fillRect(QRectF(rect.left(), rect.top(), 3, rect.height()), colour)
    painter.setPen(on_colour if marker.active else text)
    if each.text:
        baseline = rect.top() + (rect.height() + ascent_px() - descent_px()) / 2
        draw_text(painter, rect.left() + PAD_PX, baseline, each.text)


@cache
def _banner_colours(colour: str, theme: Theme) -> tuple[QColor, QColor, QColor, QColor]:
    """Of a marker, the same faint, and of the text on either: on the strong one black or white, as is read better."""
    ink = max(("#000000", "#ffffff"), key=lambda ink: contrast_of(ink, colour))
    return QColor(colour), mixed(colour, theme.ground, 0.3), QColor(ink), QColor(theme.text)


def _painted_box(placed_box: PlacedBox, theme: Theme, colour: str, ratio: float) -> QPixmap:
    box, width, height = placed_box.box, placed_box.rect.width(), placed_box.rect.height()
    pixmap = QPixmap(round(width * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.panel))
    painter = QPainter(pixmap)
    painter.setFont(ui_font(SMALL_PX))
    painter.fillRect(QRectF(0, 0, 3, height), QColor(colour))
    painter.setPen(QPen(QColor(theme.line), 1))
    painter.drawRect(QRectF(0.5, 0.5, width - 1, height - 1))
    foot = (_paint_down if placed_box.down else _paint_across)(painter, theme, box)
    if box.warning:
        painter.setPen(QColor(theme.alarm))
        painter.drawText(QRectF(8, foot, width, line_px()), Qt.AlignmentFlag.AlignVCenter, box.warning)
    painter.end()
    return pixmap


RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _paint_down(painter: QPainter, theme: Theme, box: StatBox) -> float:
    """A line for each statistic; returns where they end."""
    names_px, *widths = down_px(box)
    y = 3.0
    lines: list[tuple[str, list[tuple[str, str]]]] = []
    if box.columns[0].mark:
        lines.append(("", [(column.mark, column.colour) for column in box.columns]))
    lines += [(name, [(c.texts[k], theme.text) for c in box.columns]) for k, name in enumerate(box.names)]
    for name, cells in lines:
        painter.setPen(QColor(theme.dim))
        painter.drawText(QRectF(8, y, names_px, line_px()), LEFT, name)
        x = 8 + names_px - 10
        for (text, colour), width in zip(cells, widths, strict=True):
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(x, y, width, line_px()), RIGHT, text)
            x += width
        y += line_px()
    return y


def _paint_across(painter: QPainter, theme: Theme, box: StatBox) -> float:
    """A line of names, and below it one for each signal; returns where they end."""
    marked = bool(box.columns[0].mark)
    widths = across_px(box)
    rows = [
        [("", theme.dim)] * marked + [(name, theme.dim) for name in box.names],
        *([(c.mark, c.colour)] * marked + [(text, theme.text) for text in c.texts] for c in box.columns),
    ]
    y = 3.0
    for row in rows:
        x = 4.0
        for (text, colour), width in zip(row, widths, strict=True):
            painter.setPen(QColor(colour))
            painter.drawText(QRectF(x, y, width - 4, line_px()), RIGHT, text)
            x += width
        y += line_px()
    return y
