# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A session that is dropped on the window is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


class FileDrop(QObject):
    """Takes the files that are dragged onto ``window``."""

    dropped = Signal(Path)
    """(the first of the files)"""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A drop is a kind of QDropEvent, and so is an enter.
        if not isinstance(event, QDragEnterEvent | QDropEvent):
            return False
        files = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if files and event.type() == QEvent.Type.DragEnter:
            event.acceptProposedAction()
        elif files and event.type() == QEvent.Type.Drop:
            event.acceptProposedAction()
            self.dropped.emit(Path(files[0]))
        return bool(files)
