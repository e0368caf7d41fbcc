# SPDX-License-Identifier: Apache-2.0
"""What stands below a chart: how to read it, its numbers, and what is not in it; or the finding it is behind."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea

from monitor_app.core.formatting import three_digits
from monitor_app.gui.figures.budget import FRONT
from monitor_app.gui.figures.chart_list import FAILS, HOLDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.charts.model import Chart
    from monitor_app.gui.figures.job_messages import FindingText
    from monitor_app.gui.theme import Theme

HEIGHT_PX, FINDING_PX = 96, 168
SEEN = ("slope", "intercept", "r2", "points", "knee")
"""Beginnings of numbers that the equation of a line has, or that a ring stands for."""


class ChartText(QScrollArea):
    """Words that scroll where there are many, so that the chart keeps its place."""

    def __init__(self) -> None:
        super().__init__()
        self._label = QLabel()
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.RichText)
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setContentsMargins(16, 8, 16, 8)
        self.setWidget(self._label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(HEIGHT_PX)

    @property
    def html(self) -> str:
        """What is shown."""
        return self._label.text()

    def show_chart(
        self, chart: Chart | None, finding: FindingText | None, theme: Theme, flags: Sequence[str] = ()
    ) -> None:
        """The words of a chart, or of a finding and its chart, after what makes the compared sessions unlike."""
        self.setFixedHeight(HEIGHT_PX if finding is None else FINDING_PX)
        parts = [f'<div style="color:{theme.alarm}">{escape(flag)}</div>' for flag in flags]
        if finding is not None:
            parts.append(_finding(finding, theme))
        if chart is not None:
            parts.append(_chart(chart, theme))
        self._label.setText("".join(parts))
        self.verticalScrollBar().setValue(0)


def _chart(chart: Chart, theme: Theme) -> str:
    empty = not any(series.points for series in chart.series)
    parts = [f"<div>{escape(chart.caption)}</div>"]
    numbers = [f"{line.name}: {line.text}" for line in chart.lines if line.text and not line.name.startswith(FRONT)]
    numbers += [f"{name} {three_digits(value)}" for name, value in chart.extra.items() if not name.startswith(SEEN)]
    if numbers:
        told = " &nbsp;·&nbsp; ".join(map(escape, numbers))
        parts.append(f'<div style="color:{theme.dim}">{told}</div>')
    if chart.missing and not empty:
        told = " ".join(map(escape, chart.missing))
        parts.append(f'<div style="color:{theme.dim}">Not in it: {told}</div>')
    return "".join(parts)


def _finding(finding: FindingText, theme: Theme) -> str:
    colour = {HOLDS: theme.accuracy, FAILS: theme.power}.get(finding.verdict, theme.dim)
    mark = f' &nbsp;<span style="color:{theme.alarm}">SIMULATED</span>' if finding.simulated else ""
    rows = "".join(
        f'<tr><td style="color:{theme.dim}">{escape(what)}&nbsp;&nbsp;&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>'
        for what, value in finding.figures
    )
    notes = [f"Decided against: {finding.margin}" if finding.margin else "", finding.caution]
    return (
        f'<div><b>{escape(finding.claim)}</b> &nbsp;<b style="color:{colour}">{escape(finding.verdict)}</b>{mark}</div>'
        f"<div>{escape(finding.sentence)}</div><table cellspacing=0>{rows}</table>"
        + "".join(f'<div style="color:{theme.dim}">{escape(note)}</div>' for note in notes if note)
        + "<div>&nbsp;</div>"
    )
