# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The networks of a chart beside it, whose its points are, and its lines: a click hides one or shows it again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from monitor_app.charts.styles import draw_mark
from monitor_app.gui.figures.groups import base_of, group_of, whose_of
from monitor_app.gui.figures.marks import colour_of, line_look
from monitor_app.gui.figures.placing import PAPER
from monitor_app.gui.theme import BODY_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from monitor_app.charts.model import Chart, Line, Series
    from monitor_app.gui.theme import Theme

LINE_PX, SWATCH_PX = 20, 22
GROUP_PX = 10
"""Between the networks and the lines."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A word of the legend: a network, a session or the paper, or a line."""

    name: str
    colour: str
    """#rrggbb; empty for a line."""
    hollow: bool = False
    """All of it is from the paper."""
    symbol: int = 0
    """Of the session, where it stands for one."""
    line: Line | None = None
    part: int = 0
    """Entries of a part stand together."""


def legend_of(chart: Chart, text_colour: str) -> tuple[LegendEntry, ...]:
    """Each network once, in the order of the chart; then whose the points are, where there are several; then lines."""
    whose = whose_of(chart)
    networks: dict[str, list[Series]] = {}
    groups: dict[str, Series] = {}
    for series in chart.series:
        networks.setdefault(base_of(series.name, whose), []).append(series)
        if word := group_of(series.name, whose):
            groups.setdefault(word, series)
    entries = [
        LegendEntry(name, own[0].colour, hollow=all(each.origin in PAPER for each in own))
        for name, own in networks.items()
    ]
    for word, series in groups.items():
        symbol = series.points[0].campaign if series.points else 0
        entries.append(LegendEntry(word, text_colour, hollow=series.origin in PAPER, symbol=symbol, part=1))
    lines = {base_of(line.name, whose): line for line in reversed(chart.lines) if line.name}
    taken = networks.keys() | groups.keys()
    return (*entries, *(LegendEntry(name, "", line=line, part=2) for name, line in lines.items() if name not in taken))


class ChartLegend(QWidget):
    """Click: hide or show. Ctrl+click or double click: alone, or all again."""

    toggled = Signal(str)
    isolated = Signal(str)
    hovered = Signal(str)
    """(name under the pointer, or empty)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.entries: tuple[LegendEntry, ...] = ()
        self._hidden: frozenset[str] = frozenset()
        self._theme = theme
        self._under: str = ""
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Click: hide or show. Ctrl+click: show it alone, or all again.")

    def show_entries(self, entries: tuple[LegendEntry, ...], hidden: Collection[str], theme: Theme) -> None:
        self.entries, self._hidden, self._theme = entries, frozenset(hidden), theme
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def mark(self, name: str) -> None:
        """Show which series is under the pointer of the chart."""
        if name != self._under:
            self._under = name
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(150, round(self._top(len(self.entries))) + 4)

    def _top(self, k: int) -> float:
        parts = [entry.part for entry in self.entries[: k + 1]]
        return k * LINE_PX + GROUP_PX * sum(one != other for one, other in pairwise(parts))

    def middle_of(self, name: str) -> QPointF:
        """Where to click for a name."""
        k = next(k for k, entry in enumerate(self.entries) if entry.name == name)
        return QPointF(SWATCH_PX + 8, self._top(k) + LINE_PX / 2)

    # -- mouse -----------------------------------------------------------------------------------

    def _name_at(self, at: QPointF) -> str:
        for k, entry in enumerate(self.entries):
            if self._top(k) <= at.y() < self._top(k) + LINE_PX:
                return entry.name
        return ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._name_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover("")

    def _hover(self, name: str) -> None:
        if name != self._under:
            self.mark(name)
            self.hovered.emit(name if name not in self._hidden else "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        name = self._name_at(event.position())
        if name and event.button() == Qt.MouseButton.LeftButton:
            alone = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            (self.isolated if alone else self.toggled).emit(name)

    # -- paint -----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(ui_font(BODY_PX))
        metrics = QFontMetricsF(painter.font())
        theme = self._theme
        for k, entry in enumerate(self.entries):
            area = QRectF(0, self._top(k), self.width(), LINE_PX)
            off = entry.name in self._hidden
            if entry.name == self._under:
                painter.fillRect(area, QColor(theme.raised))
            self._paint_swatch(painter, entry, QPointF(10, area.center().y()), off=off)
            painter.setPen(QColor(theme.dim if off else theme.text))
            name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideRight, area.width() - SWATCH_PX - 6)
            baseline = area.top() + (LINE_PX + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(SWATCH_PX, baseline), name)

    def _paint_swatch(self, painter: QPainter, entry: LegendEntry, at: QPointF, *, off: bool) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if entry.line is not None:
            style, colour = line_look(entry.line, self._theme)
            painter.setPen(QPen(QColor(self._theme.line) if off else colour, 1.5, style))
            painter.drawLine(QPointF(at.x() - 7, at.y()), QPointF(at.x() + 7, at.y()))
        else:
            colour = QColor(self._theme.dim) if off else colour_of(entry.colour, self._theme)
            painter.setPen(QPen(colour, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush if off or entry.hollow else colour)
            draw_mark(painter, at, 4.0, 0 if entry.hollow else entry.symbol)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
