# SPDX-License-Identifier: Apache-2.0
"""The paper of a chart: larger text than a trace has, for a chart is printed a column wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from monitor_app.charts.canvas import BODY, Sheet
from monitor_app.charts.colours import LINE_CONTRAST, TEXT_CONTRAST, legible
from monitor_app.charts.plain import plain

if TYPE_CHECKING:
    from PySide6.QtGui import QPen

LINE_HEIGHT = 1.45
"""From one line of text to the next, in heights of the text."""


class ChartSheet(Sheet):
    """A sheet whose body text is a 64th of its width."""

    __slots__ = ()

    @property
    def unit(self) -> float:
        return min(self.width / 64, self.height / 36)

    def text_width(self, text: str, size: float = BODY, *, bold: bool = False) -> float:
        return super().text_width(plain(text), size, bold=bold)

    def elided(self, text: str, width: float, size: float = BODY, *, bold: bool = False) -> str:
        return super().elided(plain(text), width, size, bold=bold)

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
        super().write(x, y, plain(text), colour, size, align=align, bold=bold)

    def line_colour(self, colour: str) -> str:
        """The colour of a network so that a line in it can be followed on this ground."""
        return legible(colour, self.palette.ground, self.palette.text, LINE_CONTRAST)

    def text_colour(self, colour: str) -> str:
        """The same for a word."""
        return legible(colour, self.palette.ground, self.palette.text, TEXT_CONTRAST)

    def styled(self, colour: str, thickness: float, style: Qt.PenStyle, alpha: int = 255) -> QPen:
        """A pen with one of Qt's dashes."""
        pen = self.pen(colour, thickness, alpha=alpha)
        pen.setStyle(style)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        return pen

    def wrapped(self, text: str, width: float, size: float) -> list[str]:
        """The text in lines of at most ``width`` pixels; a word longer than that is elided."""
        lines: list[str] = []
        for word in plain(text).split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self.text_width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(self.elided(word, width, size))
        return lines
