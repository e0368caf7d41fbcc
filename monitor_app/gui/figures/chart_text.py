# SPDX-License-Identifier: Apache-2.0
"""The text below a chart: the finding that it supports, and the notes that do not fit into the picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea

from monitor_app.analysis.findings.finding import Verdict
from monitor_app.gui.figures.chart_list import verdict_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.figures.job_messages import FindingText
    from monitor_app.gui.theme import Theme

MOST_PX = 168


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
        self.hide()

    @property
    def html(self) -> str:
        """What is shown."""
        return self._label.text()

    def show_text(
        self, finding: FindingText | None, missing: Sequence[str], theme: Theme, flags: Sequence[str] = ()
    ) -> None:
        """A finding, and what is missing in a chart, after what makes the compared sessions unlike; hides if empty."""
        parts = [f'<div style="color:{theme.alarm}">{escape(flag)}</div>' for flag in flags]
        if finding is not None:
            parts.append(_finding(finding, theme))
        if missing:
            words = " ".join(map(escape, missing))
            parts.append(f'<div style="color:{theme.dim}">Not shown: {words}</div>')
        self._label.setText("".join(parts))
        self.setVisible(bool(parts))
        wanted = self._label.heightForWidth(self.viewport().width()) if parts else 0
        self.setFixedHeight(min(max(wanted, 0), MOST_PX))
        self.verticalScrollBar().setValue(0)


def _finding(finding: FindingText, theme: Theme) -> str:
    verdict = Verdict(finding.verdict)
    colour = verdict_colour(verdict, theme)
    mark = f' &nbsp;<span style="color:{theme.alarm}">SIMULATED</span>' if finding.simulated else ""
    rows = "".join(
        f'<tr><td style="color:{theme.dim}">{escape(what)}&nbsp;&nbsp;&nbsp;&nbsp;</td><td>{escape(value)}</td></tr>'
        for what, value in finding.figures
    )
    notes = [f"Criterion: {finding.margin}" if finding.margin else "", finding.caution]
    return (
        f'<div><b>{escape(finding.claim)}</b> &nbsp;<b style="color:{colour}">{escape(verdict.marked)}</b>{mark}</div>'
        f"<div>{escape(finding.sentence)}</div><table cellspacing=0>{rows}</table>"
        + "".join(f'<div style="color:{theme.dim}">{escape(note)}</div>' for note in notes if note)
        + "<div>&nbsp;</div>"
    )
