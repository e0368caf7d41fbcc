# SPDX-License-Identifier: Apache-2.0
"""Asks for the deadline of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

RANGE_MS, FIRST_MS = (0.001, 1e6), 33.0


def ask_deadline(parent: QWidget, deadline_ms: float | None, chosen: Callable[[float], None]) -> QInputDialog:
    """Open the dialog; ``chosen`` is called with milliseconds, unless the user cancels."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle("Deadline")
    dialog.setLabelText("A batch that takes longer has missed it (ms):")
    dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
    dialog.setDoubleDecimals(3)
    dialog.setDoubleRange(*RANGE_MS)
    dialog.setDoubleValue(deadline_ms or FIRST_MS)
    dialog.doubleValueSelected.connect(chosen)
    dialog.open()
    return dialog
