# SPDX-License-Identifier: Apache-2.0
"""The row under the menus: what is done most often, how long the recording is, and SIMULATED."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from monitor_app.core.formatting import duration

BUTTONS = (
    ("desk.start_or_stop", "Start", "Start or stop the runs (Space)"),
    ("desk.add_mark", "Mark", "Mark this moment (M)"),
    ("sessions.open", "Open…", "Open a session (Ctrl+O)"),
    ("sessions.save", "Save session", "Keep this session under a name (Ctrl+S)"),
    ("figures.show", "Figures", "The figures and findings of this session (F5)"),
)


class Toolbar(QWidget):
    """Buttons, the length of the recording, and the badge."""

    asked = Signal(str)
    """(method of the window)"""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 6)
        row.setSpacing(8)
        self.buttons: dict[str, QPushButton] = {}
        for method, text, tip in BUTTONS:
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _=False, m=method: self.asked.emit(m))
            row.addWidget(button)
            self.buttons[method.partition(".")[2]] = button
        self.buttons["start_or_stop"].setMinimumWidth(76)
        self.recording = QLabel()
        self.recording.setObjectName("dim")
        row.addSpacing(8)
        row.addWidget(self.recording)
        row.addStretch()
        self.simulated = QLabel("SIMULATED")
        self.simulated.setObjectName("simulated")
        self.simulated.setToolTip("These are not measurements of a real board: a source of this session is simulated.")
        self.simulated.hide()
        row.addWidget(self.simulated)

    def show_state(
        self, *, running: bool, can_start: bool, live: bool, unsaved: bool, simulated: bool, seconds: float, alarm: str
    ) -> None:
        """``alarm``: the colour of the dot before a recording that grows."""
        start = self.buttons["start_or_stop"]
        start.setText("Stop" if running else "Start")
        start.setEnabled(can_start)
        self.buttons["add_mark"].setEnabled(live)
        self.buttons["save"].setEnabled(unsaved)
        self.simulated.setVisible(simulated)
        dot = f'<span style="color:{alarm}">●</span>&nbsp; ' if live else ""
        word = "recording" if live else "recorded"
        self.recording.setText(f"{dot}{word} {duration(seconds)}" if live or seconds else "")
