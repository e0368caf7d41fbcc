# SPDX-License-Identifier: Apache-2.0
"""Power against time: mean over its envelope, what the levels are, and the swing between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPen, QPolygonF

from monitor_app.charts.canvas import BODY, SMALL
from monitor_app.core.runs import RunState
from monitor_app.exports.panes import draw_frame, draw_grounds, draw_key, draw_message, draw_words, polyline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from monitor_app.charts.axis import Axis
    from monitor_app.exports.panes import Pane
    from monitor_app.exports.session_figure import Figure, Work
    from monitor_app.session.waveform import Envelope

    Indices: TypeAlias = NDArray[np.intp]

_DASHES = ((6.0, 3.0), (1.5, 2.5), (8.0, 3.0, 2.0, 3.0), (12.0, 3.0))


def draw_power(pane: Pane, figure: Figure) -> None:
    """The whole pane with the levels beside it."""
    draw_grounds(pane, figure)
    envelope = figure.power if figure.power is not None and len(figure.power) else None
    if envelope is None and not figure.others:
        draw_frame(pane, "power (W)", None)
        draw_message(pane, "no power in this part" if figure.power is not None else "total power not measured")
        return
    axis = _axis(pane, figure, envelope)
    draw_frame(pane, "power (W)", axis)
    pane.clipped(lambda: _draw_holes(pane, figure))
    if envelope is not None:
        pane.clipped(lambda: _draw_trace(pane, axis, envelope))
    pane.clipped(lambda: _draw_others(pane, axis, figure))
    draw_words(pane, figure, lambda work: _names(pane, work), may_cut=True)
    if figure.others:
        draw_key(pane, _key(pane, figure, envelope))
    _draw_levels(pane, axis, figure)


def _axis(pane: Pane, figure: Figure, envelope: Envelope | None) -> Axis:
    """The columns of the total, the lines of the others, and the levels are to be seen."""
    levels = [each for each in (figure.idle_w, figure.full_w) if each is not None]
    highs = [float(envelope.maximum.max())] if envelope is not None else []
    lows = [float(envelope.minimum.min())] if envelope is not None else []
    for other in figure.others:
        highs.append(float(other.envelope.mean.max()))
        lows.append(float(other.envelope.mean.min()))
    high, low = max(*highs, *levels, 1e-9), min(*lows, 0.0)
    return pane.scale(low, high + 0.03 * (high - low))


def _draw_others(pane: Pane, axis: Axis, figure: Figure) -> None:
    """Means as lines that differ in their dashes, for a page without colours."""
    painter = pane.sheet.painter
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for k, other in enumerate(figure.others):
        painter.setPen(_dashed(pane, k))
        for piece in _pieces(other.envelope):
            middle = (other.envelope.start_ns[piece] + other.envelope.end_ns[piece]) / 2
            painter.drawPolyline(polyline(pane.time.places(middle), axis.places(other.envelope.mean[piece])))


def _dashed(pane: Pane, k: int) -> QPen:
    pen = pane.sheet.pen(pane.sheet.palette.text, 1.2, alpha=200)
    pen.setDashPattern(list(_DASHES[k % len(_DASHES)]))
    return pen


def _key(pane: Pane, figure: Figure, envelope: Envelope | None) -> Sequence[tuple[str, Callable[[QPointF], None]]]:
    """A stretch of each line before its name, shortened to the room there is."""
    sheet = pane.sheet
    pens = [sheet.pen(sheet.palette.power, 1.6)] if envelope is not None else []
    names = [figure.power_name] if envelope is not None else []
    pens += [_dashed(pane, k) for k in range(len(figure.others))]
    names += [other.name for other in figure.others]
    room = sheet.width - pane.area.right() - 2.2 * sheet.unit

    def sign(pen: QPen) -> Callable[[QPointF], None]:
        def draw(at: QPointF) -> None:
            sheet.painter.setPen(pen)
            half = 0.7 * sheet.unit
            sheet.painter.drawLine(QLineF(at.x() - half, at.y(), at.x() + half, at.y()))

        return draw

    return [(sheet.elided(name, room, SMALL), sign(pen)) for name, pen in zip(names, pens, strict=True)]


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
    pieces = _pieces(envelope)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(sheet.colour(sheet.palette.power, 105))
    for piece in pieces:
        painter.drawPolygon(_outline(pane, axis, envelope, piece))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(sheet.pen(sheet.palette.power, 1.2))
    for piece in pieces:
        middle = (envelope.start_ns[piece] + envelope.end_ns[piece]) / 2
        painter.drawPolyline(polyline(pane.time.places(middle), axis.places(envelope.mean[piece])))


def _pieces(envelope: Envelope) -> list[Indices]:
    """Groups between one hole and the next."""
    edges = np.flatnonzero(envelope.start_ns[1:] > envelope.end_ns[:-1]) + 1
    return np.split(np.arange(len(envelope)), edges)


def _outline(pane: Pane, axis: Axis, envelope: Envelope, piece: Indices) -> QPolygonF:
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
    key_px = 1.4 * unit * (len(figure.others) + 1) if figure.others else 0.0
    highest = area.top() + key_px + height / 2
    places = _spread([y for y, _, _ in labels], height, highest, area.bottom() - height / 2)
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
