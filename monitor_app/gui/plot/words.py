# SPDX-License-Identifier: Apache-2.0
"""Short texts on the panes: laid out and measured once, and not again at every frame."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QStaticText

from monitor_app.gui.theme import SMALL_PX, ui_font, with_text

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

LINE_PX = 16
"""Height of a line of small text of the usual size."""
NAMES_TOP_PX = 5
KEPT = 1024
"""Texts; those that move with the time are new ones every few seconds."""


def line_px() -> int:
    """Height of a line of small text, as large as text is now."""
    return with_text(LINE_PX)


def names_px() -> int:
    """What the names of a run and of its phases take at the top of the first pane."""
    return NAMES_TOP_PX + 2 * line_px()


def text_px(text: str, size_px: int = SMALL_PX) -> float:
    """Width in the font of this size, as large as text is now."""
    return _width(text, ui_font(size_px).pixelSize())


def ascent_px(size_px: int = SMALL_PX) -> float:
    """How far letters reach above the line that they stand on."""
    return _metrics(ui_font(size_px).pixelSize()).ascent()


def descent_px(size_px: int = SMALL_PX) -> float:
    """How far letters reach below that line."""
    return _metrics(ui_font(size_px).pixelSize()).descent()


def elided(text: str, room_px: float, size_px: int = SMALL_PX) -> str:
    """The text, with its end left out where it does not fit."""
    return text if text_px(text, size_px) <= room_px else _elided(text, int(room_px), ui_font(size_px).pixelSize())


def draw_text(painter: QPainter, x: float, baseline: float, text: str, size_px: int = SMALL_PX) -> None:
    """As QPainter.drawText, by a painter that has the font of this size."""
    font_px = ui_font(size_px).pixelSize()
    painter.drawStaticText(QPointF(x, baseline - _metrics(font_px).ascent()), _laid_out(text, font_px))


# What is kept is kept for a size of the font, which changes with that of all text.


@lru_cache(maxsize=16)
def _metrics(font_px: int) -> QFontMetricsF:
    return QFontMetricsF(_font(font_px))


def _font(font_px: int) -> QFont:
    font = QFont(ui_font(SMALL_PX))
    font.setPixelSize(font_px)
    return font


@lru_cache(maxsize=KEPT)
def _width(text: str, font_px: int) -> float:
    return _metrics(font_px).horizontalAdvance(text)


@lru_cache(maxsize=KEPT)
def _elided(text: str, room_px: int, font_px: int) -> str:
    return _metrics(font_px).elidedText(text, Qt.TextElideMode.ElideRight, room_px)


@lru_cache(maxsize=KEPT)
def _laid_out(text: str, font_px: int) -> QStaticText:
    laid_out = QStaticText(text)
    laid_out.setTextFormat(Qt.TextFormat.PlainText)
    laid_out.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    laid_out.prepare(font=_font(font_px))
    return laid_out
