# SPDX-License-Identifier: Apache-2.0
"""Power against time: mean over its envelope, what the levels are, and the swing between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPolygonF

from monitor_app.core.runs import RunState
from monitor_app.exports.panes import draw_frame, draw_grounds, draw_message, draw_words, polyline
from monitor_app.exports.sheet import BODY, SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.exports.axes import Axis
    from monitor_app.exports.figure import Figure, Work
    from monitor_app.exports.panes import Pane
    from monitor_app.session.waveform import Envelope


def draw_power(pane: Pane, figure: Figure) -> None:
    """The whole pane with the levels beside it."""
    draw_grounds(pane, figure)
    envelope = figure.power
    if envelope is None or len(envelope) == 0:
        draw_frame(pane, "power (W)", None)
        draw_message(pane, "no power in this part" if envelope is not None else "total power not measured")
        return
    levels = [each for each in (figure.idle_w, figure.full_w) if each is not None]
    high = max(float(envelope.maximum.max()), *levels, 1e-9)
    low = min(float(envelope.minimum.min()), 0.0)
    axis = pane.scale(low, high + 0.03 * (high - low))
    draw_frame(pane, "power (W)", axis)
    pane.clipped(lambda: _draw_holes(pane, figure))
    pane.clipped(lambda: _draw_trace(pane, axis, envelope))
    draw_words(pane, figure, lambda work: _names(pane, work), may_cut=True)
    _draw_levels(pane, axis, figure)


def _names(pane: Pane, work: Work) -> Sequence[tuple[str, str]]:
    palette = pane.sheet.palette
    if work.state:
        colour = palette.alarm if work.state == RunState.FAILED.value else palette.dim
        return [(f"{work.title} {work.state}", colour), (work.state, colour)]
    return [(f"{work.title}  b{work.batch_size}", palette.text), (work.title, palette.text)]


def _draw_holes(pane: Pane, figure: Figure) -> None:
    """Lost samples: a pale column that can be seen however narrow the hole, with a foot that cannot be missed."""
    sheet, area = pane.sheet, pane.area
    sheet.painter.setPen(Qt.PenStyle.NoPen)
    for start_ns, end_ns in figure.holes:
        left, right = pane.time.place(start_ns), pane.time.place(end_ns)
        width, foot = max(right - left, 0.1 * sheet.unit), 0.3 * sheet.unit
        sheet.painter.setBrush(sheet.colour(sheet.palette.alarm, 60))
        sheet.painter.drawRect(QRectF(left, area.top() + pane.strip, width, area.height() - pane.strip))
        sheet.painter.setBrush(sheet.colour(sheet.palette.alarm))
        sheet.painter.drawRect(QRectF(left, area.bottom() - foot, width, foot))


def _draw_trace(pane: Pane, axis: Axis, envelope: Envelope) -> None:
    painter, sheet = pane.sheet.painter, pane.sheet
    edges = np.flatnonzero(envelope.start_ns[1:] > envelope.end_ns[:-1]) + 1
    pieces = np.split(np.arange(len(envelope)), edges)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(sheet.colour(sheet.palette.power, 105))
    for piece in pieces:
        painter.drawPolygon(_outline(pane, axis, envelope, piece))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(sheet.pen(sheet.palette.power, 1.2))
    for piece in pieces:
        middle = (envelope.start_ns[piece] + envelope.end_ns[piece]) / 2
        painter.drawPolyline(polyline(pane.time.places(middle), axis.places(envelope.mean[piece])))


def _outline(pane: Pane, axis: Axis, envelope: Envelope, piece: np.ndarray[tuple[int], np.dtype[np.intp]]) -> QPolygonF:
    """Columns from minimum to maximum, joined to one shape so that none overlaps the next."""
    sides = np.column_stack((envelope.start_ns[piece], envelope.end_ns[piece])).ravel()
    x = pane.time.places(sides)
    top = axis.places(np.repeat(envelope.maximum[piece], 2))
    bottom = axis.places(np.repeat(envelope.minimum[piece], 2))
    return polyline(np.concatenate((x, x[::-1])), np.concatenate((top, bottom[::-1])))


def _draw_levels(pane: Pane, axis: Axis, figure: Figure) -> None:
    """Dashed lines across, their watts beside the pane, and between the two an arrow with the swing."""
    sheet, area, unit = pane.sheet, pane.area, pane.sheet.unit
    painter, palette = sheet.painter, sheet.palette
    arrow_x = area.right() + 0.9 * unit
    labels: list[tuple[float, str, float]] = []
    for name, level_w in (("full", figure.full_w), ("idle", figure.idle_w)):
        if level_w is None:
            continue
        y = axis.place(level_w)
        painter.setPen(sheet.pen(palette.text, 1.1, alpha=170, dashed=True))
        painter.drawLine(QLineF(area.left(), y, area.right() + 1.5 * unit, y))
        labels.append((y, name, level_w))
    if figure.full_w is not None and figure.idle_w is not None:
        top, bottom = axis.place(figure.full_w), axis.place(figure.idle_w)
        _draw_arrow(pane, arrow_x, top, bottom)
        labels.insert(1, ((top + bottom) / 2, "swing", figure.full_w - figure.idle_w))
    height = 2.5 * unit
    places = _spread([y for y, _, _ in labels], height, area.top() + height / 2, area.bottom() - height / 2)
    for y, (_, name, level_w) in zip(places, labels, strict=True):
        sheet.write(arrow_x + 1.0 * unit, y - 0.6 * unit, name, palette.dim, SMALL)
        sheet.write(arrow_x + 1.0 * unit, y + 0.6 * unit, f"{level_w:.2f} W", palette.power, BODY, bold=name == "swing")


def _draw_arrow(pane: Pane, x: float, top: float, bottom: float) -> None:
    painter, sheet = pane.sheet.painter, pane.sheet
    head = min(0.35 * sheet.unit, abs(bottom - top) / 3)
    painter.setPen(sheet.pen(sheet.palette.text, 1.4))
    painter.drawLine(QLineF(x, top, x, bottom))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(sheet.colour(sheet.palette.text))
    for tip, away in ((top, 1.0 if bottom > top else -1.0), (bottom, -1.0 if bottom > top else 1.0)):
        y = tip + away * 1.6 * head
        painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - 0.6 * head, y), QPointF(x + 0.6 * head, y)]))


def _spread(wanted: list[float], height: float, lowest: float, highest: float) -> list[float]:
    """Places in the same order, ``height`` or more apart and within bounds, near to where they are wanted."""
    places: list[float] = []
    for k, y in enumerate(wanted):
        room_below = highest - (len(wanted) - 1 - k) * height
        floor = places[-1] + height if places else lowest
        places.append(max(min(y, room_below), floor))
    return places
