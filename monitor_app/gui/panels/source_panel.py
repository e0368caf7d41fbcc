# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: N802 (Qt names these methods)
"""The instruments: the state of each, what it measures, and whether it is connected."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from monitor_app.gui.clipboard import copy
from monitor_app.gui.context_menu import LINE, Item, Title, menu_of, pop_up
from monitor_app.gui.panels.panel import Panel
from monitor_app.gui.panels.parts import Elided, MarkedName, SectionHeader, WordButton, dim_label
from monitor_app.gui.panels.signal_list import MARGIN_PX, SignalList
from monitor_app.gui.panels.source_cards import source_cards
from monitor_app.gui.plain_tip import plain_tip

if TYPE_CHECKING:
    from PySide6.QtGui import QContextMenuEvent

    from monitor_app.gui.bench.controller import BenchController
    from monitor_app.gui.context_menu import Entry
    from monitor_app.gui.panels.panel import WindowState
    from monitor_app.gui.panels.source_cards import SignalLine, SourceCard
    from monitor_app.gui.session.signal_selection import SignalSelection
    from monitor_app.gui.theme import Theme
    from monitor_app.gui.view_output import ViewOutput

MANY = 8
"""An instrument with more signals than this shows its powers, and the others when its list is opened."""
CLOCK_TIP = "largest possible error of a sample's time on the host's clock, and the method that gives it"
FEW = 4
"""Signals shown of an instrument without a power."""


def first_lines(lines: tuple[SignalLine, ...]) -> tuple[SignalLine, ...]:
    """What a long list shows until it is opened: powers, and all signals that are shown."""
    if len(lines) <= MANY:
        return lines
    wanted = [line for line in lines if line.is_power][:MANY] or list(lines[:FEW])
    return tuple(line for line in lines if line in wanted or line.slot is not None)


class SourcePanel(Panel):
    """A card for each source."""

    connect_asked = Signal(str)
    """(name of the source)"""
    disconnect_asked = Signal(str)
    signal_chosen = Signal(int)
    """(id of the signal to show alone)"""
    signal_toggled = Signal(int)
    """(id of the signal to show with the others, or to hide)"""
    statistics_asked = Signal(int)
    """(id of the signal whose statistics in view are to be copied)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.cards: dict[str, CardView] = {}
        """By name of the source."""
        self._rows = QVBoxLayout()
        self._rows.setSpacing(12)
        self._none = dim_label("none yet")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addWidget(SectionHeader("sources"))
        column.addWidget(self._none)
        column.addLayout(self._rows)

    def join(self, bench: BenchController, signals: SignalSelection, output: ViewOutput) -> None:
        """What is asked for here is done by these."""
        self.connect_asked.connect(bench.connect_source)
        self.disconnect_asked.connect(bench.disconnect_source)
        self.signal_chosen.connect(signals.show)
        self.signal_toggled.connect(signals.toggle)
        self.statistics_asked.connect(output.copy_statistics_of)

    def show_state(self, state: WindowState) -> None:
        self.show_cards(source_cards(state.recording, state.status, state.shown, state.theme))

    def show_cards(self, cards: tuple[SourceCard, ...]) -> None:
        names = [card.name for card in cards]
        if names != list(self.cards):
            self._make(names)
        for card in cards:
            self.cards[card.name].show_card(card, self.theme)

    def _make(self, names: list[str]) -> None:
        kept = {name: view for name, view in self.cards.items() if name in names}
        for name, view in self.cards.items():
            self._rows.removeWidget(view)
            if name not in kept:
                view.hide()
                view.deleteLater()
        self.cards = {name: kept.get(name) or self._card(name) for name in names}
        for view in self.cards.values():
            self._rows.addWidget(view)
        self._none.setVisible(not names)

    def _card(self, name: str) -> CardView:
        view = CardView(self.theme)
        view.action.clicked.connect(lambda: self._ask(name, view.action.text()))
        view.signals.chosen.connect(self.signal_chosen)
        view.signals.toggled.connect(self.signal_toggled)
        return view

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the instrument or the signal there."""
        pop_up(menu_of(self, self.entries(event.pos())), event.globalPos())

    def entries(self, at: QPoint) -> list[Entry]:
        """Of the menu at a place of the panel."""
        view = next((v for v in self.cards.values() if v.isVisible() and v.geometry().contains(at)), None)
        if view is None or view.card is None:
            return []
        card, signals = view.card, view.signals
        line = signals.line_at(QPointF(signals.mapFrom(self, at))) if signals.isVisible() else None
        return [*self._signal_entries(line), LINE, *self._card_entries(card)]

    def _signal_entries(self, line: SignalLine | None) -> list[Entry]:
        if line is None:
            return []
        return [
            Title(line.name),
            Item("Show only this signal", partial(self.signal_chosen.emit, line.id), "Click"),
            Item("Show this signal", partial(self.signal_toggled.emit, line.id), "Ctrl+click",
                 checked=line.slot is not None),
            Item("Copy its statistics in view", partial(self.statistics_asked.emit, line.id)),
        ]  # fmt: skip

    def _card_entries(self, card: SourceCard) -> list[Entry]:
        details = (card.name, card.detail, card.about, card.clock, "SIMULATED" * card.simulated, *card.notes)
        text = "\n".join(part for part in details if part)
        action = card.action
        return [
            Title(card.name),
            *([Item(action.capitalize(), partial(self._ask, card.name, action))] if action else []),
            Item("Copy its details", lambda: copy(text)),
        ]

    def _ask(self, name: str, action: str) -> None:
        (self.connect_asked if action == "connect" else self.disconnect_asked).emit(name)


class CardView(QWidget):
    """One instrument; updated in place, so that a click never lands on a line that has just been replaced."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.card: SourceCard | None = None
        self._theme = theme
        self._coloured: object = None
        self.open = False
        """Whether a long list of signals is shown whole."""
        self.title, self.detail = MarkedName(), dim_label()
        self.info = WordButton("i", name="info")
        self.info.setCheckable(True)
        self.about, self.clock = Elided(), Elided()
        self.simulated = QLabel("SIMULATED")
        self.action, self.more = WordButton(), WordButton()
        self.signals = SignalList(theme)
        self.notes, self.message = dim_label(), dim_label()
        for text in (self.notes, self.message):
            text.setWordWrap(True)
            text.setContentsMargins(MARGIN_PX, 1, 0, 1)
        self.info.toggled.connect(self.notes.setVisible)
        self.more.clicked.connect(self._open_or_close)
        self._arrange()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(_row(self.title, self.info, self.detail, indent=0))
        column.addLayout(_row(self.about, self.simulated))
        column.addLayout(_row(self.clock, self.action))
        for part in (self.notes, self.message, self.signals):
            column.addWidget(part)
        column.addLayout(_row(self.more, None))
        self.notes.hide()

    def show_card(self, card: SourceCard, theme: Theme) -> None:
        if (card, theme) == (self.card, self._theme):
            return
        self.card, self._theme = card, theme
        self.title.show_name("●", card.colour, card.name)
        self.detail.setText(card.detail)
        self.info.setVisible(bool(card.notes))
        self.info.setToolTip(plain_tip("\n".join(card.notes)))
        self.notes.setText("\n".join(card.notes))
        self.notes.setVisible(bool(card.notes) and self.info.isChecked())
        self.about.set_text(card.about)
        self.clock.set_text(card.clock, f"{card.clock}: {CLOCK_TIP}")
        self.simulated.setVisible(card.simulated)
        self.clock.setVisible(bool(card.clock or card.action))
        self.action.setText(card.action)
        self.action.setVisible(bool(card.action))
        self.message.setText(card.message)
        self.message.setVisible(bool(card.message))
        self._set_colours(card, theme)
        self._show_signals()

    def _set_colours(self, card: SourceCard, theme: Theme) -> None:
        """Style sheets are slow to set: only where they change."""
        if (card.trouble, theme) != self._coloured:
            self._coloured = (card.trouble, theme)
            alarm = f"color: {theme.alarm}"
            self.simulated.setStyleSheet(f"{alarm}; font-weight: 600; font-size: 10px")
            for label in (self.detail, self.message):
                label.setStyleSheet(alarm if card.trouble else f"color: {theme.dim}")

    def _show_signals(self) -> None:
        if self.card is None:
            return
        lines = self.card.signals
        first = first_lines(lines)
        self.signals.show_lines(lines if self.open else first, self._theme)
        self.signals.setVisible(bool(lines))
        hidden = len(lines) - len(first)
        self.more.setVisible(hidden > 0)
        self.more.setText("fewer" if self.open else f"{hidden} more")

    def _open_or_close(self) -> None:
        self.open = not self.open
        self._show_signals()


def _row(*parts: QWidget | None, indent: int = MARGIN_PX) -> QHBoxLayout:
    """Widgets side by side; None is a space that stretches."""
    row = QHBoxLayout()
    row.setContentsMargins(indent, 0, 0, 0)
    row.setSpacing(6)
    for part in parts:
        if part is None:
            row.addStretch(1)
        else:
            row.addWidget(part, 1 if isinstance(part, Elided) else 0)
    return row
