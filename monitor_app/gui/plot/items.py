# SPDX-License-Identifier: Apache-2.0
"""Curves, columns and dots of a pane, painted straight into the stack: no item of a scene stands behind them.

What has been made of the data for one place of the view serves wherever the view is moved by whole pixels, as it is
while it follows the newest samples and while it is dragged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPen, QPolygonF

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter, QPainterPath

REACH = 0.2
"""Fraction of the width of the pane that is made beyond each of its sides."""
WHOLE_PX = 0.01
"""A shift that differs from whole pixels by less than this cannot be seen."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the data of a pane are: a value v is at ``v * scale + offset``, in pixels of the stack."""

    x_scale: float
    x_offset: float
    y_scale: float
    y_offset: float
    room: QRect
    """Of the pane, in pixels of the screen or picture."""
    ratio: float
    """Pixels of the screen or picture for each pixel of the stack."""

    @property
    def reach_px(self) -> int:
        return int(REACH * self.room.width())

    def aside(self, now: Placement) -> int | None:
        """By how many pixels of the screen ``now`` has moved, at most by the reach; None where more has changed."""
        if (self.x_scale, self.y_scale, self.y_offset, self.ratio) != (
            now.x_scale, now.y_scale, now.y_offset, now.ratio,
        ) or self.room != now.room:  # fmt: skip
            return None
        shift = (now.x_offset - self.x_offset) * self.ratio
        whole = round(shift)
        return whole if abs(shift - whole) < WHOLE_PX and abs(whole) <= self.reach_px else None

    def inside(self, x: NDArray[np.float64]) -> slice:
        """Of rising places in the data, those within reach, and one more on each side."""
        left, right = self.room.left() - self.reach_px, self.room.right() + 1 + self.reach_px
        ends = [(px / self.ratio - self.x_offset) / self.x_scale for px in (left, right)]
        first, last = np.searchsorted(x, ends)
        return slice(max(int(first) - 1, 0), int(last) + 1)


class _Drawn:
    """Something made of the data for a placement, and kept while it serves."""

    def __init__(self) -> None:
        self._colour = QColor()
        self._x: NDArray[np.float64] = np.empty(0)
        self._made: Any = None
        self._place: Placement | None = None
        """For which it was made."""
        self.makings = 0
        """How often something had to be made."""

    def set_colour(self, colour: QColor | str) -> None:
        self._colour, self._place = QColor(colour), None

    def paint(self, painter: QPainter, place: Placement) -> None:
        if len(self._x) == 0:
            return
        shift = self._place.aside(place) if self._place is not None else None
        if shift is None:
            self._made, self._place, shift = self._make(place), place, 0
            self.makings += 1
        if self._made is None:
            return
        if shift:
            painter.translate(shift / place.ratio, 0.0)
        self._draw(painter, self._made)
        if shift:
            painter.translate(-shift / place.ratio, 0.0)

    def _make(self, place: Placement) -> Any:
        raise NotImplementedError

    def _draw(self, painter: QPainter, made: Any) -> None:
        raise NotImplementedError


