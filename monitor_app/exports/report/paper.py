# SPDX-License-Identifier: Apache-2.0
"""A pile of A4 pages that text and pictures flow onto, from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPageSize, QPainter, QPdfWriter

from monitor_app.charts.palette import PALETTES
from monitor_app.charts.plain import plain
from monitor_app.charts.render import paint_chart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QIODevice

    from monitor_app.charts.model import Chart

LEFT, RIGHT, TOP, BOTTOM = 50.0, 545.0, 62.0, 786.0
"""The part of a page that is written on, in points of 1/72 inch."""
WIDTH = RIGHT - LEFT
COLOURS = PALETTES["light"]
_DPI = 1200
_FINE = 20
"""Steps to a point: sizes of text are whole numbers of them."""
_FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "sans-serif"]
_EVEN_WIDTH = ["DejaVu Sans Mono", "Liberation Mono", "monospace"]
_LEADING = 1.42
_CHART_WIDTH, _CHART_HEIGHT = 1600, 840


@dataclass(frozen=True, slots=True)
class Style:
    """Of a piece of text; size in points."""

    size: float = 9.0
    colour: str = COLOURS.text
    bold: bool = False
    code: bool = False

    @property
    def leading(self) -> float:
        """From one line to the next, in points."""
        return self.size * _LEADING

    def font(self) -> QFont:
        font = QFont()
        font.setFamilies(_EVEN_WIDTH if self.code else _FAMILIES)
        font.setPixelSize(round(self.size * _FINE))
        font.setBold(self.bold)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font


@dataclass(frozen=True, slots=True)
class Running:
    """What stands on every page."""

    title: str
    simulated: bool
    pages: int
    """Of the whole report; 0 while they are being counted."""


class Paper:
    """Writes onto a device; ``y`` is where the next thing goes, in points from the top of the page."""

    def __init__(self, device: QIODevice, running: Running, creator: str) -> None:
        self._writer = QPdfWriter(device)
        self._writer.setTitle(plain(running.title))
        self._writer.setCreator(plain(creator))
        self._writer.setResolution(_DPI)
        self._writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        self._writer.setPageMargins(QMarginsF())
        self._painter = QPainter(self._writer)
        scale = _DPI / 72 / _FINE
        self._painter.scale(scale, scale)
        self._running = running
        self.page = 1
        self.y = TOP
        self._furnish()

    def close(self) -> None:
        """The last page is done."""
        self._painter.end()

    def need(self, height: float) -> None:
        """A new page, where so much does not fit on this one."""
        if self.y + height > BOTTOM and self.y > TOP:
            self.turn()

    def turn(self) -> None:
        """A new page."""
        self._writer.newPage()
        self.page += 1
        self.y = TOP
        self._furnish()

    def gap(self, height: float) -> None:
        """Empty space, but not at the top of a page."""
        if self.y > TOP:
            self.y += height

    def text(self, text: str, style: Style, left: float = LEFT, right: float = RIGHT) -> None:
        """A paragraph, over as many pages as it takes."""
        for line in wrapped(text, style, right - left):
            self.need(style.leading)
            self.put(line, style, left, self.y)
            self.y += style.leading

    def put(self, text: str, style: Style, x: float, y: float, *, align: float = 0.0) -> float:
        """One line whose top is y; ``align`` 1 ends it at x. Returns its width."""
        font = style.font()
        metrics = QFontMetricsF(font)
        width = metrics.horizontalAdvance(text) / _FINE
        self._painter.setFont(font)
        self._painter.setPen(QColor(style.colour))
        baseline = y * _FINE + metrics.ascent() + (style.leading * _FINE - metrics.height()) / 2
        self._painter.drawText(QPointF((x - align * width) * _FINE, baseline), text)
        return width

    def stamp(self, x: float, y: float, size: float, *, align: float = 0.0) -> float:
        """The word of a simulation on the colour of alarm; returns its width."""
        style = Style(size, COLOURS.ground, bold=True)
        width = text_width("SIMULATED", style) + size
        left = x - align * width
        self.box(left, y, width, style.leading, COLOURS.alarm)
        self.put("SIMULATED", style, left + size / 2, y)
        return width

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        area = QRectF(x * _FINE, y * _FINE, width * _FINE, height * _FINE)
        self._painter.fillRect(area, QColor(colour))

    def chart(self, chart: Chart) -> None:
        """As wide as the text, at y, as vectors. While pages are counted it only takes its room."""
        height = chart_height()
        if self._running.pages:
            self._painter.save()
            self._painter.translate(LEFT * _FINE, self.y * _FINE)
            scale = WIDTH * _FINE / _CHART_WIDTH
            self._painter.scale(scale, scale)
            self._painter.setClipRect(QRectF(0, 0, _CHART_WIDTH, _CHART_HEIGHT))
            paint_chart(self._painter, chart, _CHART_WIDTH, _CHART_HEIGHT, captions=False)
            self._painter.restore()
        self.y += height

    def _furnish(self) -> None:
        style = Style(7.5, COLOURS.dim)
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        self.put(elided(self._running.title, style, WIDTH - 90), style, LEFT, 34)
        if self._running.simulated:
            self.stamp(RIGHT, 33, 8, align=1.0)
        pages = f" of {self._running.pages}" if self._running.pages else ""
        self.put(f"{self.page}{pages}", style, RIGHT, 804, align=1.0)


def chart_height() -> float:
    """Of any chart on a page, in points."""
    return WIDTH * _CHART_HEIGHT / _CHART_WIDTH


def text_width(text: str, style: Style) -> float:
    """In points."""
    return QFontMetricsF(style.font()).horizontalAdvance(text) / _FINE


def elided(text: str, style: Style, width: float) -> str:
    """As much as fits, with an ellipsis."""
    return QFontMetricsF(style.font()).elidedText(plain(text), Qt.TextElideMode.ElideRight, width * _FINE)


def wrapped(text: str, style: Style, width: float) -> list[str]:
    """In lines of at most so many points; what has no space to break at is broken anywhere. Code keeps its spaces."""
    metrics = QFontMetricsF(style.font())
    words = plain(text).split(" ") if style.code else plain(text).split()
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if metrics.horizontalAdvance(longer) <= width * _FINE:
            lines[-1:] = [longer]
        else:
            lines += _broken(word, metrics, width * _FINE)
    return lines or [""]


def _broken(word: str, metrics: QFontMetricsF, width: float) -> list[str]:
    cuts: Sequence[int] = [0]
    if metrics.horizontalAdvance(word) > width:
        at = max(int(width / metrics.horizontalAdvance("M")), 1)
        cuts = range(0, len(word), at)
    return [word[start:end] for start, end in pairwise((*cuts, len(word)))]
