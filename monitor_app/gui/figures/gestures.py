# SPDX-License-Identifier: Apache-2.0
"""What the mouse does to the view of a chart, as to that of a trace wherever the two can be alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF

from monitor_app.gui.plot.view_box import ZOOM_PER_NOTCH

if TYPE_CHECKING:
    from monitor_app.charts.axis import Span
    from monitor_app.charts.layout import Layout, View

MOST_OUT = 6.0
"""Times as wide as everything: farther out there is nothing to see."""
MOST_IN = 1e-4
LEAST_PX = 4.0
"""Smaller movements are the trembling of a click."""


class Gesture:
    """A button that is held down."""

    def __init__(self, start: QPointF, grip: str) -> None:
        """``grip``: the budget line that was taken hold of, or empty."""
        self.start, self.grip = start, grip
        self.frame: QRectF | None = None
        self.moved = False
        self._last = start

    def follow(self, at: QPointF) -> QPointF:
        """How far the pointer has moved since it was last followed; nothing as long as it may be a click."""
        self.moved = self.moved or (at - self.start).manhattanLength() >= LEAST_PX
        if not self.moved:
            return QPointF()
        moved, self._last = at - self._last, at
        return moved


def axes_at(layout: Layout, at: QPointF, *, values_only: bool) -> tuple[bool, bool]:
    """Whether x and y move: one of them where the pointer is over its axis."""
    if at.x() < layout.box.left:
        return False, True
    if at.y() > layout.box.bottom:
        return True, False
    return not values_only, True


def zoomed(layout: Layout, view: View, at: QPointF, notches: float, axes: tuple[bool, bool]) -> View:
    """Nearer by so many notches of a wheel, with the place under the pointer where it is."""
    factor = ZOOM_PER_NOTCH**-notches
    x, y, whole = layout.plot.x.axis, layout.plot.y.axis, layout.whole
    if axes[0] and whole.x is not None:
        view = replace(view, x=_zoomed((x.low, x.high), x.value(at.x()), factor, whole.x))
    if axes[1] and whole.y is not None:
        view = replace(view, y=_zoomed((y.low, y.high), y.value(at.y()), factor, whole.y))
    return view


def panned(layout: Layout, view: View, by: QPointF) -> View:
    """Moved to the right and down by fractions of the width and the height; half of the picture always stays."""
    x, y = layout.plot.x.axis, layout.plot.y.axis
    if by.x() and layout.whole.x is not None:
        view = replace(view, x=_panned((x.low, x.high), -by.x(), layout.whole.x))
    if by.y() and layout.whole.y is not None:
        view = replace(view, y=_panned((y.low, y.high), by.y(), layout.whole.y))
    return view


def framed(layout: Layout, view: View, frame: QRectF) -> View:
    """What lies in a frame; the same view for a frame that is too small to be meant."""
    if frame.width() <= LEAST_PX or frame.height() <= LEAST_PX:
        return view
    x, y = layout.plot.x.axis, layout.plot.y.axis
    return replace(
        view,
        x=(x.value(frame.left()), x.value(frame.right())),
        y=(y.value(frame.bottom()), y.value(frame.top())),
    )


def _zoomed(span: Span, at: float, factor: float, whole: Span) -> Span:
    width, most = span[1] - span[0], whole[1] - whole[0]
    wanted = min(max(width * factor, most * MOST_IN), most * MOST_OUT)
    low = at - (at - span[0]) * wanted / width
    return low, low + wanted


def _panned(span: Span, by: float, whole: Span) -> Span:
    """By a fraction of the span; the middle stays on the whole, except where the span is wider than that."""
    width = span[1] - span[0]
    low = span[0] + by * width
    inside = whole[0] <= low + width / 2 <= whole[1]
    return (low, low + width) if inside or width > whole[1] - whole[0] else span