class Curve(_Drawn):
    """A line, or separate segments, one pixel of the screen wide."""

    def __init__(self) -> None:
        super().__init__()
        self._y: NDArray[np.float64] = np.empty(0)
        self._connect: NDArray[np.bool_] | str = "all"
        self._pen = QPen()

    def set_colour(self, colour: QColor | str) -> None:
        super().set_colour(colour)
        self._pen = QPen(self._colour, 1)
        self._pen.setCosmetic(True)

    def set_data(
        self, x: NDArray[np.float64], y: NDArray[np.float64], connect: NDArray[np.bool_] | str = "all"
    ) -> None:
        """Arrays of n; x rises. ``connect``: whether each point is joined to the next, or "all", or "pairs" of them."""
        self._x, self._y, self._connect, self._place = x, y, connect, None

    def clear(self) -> None:
        self.set_data(np.empty(0), np.empty(0))

    @property
    def data(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._x, self._y

    def _make(self, place: Placement) -> QPolygonF | QPainterPath:
        if isinstance(self._connect, str) and self._connect == "all":
            return _polygon(self._x, self._y, place)
        kept = slice(None) if isinstance(self._connect, str) else place.inside(self._x)
        connect = self._connect if isinstance(self._connect, str) else self._connect[kept]
        x, y = self._x[kept] * place.x_scale + place.x_offset, self._y[kept] * place.y_scale + place.y_offset
        path: QPainterPath = pg.arrayToQPath(x, y, connect=connect)
        return path

    def _draw(self, painter: QPainter, made: QPolygonF | QPainterPath) -> None:
        painter.setPen(self._pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if isinstance(made, QPolygonF):
            painter.drawPolyline(made)
        else:
            painter.drawPath(made)


class Dots(_Drawn):
    """Square dots of a size in pixels of the stack."""

    def __init__(self, size_px: int) -> None:
        super().__init__()
        self._size_px = size_px
        self._y: NDArray[np.float64] = np.empty(0)
        self._pen = QPen()

    def set_colour(self, colour: QColor | str) -> None:
        super().set_colour(colour)
        self._pen = QPen(self._colour, self._size_px, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap)

    def set_data(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self._x, self._y, self._place = x, y, None

    def clear(self) -> None:
        self.set_data(np.empty(0), np.empty(0))

    def _make(self, place: Placement) -> QPolygonF:
        return _polygon(self._x, self._y, place)

    def _draw(self, painter: QPainter, made: QPolygonF) -> None:
        painter.setPen(self._pen)
        painter.drawPoints(made)


class Columns(_Drawn):
    """Vertical lines, one pixel of the screen wide, each from a minimum to a maximum.

    They are put together row by row as an image: lines that stand side by side, each drawn from its top to its
    bottom, take four times as long, for each of their pixels is far from the one before in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self._low = self._high = np.empty(0)

    def set_data(self, x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Arrays of n; x rises."""
        self._x, self._low, self._high, self._place = x, low, high, None

    def clear(self) -> None:
        self.set_data(np.empty(0), np.empty(0), np.empty(0))

    @property
    def data(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        return self._x, self._low, self._high

    def _make(self, place: Placement) -> tuple[QPointF, QImage, NDArray[np.uint32]] | None:
        kept, ratio, room = place.inside(self._x), place.ratio, place.room
        first_px, width_px = room.left() - place.reach_px, room.width() + 2 * place.reach_px
        at = np.floor(self._x[kept] * (place.x_scale * ratio) + place.x_offset * ratio).astype(np.int64) - first_px
        inside = slice(*np.searchsorted(at, (0, width_px)))
        scale, offset = place.y_scale * ratio, place.y_offset * ratio - room.top()
        top, bottom = (ends[kept][inside] * scale + offset for ends in (self._high, self._low))
        pixels, row, left = columns_image(at[inside], top, bottom, room.height(), self._colour.rgba())
        if len(pixels) == 0:
            return None
        height, width = pixels.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        return QPointF((first_px + left) / ratio, (room.top() + row) / ratio), image, pixels

    def _draw(self, painter: QPainter, made: tuple[QPointF, QImage, NDArray[np.uint32]]) -> None:
        painter.drawImage(made[0], made[1])


def _polygon(x: NDArray[np.float64], y: NDArray[np.float64], place: Placement) -> QPolygonF:
    kept = place.inside(x)
    points: QPolygonF = pg.functions.create_qpolygonf(len(x[kept]))
    pixels = pg.functions.ndarray_from_qpolygonf(points)
    np.multiply(x[kept], place.x_scale, out=pixels[:, 0])
    np.multiply(y[kept], place.y_scale, out=pixels[:, 1])
    pixels += place.x_offset, place.y_offset
    return points


def columns_image(
    column: NDArray[np.int64], top: NDArray[np.float64], bottom: NDArray[np.float64], height: int, colour: int
) -> tuple[NDArray[np.uint32], int, int]:
    """The pixels that hold all columns, and where they begin: row and column within a pane of ``height`` rows.

    ``column`` rises; ``top`` and ``bottom`` are pixels from above, and each column has at least one. Columns in the
    same place are one, from the top of the highest to the bottom of the lowest.
    """
    if len(column) == 0:
        return np.empty((0, 0), np.uint32), 0, 0
    left, width = int(column[0]), int(column[-1] - column[0]) + 1
    starts = np.flatnonzero(np.diff(column, prepend=left - 1))
    begin, end = np.full(width, height, np.int16), np.zeros(width, np.int16)
    place = column[starts] - left
    begin[place] = np.clip(np.floor(np.minimum.reduceat(top, starts)), 0, height)
    end[place] = np.clip(np.floor(np.maximum.reduceat(bottom, starts)) + 1, 0, height)
    low, high = int(begin.min()), int(end.max())
    if high <= low:
        return np.empty((0, 0), np.uint32), 0, 0
    pixels = np.zeros((high - low, width), np.uint32)
    # Rows that all columns have need no comparison.
    full_from = min(max(int(begin.max()), low), high)
    full_to = max(int(end.min()), full_from)
    pixels[full_from - low : full_to - low] = colour
    for first, last in ((low, full_from), (full_to, high)):
        rows = np.arange(first, last, dtype=np.int16)[:, None]
        np.multiply((rows >= begin) & (rows < end), np.uint32(colour), out=pixels[first - low : last - low])
    return pixels, low, left
