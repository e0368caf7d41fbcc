# SPDX-License-Identifier: Apache-2.0
"""What this program is, with its versions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from monitor_app.gui.help.versions import versions
from monitor_app.gui.keyboard import name_fields
from monitor_app.gui.panels.parts import Label

WHAT = "Power, latency and accuracy of neural networks on a board, measured on one time axis."
LICENCE = "Licensed under the Apache License 2.0. It comes without a warranty."


class AboutDialog(QDialog):
    """The versions can be copied for a report."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About monitor-app")
        self.rows = versions()
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        for name, version in self.rows.items():
            label, value = Label(name), Label(version)
            label.setObjectName("dim")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(label, value)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy &versions", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(14)
        column.addWidget(Label(WHAT))
        column.addLayout(form)
        column.addWidget(Label(LICENCE))
        column.addWidget(buttons)
        name_fields(self)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name} {version}" for name, version in self.rows.items()))
