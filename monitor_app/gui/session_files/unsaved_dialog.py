# SPDX-License-Identifier: Apache-2.0
"""The list of the sessions that were never saved, beside the session that is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QScrollArea, QVBoxLayout, QWidget

from monitor_app.gui.keyboard import name_fields
from monitor_app.gui.session_files.unsaved_list import UnsavedList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor_app.gui.session_files.facts import SessionFacts

FIRST_PX = QSize(760, 420)


class UnsavedDialog(QDialog):
    """Shows a list once it has been read."""

    open_asked = Signal(Path)
    """(session to show in the window)"""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Unsaved recordings")
        self.resize(FIRST_PX)
        self.list = UnsavedList()
        self.list.open_asked.connect(self._open)
        self._over = False
        self.finished.connect(self._end)
        inner, area, column = QWidget(), QScrollArea(), QVBoxLayout(self)
        whole = QVBoxLayout(inner)
        whole.setContentsMargins(0, 0, 8, 0)
        whole.addWidget(self.list)
        whole.addStretch(1)
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        column.setContentsMargins(20, 16, 12, 16)
        column.addWidget(area)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column.addWidget(buttons)
        name_fields(self)

    def show_sessions(self, found: Sequence[SessionFacts]) -> None:
        """What has been found; the user may have closed the dialog meanwhile."""
        if not self._over:
            self.list.show_sessions(found)

    def _open(self, path: Path) -> None:
        self.close()
        self.open_asked.emit(path)

    def _end(self) -> None:
        self._over = True
