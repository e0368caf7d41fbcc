# SPDX-License-Identifier: Apache-2.0
"""Where the networks run: on this machine, or on a board elsewhere that is reached over ssh."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QCompleter, QDoubleSpinBox, QGridLayout, QLineEdit, QPushButton, QWidget

from monitor_app.core.profile import Board
from monitor_app.gui.new.board_hosts import known_hosts
from monitor_app.gui.new.board_lines import BoardLines
from monitor_app.gui.new.board_trial import BoardTrial, look_at
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart
from monitor_app.gui.panels.parts import WordButton, dim_label
from monitor_app.gui.theme import with_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor_app.core.profile import Profile
    from monitor_app.gui.new.board_trial import Look
    from monitor_app.gui.tasks import Tasks

THIS = "this machine"
TEST, STOP = "Test the connection", "Stop the test"
STOPPED = "The test was stopped."
MISTAKE = "There is a mistake in the profile, which is said under its text: put it right first."
USUAL = {name: field.default for name, field in Board.model_fields.items()}
HINTS = {
    "python": "What runs the agent there, Python 3.6 or later",
    "inference_python": "What runs the networks there, such as the Python of a virtual environment with torch",
    "env": "Variables of the processes there: NAME=VALUE NAME=VALUE",
    "ssh": "The command, with options that ~/.ssh/config does not have",
}


class BoardPart(ProfilePart):
    """The host is typed as after `ssh`; what few need is folded away."""

    title = "networks run on"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self.look: Look = look_at
        """Asks the board; for tests."""
        self._allowed: Callable[[Profile, Callable[[], None]], None] = lambda _, go_on: go_on()
        self._profile: Profile | None = None
        self._trial: BoardTrial | None = None
        self._shown = ""
        self.host = Choice("Board that the networks run on", editable=True)
        hosts = known_hosts()
        self.host.addItems([THIS, *hosts])
        self.host.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        # Offered below, not written into the field: "t" is no "this machine".
        completer = QCompleter(hosts, self.host)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.host.setCompleter(completer)
        self.host.setMinimumWidth(with_text(180))
        self.host.setToolTip("This machine, or a host as you type it after ssh: a name, an address, USER@HOST")
        self.test, self.advanced = QPushButton(TEST), WordButton("advanced")
        self.test.setMinimumWidth(self.test.sizeHint().width())
        self.advanced.setCheckable(True)
        self.row(self.host, self.test, self.advanced, stretch=0)
        self.fields = {name: QLineEdit() for name in ("python", "inference_python", "env", "ssh")}
        self.lease = QDoubleSpinBox(minimum=2, maximum=60, decimals=1, suffix=" s")
        self.folded = self._folded()
        self.column.addWidget(self.folded)
        self.lines = BoardLines()
        self.column.addWidget(self.lines)
        self.folded.hide()
        self._connect()
        self._show_what_can_be_done()

    def _folded(self) -> QWidget:
        folded = QWidget()
        grid = QGridLayout(folded)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        names = {"python": "Python", "inference_python": "Python with torch", "env": "environment", "ssh": "ssh"}
        for row, (name, words) in enumerate(names.items()):
            field = self.fields[name]
            field.setAccessibleName(words)
            field.setToolTip(HINTS[name])
            grid.addWidget(dim_label(words), row, 0)
            grid.addWidget(field, row, 1)
        self.fields["inference_python"].setPlaceholderText("the same")
        self.fields["env"].setPlaceholderText("NAME=VALUE")
        self.lease.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.lease.setAccessibleName("Lease")
        self.lease.setToolTip("How long the processes there live on when nothing is heard from this computer")
        self.lease.setMaximumWidth(with_text(80))
        grid.addWidget(dim_label("lease"), len(names), 0)
        grid.addWidget(self.lease, len(names), 1)
        return folded

    def _connect(self) -> None:
        self.host.editTextChanged.connect(self._type)
        self.test.clicked.connect(self._test_or_stop)
        self.advanced.toggled.connect(self.folded.setVisible)
        for field in self.fields.values():
            field.textEdited.connect(lambda _: self._change())
        self.lease.valueChanged.connect(lambda _: self._change())
        line = self.host.lineEdit()
        assert line is not None, "it can be edited"
        line.returnPressed.connect(self._test)

    def know_origin(self, allowed: Callable[[Profile, Callable[[], None]], None]) -> None:
        """``allowed`` calls what it is given once the code that this part of a profile names may be run."""
        self._allowed = allowed

    # -- the profile -----------------------------------------------------------------------------

    def show_profile(self, profile: Profile) -> None:
        before = self._profile.board if self._profile is not None else None
        self._profile = profile
        board = profile.board
        if before != board:
            self._forget()
        self._shown = THIS if board is None else board.host
        self.host.setCurrentText(self._shown)
        board = board or Board.model_construct(host="")
        self.fields["python"].setText(board.python)
        self.fields["inference_python"].setText(board.inference_python or "")
        self.fields["env"].setText(shlex.join(f"{name}={value}" for name, value in board.env.items()))
        self.fields["ssh"].setText(shlex.join(board.ssh))
        self.lease.blockSignals(True)
        self.lease.setValue(board.lease_s)
        self.lease.blockSignals(False)
        # What differs from the usual is seen.
        if board.model_fields_set - {"host"}:
            self.advanced.setChecked(True)
        self._show_what_can_be_done()

    def apply(self, profile: Profile) -> Profile:
        board = self._board(profile.board)
        self._profile = profile.model_copy(update={"board": board})
        return self._profile

    def _board(self, before: Board | None) -> Board | None:
        """As it is typed, which need not be valid; keys that the profile has, and those that are not as usual."""
        host = self.host.currentText().strip()
        if not self._elsewhere:
            return None
        inference = self.fields["inference_python"].text().strip()
        values: dict[str, Any] = {
            "host": host, "ssh": tuple(_words(self.fields["ssh"].text())),
            "python": self.fields["python"].text().strip(), "inference_python": inference or None,
            "env": _variables(self.fields["env"].text()), "lease_s": self.lease.value(),
        }  # fmt: skip
        given = before.model_fields_set if before is not None else set()
        usual = {**USUAL, "env": {}}
        kept = {name: value for name, value in values.items() if value != usual[name] or name in given}
        return Board.model_construct(_fields_set=set(kept), **values)

    @property
    def _elsewhere(self) -> bool:
        return self.host.currentText().strip().lower() not in {"", THIS}

    def _type(self, text: str) -> None:
        if text != self._shown:
            self._shown = text
            self._change()

    def _change(self) -> None:
        self._forget()
        self._show_what_can_be_done()
        self.edited.emit()

    def _show_what_can_be_done(self) -> None:
        self.test.setVisible(self._elsewhere)
        self.advanced.setVisible(self._elsewhere)
        self.folded.setVisible(self._elsewhere and self.advanced.isChecked())

    # -- the test --------------------------------------------------------------------------------

    def _test_or_stop(self) -> None:
        if self._trial is None:
            self._test()
        else:
            self._forget()
            self.lines.say(STOPPED)

    def _test(self) -> None:
        profile = self._profile
        if profile is None or profile.board is None or self._trial is not None:
            return
        if not _is_valid(profile.board):
            self.lines.say(MISTAKE, wrong=True)
            return
        alone = profile.model_copy(update={"source": (), "combination": (), "plan": None})
        self._allowed(alone, self._begin)

    def _begin(self) -> None:
        profile = self._profile
        if profile is None or profile.board is None:
            return
        self._forget()
        self.test.setText(STOP)
        self._trial = BoardTrial(self.tasks, profile.board, profile.inference.device, self.look)
        self._trial.told.connect(self.lines.say)
        self._trial.found.connect(self.lines.add)
        self._trial.ended.connect(self._end)

    def _end(self, problem: str) -> None:
        self._trial = None
        self.test.setText(TEST)
        self.lines.say(problem, wrong=True)

    def _forget(self) -> None:
        """What was found is of another board, or of another way to it."""
        trial, self._trial = self._trial, None
        if trial is not None:
            trial.stop()
        self.test.setText(TEST)
        self.lines.clear()


def _is_valid(board: Board) -> bool:
    """It may have been typed wrongly."""
    try:
        Board.model_validate(board.model_dump(warnings=False))
    except ValidationError:
        return False
    return True


def _words(text: str) -> list[str]:
    """Of a command; while a quote is open it is one word."""
    try:
        return shlex.split(text)
    except ValueError:
        return [text]


def _variables(text: str) -> dict[str, str]:
    """NAME=VALUE and so on; a word without a value has an empty one."""
    pairs = (word.partition("=") for word in _words(text))
    return {name: value for name, _, value in pairs}
