# SPDX-License-Identifier: Apache-2.0
"""Grounds of the runs and of their phases, and the edges of the phases.

They are the same at every height of the panes, so one row of pixels is made of all of them and laid over each pane:
filling hundreds of rectangles in each frame takes many times as long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QColor, QImage, QTransform

from monitor_app.gui.theme import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from monitor_app.gui.plot.annotations import Interval
    from monitor_app.gui.plot.plot_state import PlotState
    from monitor_app.gui.theme import Theme

STRIP_PX = 3
LEAST_EDGED_PX = 8
"""Between the edges of a phase; those of narrower ones would fill a view of many runs."""


def phase_colours(theme: Theme) -> tuple[QColor, QColor, QColor]:
    """Of the edges of a phase, and of the strips above those that are not timed and those that are."""
    return tuple(mixed(theme.dim, theme.ground, strength) for strength in (0.55, 0.55, 1.0))  # type: ignore[return-value]


def paint_grounds(painter: QPainter, state: PlotState) -> None:
    """Behind the data of all panes, and a strip above each phase: the grounds alone are faint."""
    notes, rect = state.annotations, state.first.rect
    if not notes.runs and not notes.phases:
        return
    ground, strip = ground_rows(state, ratio := painter.deviceTransform().m11())
    for pane in state.panes:
        if not pane.over:
            _lay(painter, ground, QRectF(rect.left(), pane.rect.top(), rect.width() + 1, pane.rect.height()), ratio)
    _lay(painter, strip, QRectF(rect.left(), rect.top(), rect.width() + 1, STRIP_PX), ratio)


def ground_rows(state: PlotState, ratio: float) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The colours from the left edge of the panes to the right one: those of the panes, and those of the strip."""
    theme, rect = state.theme, state.first.rect
    ground = np.full(math.ceil((rect.width() + 1) * ratio), QColor(theme.ground).rgb(), np.uint32)
    runs, phases = _Spans.of(state.annotations.runs), _Spans.of(state.annotations.phases)
    for spans, colour, only_strong in ((runs, theme.span_soft, False), (phases, theme.span, True)):
        argb = QColor(colour).rgb()
        for left, right, strong, _, _ in spans.places(state, ratio):
            if strong or not only_strong:
                ground[left:right] = argb
    strip, wide = ground.copy(), round(ratio)
    edge, soft, full = (colour.rgb() for colour in phase_colours(theme))
    for left, right, strong, first, last in phases.places(state, ratio):
        strip[left:right] = full if strong else soft
        for at in (first, last):
            if at >= 0:
                ground[at : at + wide] = strip[at : at + wide] = edge
    return ground, strip


@dataclass(frozen=True, slots=True)
class _Spans:
    """Intervals as arrays: a session has hundreds, and all of them are asked for in each frame."""

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    strong: NDArray[np.bool_]

    @staticmethod
    @lru_cache(maxsize=8)
    def of(intervals: tuple[Interval, ...]) -> _Spans:
        return _Spans(
            np.array([each.start_s for each in intervals], np.float64),
            np.array([each.end_s for each in intervals], np.float64),
            np.array([each.strong for each in intervals], np.bool_),
        )

    def places(self, state: PlotState, ratio: float) -> Iterator[tuple[int, int, bool, int, int]]:
        """Of those in view: the pixels from which and to which it reaches, whether it is strong, and its edges.

        All from the left edge of the panes, in pixels of the screen; an edge that is not drawn is -1.
        """
        view, width = state.view, state.first.rect.width()
        seen = (self.end_s >= view.start_s) & (self.start_s <= view.end_s)
        start, end = ((each[seen] - view.start_s) * (width / view.width_s) for each in (self.start_s, self.end_s))
        left = np.maximum(start, 0.0)
        right = np.maximum(np.minimum(end, width), left + 1)
        edged = right - left >= LEAST_EDGED_PX
        first, last = (
            np.where(edged & (at >= 0) & (at <= width), np.round(np.round(at) * ratio), -1).astype(int)
            for at in (start, end)
        )
        ends = (np.round(each * ratio).astype(int).tolist() for each in (left, right))
        return zip(*ends, self.strong[seen].tolist(), first.tolist(), last.tolist(), strict=True)


def _lay(painter: QPainter, row: NDArray[np.uint32], rect: QRectF, ratio: float) -> None:
    """Over a rectangle of whatever height."""
    image = QImage(row.data, len(row), 1, 4 * len(row), QImage.Format.Format_RGB32)
    brush = QBrush(image)
    brush.setTransform(QTransform.fromTranslate(rect.left(), rect.top()).scale(1 / ratio, 1 / ratio))
    painter.fillRect(rect, brush)
