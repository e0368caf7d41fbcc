# SPDX-License-Identifier: Apache-2.0
"""The question before something that cannot be undone, and what has to be read before it is too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from monitor_app.gui.keyboard import letter_buttons

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


def tell(parent: QWidget, title: str, sentence: str) -> None:
    """A sentence, until it is dismissed: where the window with its message bar is no longer there."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)  # names in it are somebody else's
    box.setText(sentence)
    box.addButton("Close", QMessageBox.ButtonRole.AcceptRole)
    letter_buttons(box)
    box.exec()
    box.deleteLater()


def confirmed(parent: QWidget, question: str, go_on: str, stay: str = "Keep running") -> bool:
    """Whether the user goes on; Enter, Esc and closing the dialog say no. ``go_on``, ``stay``: words of the buttons."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(go_on)
    box.setTextFormat(Qt.TextFormat.PlainText)  # names in it are somebody else's
    box.setText(question)
    yes = box.addButton(go_on, QMessageBox.ButtonRole.DestructiveRole)
    no = box.addButton(stay, QMessageBox.ButtonRole.RejectRole)
    letter_buttons(box)
    box.setDefaultButton(no)
    box.setEscapeButton(no)
    box.exec()
    went_on = box.clickedButton() is yes
    box.deleteLater()
    return went_on
