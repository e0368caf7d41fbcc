# SPDX-License-Identifier: Apache-2.0
"""Latency of each forward pass and accuracy so far, on the time axis of the power."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.charts.axis import time_unit
from monitor_app.exports.panes import draw_frame, draw_grounds, draw_key, draw_message, draw_words, polyline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from monitor_app.charts.axis import Axis, TimeUnit
    from monitor_app.exports.panes import Pane
    from monitor_app.exports.session_figure import Figure, RunningAccuracy, Work

_PALE = 95


def draw_latency(pane: Pane, figure: Figure) -> None:
    """A point a pass, those that count in full colour; p50 of each run in the strip."""
    draw_grounds(pane, figure)
    seconds, timed = figure.latencies.seconds, figure.latencies.timed
    if len(seconds) == 0:
        draw_frame(pane, "latency", None)
        draw_message(pane, "no inference in this part")
        return
    top_s = _upper_end(seconds, timed)
    unit = time_unit(top_s)
    axis = pane.scale(0.0, 1.08 * top_s / unit.seconds)
    draw_frame(pane, f"latency ({unit.name})", axis, up_to=1.08 * top_s / unit.seconds)
    beyond = seconds > top_s
    x, y = pane.time.places(figure.latencies.at_ns), axis.places(np.minimum(seconds, top_s) / unit.seconds)
    _draw_points(pane, x[~timed & ~beyond], y[~timed & ~beyond], _PALE)
    _draw_points(pane, x[timed], y[timed], 230)
    for at in x[beyond].tolist():
        _draw_beyond(pane, QPointF(at, axis.place(top_s / unit.seconds)))
    pane.clipped(lambda: _draw_medians(pane, axis, figure, unit.seconds))
    draw_words(pane, figure, lambda work: _median(pane, work, unit))
    entries: list[tuple[str, Callable[[QPointF], None]]] = [
        ("timed pass", lambda at: _dot(pane, at, 230)),
        ("other pass", lambda at: _dot(pane, at, _PALE)),
        ("p50 of timed", lambda at: _stroke(pane, at, pane.sheet.palette.text)),
    ]
    if beyond.any():
        entries.append(("beyond", lambda at: _draw_beyond(pane, at)))
    draw_key(pane, entries)


def draw_accuracy(pane: Pane, figure: Figure) -> None:
    """Share of right first answers so far, with its interval; right of all images in the strip."""
    draw_grounds(pane, figure)
    if not figure.accuracy:
        reasons = {work.accuracy_note for work in figure.work} - {""}
        draw_frame(pane, "top-1 (%)", None)
        draw_message(pane, "accuracy not measured" + (f": {reasons.pop()}" if len(reasons) == 1 else ""))
        return
    axis = pane.scale(0.0, 103.0)
    draw_frame(pane, "top-1 (%)", axis, up_to=100.0)
    for curve in figure.accuracy:
        pane.clipped(partial(_draw_running, pane, axis, curve))
    draw_words(pane, figure, lambda work: _right_of_all(pane, work))
    draw_key(
        pane,
        [
            ("so far", lambda at: _stroke(pane, at, pane.sheet.palette.accuracy)),
            ("95 % (Wilson)", lambda at: _swatch(pane, at)),
        ],
    )


def _upper_end(seconds: NDArray[np.float64], timed: NDArray[np.bool_]) -> float:
    """The slowest timed pass, or of any where that is near: a cold first pass may not flatten all the others."""
    slowest = float(seconds.max())
    slowest_timed = float(seconds[timed].max(initial=0.0))
    return slowest if slowest <= 3 * slowest_timed or slowest_timed == 0 else 1.1 * slowest_timed


def _median(pane: Pane, work: Work, unit: TimeUnit) -> Sequence[tuple[str, str]]:
    if work.p50_s is None:
        return []
    value = f"{work.p50_s / unit.seconds:.3g}"
    return [(f"{value} {unit.name}", pane.sheet.palette.latency), (value, pane.sheet.palette.latency)]


def _draw_medians(pane: Pane, axis: Axis, figure: Figure, unit_s: float) -> None:
    pane.sheet.painter.setPen(pane.sheet.pen(pane.sheet.palette.text, 1.2))
    for work in figure.work:
        if work.p50_s is not None and work.timed_ns is not None:
            y = axis.place(work.p50_s / unit_s)
            left, right = (pane.time.place(at) for at in work.timed_ns)
            pane.sheet.painter.drawLine(QLineF(left, y, right, y))


def _right_of_all(pane: Pane, work: Work) -> Sequence[tuple[str, str]]:
    palette = pane.sheet.palette
    if work.top1 is None:
        return [] if work.state else [("not measured", palette.dim), ("not meas.", palette.dim)]
    return [
        (f"{work.top1.correct} of {work.top1.images}", palette.accuracy),
        (f"{work.top1.correct}/{work.top1.images}", palette.accuracy),
    ]


def _draw_points(pane: Pane, x: NDArray[np.float64], y: NDArray[np.float64], alpha: int) -> None:
    """Points that would hide each other are drawn once, so that a long session stays quick and its file small."""
    if len(x) == 0:
        return
    places = np.unique(np.round(np.column_stack((x, y)) * 2), axis=0) / 2
    pen = pane.sheet.pen(pane.sheet.palette.latency, 3.0, alpha=alpha)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pane.sheet.painter.setPen(pen)
    pane.sheet.painter.drawPoints(polyline(places[:, 0], places[:, 1]))


def _dot(pane: Pane, at: QPointF, alpha: int) -> None:
    _draw_points(pane, np.array([at.x()]), np.array([at.y()]), alpha)


def _draw_beyond(pane: Pane, at: QPointF) -> None:
    """A pass that took longer than the scale is long."""
    painter, size = pane.sheet.painter, 0.22 * pane.sheet.unit
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(pane.sheet.colour(pane.sheet.palette.latency, 150))
    corners = [QPointF(0, -size), QPointF(-size, size), QPointF(size, size)]
    painter.drawPolygon(QPolygonF([at + corner for corner in corners]))


def _draw_running(pane: Pane, axis: Axis, curve: RunningAccuracy) -> None:
    painter, sheet = pane.sheet.painter, pane.sheet
    x = pane.time.places(curve.at_ns)
    low, share, high = (axis.places(values * 100) for values in (curve.low, curve.share, curve.high))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(sheet.colour(sheet.palette.accuracy, 60))
    painter.drawPolygon(polyline(np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1]))))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(sheet.pen(sheet.palette.accuracy, 1.6))
    painter.drawPolyline(polyline(x, share))
    # Where it ended is the result, and it is seen even where the whole curve is a few pixels wide.
    end, half = x[-1], 0.25 * sheet.unit
    painter.drawLine(QLineF(end, low[-1], end, high[-1]))
    for y in (low[-1], high[-1]):
        painter.drawLine(QLineF(end - half, y, end + half, y))
    painter.setBrush(sheet.colour(sheet.palette.accuracy))
    painter.drawEllipse(QPointF(end, share[-1]), 0.17 * sheet.unit, 0.17 * sheet.unit)


def _stroke(pane: Pane, at: QPointF, colour: str) -> None:
    half = 0.5 * pane.sheet.unit
    pane.sheet.painter.setPen(pane.sheet.pen(colour, 1.4))
    pane.sheet.painter.drawLine(QLineF(at.x() - half, at.y(), at.x() + half, at.y()))


def _swatch(pane: Pane, at: QPointF) -> None:
    half = 0.5 * pane.sheet.unit
    pane.sheet.painter.setPen(Qt.PenStyle.NoPen)
    pane.sheet.painter.setBrush(pane.sheet.colour(pane.sheet.palette.accuracy, 60))
    pane.sheet.painter.drawRect(QRectF(at.x() - half, at.y() - 0.7 * half, 2 * half, 1.4 * half))
