# SPDX-License-Identifier: Apache-2.0
"""The instruments: those of the profile, those that were found, and one whose address is typed; each can be tested."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout

from monitor_app.bench.acquisition.discovery import open_files
from monitor_app.bench.acquisition.trial import try_source
from monitor_app.core.errors import MonitorError, ProfileError
from monitor_app.core.samples import BOARD_KINDS
from monitor_app.core.source_specs import EmulatedSpec, SerialSpec
from monitor_app.gui.new.choice import Choice
from monitor_app.gui.new.part import ProfilePart
from monitor_app.gui.panels.parts import Elided, Label, WordButton, dim_label, empty
from monitor_app.sources.discovery import find_sources
from monitor_app.sources.profile_reader import parse_source
from monitor_app.sources.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from monitor_app.core.profile import Profile
    from monitor_app.core.source_specs import SourceSpec
    from monitor_app.core.status import FoundSource
    from monitor_app.gui.tasks import Task, Tasks

ADDRESS = "port, pseudo-terminal, or HOST:PORT"
NO_SOURCE = "None: networks run, and no power is measured."
_HOST_PORT = re.compile(r"(?P<host>\[[^\]]+\]|[^/:\s]+):(?P<port>\d{1,5})")
TYPED_KINDS = tuple(kind for kind in KINDS.values() if kind.serial or kind.name == "scpi")


def typed_source(kind: str, address: str) -> dict[str, Any]:
    """The [[source]] table for an instrument of this kind at an address as people type it."""
    address = address.strip()
    network = _HOST_PORT.fullmatch(address)
    table: dict[str, Any] = {"kind": kind, **KINDS[kind].required}
    if kind != "scpi":
        table["port"] = f"socket://{address}" if network else address
    elif network:
        table["resource"] = f"TCPIP::{network['host']}::{network['port']}::SOCKET"
    else:
        table["resource"] = f"ASRL{address}::INSTR" if address.startswith("/") else address
    return table


class SourcePart(ProfilePart):
    """Sources that the profile has stand first; what can be added stands below."""

    title = "sources"

    def __init__(self, tasks: Tasks) -> None:
        super().__init__(tasks)
        self._sources: tuple[SourceSpec, ...] = ()
        self._host = ""
        """The board elsewhere that the networks run on; empty where that is this machine."""
        self._bench_pid: Callable[[], int | None] = lambda: None
        self._search_task: Task | None = None
        self.rows: list[SourceRow] = []
        self.found_rows: list[FoundRow] = []
        self.find_button = WordButton("find instruments")
        _for_keys(self.find_button)
        self.head.addWidget(self.find_button)
        self._lines, self._found = QVBoxLayout(), QVBoxLayout()
        self.nothing = dim_label(NO_SOURCE)
        for lines in (self._lines, self._found):
            lines.setSpacing(4)
            self.column.addLayout(lines)
        self.column.insertWidget(2, self.nothing)
        self.kind = Choice("Kind of instrument")
        for kind in TYPED_KINDS:
            self.kind.addItem(kind.title, kind.name)
        self.address = QLineEdit(placeholderText=ADDRESS)
        self.address.setAccessibleName("Address of the instrument")
        self.test, self.use, self.add = (QPushButton(words) for words in ("Test", "Use", "Add"))
        self.test.setToolTip("Open it for a moment, and say what it sends")
        self.use.setToolTip("Use it instead of the sources above")
        self.add.setToolTip("Use it beside the sources above")
        self.answer = Answer(tasks)
        self.row(self.kind, self.address, self.test, self.use, self.add, stretch=1)
        self.column.addWidget(self.answer)
        self.find_button.clicked.connect(self.search)
        self.test.clicked.connect(self._test_typed)
        self.use.clicked.connect(lambda: self._take_typed(instead=True))
        self.add.clicked.connect(lambda: self._take_typed(instead=False))
        self.address.textChanged.connect(self._show_typed)
        self.address.returnPressed.connect(self.test.click)
        self._show_typed()

    def know_bench(self, pid: Callable[[], int | None]) -> None:
        """The process that reads instruments of this window now, which are not to be asked what they are."""
        self._bench_pid = pid

    # -- the sources of the profile --------------------------------------------------------------

    def show_profile(self, profile: Profile) -> None:
        host = profile.board.host if profile.board is not None else ""
        if (profile.source, host) == (self._sources, self._host):
            return
        self._sources, self._host = profile.source, host
        self._show_sources()

    def _show_sources(self) -> None:
        empty(self._lines)
        self.rows = []
        for k, spec in enumerate(self._sources):
            row = SourceRow(spec, self.tasks, self, self._host if spec.kind in BOARD_KINDS else "")
            row.remove.clicked.connect(partial(self._remove, k))
            self.rows.append(row)
            self._lines.addLayout(row.line)
            self._lines.addWidget(row.answer)
        self.nothing.setVisible(not self._sources)

    def _remove(self, k: int, _: bool = False) -> None:
        self._set((*self._sources[:k], *self._sources[k + 1 :]))

    def _set(self, sources: tuple[SourceSpec, ...]) -> None:
        self._sources = sources
        self._show_sources()
        self.edited.emit()

    def take(self, table: dict[str, Any], answer: Answer, *, instead: bool) -> None:
        """Put an instrument into the profile, beside the others or ``instead`` of them."""
        others = () if instead else self._sources
        try:
            spec = parse_source(_named(table, others))
        except ProfileError as error:
            answer.say(str(error), wrong=True)
            return
        self._set((*others, spec))

    def apply(self, profile: Profile) -> Profile:
        """Combinations of sources that are gone would be refused."""
        names = {spec.name for spec in self._sources}
        gone = {spec.name for spec in profile.source} - names
        combined = tuple(
            each
            for each in profile.combination
            if not gone & {name.split("/")[0] for name in (*each.plus, *each.minus)}
        )
        changes: dict[str, object] = {"source": self._sources}
        if combined != profile.combination:
            changes["combination"] = combined
        return profile.model_copy(update=changes)

    # -- what was typed --------------------------------------------------------------------------

    def _show_typed(self) -> None:
        for button in (self.test, self.use, self.add):
            button.setEnabled(bool(self.address.text().strip()))
        self.answer.say("")

    def _typed(self) -> dict[str, Any]:
        return typed_source(self.kind.currentData(), self.address.text())

    def _test_typed(self) -> None:
        try:
            spec = parse_source(self._typed())
        except ProfileError as error:
            self.answer.say(str(error), wrong=True)
            return
        self.answer.test(spec)

    def _take_typed(self, *, instead: bool) -> None:
        self.take(self._typed(), self.answer, instead=instead)

    # -- what was found --------------------------------------------------------------------------

    def search(self) -> None:
        """Look for instruments, and ask on USB ports what is there."""
        if self._search_task is not None:
            return
        pid = self._bench_pid()
        self.find_button.setText("searching …")
        self.find_button.setEnabled(False)
        self._search_task = self.tasks.start(
            lambda stopped: find_sources(in_use=open_files(pid) if pid is not None else (), stopped=stopped),
            self._show_found,
        )

    def _show_found(self, result: object) -> None:
        self._search_task = None
        self.find_button.setText("find instruments")
        self.find_button.setEnabled(True)
        if isinstance(result, MonitorError):
            self.answer.say(str(result), wrong=True)
        elif isinstance(result, list):
            self._list_found(result)

    def _list_found(self, found: Sequence[FoundSource]) -> None:
        empty(self._found)
        self.found_rows = []
        for each in sorted(found, key=lambda one: ("emulate" in one.spec, not one.ready)):
            row = FoundRow(each)
            for button, instead in ((row.use, True), (row.add, False)):
                button.clicked.connect(
                    lambda _=False, each=each, n=instead: self.take(each.spec, self.answer, instead=n)
                )
            self.found_rows.append(row)
            self._found.addLayout(row.line)


def _named(table: dict[str, Any], others: Sequence[SourceSpec]) -> dict[str, Any]:
    """With a number where the name that its kind would give it is taken."""
    taken = {spec.name for spec in others}
    usual = parse_source(table).name
    name, number = usual, 1
    while name in taken:
        number += 1
        name = f"{usual} {number}"
    return table if name == usual else {**table, "name": name}


class Answer(Label):
    """What a test of an instrument has found, or why it failed; hidden where there is nothing to say."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks
        self._task: Task | None = None
        self.setWordWrap(True)
        self.hide()

    def test(self, spec: SourceSpec) -> None:
        """Try it beside the window; the result replaces what is said now."""
        if self._task is not None:
            self._task.stop()
        self.say(f"Testing {spec.name} …")
        self._task = self._tasks.start(lambda stopped: try_source(spec, stopped=stopped), self._show)

    def _show(self, result: object) -> None:
        self._task = None
        if isinstance(result, MonitorError):
            self.say(str(result), wrong=True)
        elif isinstance(result, list):
            self.say("  ".join(trial.sentence for trial in result))

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """Show a sentence; what is wrong, in the colour of alarms."""
        self.setObjectName("wrong" if wrong else "dim")
        self.style().unpolish(self)
        self.style().polish(self)
        self.setText(sentence)
        self.setVisible(bool(sentence))


