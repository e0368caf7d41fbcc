# SPDX-License-Identifier: Apache-2.0
"""The row over the figures: their commands, the sessions they are compared with, and SIMULATED."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from monitor_app.gui.keyboard import letter_after
from monitor_app.gui.panels.parts import dim_label, empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QAction

PROGRESS_PX = 120
MENU_LETTERS = "fevh"
"""Of the menus over the row, which are File, Edit, View and Help."""
BUTTONS = (
    ("show_main", "Traces", "Back to the traces (F5)"),
    ("save .png", "PNG…", "Save the figure as a picture (Ctrl+P)"),
    ("save .svg", "SVG…", "Save the figure as a vector drawing (Ctrl+Shift+P)"),
    ("save .csv", "CSV…", "Save the values of the figure as a table (Ctrl+E)"),
    ("compare", "Compare with…", "Compare with another session in the same figures (Ctrl+O)"),
    ("show_paper", "Paper", "The values that Canziani et al. published for the Jetson TX1 (P)"),
    ("show_budget", "Budget", "Show the best network within a limit; drag its lines (B)"),
    ("use_gross", "Whole board", "Show the energy of the whole board instead of the energy above idle (G)"),
    (
        "use_macs",
        "MACs",
        "Show multiply-accumulates in place of operations, also of networks that have no count of those (M)",
    ),
)


class FiguresBar(QWidget):
    """Buttons of commands, a word for each session compared, and the badge."""

    removed = Signal(str)
    """(file name of a session)"""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 6)
        row.setSpacing(8)
        self.buttons: dict[str, QPushButton] = {}
        for name, text, tip in BUTTONS:
            button = QPushButton(text)
            button.setToolTip(tip)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
            self.buttons[name] = button
        letter_after(MENU_LETTERS, self.buttons.values())
        self._sessions = QHBoxLayout()
        row.addLayout(self._sessions)
        self._names: list[str] = []
        row.addStretch()
        self.state = dim_label()
        row.addWidget(self.state)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 100)
        self.progress.setFixedWidth(PROGRESS_PX)
        self.progress.setAccessibleName("share of the figures that is computed")
        self.progress.hide()
        row.addWidget(self.progress)
        self.simulated = QLabel("SIMULATED")
        self.simulated.setObjectName("simulated")
        self.simulated.setToolTip("These figures contain simulated data. Each affected value is marked SIMULATED.")
        self.simulated.hide()
        row.addWidget(self.simulated)

    def show_progress(self, fraction: float | None) -> None:
        """The share that is computed; None while nothing is."""
        self.progress.setVisible(fraction is not None)
        self.progress.setValue(round(100 * (fraction or 0.0)))

    def attach(self, name: str, action: QAction) -> None:
        """A button does what a command does, and shows whether it is on."""
        button = self.buttons[name]
        button.clicked.connect(action.trigger)
        if action.isCheckable():
            button.setCheckable(True)
            button.setChecked(action.isChecked())
            action.toggled.connect(button.setChecked)

    def show_state(self, sessions: Sequence[str], words: str, *, simulated: bool) -> None:
        """``sessions``: file names of those compared."""
        self.state.setText(words)
        self.simulated.setVisible(simulated)
        if list(sessions) == self._names:
            return
        self._names = list(sessions)
        empty(self._sessions)
        for name in sessions:
            button = QPushButton(f"{name}  \N{MULTIPLICATION SIGN}")
            button.setToolTip("Remove from comparison")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, n=name: self.removed.emit(n))
            self._sessions.addWidget(button)
