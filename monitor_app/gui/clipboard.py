# SPDX-License-Identifier: Apache-2.0
"""Putting text and pictures on the clipboard, and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QToolTip

if TYPE_CHECKING:
    from PySide6.QtGui import QImage


def copy(what: str | QImage) -> None:
    """The word "Copied" appears at the pointer: a line in the message bar would move what is under it."""
    if isinstance(what, str):
        QGuiApplication.clipboard().setText(what)
    else:
        QGuiApplication.clipboard().setImage(what)
    QToolTip.showText(QCursor.pos(), "Copied")