class SourceRow:
    """One source of the profile; ``host``: the board elsewhere that measures it of itself."""

    def __init__(self, spec: SourceSpec, tasks: Tasks, parent: QWidget, host: str = "") -> None:
        self.answer = Answer(tasks)
        self.answer.setParent(parent)
        self.test, self.remove = WordButton("test"), WordButton("remove")
        name, where = Label(spec.name), Elided()
        where.set_text(f"{described(spec)}, on {host}" if host else described(spec))
        self.line = QHBoxLayout()
        self.line.setSpacing(10)
        self.line.addWidget(name)
        self.line.addWidget(where, 1)
        for button, does in ((self.test, "Test"), (self.remove, "Remove")):
            button.setAccessibleName(f"{does} {spec.name}")
            _for_keys(button)
            self.line.addWidget(button)
        seen = f"{host} measures it of itself: the test of the connection lists its rails."
        self.test.clicked.connect(lambda: self.answer.say(seen) if host else self.answer.test(spec))


class FoundRow:
    """One instrument that was found: it can be used, or what it needs first is said."""

    def __init__(self, found: FoundSource) -> None:
        usable = found.ready and bool(found.spec)
        what, where = dim_label(found.kind), Elided()
        said = found.description or found.where
        text = said if usable else f"{found.where}: {found.state}"
        where.set_text(text, f"{found.where}\n{found.description}\n{found.state}")
        self.use, self.add = WordButton("use"), WordButton("add")
        self.line = QHBoxLayout()
        self.line.setSpacing(10)
        self.line.addWidget(what)
        self.line.addWidget(where, 1)
        for button, does in ((self.use, "Use"), (self.add, "Add")):
            button.setAccessibleName(f"{does} {said}")
            _for_keys(button)
            button.setVisible(usable)
            self.line.addWidget(button)


def _for_keys(button: QPushButton) -> None:
    """Reached with Tab and pressed with Space, not by Enter in a field."""
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setAutoDefault(False)


def described(spec: SourceSpec) -> str:
    """What an instrument is, and where."""
    title = KINDS[spec.kind].title
    if isinstance(spec, EmulatedSpec) and spec.emulate:
        return f"{title}, SIMULATED on a {spec.emulate.upper()}"
    if isinstance(spec, SerialSpec):
        number = f"number {spec.serial_number}" if spec.serial_number else "on the only port that may be it"
        return f"{title}, {spec.port or spec.replay or number}"
    resource = getattr(spec, "resource", None)
    return f"{title}, {resource}" if resource else title
