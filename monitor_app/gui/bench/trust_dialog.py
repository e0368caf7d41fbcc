# SPDX-License-Identifier: Apache-2.0
"""The question about a profile that runs code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from monitor_app.gui.keyboard import letter_buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget


def ask_trust(parent: QWidget, question: str, answer: Callable[[bool], None]) -> None:
    """Ask whether the code may be run, without waiting; closing the dialog says no."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle("This profile runs code")
    box.setTextFormat(Qt.TextFormat.PlainText)  # names in it are somebody else's
    box.setText(question)
    allow = box.addButton("Allow", QMessageBox.ButtonRole.AcceptRole)
    refuse = box.addButton("Do not run", QMessageBox.ButtonRole.RejectRole)
    letter_buttons(box)
    box.setDefaultButton(refuse)
    box.setEscapeButton(refuse)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.finished.connect(lambda _: answer(box.clickedButton() is allow))
    box.open()
