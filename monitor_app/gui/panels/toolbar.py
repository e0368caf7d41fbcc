# SPDX-License-Identifier: Apache-2.0
"""The row under the menus: the most frequent commands, the length of the recording, and SIMULATED."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton

from monitor_app.core.formatting import duration
from monitor_app.gui.panels.panel import Panel, Place

if TYPE_CHECKING:
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.theme import Theme

BESIDE_PX = 13
"""Between the words of a button and its edges, as the style sheet has it."""


class Toolbar(Panel):
    """Buttons, the length of the recording, and the badge."""

    place = Place.TOP
    record_stop_asked = Signal()
    start_stop_asked = Signal()
    mark_asked = Signal()
    open_asked = Signal()
    save_asked = Signal()
    figures_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.record = _button("&Record", "Record a new session and run its plan; or end the recording (Ctrl+R)")
        self.start = _button("Run &plan", "Run the plan, or stop it; the recording continues (Space)")
        self.mark = _button("Mar&k", "Mark the present moment on the time axis (M)")
        self.open = _button("&Open…", "Open a session (Ctrl+O)")
        self.save = _button("&Save session", "Save this session under a name (Ctrl+S)")
        self.figures = _button("F&igures", "Figures and findings of this session (F5)")
        for button, text in ((self.record, "Stop recording"), (self.start, "Stop plan")):
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 2 * BESIDE_PX)
        self.recording = QLabel()  # with markup, which no word of a session or an instrument is part of
        self.recording.setTextFormat(Qt.TextFormat.RichText)
        self.recording.setObjectName("dim")
        self.simulated = QLabel("SIMULATED")
        self.simulated.setObjectName("simulated")
        self.simulated.setToolTip("A source of this session is simulated: its values were not measured on a board.")
        self.simulated.hide()
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 6)
        row.setSpacing(8)
        for button in (self.record, self.start, self.mark, self.open, self.save, self.figures):
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self.recording)
        row.addStretch()
        row.addWidget(self.simulated)

    def _connect(self) -> None:
        self.record.clicked.connect(self.record_stop_asked)
        self.start.clicked.connect(self.start_stop_asked)
        self.mark.clicked.connect(self.mark_asked)
        self.open.clicked.connect(self.open_asked)
        self.save.clicked.connect(self.save_asked)
        self.figures.clicked.connect(self.figures_asked)

    def show_state(self, state: WindowState) -> None:
        self.record.setText("Stop &recording" if state.live else "&Record")
        self.record.setEnabled(state.can_start)
        self.start.setText("Stop &plan" if state.running else "Run &plan")
        self.start.setEnabled(state.live)
        self.mark.setEnabled(state.live)
        self.figures.setEnabled(state.recording is not None)
        self.save.setEnabled(state.unsaved and state.recording is not None)
        self.simulated.setVisible(state.simulated)
        flowing = state.live and not state.silent_s
        dot = f'<span style="color:{state.theme.alarm}">●</span>&nbsp; ' if flowing else ""
        word = "recording" if flowing else "no samples since" if state.live else "recorded"
        shown = state.live or state.length_s
        self.recording.setText(f"{dot}{word} {duration(state.length_s)}" if shown else "")


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
