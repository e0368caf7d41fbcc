# SPDX-License-Identifier: Apache-2.0
"""What a test of the connection has found: a line for each fact, and below them what is being done or went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from monitor_app.bench.board.doctor import Verdict
from monitor_app.gui.panels.parts import Label, dim_label, empty
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from monitor_app.bench.board.doctor import Check

MARKS = {Verdict.READY: ("●", "good"), Verdict.CAUTION: ("!", ""), Verdict.NOT_READY: ("●", "wrong"),
         Verdict.UNKNOWN: ("○", "dim")}  # fmt: skip
"""A mark before each line, and its style."""
NAME_PX = 76


class BoardLines(QWidget):
    """Empty and without height at first."""

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[Check] = []
        self.step = dim_label()
        self.step.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(2, 1)
        self._grid.setColumnMinimumWidth(1, with_text(NAME_PX))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._grid)
        column.addWidget(self.step)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        empty(self._grid)
        self.checks = []
        self.say("")

    def add(self, check: Check) -> None:
        """A line more, with what mends it below."""
        self.checks.append(check)
        row = self._grid.rowCount()
        mark, style = MARKS[check.verdict]
        marked, text = Label(mark), Label(check.text)
        marked.setObjectName(style)
        marked.setAccessibleName(check.verdict.value)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(marked, row, 0, top | Qt.AlignmentFlag.AlignHCenter)
        self._grid.addWidget(dim_label(check.name), row, 1, top)
        self._grid.addWidget(text, row, 2)
        if check.mend:
            mend = dim_label(f"mend it: {check.mend}")
            mend.setWordWrap(True)
            mend.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(mend, row + 1, 2)
        self.show()

    def say(self, text: str, *, wrong: bool = False) -> None:
        """What is being done, or what went wrong, in the colour of alarms."""
        self.step.setObjectName("wrong" if wrong else "dim")
        self.step.style().unpolish(self.step)
        self.step.style().polish(self.step)
        self.step.setText(text)
        self.step.setVisible(bool(text))
        self.setVisible(bool(text or self.checks))
