# SPDX-License-Identifier: Apache-2.0
"""One sentence that the user should read, above the panes, until it is dismissed."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from monitor_app.gui.panels.parts import Label


class MessageBar(QFrame):
    """``alarm`` for what went wrong, ``note`` for what is worth knowing."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self._label = Label()
        self._label.setWordWrap(True)
        dismiss = QPushButton("dismiss")
        dismiss.setObjectName("word")
        dismiss.setFocusPolicy(self.focusPolicy())
        dismiss.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 14, 7)
        row.addWidget(self._label, 1)
        row.addWidget(dismiss)
        self.hide()

    @property
    def text(self) -> str:
        return self._label.text()

    def alarm(self, sentence: str) -> None:
        self._say(sentence, "alarm")

    def note(self, sentence: str) -> None:
        self._say(sentence, "note")

    def dismiss(self) -> None:
        self._label.clear()
        self.hide()

    def retract(self, sentence: str) -> None:
        """Dismiss this sentence, unless another one has taken its place."""
        if sentence and self.text == sentence:
            self.dismiss()

    def _say(self, sentence: str, kind: str) -> None:
        self._label.setText(sentence)
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()
