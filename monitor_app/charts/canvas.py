# SPDX-License-Identifier: Apache-2.0
"""What a picture is painted on: a painter with the style of the picture, and writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF

from monitor_app.charts.plain import plain
from monitor_app.charts.style import BODY, LARGE, Style, font

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter


@dataclass(frozen=True, slots=True)
class Canvas(Style):
    """A style with a painter."""

    painter: QPainter

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
        shown, used = plain(text), font(self.pixels(size), bold)
        self.painter.setFont(used)
        self.painter.setPen(self.colour(colour))
        left = x - align * self.text_width(shown, size, bold=bold)
        self.painter.drawText(QPointF(left, y + QFontMetricsF(used).capHeight() / 2), shown)

    def write_upwards(self, x: float, y: float, text: str, colour: str, size: float = BODY) -> None:
        """Text that reads from below, centred on the point."""
        self.painter.save()
        self.painter.translate(x, y)
        self.painter.rotate(-90)
        self.write(0, 0, text, colour, size, align=0.5)
        self.painter.restore()

    def badge(self, right: float, top: float, text: str) -> float:
        """A word on the colour of alarm, ending at ``right``; returns where it begins."""
        width = badge_width(self, text)
        box = QRectF(right - width, top, width, 2.3 * self.unit)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(self.colour(self.palette.alarm))
        self.painter.drawRoundedRect(box, 0.3 * self.unit, 0.3 * self.unit)
        self.write(box.center().x(), box.center().y(), text, self.palette.ground, LARGE, align=0.5, bold=True)
        return box.left()


def badge_width(style: Style, text: str) -> float:
    """In pixels."""
    return style.text_width(text, LARGE, bold=True) + 1.6 * style.unit
