# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The figures with their numbers and the findings with their verdicts, as lines to click."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from monitor_app.analysis.findings.finding import Verdict
from monitor_app.gui.theme import BODY_PX, CAPTION_PX, SMALL_PX, ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from monitor_app.charts.model import Chart
    from monitor_app.gui.figures.job_messages import Figures
    from monitor_app.gui.theme import Theme

MARGIN_PX, NUMBER_PX = 14, 22
LINE_PX, PAD_PX, HEADING_PX = 16, 4, 34
WORDS = Qt.TextFlag.TextWordWrap
_AT_BATCH = re.compile(r"^(?P<title>.+) at batch (?P<batch>\d+)$")
VERDICT_TONES = {Verdict.HOLDS: "accuracy", Verdict.DOES_NOT_HOLD: "power", Verdict.INCONCLUSIVE: "current"}
"""Names of colours of the theme; any other verdict is dim."""


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line of the list; a heading has no key."""

    kind: str
    """chart, finding or heading"""
    key: str
    text: str
    number: str = ""
    verdict: str = ""
    quiet: bool = False
    """There is nothing in it."""
    variants: tuple[tuple[str, str], ...] = ()
    """Figures that differ in the batch size only: (key, batch size)."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all that can be chosen here."""
        return tuple(key for key, _ in self.variants) or ((self.key,) if self.key else ())


def verdict_colour(verdict: Verdict, theme: Theme) -> str:
    """In which the word of a verdict is written."""
    return str(getattr(theme, VERDICT_TONES.get(verdict, "dim")))


def lines_of(figures: Figures) -> tuple[ListLine, ...]:
    """The paper's figures by number, then the others, then the findings."""
    paper = [chart for chart in figures.charts if chart.of_paper]
    others = [chart for chart in figures.charts if not chart.of_paper]
    lines = (
        [ListLine("heading", "", "Figures of the paper"), *_chart_lines(sorted(paper, key=_number))] if paper else []
    )
    lines += [ListLine("heading", "", "Further figures"), *_chart_lines(others)] if others else []
    for title, found in (
        ("Main findings of the paper", [each for each in figures.findings if each.headline is not None]),
        ("Smaller claims of the paper", [each for each in figures.findings if each.headline is None]),
    ):
        if found:
            lines.append(ListLine("heading", "", title))
            lines += [ListLine("finding", each.key, each.claim, verdict=each.verdict) for each in found]
    return tuple(lines)


def _number(chart: Chart) -> int:
    return chart.number or 0


def _chart_lines(charts: Sequence[Chart]) -> list[ListLine]:
    """One line for figures that differ in the batch size only."""
    alike: dict[str, list[tuple[Chart, str]]] = {}
    for chart in charts:
        found = _AT_BATCH.match(chart.title)
        title, batch = (found["title"], found["batch"]) if found else (chart.title, "")
        alike.setdefault(title, []).append((chart, batch))
    lines = []
    for title, several in alike.items():
        first = several[0][0]
        quiet = not any(series.points for chart, _ in several for series in chart.series)
        number = "" if first.number is None else f"{first.number}"
        variants = tuple((chart.key, batch) for chart, batch in several) if len(several) > 1 else ()
        text = title if variants else first.title
        lines.append(ListLine("chart", first.key, text, number, quiet=quiet, variants=variants))
    return lines


