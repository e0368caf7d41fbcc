# SPDX-License-Identifier: Apache-2.0
"""Instruments that are connected and not in use: a button adds each, or a sentence says what it needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout

from monitor_app.core.status import IN_USE
from monitor_app.gui.panels.panel import Panel
from monitor_app.gui.panels.parts import Elided, Label, SectionHeader, WordButton, dim_label, empty
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus, FoundSource
    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.theme import Theme

LOOKS_AT_MOST_S = 60.0
"""A search that finds nothing new is not reported; after this time it has ended in any case."""


@dataclass(frozen=True, slots=True)
class FoundLine:
    """An instrument that was found, as the panel shows it."""

    kind: str
    where: str
    description: str
    problem: str
    """What it needs first; empty where it can be added."""
    spec: dict[str, Any]


def found_lines(status: BenchStatus | None) -> tuple[FoundLine, ...]:
    """What is not in use: what can be added, then what needs something, what is simulated last."""
    if status is None:
        return ()
    free = [each for each in status.found if not _in_use(each, status)]
    ordered = sorted(free, key=lambda each: ("emulate" in each.spec, not (each.ready and each.spec)))
    return tuple(_line(each, status) for each in ordered)


def _in_use(found: FoundSource, status: BenchStatus) -> bool:
    if found.state == IN_USE:
        return True
    serial_number = found.spec.get("serial_number")
    return any(
        (serial_number and source.serial_number == serial_number)
        or (found.identity == "kind" and source.kind == found.kind)
        or (found.identity == "model" and (source.kind, source.model) == (found.kind, found.description))
        for source in status.sources
    )


def _line(found: FoundSource, status: BenchStatus) -> FoundLine:
    spec = dict(found.spec)
    taken = {source.name for source in status.sources}
    if spec and "name" not in spec and found.kind in taken:
        spec["name"] = next(name for k in range(2, 100) if (name := f"{found.kind} {k}") not in taken)
    usable = found.ready and bool(spec)
    problem = "" if usable else found.state
    return FoundLine(found.kind, found.where, found.description, problem, spec if usable else {})


class DiscoveryPanel(Panel):
    """Hidden without a bench."""

    add_asked = Signal(dict)
    """(spec: a [[source]] table)"""
    find_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.lines: tuple[FoundLine, ...] | None = None
        self.add_buttons: list[WordButton] = []
        self._searching_since_s: float | None = None
        self._searches = self._searches_before = 0
        self._asked_before = False
        self._heading = SectionHeader("discovered")
        self._rows = QVBoxLayout()
        self._rows.setSpacing(3)
        self._nothing = dim_label("no other instruments")
        self.find_button = WordButton("find instruments")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 0)
        self.find_button.clicked.connect(self._search)
        self._arrange()
        self.hide()

    def join(self, bench: BenchController) -> None:
        """It looks for instruments and adds them."""
        self.find_asked.connect(bench.find_sources)
        self.add_asked.connect(bench.add_source)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(self._heading)
        head.addStretch(1)
        head.addWidget(self.find_button)
        column.addLayout(head)
        column.addWidget(self.progress)
        column.addWidget(self._nothing)
        column.addLayout(self._rows)
        self.progress.hide()
        self._nothing.hide()

    @property
    def searching(self) -> bool:
        return self._searching_since_s is not None

    def show_state(self, state: WindowState) -> None:
        status = state.status if state.live else None
        self.setVisible(status is not None)
        self._searches = status.searches if status is not None else 0
        if self._searching_since_s is not None:
            over = time.monotonic() - self._searching_since_s > LOOKS_AT_MOST_S
            if status is None or over or self._searches > self._searches_before:
                self._end_search()
        self._show_lines(found_lines(status))

    def _search(self) -> None:
        self._searching_since_s, self._asked_before = time.monotonic(), True
        self._searches_before = self._searches
        self.find_button.setText("searching …")
        self.find_button.setEnabled(False)
        self.progress.show()
        self._nothing.hide()
        self.find_asked.emit()

    def _end_search(self) -> None:
        self._searching_since_s = None
        self.find_button.setText("find instruments")
        self.find_button.setEnabled(True)
        self.progress.hide()
        self._nothing.setVisible(not self.lines)

    def _show_lines(self, lines: tuple[FoundLine, ...]) -> None:
        if lines == self.lines:
            return
        self.lines = lines
        empty(self._rows)
        self.add_buttons = []
        for line in lines:
            self._add_line(line)
        self._nothing.setVisible(not lines and self._asked_before and not self.searching)

    def _add_line(self, line: FoundLine) -> None:
        what, where = Label(line.kind), Elided()
        where.set_text(line.where, f"{line.where}\n{line.description}")
        row = QHBoxLayout()
        row.setSpacing(7)
        row.addWidget(what)
        row.addWidget(where, 1)
        if line.spec:
            add = WordButton("add")
            add.setToolTip(plain_tip(f"Add {line.description or line.kind} to this session"))
            add.clicked.connect(lambda _=False, spec=line.spec: self.add_asked.emit(spec))
            row.addWidget(add)
            self.add_buttons.append(add)
        self._rows.addLayout(row)
        if line.description not in {"", line.kind} and "emulate" not in line.spec:
            described = Elided()
            described.set_text(line.description)
            self._rows.addWidget(described)
        if line.problem:
            problem = dim_label(line.problem)
            problem.setWordWrap(True)
            self._rows.addWidget(problem)
