# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A session in a list: a small picture of its power, what it is, and buttons for what can be done with it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from monitor_app.gui.panels.parts import Elided, Shrinking
from monitor_app.gui.theme import DARK, LIGHT

if TYPE_CHECKING:
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from monitor_app.gui.session_files.facts import SessionFacts

TRACE_PX = QSize(150, 40)
WORDS = {"open": "Open", "save": "Save as…", "discard": "Discard…"}


class SessionRow(QWidget):
    """One session; a double click is asked for as its first button is."""

    asked = Signal(str)
    """(which button: one of WORDS)"""

    def __init__(self, facts: SessionFacts, actions: tuple[str, ...], *, name: str = "") -> None:
        """``actions``: which of WORDS have a button, from the left; ``name`` is said before the title."""
        super().__init__()
        self.facts = facts
        self.buttons = {action: self._button(action) for action in actions}
        if "open" in self.buttons:
            self.buttons["open"].setEnabled(not facts.problem)
        title, summary, simulated = Shrinking(), Elided(), QLabel("SIMULATED")
        title.setObjectName("")
        simulated.setObjectName("simulatedWord")
        said = [each for each in (name, facts.title) if each and each != facts.path.stem]
        title.set_text("   ·   ".join(said) or facts.title, str(facts.path))
        summary.set_text(facts.summary, facts.problem)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.addWidget(Thumbnail(facts), 0, 0, 2, 1)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(title)
        head.addWidget(simulated)
        head.addStretch(1)
        grid.addLayout(head, 0, 1)
        simulated.setVisible(facts.simulated)  # now that it is a part of the row, and no window
        grid.addWidget(summary, 1, 1)
        grid.setColumnStretch(1, 1)
        line = QHBoxLayout()
        line.setSpacing(8)
        for button in self.buttons.values():
            line.addWidget(button)
        grid.addLayout(line, 0, 2, 2, 1)

    def _button(self, action: str) -> QPushButton:
        button = QPushButton(WORDS[action])
        button.setAccessibleName(f"{WORDS[action].removesuffix('…')} {self.facts.title}, {self.facts.summary}")
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self.asked.emit(action))
        return button

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        first = next(iter(self.buttons.values()))
        if event.button() == Qt.MouseButton.LeftButton and first.isEnabled():
            first.click()


class Thumbnail(QWidget):
    """The power over the whole session, from zero or its smallest value to its largest."""

    def __init__(self, facts: SessionFacts) -> None:
        super().__init__()
        self._there = [(k, low, high) for k, (low, high) in enumerate(facts.trace) if math.isfinite(low)]
        self._columns = len(facts.trace)
        self.setFixedSize(TRACE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = self.palette().highlight().color()
        painter = QPainter(self)
        painter.fillRect(self.rect(), ground)
        if not self._there:
            return
        bottom, top = min(0.0, *(low for _, low, _ in self._there)), max(high for _, _, high in self._there)
        scale = (TRACE_PX.height() - 6) / max(top - bottom, 1e-12)
        across = TRACE_PX.width() / self._columns

        def point(k: int, value: float) -> QPointF:
            return QPointF((k + 0.5) * across, TRACE_PX.height() - 3 - (value - bottom) * scale)

        painter.setPen(QColor((DARK if ground.lightness() < 128 else LIGHT).power))
        for k, low, high in self._there:
            painter.drawPolyline(QPolygonF([point(k, low), point(k, high)]))
        for (k, _, high), (later, low, _) in itertools.pairwise(self._there):
            if later == k + 1:
                painter.drawLine(point(k, high), point(later, low))
