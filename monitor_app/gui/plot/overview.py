# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The whole session in a strip, with the view marked in it: drag the view to pan, its edges to zoom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from monitor_app.gui.plot.columns import columns_for, joined_groups
from monitor_app.gui.plot.scales.axes import GUTTER_PX, axis_px
from monitor_app.gui.plot.time_window import MIN_WIDTH_S
from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from monitor_app.gui.plot.time_window import TimeWindow
    from monitor_app.gui.session.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow
    from monitor_app.session.waveform import Envelope

HEIGHT_PX = 46
GRAB_PX = 6
REREAD_NS = 1_000_000_000


class Overview(QWidget):
    """Draws the session at most once a second, and the mark of the view whenever it moves."""

    view_asked = Signal(float, float)
    """(start, end in s) of the view that is wanted"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT_PX)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("overview of the whole session")
        self.setToolTip("The whole session. Drag the marked view to pan, or its edges to zoom.")
        self._theme = theme
        self.gutter_px, self.axes_px = GUTTER_PX, axis_px()
        """Left free on the right and on the left, as beside the panes."""
        self._read_ns = -REREAD_NS
        self._read_edge_s = -1.0
        self._drawn: tuple[int, int, int, str] | None = None
        self._picture: QPixmap | None = None
        self._view: TimeWindow | None = None
        self._edge_s = 0.0
        self._grip: tuple[str, float, float, float] | None = None
        """What is dragged, the time at which it was grabbed, and the start and end of the view then."""

    def set_theme(self, theme: Theme) -> None:
        self._theme, self._drawn = theme, None
        self.update()

    def clear(self) -> None:
        self._drawn = self._picture = None
        self._read_edge_s = -1.0
        self.update()

    def refresh(self, recording: Recording, signal: SignalRow | None, view: TimeWindow, now_ns: int) -> None:
        """Mark the view; read the session again at most once a second."""
        if signal is None or recording.edge_s <= 0:
            return
        wanted = (self.width(), self.gutter_px + self.axes_px, signal.id, self._theme.name)
        grown = recording.edge_s != self._read_edge_s and now_ns - self._read_ns >= REREAD_NS
        if wanted != self._drawn or grown:
            pixels = max(round(self._span_px), 1)
            columns = columns_for(recording.edge_s, recording.rate_hz(signal.source), pixels)
            envelope = recording.reader.envelope(signal.id, recording.origin_ns or 0, recording.newest_ns, columns)
            self._picture = self._draw(envelope, recording, self._theme.of_quantity(signal.quantity))
            self._drawn, self._read_ns, self._read_edge_s = wanted, now_ns, recording.edge_s
            self._edge_s = recording.edge_s
            self.update()
        if view != self._view:
            self._view = view
            self.update()

    def _draw(self, envelope: Envelope, recording: Recording, colour: str) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self._theme.panel))
        if len(envelope) == 0:
            return picture
        painter = QPainter(picture)
        low, high = float(np.nanmin(envelope.minimum)), float(np.nanmax(envelope.maximum))
        span = max(high - low, 1e-12)
        seconds = (envelope.start_ns + envelope.end_ns - 2 * (recording.origin_ns or 0)) * 0.5e-9
        x = np.floor(self.axes_px + seconds / recording.edge_s * self._span_px) + 0.5
        bottom, scale = self.height() - 5, (self.height() - 10) / span
        ends = np.stack((envelope.minimum, envelope.maximum), axis=1).ravel()
        painter.setPen(QPen(mixed(colour, self._theme.panel, 0.45), 1))
        painter.drawPath(pg.arrayToQPath(np.repeat(x, 2), bottom - (ends - low) * scale, connect="pairs"))
        painter.setPen(QPen(QColor(colour), 1))
        painter.drawPath(pg.arrayToQPath(x, bottom - (envelope.mean - low) * scale, connect=joined_groups(envelope)))
        painter.setPen(QPen(QColor(self._theme.alarm), 2))
        for gap in recording.gaps:
            a = self.axes_px + recording.seconds(gap.start_ns) / recording.edge_s * self._span_px
            painter.drawLine(QPointF(a, self.height() - 6), QPointF(a, self.height()))
        painter.end()
        return picture

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._theme.panel))
        if self._picture is None or self._view is None:
            return
        painter.drawPixmap(0, 0, self._picture)
        left, right = self._marked()
        shade = QColor(self._theme.text)
        shade.setAlpha(30)
        marked = QRectF(left, 0, max(right - left, 2.0), self.height())
        painter.fillRect(marked, shade)
        painter.setPen(QPen(QColor(self._theme.dim), 1))
        for x in (marked.left(), marked.right()):
            painter.drawLine(QPointF(math.floor(x) + 0.5, 0), QPointF(math.floor(x) + 0.5, self.height()))

    # -- pixels and seconds ----------------------------------------------------------------------

    @property
    def _span_px(self) -> float:
        return max(self.width() - self.axes_px - self.gutter_px, 1)

    def _x(self, seconds: float) -> float:
        return self.axes_px + seconds / max(self._edge_s, 1e-9) * self._span_px

    def _seconds(self, x: float) -> float:
        return (x - self.axes_px) / self._span_px * self._edge_s

    def _marked(self) -> tuple[float, float]:
        assert self._view is not None
        low, high = float(self.axes_px), self.axes_px + self._span_px
        left, right = (min(max(self._x(s), low), high) for s in (self._view.start_s, self._view.end_s))
        return left, right

    # -- mouse -----------------------------------------------------------------------------------

    def _part_at(self, x: float) -> str:
        left, right = self._marked()
        if abs(x - left) <= GRAB_PX and right - left > 2 * GRAB_PX:
            return "start"
        if abs(x - right) <= GRAB_PX:
            return "end"
        return "view" if left < x < right else "outside"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._view is None or event.button() != Qt.MouseButton.LeftButton:
            return
        at = self._seconds(event.position().x())
        part = self._part_at(event.position().x())
        start, end = self._view.start_s, self._view.end_s
        if part == "outside":
            start, end = at - self._view.width_s / 2, at + self._view.width_s / 2
            self.view_asked.emit(start, end)
            part = "view"
        self._grip = (part, at, start, end)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._view is None:
            return
        if self._grip is None:
            part = self._part_at(event.position().x())
            edge = part in {"start", "end"}
            self.setCursor(Qt.CursorShape.SizeHorCursor if edge else Qt.CursorShape.ArrowCursor)
            return
        part, taken, start, end = self._grip
        by = self._seconds(event.position().x()) - taken
        if part != "end":
            start = min(start + by, end - MIN_WIDTH_S) if part == "start" else start + by
        if part != "start":
            end = max(end + by, start + MIN_WIDTH_S)
        self.view_asked.emit(start, end)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None
