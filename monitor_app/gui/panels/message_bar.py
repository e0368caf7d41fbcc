# SPDX-License-Identifier: Apache-2.0
"""One sentence that the user should read, above the panes, until it is dismissed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from monitor_app.gui.keyboard import letter_after, letters_in
from monitor_app.gui.panels.parts import Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from PySide6.QtCore import SignalInstance

    class Sender(Protocol):
        """Says sentences."""

        @property
        def alarm(self) -> SignalInstance: ...
        @property
        def note(self) -> SignalInstance: ...


log = logging.getLogger(__name__)


class MessageBar(QFrame):
    """``alarm`` for what went wrong, ``note`` for what is worth knowing, ``offer`` for what a button can do."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("message")
        self._label = Label()
        self._label.setWordWrap(True)
        self.button = QPushButton()
        self.button.setObjectName("offer")
        self.button.clicked.connect(lambda: self._do_offered())
        self._offered: Callable[[], object] | None = None
        dismiss = QPushButton("&dismiss")
        dismiss.setObjectName("word")
        for each in (self.button, dismiss):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        dismiss.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 14, 7)
        row.addWidget(self._label, 1)
        row.addWidget(self.button)
        row.addWidget(dismiss)
        self.hide()

    def show_all_of(self, *senders: Sender) -> None:
        """What any of these says from now on."""
        for sender in senders:
            sender.alarm.connect(self.alarm)
            sender.note.connect(self.note)

    @property
    def text(self) -> str:
        return self._label.text()

    def alarm(self, sentence: str) -> None:
        self._say(sentence, "alarm")

    def note(self, sentence: str) -> None:
        self._say(sentence, "note")

    def offer(self, sentence: str, words: str, do: Callable[[], object], *, wrong: bool = False) -> None:
        """A sentence with a button of these words; ``wrong``: it is about what went wrong."""
        self._say(sentence, "alarm" if wrong else "note", words, do)

    def _do_offered(self) -> None:
        do = self._offered
        self.dismiss()
        if do is not None:
            do()

    def dismiss(self) -> None:
        self._label.clear()
        self.hide()

    def retract(self, sentence: str) -> None:
        """Dismiss this sentence, unless another one has taken its place."""
        if sentence and self.text == sentence:
            self.dismiss()

    def _say(self, sentence: str, kind: str, words: str = "", do: Callable[[], object] | None = None) -> None:
        log.log(logging.WARNING if kind == "alarm" else logging.INFO, "Shown: %s", sentence)
        self._label.setText(sentence)
        self._offered = do
        self.button.setText(words)
        if words:
            letter_after(letters_in(self.window()), [self.button])
        self.button.setVisible(bool(words))
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()
