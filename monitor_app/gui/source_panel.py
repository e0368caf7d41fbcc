# SPDX-License-Identifier: Apache-2.0
"""The instruments: how each is doing, what it measures, and whether it is connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from monitor_app.core.status import SourceState
from monitor_app.gui.heading import Heading, empty
from monitor_app.gui.wording import engineering, sample_rate

if TYPE_CHECKING:
    from monitor_app.core.status import BenchStatus, SourceStatus
    from monitor_app.gui.recording import Recording
    from monitor_app.gui.theme import Theme
    from monitor_app.session.rows import SignalRow

STATE_WORDS = {
    SourceState.CONNECTING: "connecting", SourceState.STREAMING: "", SourceState.LOST: "lost, trying again",
    SourceState.FAILED: "failed", SourceState.DISCONNECTED: "disconnected",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignalLine:
    """A signal of an instrument; ``shown`` in the first pane."""

    id: int
    name: str
    detail: str
    colour: str
    shown: bool


@dataclass(frozen=True, slots=True)
class SourceCard:
    """An instrument as the panel shows it."""

    name: str
    detail: str
    colour: str
    message: str
    simulated: bool
    action: str
    """connect, disconnect, or nothing for a recorded session."""
    signals: tuple[SignalLine, ...]


def source_cards(
    recording: Recording | None, status: BenchStatus | None, shown: SignalRow | None, theme: Theme
) -> tuple[SourceCard, ...]:
    """From what the bench says and what the file holds; either may be missing."""
    rows = {row.name: row for row in recording.sources} if recording else {}
    states = {s.name: s for s in status.sources} if status else {}
    cards = []
    for name in (*states, *(n for n in rows if n not in states)):
        row, state = rows.get(name), states.get(name)
        signals = [s for s in recording.signals if row and s.source == row.id] if recording else []
        rate_hz = (state.rate_hz if state else None) or (recording.rate_hz(row.id) if recording and row else None)
        cards.append(
            SourceCard(
                name=name,
                detail=_detail(state, rate_hz),
                colour=_colour(state, theme),
                message=state.message if state else row.model if row else "",
                simulated=bool((state and state.simulated) or (row and row.simulated)),
                action=_action(state),
                signals=tuple(_signal_line(s, shown, theme) for s in signals),
            )
        )
    return tuple(cards)


def _detail(state: SourceStatus | None, rate_hz: float | None) -> str:
    if state is not None and STATE_WORDS[state.state]:
        return STATE_WORDS[state.state]
    return sample_rate(rate_hz) if rate_hz else ""


def _colour(state: SourceStatus | None, theme: Theme) -> str:
    if state is None or state.state in {SourceState.DISCONNECTED, SourceState.CONNECTING}:
        return theme.dim
    return theme.accuracy if state.state is SourceState.STREAMING else theme.alarm


def _action(state: SourceStatus | None) -> str:
    if state is None:
        return ""
    return "connect" if state.state in {SourceState.DISCONNECTED, SourceState.FAILED} else "disconnect"


def _signal_line(signal: SignalRow, shown: SignalRow | None, theme: Theme) -> SignalLine:
    unit = signal.quantity.value
    detail = (
        f"{engineering(signal.resolution, unit)} / step"
        if signal.resolution
        else "product"
        if signal.is_product
        else unit
    )
    return SignalLine(signal.id, signal.name, detail, theme.of_quantity(signal.quantity), signal == shown)


class SourcePanel(QWidget):
    """Shows cards; says which source to connect and which signal to show."""

    connect_asked = Signal(str)
    """(name of the source)"""
    disconnect_asked = Signal(str)
    signal_chosen = Signal(int)
    """(id of the signal that the first pane is to show)"""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self._cards: tuple[SourceCard, ...] | None = None
        self._rows = QVBoxLayout()
        self._rows.setSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addWidget(Heading("sources"))
        column.addLayout(self._rows)

    def show_cards(self, cards: tuple[SourceCard, ...]) -> None:
        if cards == self._cards:
            return
        self._cards = cards
        empty(self._rows)
        for card in cards:
            self._add_card(card)
        if not cards:
            self._rows.addWidget(_dim("none yet"))

    def _add_card(self, card: SourceCard) -> None:
        title = QLabel(f'<span style="color:{card.colour}">●</span>&nbsp; {card.name}')
        title.setTextFormat(Qt.TextFormat.RichText)
        row = QHBoxLayout()
        row.addWidget(title)
        row.addStretch()
        row.addWidget(_dim(card.detail))
        self._rows.addLayout(row)
        for signal in card.signals:
            self._rows.addLayout(self._signal_row(signal))
        if card.message:
            message = _dim(card.message)
            message.setWordWrap(True)
            message.setContentsMargins(17, 0, 0, 0)
            self._rows.addWidget(message)
        self._rows.addLayout(self._foot(card))

    def _signal_row(self, signal: SignalLine) -> QHBoxLayout:
        button = QPushButton(signal.name)
        button.setObjectName("word")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"Show {signal.name} in the first pane")
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        if signal.shown:
            button.setStyleSheet(f"color: {signal.colour}")
        button.clicked.connect(lambda _=False, k=signal.id: self.signal_chosen.emit(k))
        row = QHBoxLayout()
        row.setContentsMargins(17, 0, 0, 0)
        row.addWidget(button)
        row.addStretch()
        row.addWidget(_dim(signal.detail))
        return row

    def _foot(self, card: SourceCard) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(17, 0, 0, 6)
        if card.simulated:
            simulated = QLabel("SIMULATED")
            simulated.setStyleSheet(f"color: {self.theme.alarm}; font-weight: 600; font-size: 11px")
            row.addWidget(simulated)
        row.addStretch()
        if card.action:
            button = QPushButton(card.action)
            button.setObjectName("word")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            asked = self.connect_asked if card.action == "connect" else self.disconnect_asked
            button.clicked.connect(lambda _=False: asked.emit(card.name))
            row.addWidget(button)
        return row

    def set_theme(self, theme: Theme) -> None:
        self.theme, self._cards = theme, None


def _dim(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("dim")
    return label
