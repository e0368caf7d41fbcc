# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The items of a chart: balls, bars, curves, bands and error bars. Lines are one pixel wide, for those are quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from monitor_app.charts.colours import LINE_CONTRAST, legible
from monitor_app.charts.model import Origin
from monitor_app.gui.figures.placing import BAR, PAPER, among_lines, bar_slots, is_mark
from monitor_app.gui.figures.scales import coordinates

if TYPE_CHECKING:
    from monitor_app.charts.model import Chart, Line
    from monitor_app.gui.figures.placing import Floats, Placed
    from monitor_app.gui.theme import Theme

Items: TypeAlias = "list[pg.GraphicsObject]"
SYMBOLS = ("o", "s", "d", "t1")
"""Of the sessions compared."""
FILL, DOUBT, JOINED_DOUBT = 0.78, 0.75, 0.35
"""How solid balls and error bars are; those of many lines stand at the same places."""
FADED = 0.2
"""How much is left of the others while one is looked at."""


class _Balls(pg.ScatterPlotItem):
    """Leaves the mouse to the chart, which knows all balls."""

    def mouseClickEvent(self, ev: Any) -> None:
        ev.ignore()


def colour_of(colour: str, theme: Theme) -> QColor:
    """The colour of a network on this ground."""
    return QColor(legible(colour, theme.ground, theme.text, LINE_CONTRAST))


def _faint(colour: QColor, share: float) -> QColor:
    fainter = QColor(colour)
    fainter.setAlphaF(share)
    return fainter


def _pen(colour: QColor, style: Qt.PenStyle = Qt.PenStyle.SolidLine, width: float = 1.0) -> QPen:
    pen = QPen(colour, width, style)
    pen.setCosmetic(True)
    return pen


def series_items(chart: Chart, placed: Placed, theme: Theme) -> Items:
    """What a series is drawn with, from the back to the front."""
    colour = colour_of(placed.series.colour, theme)
    items: Items = []
    if chart.bars:
        return [_bars(chart, placed, colour), *_error_bars(placed, QColor(theme.text))]
    if placed.series.joined and len(placed.points) > 1:
        style = Qt.PenStyle.DotLine if placed.of_paper else Qt.PenStyle.SolidLine
        items.append(_curve(placed.x, placed.y, _pen(_faint(colour, 0.9), style)))
    if not placed.of_paper:
        items += _error_bars(placed, _faint(colour, JOINED_DOUBT if among_lines(chart) else DOUBT))
    items.append(_balls(chart, placed, colour, theme))
    return items


def _curve(x: Floats, y: Floats, pen: QPen) -> pg.PlotCurveItem:
    return pg.PlotCurveItem(x, y, pen=pen, antialias=True, connect="finite")


def _bars(chart: Chart, placed: Placed, colour: QColor) -> pg.BarGraphItem:
    width = BAR / bar_slots(chart) * 0.94
    # Hollow: not measured here.
    brush, pen = (QColor(0, 0, 0, 0), _pen(colour)) if placed.of_paper else (_faint(colour, 0.85), _pen(colour))
    return pg.BarGraphItem(x=placed.x, y0=0.0, height=placed.y, width=width, brush=brush, pen=pen)


def _error_bars(placed: Placed, colour: QColor) -> Items:
    pen = _pen(colour)
    left, right = placed.x - placed.left, placed.right - placed.x
    bottom, top = placed.y - placed.bottom, placed.top - placed.y
    items: Items = []
    # An item for each direction: one that has no width would be drawn as a tick across.
    if np.any(left > 0) or np.any(right > 0):
        items.append(pg.ErrorBarItem(x=placed.x, y=placed.y, left=left, right=right, beam=0.0, pen=pen))
    if np.any(bottom > 0) or np.any(top > 0):
        items.append(pg.ErrorBarItem(x=placed.x, y=placed.y, bottom=bottom, top=top, beam=0.0, pen=pen))
    return items


def _balls(chart: Chart, placed: Placed, colour: QColor, theme: Theme) -> pg.ScatterPlotItem:
    if placed.of_paper or is_mark(chart, placed.series):
        # Hollow: not measured here, or drawn over what was.
        return _Balls(
            x=placed.x, y=placed.y, size=placed.size_px, symbol="o", pxMode=True, antialias=True,
            pen=_pen(colour), brush=QColor(0, 0, 0, 0),
        )  # fmt: skip
    symbols = [SYMBOLS[p.campaign % len(SYMBOLS)] for p in placed.points]
    sized = chart.size_title and placed.points[0].size is not None
    return _Balls(
        x=placed.x, y=placed.y, size=placed.size_px, symbol=symbols, antialias=True, pxMode=True,
        brush=_faint(colour, FILL if sized else 1.0), pen=_pen(QColor(theme.ground)),
    )  # fmt: skip


def line_items(chart: Chart, line: Line, theme: Theme) -> Items:
    """A fit, a bound or a front, with its band."""
    x, y = coordinates(chart.x.scale, line.x), coordinates(chart.y.scale, line.y)
    style, colour = line_look(line, theme)
    curve = _curve(x, y, _pen(colour, style))
    if not (line.low and line.high):
        return [curve]
    edges = [_curve(x, coordinates(chart.y.scale, ends), QPen(Qt.PenStyle.NoPen)) for ends in (line.low, line.high)]
    band = pg.FillBetweenItem(*edges, brush=_faint(QColor(theme.dim), 0.16), pen=QPen(Qt.PenStyle.NoPen))
    return [band, *edges, curve]


def line_look(line: Line, theme: Theme) -> tuple[Qt.PenStyle, QColor]:
    """Solid: of what was measured; dashed: fitted; dotted: from the paper."""
    if line.origin in PAPER:
        return Qt.PenStyle.DotLine, QColor(theme.dim)
    if line.origin is Origin.FITTED:
        return Qt.PenStyle.DashLine, QColor(theme.text)
    return Qt.PenStyle.SolidLine, QColor(theme.dim)
