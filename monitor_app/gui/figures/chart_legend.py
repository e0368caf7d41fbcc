# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The networks of a chart, its groups and its lines, beside it: a click hides one or shows it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from monitor_app.charts.canvas import Canvas, Style
from monitor_app.charts.contents import SOLID, groups_of, is_ring, place_of
from monitor_app.charts.legend import line_sample
from monitor_app.charts.symbols import Sample, dash_of, draw_sample
from monitor_app.gui.keyboard import LIST_KEYS, OWN_KEYS
from monitor_app.gui.theme import BODY_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from monitor_app.charts.model import Chart, Series
    from monitor_app.charts.palette import Palette
    from monitor_app.gui.theme import Theme

LINE_PX, SWATCH_PX = 20, 26
_UNIT_PX = 10.0
"""Of the samples."""
_RADIUS = 0.4
GROUP_PX, TOP_PX = 10, 14
"""Between the networks and the lines."""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A word of the legend, with a sample as in the chart: a network, a group, or a line."""

    name: str
    sample: Sample
    part: int = 0
    """Entries of a part stand together."""


def legend_of(chart: Chart, palette: Palette) -> tuple[LegendEntry, ...]:
    """Each network once, in the order of the chart; then groups, where there are several; then lines."""
    networks: dict[str, list[Series]] = {}
    groups: dict[str, Series] = {}
    for series in chart.series:
        networks.setdefault(series.network, []).append(series)
        if series.group:
            groups.setdefault(series.group, series)
    entries = [LegendEntry(name, _network_sample(chart, own, palette)) for name, own in networks.items()]
    entries += [LegendEntry(name, _group_sample(chart, series, palette), part=1) for name, series in groups.items()]
    lines = {line.title: line_sample(palette, line, k) for k, line in reversed(list(enumerate(chart.lines)))}
    taken = networks.keys() | groups.keys()
    entries += [LegendEntry(name, sample, part=2) for name, sample in reversed(lines.items()) if name not in taken]
    return tuple(entries)


def _network_sample(chart: Chart, own: list[Series], palette: Palette) -> Sample:
    """Filled where any of it was measured here."""
    first = next((each for each in own if each.origin in SOLID), own[0])
    solid = first.origin in SOLID and not is_ring(chart, first)
    colour = Style(palette, 0, 0, _UNIT_PX).line_colour(first.colour)
    shape = first.shape if first.joined and len(groups_of(chart)) <= 1 else 0
    return Sample(colour, dash_of(first.origin), radius=_RADIUS, fill=255 if solid else 0, group=shape)


def _group_sample(chart: Chart, series: Series, palette: Palette) -> Sample:
    group = place_of(groups_of(chart), series, series.points[0]) if series.points else 0
    fill = 255 if series.origin in SOLID else 0
    return Sample(palette.dim, dash_of(series.origin), radius=_RADIUS, group=group, fill=fill)


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
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty(OWN_KEYS, list(LIST_KEYS))
        self.setAccessibleName("legend")
        self.setAccessibleDescription("Up and Down choose a name, Space hides or shows it, Return shows it alone.")
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
        return TOP_PX + k * LINE_PX + GROUP_PX * sum(one != other for one, other in pairwise(parts))

    def middle_of(self, name: str) -> QPointF:
        """Where to click for a name."""
        k = next(k for k, entry in enumerate(self.entries) if entry.name == name)
        return QPointF(SWATCH_PX + 4, self._top(k) + LINE_PX / 2)

    # -- mouse -----------------------------------------------------------------------------------

    def name_at(self, at: QPointF) -> str:
        """The name at a place, or empty."""
        for k, entry in enumerate(self.entries):
            if self._top(k) <= at.y() < self._top(k) + LINE_PX:
                return entry.name
        return ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.name_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover("")

    def _hover(self, name: str) -> None:
        if name != self._under:
            self.mark(name)
            self.hovered.emit(name if name not in self._hidden else "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        name = self.name_at(event.position())
        if name and event.button() == Qt.MouseButton.LeftButton:
            alone = event.modifiers() & Qt.KeyboardModifier.ControlModifier
            (self.isolated if alone else self.toggled).emit(name)

    # -- keys ------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._step(0)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._hover("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Home: -len(self.entries)}
        steps[Qt.Key.Key_End] = len(self.entries)
        key = Qt.Key(event.key())
        if key in steps:
            self._step(steps[key])
        elif key == Qt.Key.Key_Space and self._under:
            self.toggled.emit(self._under)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self._under:
            self.isolated.emit(self._under)
        else:
            super().keyPressEvent(event)

    def _step(self, by: int) -> None:
        names = [entry.name for entry in self.entries]
        if names:
            k = names.index(self._under) if self._under in names else 0
            self._hover(names[min(max(k + by, 0), len(names) - 1)])

    # -- paint -----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(ui_font(BODY_PX))
        metrics = QFontMetricsF(painter.font())
        theme = self._theme
        canvas = Canvas(theme.palette, self.width(), self.height(), _UNIT_PX, painter)
        for k, entry in enumerate(self.entries):
            area = QRectF(0, self._top(k), self.width(), LINE_PX)
            off = entry.name in self._hidden
            if entry.name == self._under:
                painter.fillRect(area, QColor(theme.raised))
            sample = replace(entry.sample, colour=theme.dim, fill=0, band=False) if off else entry.sample
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            draw_sample(canvas, sample, QPointF(12, area.center().y()))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QColor(theme.dim if off else theme.text))
            name = metrics.elidedText(entry.name, Qt.TextElideMode.ElideRight, area.width() - SWATCH_PX - 6)
            baseline = area.top() + (LINE_PX + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(SWATCH_PX, baseline), name)
