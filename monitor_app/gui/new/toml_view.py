# SPDX-License-Identifier: Apache-2.0
"""The profile as text: what the parts write, and where anything else can be typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QSyntaxHighlighter, QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QVBoxLayout, QWidget

from monitor_app.gui.panels.parts import Label, SectionHeader
from monitor_app.gui.theme import BODY_PX, mixed, ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QTextDocument

    from monitor_app.gui.new.draft import Draft
    from monitor_app.gui.theme import Theme

WAIT_MS = 250
"""After the last key, before what was typed is read."""
_LINE = re.compile(r"line (\d+)")


class TomlView(QWidget):
    """Undo and redo (Ctrl+Z) go through what was typed and what the parts have written alike."""

    typed = Signal(str)
    """(the whole text)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.editor = QPlainTextEdit()
        self.editor.setAccessibleName("Profile in TOML")
        self.editor.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.editor.setTabChangesFocus(True)
        font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        font.setPixelSize(ui_font(BODY_PX).pixelSize())
        self.editor.setFont(font)
        self._colours = _Colours(self.editor.document(), theme)
        self.problem = Label()
        self.problem.setObjectName("wrong")
        self.problem.setWordWrap(True)
        self.problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(SectionHeader("profile"))
        column.addWidget(self.editor, 1)
        column.addWidget(self.problem)
        self._timer = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._timer.timeout.connect(self.flush)
        self._shown = ""
        self.editor.textChanged.connect(self._change)

    def show_draft(self, draft: Draft) -> None:
        """Show the text where it is another one, what is wrong with it, and the line that is."""
        if draft.text != self.editor.toPlainText():
            self._shown = draft.text
            self._replace(draft.text)
        self._shown = draft.text
        self._timer.stop()
        self.problem.setText(draft.problem)
        self.problem.setVisible(bool(draft.problem))
        self._mark_line(draft.problem)

    def flush(self) -> None:
        """Announce at once what was typed last."""
        self._timer.stop()
        text = self.editor.toPlainText()
        if text != self._shown:
            self._shown = text
            self.typed.emit(text)

    def set_theme(self, theme: Theme) -> None:
        """Use these colours from now on."""
        self._theme = theme
        self._colours.set_theme(theme)

    def _change(self) -> None:
        if self.editor.toPlainText() != self._shown:
            self._timer.start()

    def _replace(self, text: str) -> None:
        """Only what differs, so that the view stays where it is and undo brings back what was there."""
        before = self.editor.toPlainText()
        start = next(
            (k for k, (a, b) in enumerate(zip(before, text, strict=False)) if a != b), min(len(before), len(text))
        )
        room = min(len(before), len(text)) - start
        end = next((k for k in range(room) if before[-1 - k] != text[-1 - k]), room)
        cursor = QTextCursor(self.editor.document())
        # Qt counts in UTF-16.
        cursor.setPosition(_units(before[:start]))
        cursor.setPosition(_units(before[: len(before) - end]), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text[start : len(text) - end])

    def _mark_line(self, problem: str) -> None:
        found = _LINE.search(problem)
        marks = []
        if found is not None:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = QTextCursor(self.editor.document().findBlockByNumber(int(found[1]) - 1))  # type: ignore[attr-defined]
            mark.format.setBackground(mixed(self._theme.alarm, self._theme.ground, 0.25))  # type: ignore[attr-defined]
            mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)  # type: ignore[attr-defined]
            marks.append(mark)
        self.editor.setExtraSelections(marks)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Colours(QSyntaxHighlighter):
    """Comments are dim, and the heads of tables stand out."""

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self._comment, self._head, self._key = QTextCharFormat(), QTextCharFormat(), QTextCharFormat()
        self._paint(theme)

    def set_theme(self, theme: Theme) -> None:
        self._paint(theme)
        self.rehighlight()

    def _paint(self, theme: Theme) -> None:
        self._comment.setForeground(QColor(theme.dim))
        self._key.setForeground(QColor(theme.current))
        self._head.setForeground(QColor(theme.power))

    def highlightBlock(self, text: str) -> None:  # noqa: N802 (Qt names this method)
        if re.match(r"\s*\[+[\w.-]+\]+", text):
            self.setFormat(0, len(text), self._head)
        elif key := re.match(r"\s*[\w.\"-]+(?=\s*=)", text):
            self.setFormat(0, key.end(), self._key)
        quoted = False
        for k, letter in enumerate(text):
            quoted ^= letter == '"'
            if letter == "#" and not quoted:
                self.setFormat(k, len(text) - k, self._comment)
                return