class ChartList(QWidget):
    """One line is chosen."""

    chosen = Signal(str, str)
    """(chart or finding, key)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.lines: tuple[ListLine, ...] = ()
        self.current: tuple[str, str] = ("", "")
        self._theme = theme
        self._under: int | None = None
        self._areas: list[QRectF] = []
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("figures and findings")
        self.setAccessibleDescription("Up and Down choose one.")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_lines(self, lines: tuple[ListLine, ...], current: tuple[str, str]) -> None:
        self.lines, self.current = lines, current
        self._measure()

    def area_of(self, kind: str, key: str) -> QRectF:
        """Where a line is."""
        k = next(k for k, line in enumerate(self.lines) if line.kind == kind and key in line.keys)
        for variant, area in self._variant_areas(k):
            if variant == key:
                return area
        return self._areas[k]

    def step(self, by: int) -> None:
        """Choose the line after the present one, or before it."""
        able = [(line.kind, key) for line in self.lines for key in line.keys]
        if able:
            at = able.index(self.current) if self.current in able else 0
            self.chosen.emit(*able[min(max(at + by, 0), len(able) - 1)])

    # -- places ----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._measure()

    def _measure(self) -> None:
        metrics, top = QFontMetricsF(ui_font(BODY_PX)), 0.0
        self._areas = []
        for k, line in enumerate(self.lines):
            if line.kind == "heading":
                height = float(HEADING_PX if k else HEADING_PX - 6)
            else:
                text = metrics.boundingRect(QRectF(0, 0, self._room(line), 1000), WORDS, line.text)
                height = text.height() + 2 * PAD_PX + (LINE_PX if line.verdict or line.variants else 0)
            self._areas.append(QRectF(0, top, self.width(), height))
            top += height
        self.setFixedHeight(round(top) + 8)
        self.update()

    def _room(self, line: ListLine) -> float:
        return self.width() - MARGIN_PX - 8 - (NUMBER_PX if line.kind == "chart" else 0)

    # -- mouse -----------------------------------------------------------------------------------

    def _line_at(self, at: QPointF) -> int | None:
        found = (k for k, area in enumerate(self._areas) if area.contains(at) and self.lines[k].key)
        return next(found, None)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._line_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, line: int | None) -> None:
        if line != self._under:
            self._under = line
            self.setCursor(Qt.CursorShape.ArrowCursor if line is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self.at(event.position())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(*found)

    def at(self, place: QPointF) -> tuple[str, str] | None:
        """What is chosen by a click there: (chart or finding, key)."""
        k = self._line_at(place)
        if k is None:
            return None
        line = self.lines[k]
        hit = (key for key, area in self._variant_areas(k) if area.contains(place))
        return line.kind, next(hit, line.key)

    # -- paint -----------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._theme
        for k, (line, area) in enumerate(zip(self.lines, self._areas, strict=False)):
            chosen = line.kind == self.current[0] and self.current[1] in line.keys
            if chosen or k == self._under:
                painter.fillRect(area, QColor(theme.raised))
            if chosen:
                painter.fillRect(QRectF(area.left(), area.top(), 2, area.height()), QColor(theme.text))
            if line.kind == "heading":
                self._paint_heading(painter, line, area)
            else:
                self._paint_line(painter, line, area)
                self._paint_variants(painter, k)

    def _paint_heading(self, painter: QPainter, line: ListLine, area: QRectF) -> None:
        painter.setFont(ui_font(CAPTION_PX))
        painter.setPen(QColor(self._theme.dim))
        room = area.adjusted(MARGIN_PX, 0, 0, -6)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, line.text.upper())

    def _variant_areas(self, k: int) -> list[tuple[str, QRectF]]:
        """Where the batch sizes of a line stand."""
        metrics, area = QFontMetricsF(ui_font(SMALL_PX)), self._areas[k]
        x, found = area.left() + MARGIN_PX + NUMBER_PX, []
        for key, batch in self.lines[k].variants:
            width = metrics.horizontalAdvance(f"batch {batch}")
            found.append((key, QRectF(x - 5, area.bottom() - LINE_PX - PAD_PX, width + 10, LINE_PX + PAD_PX)))
            x += width + 14
        return found

    def _paint_variants(self, painter: QPainter, k: int) -> None:
        painter.setFont(ui_font(SMALL_PX))
        for (key, area), (_, batch) in zip(self._variant_areas(k), self.lines[k].variants, strict=True):
            chosen = self.current == (self.lines[k].kind, key)
            painter.setPen(QColor(self._theme.text if chosen else self._theme.dim))
            painter.drawText(area.adjusted(5, 0, 5, -PAD_PX), Qt.AlignmentFlag.AlignVCenter, f"batch {batch}")
            if chosen:
                y = round(area.bottom() - PAD_PX) + 0.5
                painter.drawLine(QPointF(area.left() + 5, y), QPointF(area.right() - 5, y))

    def _paint_line(self, painter: QPainter, line: ListLine, area: QRectF) -> None:
        theme = self._theme
        painter.setFont(ui_font(BODY_PX))
        top = area.top() + PAD_PX
        left = area.left() + MARGIN_PX
        if line.kind == "chart":
            painter.setPen(QColor(theme.dim))
            number = QRectF(left - 6, top, NUMBER_PX - 2, LINE_PX)
            painter.drawText(number, Qt.AlignmentFlag.AlignRight, line.number)
            left += NUMBER_PX
        painter.setPen(QColor(theme.dim if line.quiet and line.kind == "chart" else theme.text))
        painter.drawText(QRectF(left, top, self._room(line), area.height()), WORDS, line.text)
        if line.verdict:
            verdict = Verdict(line.verdict)
            painter.setFont(ui_font(SMALL_PX))
            painter.setPen(QColor(verdict_colour(verdict, theme)))
            baseline = area.bottom() - PAD_PX - 4
            painter.drawText(QPointF(left, baseline), verdict.marked)
