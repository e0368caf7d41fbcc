# SPDX-License-Identifier: Apache-2.0
"""What the window shows without a session and without a bench: how to begin, and the sessions there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from monitor_app.gui.panels.parts import Label, SectionHeader, dim_label
from monitor_app.gui.session_files.session_row import SessionRow
from monitor_app.gui.session_files.unsaved_list import UnsavedList
from monitor_app.gui.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session_files.facts import SessionFacts

WHAT = "Power, latency and accuracy of neural networks on a board, on one time axis."
NO_SESSIONS = "There are no sessions yet. The simulated board needs no hardware: its power rises and falls in seconds."
TITLE_PX, WIDEST_PX = 20, 860


class StartPage(QScrollArea):
    """Shows what has been found once it has been read."""

    new_asked = Signal()
    """Set up a new session."""
    open_asked = Signal()
    """Choose a session file."""
    simulated_asked = Signal()
    """Record the simulated board."""
    recent_asked = Signal(Path)
    """(saved session to show)"""

    def __init__(self) -> None:
        super().__init__()
        self.new, self.open, self.simulated = (
            QPushButton(text) for text in ("New…", "Open session…", "Try the simulated board")
        )
        self.new.setToolTip("Choose instruments and networks, and record")
        self.open.setToolTip("Open a recorded session (Ctrl+O)")
        self.simulated.setToolTip("Record a board that is simulated on this machine; everything is marked SIMULATED")
        self.unsaved = UnsavedList()
        self.recent: dict[Path, SessionRow] = {}
        self._unsaved_header = SectionHeader("Unsaved recordings")
        self._recent_header = SectionHeader("Recent sessions")
        self._recent_column = _column(14)
        self._none = dim_label(NO_SESSIONS)
        self._none.setWordWrap(True)
        self._arrange()
        self._connect()
        self.show_sessions((), (), read=False)

    def _arrange(self) -> None:
        title = Label("monitor-app")
        title.setFont(ui_font(TITLE_PX, QFont.Weight.DemiBold))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.new, self.open, self.simulated):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = _column(12)
        column.setContentsMargins(24, 36, 24, 24)
        column.addWidget(title)
        column.addWidget(dim_label(WHAT))
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addSpacing(16)
        for part in (self._none, self._unsaved_header, self.unsaved):
            column.addWidget(part)
        column.addSpacing(8)
        column.addWidget(self._recent_header)
        column.addLayout(self._recent_column)
        column.addStretch(1)
        inner, page = QWidget(), QWidget()
        inner.setLayout(column)
        inner.setMaximumWidth(WIDEST_PX)
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(inner, 100)
        row.addStretch(1)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _connect(self) -> None:
        self.new.clicked.connect(self.new_asked)
        self.open.clicked.connect(self.open_asked)
        self.simulated.clicked.connect(self.simulated_asked)

    def show_sessions(
        self, unsaved: Sequence[SessionFacts], recent: Sequence[SessionFacts], *, read: bool = True
    ) -> None:
        """These instead of all that were shown before; until they have been ``read``, nothing is said of them."""
        self.unsaved.show_sessions(unsaved)
        for part in (self._unsaved_header, self.unsaved):
            part.setVisible(bool(unsaved))
        for row in self.recent.values():
            self._recent_column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.recent = {facts.path: self._row(facts) for facts in recent}
        for row in self.recent.values():
            self._recent_column.addWidget(row)
        self._recent_header.setVisible(bool(recent))
        self._none.setVisible(read and not unsaved and not recent)

    def _row(self, facts: SessionFacts) -> SessionRow:
        row = SessionRow(facts, ("open",), name=facts.path.name)
        row.asked.connect(lambda _: self.recent_asked.emit(facts.path))
        return row


def _column(spacing_px: int) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing_px)
    return column
