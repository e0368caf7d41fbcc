# SPDX-License-Identifier: Apache-2.0
"""The list of keys and gestures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QGridLayout, QLabel

from monitor_app.gui.actions import COMMANDS, GESTURES, key_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.gui.actions import Command


class KeyList(QDialog):
    """Keys on the left, gestures on the right."""

    def __init__(
        self,
        parent: QWidget,
        commands: Sequence[Command] = COMMANDS,
        gestures: Sequence[tuple[str, str]] = GESTURES,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and gestures")
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(5)
        for column, rows in ((0, key_table(commands)), (3, gestures)):
            for row, (key, does) in enumerate(rows):
                label = QLabel(key)
                label.setObjectName("dim")
                grid.addWidget(label, row, column)
                grid.addWidget(QLabel(does), row, column + 1)
        grid.setColumnMinimumWidth(2, 28)
