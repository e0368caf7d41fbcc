# SPDX-License-Identifier: Apache-2.0
"""What the panes of a figure have in common: a place, a scale up the side, grounds, a strip of words on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.axis import Axis, ticks
from monitor_app.charts.canvas import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from monitor_app.charts.canvas import Canvas
    from monitor_app.exports.session_figure import Figure, Work

_CUT_LEAST = 5
"""Letters of a name below which it says nothing any more."""


@dataclass(frozen=True, slots=True)
class Pane:
    """A rectangle for data. Times along it are host nanoseconds."""

    sheet: Canvas
    area: QRectF
    time: Axis

    @property
    def strip(self) -> float:
        """Height that is kept free of data at the top, for words."""
        return 1.7 * self.sheet.unit

    def scale(self, low: float, high: float) -> Axis:
        """A scale that keeps ``high`` below the strip."""
        free = self.area.height() / max(self.area.height() - self.strip, 1.0)
        return Axis(low, low + (high - low) * free, self.area.bottom(), self.area.top())

    def clipped(self, draw: Callable[[], None]) -> None:
        """Draw with nothing outside the pane."""
        self.sheet.painter.save()
        self.sheet.painter.setClipRect(self.area)
        draw()
        self.sheet.painter.restore()


def draw_frame(pane: Pane, label: str, axis: Axis | None, up_to: float | None = None) -> None:
    """Label, scale and fine lines across; values above ``up_to`` are not marked."""
    sheet, area, unit = pane.sheet, pane.area, pane.sheet.unit
    painter, palette = sheet.painter, sheet.palette
    sheet.write_upwards(area.left() - 4.6 * unit, area.center().y(), label, palette.text)
    if axis is not None:
        high = axis.high if up_to is None else up_to
        for tick in ticks(axis.low, high, min(max(int(area.height() / (1.4 * unit)), 2), 9)):
            y = axis.place(tick.value)
            painter.setPen(sheet.pen(palette.line, alpha=170))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            sheet.write(area.left() - 0.6 * unit, y, tick.text, palette.dim, SMALL, align=1.0)
    painter.setPen(sheet.pen(palette.dim))
    painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))


def draw_grounds(pane: Pane, figure: Figure) -> None:
    """A faint ground where a network was at work."""
    painter = pane.sheet.painter
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(pane.sheet.colour(pane.sheet.palette.line, 100))
    for work in figure.work:
        left = max(pane.time.place(work.start_ns), pane.area.left())
        right = min(pane.time.place(work.end_ns), pane.area.right())
        if right > left:
            painter.drawRect(QRectF(left, pane.area.top(), right - left, pane.area.height()))


def draw_words(
    pane: Pane, figure: Figure, words: Callable[[Work], Sequence[tuple[str, str]]], *, may_cut: bool = False
) -> None:
    """In the strip, at the start of each run, the first of its (text, colour) that fits before the next run.

    Where none fits there is none; ``may_cut`` shortens the last one instead, which a number must never be.
    """
    sheet, unit = pane.sheet, pane.sheet.unit
    shown = [each for each in figure.work if each.end_ns > figure.start_ns and each.start_ns < figure.end_ns]
    for k, work in enumerate(shown):
        left = max(pane.time.place(work.start_ns), pane.area.left()) + 0.4 * unit
        following = pane.time.place(shown[k + 1].start_ns) if k + 1 < len(shown) else pane.area.right()
        room = following - left - 0.3 * unit
        candidates = list(words(work))
        if may_cut:
            candidates += [(sheet.elided(text, room, SMALL), colour) for text, colour in candidates[-1:]]
        for text, colour in candidates:
            if sheet.text_width(text, SMALL) <= room and (not text.endswith("…") or len(text) > _CUT_LEAST):
                sheet.write(left, pane.area.top() + pane.strip / 2, text, colour, SMALL)
                break


def draw_message(pane: Pane, text: str) -> None:
    """Words in place of data."""
    area = pane.area
    pane.sheet.write(area.center().x(), area.center().y(), text, pane.sheet.palette.dim, align=0.5)


def draw_key(pane: Pane, entries: Sequence[tuple[str, Callable[[QPointF], None]]]) -> None:
    """Beside the pane, what its signs mean; each entry draws its sign at a point."""
    sheet, unit = pane.sheet, pane.sheet.unit
    y = pane.area.top() + pane.strip / 2
    for text, sign in entries:
        sign(QPointF(pane.area.right() + 1.0 * unit, y))
        sheet.write(pane.area.right() + 1.9 * unit, y, text, sheet.palette.dim, SMALL)
        y += 1.4 * unit


def polyline(x: NDArray[np.float64], y: NDArray[np.float64]) -> QPolygonF:
    """Points as a polygon of Qt."""
    return QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
