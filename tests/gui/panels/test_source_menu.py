# SPDX-License-Identifier: Apache-2.0
"""The menu of an instrument and of its signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from monitor_app.bench.messages import Disconnect
from monitor_app.gui.context_menu import Item
from monitor_app.gui.panels.source_panel import SourcePanel
from tests.gui.conftest import StandIn, Tape, frames

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint

    from monitor_app.gui.main_window import MainWindow

    Live = tuple[MainWindow, StandIn, Tape]


def choose(panel: SourcePanel, at: QPoint, text: str) -> None:
    next(entry for entry in panel.entries(at) if isinstance(entry, Item) and entry.text == text).do()


def test_an_instrument_is_disconnected_and_its_details_are_copied(live: Live) -> None:
    window, bench, _ = live
    panel = window.parts.panel(SourcePanel)
    card = panel.cards["shunt"]
    title = card.title.mapTo(panel, card.title.rect().center())
    choose(panel, title, "Copy its details")
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "shunt"
    assert "SIMULATED" in lines
    choose(panel, title, "Disconnect")
    assert bench.commands[-1] == Disconnect("shunt")


def test_a_signal_is_shown_hidden_and_copied(live: Live) -> None:
    window, _, _ = live
    panel = window.parts.panel(SourcePanel)
    signals = panel.cards["shunt"].signals
    assert window.recording is not None
    current = next(signal for signal in window.recording.signals if signal.name == "current")
    at = signals.mapTo(panel, signals.middle_of(current.id).toPoint())
    choose(panel, at, "Copy its statistics in view")
    assert QGuiApplication.clipboard().text().splitlines()[1].split("\t")[:2] == ["current", "A"]
    choose(panel, at, "Show this signal")
    frames(window)
    assert window.signals.shown.of(current.id) is not None
    choose(panel, at, "Show this signal")
    assert window.signals.shown.of(current.id) is None
    choose(panel, at, "Show only this signal")
    assert window.signals.shown.signals == (current,)
