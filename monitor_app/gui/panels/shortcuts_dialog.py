# SPDX-License-Identifier: Apache-2.0
"""The list of keyboard and mouse shortcuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QGridLayout, QLabel

from monitor_app.gui.actions import shortcut_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.actions import Command, Separator


class ShortcutsDialog(QDialog):
    """Keys on the left, the mouse on the right."""

    def __init__(
        self, parent: QWidget, commands: Sequence[Command | Separator], mouse_actions: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard and mouse shortcuts")
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(5)
        for column, rows in ((0, shortcut_table(commands)), (3, mouse_actions)):
            for row, (key, does) in enumerate(rows):
                label = QLabel(key)
                label.setObjectName("dim")
                grid.addWidget(label, row, column)
                grid.addWidget(QLabel(does), row, column + 1)
        grid.setColumnMinimumWidth(2, 28)
