# SPDX-License-Identifier: Apache-2.0
"""The paper under a figure: its painter, its colours, its sizes of text, and writing on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPen

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from monitor_app.charts.palette import Palette

SMALL, BODY, LARGE = 0.85, 1.0, 1.5
"""Sizes of text in units of the sheet."""
_FAMILIES = ["Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "sans-serif"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything is laid out in ``unit``, the height of the body text in pixels."""

    painter: QPainter
    palette: Palette
    width: float
    height: float

    @property
    def unit(self) -> float:
        return max(20.0 * min(self.width / 1600, self.height / 1000), 11.0)

    def pen(self, colour: str, thickness: float = 1.0, *, alpha: int = 255, dashed: bool = False) -> QPen:
        """A pen so many pixels thick on a sheet of 1600 by 1000."""
        pen = QPen(self.colour(colour, alpha), max(thickness * self.unit / 20, thickness * 0.7))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        if dashed:
            pen.setDashPattern([5.0, 4.0])
        return pen

    def colour(self, name: str, alpha: int = 255) -> QColor:
        colour = QColor(name)
        colour.setAlpha(alpha)
        return colour

    def text_width(self, text: str, size: float = BODY, *, bold: bool = False) -> float:
        return QFontMetricsF(self._font(size, bold)).horizontalAdvance(text)

    def elided(self, text: str, width: float, size: float = BODY, *, bold: bool = False) -> str:
        """The text, or as much of it as is at most ``width`` pixels wide, with an ellipsis."""
        metrics = QFontMetricsF(self._font(size, bold))
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        colour: str,
        size: float = BODY,
        *,
        align: float = 0.0,
        bold: bool = False,
    ) -> None:
        """Text whose capitals are centred on y; ``align`` 0 starts it at x, 0.5 centres it there, 1 ends it there."""
        font = self._font(size, bold)
        metrics = QFontMetricsF(font)
        self.painter.setFont(font)
        self.painter.setPen(self.colour(colour))
        left = x - align * metrics.horizontalAdvance(text)
        self.painter.drawText(QPointF(left, y + metrics.capHeight() / 2), text)

    def write_upwards(self, x: float, y: float, text: str, colour: str, size: float = BODY) -> None:
        """Text that reads from below, centred on the point."""
        self.painter.save()
        self.painter.translate(x, y)
        self.painter.rotate(-90)
        self.write(0, 0, text, colour, size, align=0.5)
        self.painter.restore()

    def badge(self, right: float, top: float, text: str) -> float:
        """A word on the colour of alarm, ending at ``right``; returns where it begins."""
        unit = self.unit
        width = self.text_width(text, LARGE, bold=True) + 1.6 * unit
        box = QRectF(right - width, top, width, 2.3 * unit)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(self.colour(self.palette.alarm))
        self.painter.drawRoundedRect(box, 0.3 * unit, 0.3 * unit)
        self.write(box.center().x(), box.center().y(), text, self.palette.ground, LARGE, align=0.5, bold=True)
        return box.left()

    def _font(self, size: float, bold: bool) -> QFont:
        font = QFont()
        font.setFamilies(_FAMILIES)
        font.setPixelSize(max(round(size * self.unit), 9))
        font.setBold(bold)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font
