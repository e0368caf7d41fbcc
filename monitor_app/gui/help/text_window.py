# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""A text to read: the log of the window, or the user guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication, QImage, QTextCursor, QTextDocument
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QTextBrowser, QVBoxLayout, QWidget

from monitor_app.gui.keyboard import name_fields

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtCore import QUrl

PICTURE_PX = 740
LAST_BYTES = 300_000
"""As much of a log is shown, from its end."""


class LogWindow(QDialog):
    """The end of a log, its last line in view."""

    def __init__(self, parent: QWidget, file: Path) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Log: {file}")
        self.resize(900, 560)
        self._file = file
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("log")
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = buttons.addButton("Copy &all", QDialogButtonBox.ButtonRole.ActionRole)
        again = buttons.addButton("&Read again", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        again.clicked.connect(self._read)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)
        name_fields(self)
        self._read()

    def _read(self) -> None:
        self.text.setPlainText(end_of(self._file))
        self.text.moveCursor(QTextCursor.MoveOperation.End)
        self.text.moveCursor(QTextCursor.MoveOperation.StartOfLine)


class GuideWindow(QDialog):
    """A guide in Markdown; its links lead to places in it and to files beside it."""

    def __init__(self, parent: QWidget, file: Path) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(820, 680)
        self.page = Page()
        self.page.setSearchPaths([str(file.parent)])
        self.page.setMarkdown(file.read_text(encoding="utf-8"))
        self.page.setOpenExternalLinks(True)
        self.page.document().setDocumentMargin(24)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.page)


class Page(QTextBrowser):
    """Shows no picture wider than the text."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        found = super().loadResource(kind, name)
        if kind == QTextDocument.ResourceType.ImageResource.value and isinstance(found, QByteArray):
            found = QImage.fromData(found)
        if isinstance(found, QImage) and found.width() > PICTURE_PX:
            return found.scaledToWidth(PICTURE_PX, Qt.TransformationMode.SmoothTransformation)
        return found


def end_of(file: Path) -> str:
    """The last lines of a log; a sentence where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(file.stat().st_size - LAST_BYTES, 0))
            return stream.read().decode(errors="replace")
    except OSError as error:
        return f"There is no log to show ({error.strerror})."
