# SPDX-License-Identifier: Apache-2.0
"""The card beside a point: its name and its figures with their intervals."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from monitor_app.charts.model import Origin
from monitor_app.charts.point_text import origin_words, point_lines, point_name

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF
    from PySide6.QtWidgets import QWidget

    from monitor_app.charts.model import Chart, Point, Series
    from monitor_app.gui.theme import Theme

APART_PX = 12


class HoverCard(QLabel):
    """Text over the chart that the mouse does not see."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme: Theme | None = None
        self.sessions: tuple[str, ...] = ()
        """Names of the sessions compared; none while there is one."""
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setStyleSheet(f"background: {theme.raised}; color: {theme.text}; border-radius: 4px; padding: 6px 9px;")

    def show_point(self, chart: Chart, series: Series, point: Point) -> None:
        assert self._theme is not None
        dim = self._theme.dim
        rows = "".join(
            f'<tr><td style="color:{dim}">{escape(what)}&nbsp;&nbsp;&nbsp;</td>'
            f'<td align="right" style="white-space:nowrap">{escape(value)}</td></tr>'
            for what, value in point_lines(chart, series, point)
        )
        notes = (
            [escape(self.sessions[point.campaign])]
            if len(self.sessions) > 1 and point.campaign < len(self.sessions)
            else []
        )
        if series.origin is Origin.SIMULATED:
            notes.append(f'<span style="color:{self._theme.alarm}">SIMULATED</span>')
        elif words := origin_words(series.origin):
            notes.append(words)
        if point.run_id is not None:
            notes.append("click to show its trace")
        foot = f'<div style="color:{dim}">{"&nbsp; · &nbsp;".join(notes)}</div>' if notes else ""
        self.setText(f"<b>{escape(point_name(series, point))}</b><table cellspacing=0>{rows}</table>{foot}")
        self.adjustSize()
        self.show()
        self.raise_()

    def move_beside(self, at: QPointF, radius: float) -> None:
        """Right of a place in the parent or left of it, where there is room."""
        parent = self._parent
        x = at.x() + radius + APART_PX
        if x + self.width() > parent.width() - 4:
            x = at.x() - radius - APART_PX - self.width()
        y = min(max(at.y() - self.height() / 2, 4), parent.height() - self.height() - 4)
        self.move(round(max(x, 4)), round(y))
