# SPDX-License-Identifier: Apache-2.0
"""What a picture is written and painted with: one palette, one unit of length, and fonts and pens made of both."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QPen

from monitor_app.charts.palette import LINE_CONTRAST, TEXT_CONTRAST, legible

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from monitor_app.charts.palette import Palette

SMALL, BODY, LARGE = 0.85, 1.0, 1.5
"""Sizes of text in units."""
LINE_HEIGHT = 1.45
"""From one line of text to the next, in heights of the text."""
FONTS = ("Inter", "Noto Sans", "DejaVu Sans", "Liberation Sans", "sans-serif")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Controls, turns of the writing direction, halves of characters, odd spaces: XML forbids them, or they mislead."""
_application: QCoreApplication | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """Measures text and makes pens; paints nothing. Sizes are in ``unit``, the height of the body text in pixels."""

    palette: Palette
    width: float
    height: float
    """Of the whole picture, in pixels."""
    unit: float

    def pen(self, colour: str, thickness: float = 1.0, *, alpha: int = 255) -> QPen:
        """A pen of a thickness given in twentieths of a unit: in pixels of a chart of 1280 by 720."""
        pen = QPen(self.colour(colour, alpha), max(thickness * self.unit / 20, thickness * 0.7))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        return pen

    def dashed_pen(self, colour: str, thickness: float, dash: Qt.PenStyle, alpha: int = 255) -> QPen:
        """The same with one of Qt's dashes."""
        pen = self.pen(colour, thickness, alpha=alpha)
        pen.setStyle(dash)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        return pen

    def colour(self, name: str, alpha: int = 255) -> QColor:
        colour = QColor(name)
        colour.setAlpha(alpha)
        return colour

    def line_colour(self, colour: str) -> str:
        """The colour of a network so that a line in it can be followed on this ground."""
        return legible(colour, self.palette.ground, self.palette.text, LINE_CONTRAST)

    def text_colour(self, colour: str) -> str:
        """The colour of a network so that a word in it can be read on this ground."""
        return legible(colour, self.palette.ground, self.palette.text, TEXT_CONTRAST)

    def text_width(self, text: str, size: float = BODY, *, bold: bool = False) -> float:
        """Of one line, in pixels."""
        return _metrics(self.pixels(size), bold).horizontalAdvance(plain(text))

    def elided(self, text: str, width: float, size: float = BODY, *, bold: bool = False) -> str:
        """The text, or as much of it as is at most ``width`` pixels wide, with an ellipsis."""
        return _metrics(self.pixels(size), bold).elidedText(plain(text), Qt.TextElideMode.ElideRight, width)

    def wrapped(self, text: str, width: float, size: float) -> list[str]:
        """The text in lines of at most ``width`` pixels; a word longer than that is elided."""
        lines: list[str] = []
        room = 0.0
        space = self.text_width(" ", size)
        for word in plain(text).split():
            wide = self.text_width(word, size)
            if lines and wide + space <= room:
                lines[-1] += f" {word}"
                room -= wide + space
            else:
                lines.append(self.elided(word, width, size))
                room = width - wide
        return lines

    def pixels(self, size: float) -> int:
        """Of a font."""
        return max(round(size * self.unit), 9)


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


PRINT_UNIT = 7 / 72 * 254
"""The body text of a printed chart is 7 points high; 254 pixels are an inch."""


def chart_style(palette: Palette, width: float, height: float, most_unit: float) -> Style:
    """Larger text than a trace has, for a chart is printed a column wide: the body text is a 64th of its width."""
    return Style(palette, width, height, min(width / 64, height / 36, most_unit))


def badge_width(style: Style, text: str) -> float:
    """In pixels."""
    return style.text_width(text, LARGE, bold=True) + 1.6 * style.unit


def plain(text: str) -> str:
    """One line of characters that can be seen; each other is a space."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def plain_lines(text: str) -> str:
    """The same for text of many lines."""
    return "\n".join(plain(line.expandtabs(4)) for line in text.splitlines())


def need_application() -> None:
    """Text needs a QGuiApplication; a command line has none, and one that shows nothing will do."""
    global _application
    if QCoreApplication.instance() is None:
        _application = QGuiApplication(["monitor-app", "-platform", "offscreen"])


@cache
def font(size_px: int, bold: bool) -> QFont:
    """Shared, so not to be changed: finding a font takes longer than drawing with it."""
    made = QFont()
    made.setFamilies(list(FONTS))
    made.setPixelSize(size_px)
    made.setBold(bold)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made


@cache
def _metrics(size_px: int, bold: bool) -> QFontMetricsF:
    return QFontMetricsF(font(size_px, bold))
